/**
 * The P-state table as cpufreq sees it: frequencies in whole kHz and the three ways to find an entry
 * for a target. Core speed in MIPS stands for MHz. All stay within the limits of the sample.
 *
 * Kernel: include/linux/cpufreq.h, cpufreq_table_find_index_l, _h and _c.
 */
import type { GovernorSample } from './rule.ts';

/** Frequency of a P-state, kHz. */
export function kilohertz(sample: GovernorSample, pstate: number): number {
  return Math.round(sample.coreMips(pstate) * 1000);
}

/** The fastest P-state allowed (scaling_max_freq). */
export function fastest({ minPstate = 0 }: GovernorSample): number {
  return minPstate;
}

/** The slowest P-state allowed (scaling_min_freq). */
export function slowest({ pstates, maxPstate = pstates - 1 }: GovernorSample): number {
  return maxPstate;
}

/** `pstate`, or the nearest one allowed. */
export function within(sample: GovernorSample, pstate: number): number {
  return Math.max(fastest(sample), Math.min(slowest(sample), pstate));
}

/** Relation L: the slowest P-state at or above `kHz`; the fastest if there is none. */
export function lowestAtLeast(sample: GovernorSample, kHz: number): number {
  const first = fastest(sample);
  let pstate = slowest(sample);
  while (pstate > first && kilohertz(sample, pstate) < kHz) pstate--;
  return pstate;
}

/** Relation H: the fastest P-state at or below `kHz`; the slowest if there is none. */
export function highestAtMost(sample: GovernorSample, kHz: number): number {
  const last = slowest(sample);
  let pstate = fastest(sample);
  while (pstate < last && kilohertz(sample, pstate) > kHz) pstate++;
  return pstate;
}

/** How a driver lists its table; decides ties of relation C. */
export type TableOrder = 'ascending' | 'descending';

/** Relation C: the closest; on a tie the one that the table lists first. */
export function closest(sample: GovernorSample, kHz: number, order: TableOrder): number {
  const below = highestAtMost(sample, kHz);
  const above = lowestAtLeast(sample, kHz);
  const down = kHz - kilohertz(sample, below);
  const up = kilohertz(sample, above) - kHz;
  if (down < 0 || up < 0) return down < 0 ? above : below;
  if (down === up) return order === 'ascending' ? below : above;
  return down < up ? below : above;
}
