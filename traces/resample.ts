/**
 * A step function on a regular grid: the time-weighted mean of each row.
 *
 * Sample i holds its value from `fromMs[i]` to `untilMs[i]`. A row's value is the mean over that
 * part of the row which some sample covers, so value × covered time is conserved, and a sample
 * that fills a row exactly keeps its value.
 */

/** Samples as parallel columns, ordered by time, not overlapping. */
export interface HeldSamples {
  readonly fromMs: Float64Array;
  readonly untilMs: Float64Array;
  readonly values: Float64Array;
}

/**
 * @param startMs Time of row 0's start.
 * @returns Mean per row, [steps]; 0 where no sample holds.
 */
export function resample(
  samples: HeldSamples,
  startMs: number,
  intervalMs: number,
  steps: number,
): Float64Array {
  const sums = new Float64Array(steps);
  const covered = new Float64Array(steps);
  for (let sample = 0; sample < samples.values.length; sample++) {
    const from = Math.max(samples.fromMs[sample]!, startMs);
    const until = Math.min(samples.untilMs[sample]!, startMs + steps * intervalMs);
    let step = Math.floor((from - startMs) / intervalMs);
    for (; startMs + step * intervalMs < until; step++) {
      const rowStart = startMs + step * intervalMs;
      const overlap = Math.min(until, rowStart + intervalMs) - Math.max(from, rowStart);
      sums[step]! += samples.values[sample]! * overlap;
      covered[step]! += overlap;
    }
  }
  for (let step = 0; step < steps; step++) {
    if (covered[step]! > 0) sums[step]! /= covered[step]!;
  }
  return sums;
}
