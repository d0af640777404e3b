/**
 * A CPU package around its cores. Idea: caches, memory controllers and links (the uncore) are
 * awake as long as one core is, run faster when the cores do, and sleep when all cores sleep.
 *
 *   P_pkg     = P_uncore + Σ cores P_core · (b + (1 − b)·r)
 *   P_uncore  = awake·(1 − q) + sleep·q           q = Π (1 − b_core): all cores idle at once
 *   awake     = low + x·(high − low)              x: place of the fastest core's frequency in its range
 *
 * b: busy fraction of a core; r: power of an idle core relative to a busy one, from its C-states
 * (`cstates.ts`). Assumed: cores are idle independently of each other (q is too small if they work
 * together, e.g. for one parallel task), and the uncore follows the fastest core at once.
 */

import { pow } from '../numbers/exact-math.ts';

export interface UncoreSpec {
  /** Awake at the lowest and at the highest core frequency, W. */
  readonly lowW: number;
  readonly highW: number;
  /** While all cores of the package sleep, W. Default `lowW`: no package C-state. */
  readonly sleepW?: number;
}

/** Fraction of the time in which all of `cores` cores with busy fraction `busy` are idle. */
export function allIdleFraction(busy: number, cores: number): number {
  return pow(1 - busy, cores);
}

/** Uncore power at a relative frequency in [0, 1], W, the package asleep for `asleepFraction`. */
export function uncoreW(
  lowW: number,
  highW: number,
  sleepW: number,
  relativeFrequency: number,
  asleepFraction: number,
): number {
  const awakeW = lowW + relativeFrequency * (highW - lowW);
  return awakeW + asleepFraction * (sleepW - awakeW);
}
