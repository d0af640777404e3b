/**
 * One line of `metrics.jsonl`, in the form of DeepScale's host daemon, with what it has no place for
 * under the key `wattwin`:
 *
 *   {"timestamp": ISO, "percpu": [{"cpu", "usage_percent", "frequency_mhz", "times"}, …],
 *    "rapl_energy": {ZONE: {"current_uj", "delta_uj"}}, "wattwin": {…}}
 */
import { z } from 'zod';
import { countedEnergies, hasEnergy } from '../telemetry/host-power.ts';
import type { EnergySample, HostSample } from '../telemetry/sample.ts';

const times = z.object({
  user: z.number(),
  nice: z.number(),
  system: z.number(),
  idle: z.number(),
  iowait: z.number(),
  irq: z.number(),
  softirq: z.number(),
  steal: z.number(),
  guest: z.number(),
  guest_nice: z.number(),
});

/** A line as read; unknown keys stay. */
export const metricsLineSchema = z.looseObject({
  timestamp: z.iso.datetime({ offset: true, local: true }),
  percpu: z.array(
    z.looseObject({
      cpu: z.int().min(0),
      /** Busy share since the line before, 0 to 100. */
      usage_percent: z.number().min(0).max(101),
      frequency_mhz: z.number().positive().nullable(),
      /** Since boot, s. `guest` is part of `user`. */
      times: times.partial().optional(),
    }),
  ),
  /** µJ: the counter, and its difference since the line before. */
  rapl_energy: z.record(
    z.string(),
    z.looseObject({ current_uj: z.number(), delta_uj: z.number() }),
  ),
  wattwin: z.looseObject({ version: z.number(), host: z.string() }).optional(),
});

export type MetricsLine = z.output<typeof metricsLineSchema>;

/** What a line needs to know of the one before it. */
export type LineBefore =
  /** Nothing was written before: there is no difference that a reader could misjudge. */
  | 'none'
  /** Something was, at a time that is not known. */
  | 'unknown'
  /** Its timestamp, ms. */
  | number;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/**
 * The line of a sample.
 *
 * Readers of this form divide `delta_uj` by the time between two lines. So energies are written only
 * where both mean the same interval, and where every zone that counts has an energy to trust: a sum
 * that lacks a package would look like a host at half its power. What is left out there is under
 * `wattwin` with its doubts.
 */
export function metricsLine(
  sample: HostSample,
  before: LineBefore,
): { readonly line: MetricsLine; readonly timestampMs: number } {
  const wallMs = sample.hostWallMs ?? sample.observedAtMs;
  const expectedMs = typeof before === 'number' ? before + sample.elapsedS * 1000 : Number.NaN;
  // A `date` without fractions is off by up to 1 s.
  const toleranceMs = Number.isInteger(wallMs / 1000) ? 1100 : 50;
  const isNext = Math.abs(wallMs - expectedMs) <= toleranceMs;
  const timestampMs = isNext ? expectedMs : wallMs;
  const isSameInterval = isNext || before === 'none';
  const { ticksPerS } = sample;
  const mhz = new Map(sample.frequencies?.value.map((one) => [one.cpu, one.mhz]));
  const percpu = (sample.cpus?.value ?? []).map(({ cpu, utilization, ticks }) => {
    const frequency = mhz.get(cpu);
    const { guestNice, ...others } = ticks;
    const inTicks = Object.entries({ ...others, guest_nice: guestNice });
    return {
      cpu,
      usage_percent: round(utilization * 100, 2),
      frequency_mhz: frequency === undefined ? null : round(frequency, 3),
      times: Object.fromEntries(inTicks.map(([name, value]) => [name, value / ticksPerS])),
    };
  });
  return {
    timestampMs,
    line: {
      timestamp: new Date(timestampMs).toISOString(),
      percpu,
      rapl_energy: isSameInterval ? raplEnergy(sample.energies?.value ?? []) : {},
      wattwin: { version: 1, host: sample.host, ...details(sample) },
    },
  };
}

function raplEnergy(energies: readonly EnergySample[]): MetricsLine['rapl_energy'] {
  const counted = countedEnergies(energies);
  if (counted.length === 0 || !counted.every(hasEnergy)) return {};
  const isCounted = new Set(counted.map(({ zone }) => zone));
  const rest = energies.filter(
    ({ zone }) => !isCounted.has(zone) && !zone.startsWith('intel-rapl-mmio'),
  );
  return Object.fromEntries(
    [...rest, ...counted]
      .filter(hasEnergy)
      .map(({ label, counterUj, energyJ }) => [
        label,
        { current_uj: counterUj, delta_uj: Math.round(energyJ * 1e6) },
      ]),
  );
}

/** The sample without what the line says already. */
function details({ cpus, ...sample }: HostSample): object {
  if (cpus === undefined) return sample;
  const value = cpus.value.map(({ cpu, guestFraction, stealFraction }) => ({
    cpu,
    guestFraction,
    stealFraction,
  }));
  return { ...sample, cpus: { ...cpus, value } };
}
