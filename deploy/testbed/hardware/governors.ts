/**
 * The frequency rules of Linux's governors, pure. Frequencies in kHz; a table runs upward.
 * Source: `kernel/sched/cpufreq_schedutil.c`, `drivers/cpufreq/cpufreq_{ondemand,conservative}.c`.
 */
import type { governorNames } from './config.ts';

export type GovernorName = (typeof governorNames)[number];

/** Which frequency of the table stands for one between two: the lower bound, upper bound, or nearest. */
export type Relation = 'L' | 'H' | 'C';

/** The limits of a policy; both stand in the table. */
export interface Limits {
  readonly minKhz: number;
  readonly maxKhz: number;
}

/**
 * The table's frequency for a wanted one within limits. L: the lowest at or above it, else the highest
 * allowed; H: the highest at or below it, else the lowest allowed; C: the nearest, the higher of two
 * equally near, since drivers list their tables from the top.
 */
export function resolveKhz(
  table: readonly number[],
  wantedKhz: number,
  { minKhz, maxKhz }: Limits,
  relation: Relation,
): number {
  const allowed = table.filter((khz) => khz >= minKhz && khz <= maxKhz);
  const wanted = Math.min(Math.max(wantedKhz, minKhz), maxKhz);
  const above = allowed.find((khz) => khz >= wanted) ?? maxKhz;
  const below = allowed.findLast((khz) => khz <= wanted) ?? minKhz;
  if (relation === 'L') return above;
  if (relation === 'H') return below;
  return above - wanted <= wanted - below ? above : below;
}

/** PELT's half-life: what a CPU did 32 ms ago counts half. */
const halfLifeS = 0.032;

/**
 * Utilization as the scheduler tracks it, after a stretch of `elapsedS` in which it was `now`:
 * y·before + (1 − y)·now with y = 2^(−elapsed / 32 ms). Values in [0, 1] of the highest frequency.
 */
export function trackUtilization(before: number, now: number, elapsedS: number): number {
  const keep = 0.5 ** (elapsedS / halfLifeS);
  return before * keep + now * (1 - keep);
}

/**
 * 1.25·f_max·util, util being of the highest frequency (frequency-invariant); not yet in the table. In
 * whole numbers as the kernel's, whose util is in 1024ths.
 */
export function schedutilKhz(topKhz: number, utilization: number): number {
  const util = Math.floor(utilization * 1024);
  return Math.floor((1.25 * topKhz * util) / 1024);
}

/**
 * ondemand: above 95 % load the highest allowed, else in proportion to the load between the hardware's
 * bounds. `load` is the busy fraction of time.
 */
export function ondemandKhz(table: readonly number[], load: number, limits: Limits): number {
  if (load > 0.95) return limits.maxKhz;
  const bottomKhz = table[0]!;
  const wantedKhz = bottomKhz + load * (table.at(-1)! - bottomKhz);
  return resolveKhz(table, wantedKhz, limits, 'C');
}

/** conservative's steps: 5 % of the highest allowed frequency. */
const stepFraction = 0.05;

/**
 * conservative: a step up above 80 % load, a step down below 20 %. It walks a frequency of its own
 * (`requestedKhz`), which need not stand in the table.
 */
export function conservativeStep(
  table: readonly number[],
  load: number,
  requestedKhz: number,
  currentKhz: number,
  limits: Limits,
): { readonly requestedKhz: number; readonly khz: number } {
  const { minKhz, maxKhz } = limits;
  const isOutside = requestedKhz < minKhz || requestedKhz > maxKhz;
  const from = isOutside ? currentKhz : requestedKhz;
  const stepKhz = stepFraction * maxKhz;
  if (load > 0.8) {
    const next = Math.min(from + stepKhz, maxKhz);
    return { requestedKhz: next, khz: resolveKhz(table, next, limits, 'H') };
  }
  if (load < 0.2) {
    const next = Math.max(from - stepKhz, minKhz);
    return { requestedKhz: next, khz: resolveKhz(table, next, limits, 'L') };
  }
  return { requestedKhz: from, khz: currentKhz };
}
