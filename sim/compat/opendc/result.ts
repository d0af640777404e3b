/** What a replay gives: totals over all hosts from the first submission to the last task's end. */
import type { Hosts } from './hosts.ts';
import type { Meter } from './meter.ts';
import type { OpenDcOptions } from './run.ts';

export interface OpenDcResult {
  readonly energyJ: number;
  readonly completed: number;
  /** Time from the first submission to the end of the last task, s. */
  readonly endS: number;
  /** Grams of CO₂; null without a carbon intensity. */
  readonly carbonG: number | null;
  /** Tasks given up: too large for every host, or failed too often. */
  readonly terminated: number;
  /** Tasks without fragments, which are no part of the simulation. */
  readonly skipped: number;
  /** CPU used per capacity, over all hosts and the whole time. */
  readonly meanUtilization: number;
  /**
   * Mean of the samples of all hosts, one every `sampleMs` and a last one after the end, when all are
   * idle: what OpenDC's exported host tables average to.
   */
  readonly sampledUtilization: number;
  /** CPU work that the hosts did, MHz·s. */
  readonly workMhzS: number;
  /** J, [hosts]. */
  readonly hostEnergyJ: Float64Array;
  /** First start since the first submission, ms, NaN without one, [tasks]. */
  readonly startMs: Float64Array;
  /** End since the first submission, ms, NaN for skipped tasks, [tasks]. */
  readonly finishMs: Float64Array;
  /** Mean power of all hosts by bin of `profileMs`, W; the last bin may be cut short. */
  readonly profileW?: Float64Array;
}

/** What the service counted. */
export interface Counts {
  readonly completed: number;
  readonly terminated: number;
  readonly endMs: number;
  readonly startMs: Float64Array;
  readonly finishMs: Float64Array;
}

export function createResult(
  { tasks, carbon, sampleMs = 3_600_000, profileMs }: OpenDcOptions,
  hosts: Hosts,
  meter: Meter,
  { completed, terminated, endMs, startMs, finishMs }: Counts,
): OpenDcResult {
  const sum = (column: Float64Array): number => column.reduce((total, value) => total + value, 0);
  const capacityMhz = sum(hosts.capacityMhz);
  const samples = hosts.count * (Math.floor(endMs / sampleMs) + 1);
  return {
    energyJ: sum(meter.energyWms) / 1000,
    completed,
    endS: endMs / 1000,
    carbonG: carbon === undefined ? null : meter.carbonG(),
    terminated,
    skipped: tasks.ids.length - completed - terminated,
    meanUtilization: endMs === 0 ? 0 : sum(meter.workMhzMs) / (capacityMhz * endMs),
    sampledUtilization: sum(meter.sampled) / samples,
    workMhzS: sum(meter.workMhzMs) / 1000,
    hostEnergyJ: meter.energyWms.map((energy) => energy / 1000),
    startMs,
    finishMs,
    ...(profileMs === undefined ? {} : { profileW: profile(meter, profileMs, endMs) }),
  };
}

function profile(meter: Meter, binMs: number, endMs: number): Float64Array {
  const bins = Math.ceil(endMs / binMs);
  return Float64Array.from({ length: bins }, (_, bin) => {
    const lengthMs = Math.min(endMs, (bin + 1) * binMs) - bin * binMs;
    return meter.profileWms[bin]! / lengthMs;
  });
}
