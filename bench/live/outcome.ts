/** What one run of one arm came to. Plain JSON: runs are kept, and a bench that was stopped goes on. */
import type { ControlSummary } from '../../deploy/index.ts';
import { knownEnergy } from '../../deploy/testbed/load/energy.ts';
import { plugIntervals } from '../../deploy/testbed/load/plug-meters.ts';

/** Requests of one kind. */
export interface KindOutcome {
  readonly asked: number;
  readonly done: number;
  readonly errors: number;
  readonly unfinished: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Something that a controller did, for charts. */
export interface DoneAction {
  /** From the start of the load. */
  readonly atS: number;
  readonly type: string;
  readonly what: string;
}

/** Power of one interval, as it was foretold and seen. */
export interface SeenPower {
  readonly atS: number;
  readonly predictedW: number;
  readonly observedW: number;
}

export interface Outcome {
  readonly arm: string;
  readonly seed: number;
  readonly seconds: number;
  /** At the plugs of all hosts while the load lasted; hosts that are off take what the cluster file says. */
  readonly energyJ: number;
  readonly offS: number;
  readonly kinds: Readonly<Record<string, KindOutcome>>;
  /** Mean power of all hosts at their plugs, each second. */
  readonly powerW: readonly number[];
  readonly control?: {
    readonly summary: ControlSummary;
    readonly actions: readonly DoneAction[];
    readonly power: readonly SeenPower[];
    /** What is not as it was before the controller, after `wattwin restore`. */
    readonly notRestored: readonly string[];
    readonly restoreS: number;
  };
  /** Runnable processes of the machine, mean of the minute, at the beginning and at the end. */
  readonly machineLoad: readonly [number, number];
}

/** Energy and power at the plugs from the lines of `meters.jsonl`. */
export interface PlugPower {
  readonly energyJ: number;
  /** Host seconds without power. */
  readonly offS: number;
  readonly powerW: readonly number[];
}

/**
 * @param startMs Start of the load, ms since 1970.
 * @param offW Of a host that is off, which its emulated plug counts as nothing.
 */
export function plugPower(
  metersText: string,
  startMs: number,
  seconds: number,
  offW: number,
): PlugPower {
  const hosts = plugIntervals(metersText);
  const powerW: number[] = [];
  let offS = 0;
  for (let second = 0; second < Math.floor(seconds); second++) {
    const fromMs = startMs + second * 1000;
    let watts = 0;
    for (const intervals of hosts) {
      const own = meanPowerW(intervals, fromMs, fromMs + 1000);
      // Every running host takes tens of watts.
      if (own < offW) offS += 1;
      watts += Math.max(own, offW);
    }
    powerW.push(Number(watts.toFixed(3)));
  }
  const energyJ = powerW.reduce((sum, watts) => sum + watts, 0);
  return { energyJ, offS, powerW };
}

/** Mean over what is known of the time; the next known interval's where nothing is. */
function meanPowerW(
  intervals: ReturnType<typeof plugIntervals>[number],
  fromMs: number,
  toMs: number,
): number {
  const { knownMs, energyJ } = knownEnergy(intervals, fromMs, toMs);
  if (knownMs > 0) return energyJ / (knownMs / 1000);
  const next = intervals.find((one) => one.fromMs >= toMs) ?? intervals.at(-1);
  return next === undefined ? 0 : next.energyJ / ((next.toMs - next.fromMs) / 1000);
}

/** What a host is set to, where its VMs are: lines of text by host. */
export type ClusterState = Readonly<Record<string, readonly string[]>>;

/** What of `before` is not so `after`, and what is new, a sentence each. */
export function stateDifferences(before: ClusterState, after: ClusterState): string[] {
  const hosts = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return hosts.flatMap((host) => {
    const was = before[host] ?? [];
    const is = after[host] ?? [];
    return [
      ...was.filter((line) => !is.includes(line)).map((line) => `${host} lacks: ${line}`),
      ...is.filter((line) => !was.includes(line)).map((line) => `${host} now has: ${line}`),
    ];
  });
}
