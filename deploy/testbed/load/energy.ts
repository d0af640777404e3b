/** Energy of hosts over stretches of time, from lines of counters. */
import type { MetricsLine } from '../../metrics-file/line.ts';

/** Energy of one host between two readings. */
export interface EnergyInterval {
  readonly fromMs: number;
  readonly toMs: number;
  readonly energyJ: number;
}

/** Hosts whose energy is known for less of a phase than this have none there. */
const coverageLeast = 0.8;

/**
 * Energy of packages and DRAM between lines that have it (`core` and `uncore` lie inside a package, `psys`
 * holds everything). It is the difference of the counters, so lines without energies between them lose
 * none; across a counter that wrapped it is what the line says itself.
 */
export function energyIntervals(lines: readonly MetricsLine[]): EnergyInterval[] {
  const intervals: EnergyInterval[] = [];
  let before: { readonly ms: number; readonly zones: MetricsLine['rapl_energy'] } | undefined;
  let lineBeforeMs = Number.NaN;
  for (const { timestamp, rapl_energy } of lines) {
    const toMs = Date.parse(timestamp);
    const zones = Object.fromEntries(
      Object.entries(rapl_energy).filter(([name]) => /^(?:package|dram)/.test(name)),
    );
    if (Object.keys(zones).length > 0) {
      const counted = before === undefined ? undefined : counterEnergyJ(before.zones, zones);
      const fromMs = counted === undefined ? lineBeforeMs : before!.ms;
      const energyJ = counted ?? deltaEnergyJ(zones);
      if (energyJ !== undefined && toMs > fromMs) intervals.push({ fromMs, toMs, energyJ });
      before = { ms: toMs, zones };
    }
    lineBeforeMs = toMs;
  }
  return intervals;
}

/** What counters rose by; undefined when one fell, or there are others than before. */
function counterEnergyJ(
  before: MetricsLine['rapl_energy'],
  after: MetricsLine['rapl_energy'],
): number | undefined {
  if (Object.keys(before).length !== Object.keys(after).length) return undefined;
  let sum = 0;
  for (const [name, { current_uj }] of Object.entries(after)) {
    const rise = current_uj - (before[name]?.current_uj ?? Number.NaN);
    if (!(rise >= 0)) return undefined;
    sum += rise / 1e6;
  }
  return sum;
}

function deltaEnergyJ(zones: MetricsLine['rapl_energy']): number | undefined {
  const deltas = Object.values(zones).map(({ delta_uj }) => delta_uj);
  if (deltas.some((delta) => delta < 0)) return undefined;
  return deltas.reduce((sum, delta) => sum + delta / 1e6, 0);
}

/** What the intervals of one host tell of the time between two others: how much of it, and the energy then. */
export function knownEnergy(
  intervals: readonly EnergyInterval[],
  fromMs: number,
  toMs: number,
): { readonly knownMs: number; readonly energyJ: number } {
  let knownMs = 0;
  let energyJ = 0;
  for (const interval of intervals) {
    const insideMs = Math.min(toMs, interval.toMs) - Math.max(fromMs, interval.fromMs);
    if (insideMs <= 0) continue;
    knownMs += insideMs;
    energyJ += interval.energyJ * (insideMs / (interval.toMs - interval.fromMs));
  }
  return { knownMs, energyJ };
}

/**
 * Energy of all hosts between two times, J. A host's gaps have its mean power of the rest; undefined when
 * there is no host, or one is known for too little of the time.
 */
export function energyBetween(
  hosts: readonly (readonly EnergyInterval[])[],
  fromMs: number,
  toMs: number,
): number | undefined {
  if (hosts.length === 0) return undefined;
  let sum = 0;
  for (const intervals of hosts) {
    const { knownMs, energyJ } = knownEnergy(intervals, fromMs, toMs);
    if (knownMs < coverageLeast * (toMs - fromMs)) return undefined;
    sum += energyJ * ((toMs - fromMs) / knownMs);
  }
  return sum;
}
