/**
 * Load as `ondemand` and `conservative` measure it: whole percent of the period that the busiest CPU
 * was not idle, and what becomes of long idleness that nobody sampled.
 *
 * Kernel: drivers/cpufreq/cpufreq_governor.c, dbs_update(). After more than two periods of idle time
 * the load of the sample before is used once more, so that a CPU that wakes up starts as fast as it
 * fell asleep.
 */
import { z } from 'zod';
import type { GovernorSample } from './rule.ts';

/** Tunables of what counts as busy. */
export const loadOptions = {
  ignore_nice_load: z.boolean().default(false).describe('niced tasks count as idle'),
  io_is_busy: z.boolean().default(false).describe('waiting for I/O counts as busy'),
};

export interface LoadOptions {
  readonly ignore_nice_load: boolean;
  readonly io_is_busy: boolean;
}

/** Load in whole percent; sums of spans may miss a whole number by their last bits. */
export function loadPercent(sample: GovernorSample, options: LoadOptions): number {
  const nice = options.ignore_nice_load ? (sample.niceLoad ?? 0) : 0;
  const waiting = options.io_is_busy ? (sample.iowaitLoad ?? 0) : 0;
  const load = Math.max(0, Math.min(1, sample.load - nice + waiting));
  return Math.floor(100 * load + 1e-6);
}

/** Periods of idle time in a sample that came late; 0 if it did not. */
export function idlePeriods(sample: GovernorSample, percent: number): number {
  if (sample.periodMs === undefined) return 0;
  const idleMs = sample.elapsedMs * (1 - percent / 100);
  return idleMs > 2 * sample.periodMs ? Math.floor(idleMs / sample.periodMs + 1e-9) : 0;
}

/** The load to act on, %. `memory[slot]` is the load of the sample before, kept for late samples. */
export function loadAfterPause(
  sample: GovernorSample,
  percent: number,
  memory: Float64Array,
  slot: number,
): number {
  if (sample.periodMs === undefined) return percent;
  const before = memory[slot]!;
  if (before > 0 && idlePeriods(sample, percent) > 0) {
    memory[slot] = 0;
    return before;
  }
  memory[slot] = percent;
  return percent;
}
