/** The few statistics that calibration needs: quantiles, errors of predictions, means over windows. */

/** Median; the mean of the middle two for even counts; 0 of nothing. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** Quantile by linear interpolation between order statistics (R's type 7); 0 of nothing. */
export function quantile(values: ArrayLike<number>, level: number): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  const at = level * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  return below + 1 < sorted.length ? low + (at - below) * (sorted[below + 1]! - low) : low;
}

/**
 * Half-width that a further error stays below with probability `level`, if it is exchangeable with
 * those seen: the ⌈(n + 1) · level⌉-th smallest, infinite while n is too small to promise it.
 *
 * @see V. Vovk, A. Gammerman & G. Shafer, *Algorithmic Learning in a Random World*, 2005 (split
 *   conformal prediction).
 */
export function conformalQuantile(errors: ArrayLike<number>, level: number): number {
  const rank = Math.ceil((errors.length + 1) * level);
  if (rank > errors.length) return Number.POSITIVE_INFINITY;
  return Float64Array.from(errors).sort()[Math.max(0, rank - 1)]!;
}

/** How far predictions are from what was measured. */
export interface PredictionError {
  readonly samples: number;
  /** Mean of |predicted − measured| / measured, %. */
  readonly mape: number;
  /** (Σ predicted − Σ measured) / Σ measured, %: the error of the energy. */
  readonly bias: number;
  /** Root of the mean squared error, W. */
  readonly rmseW: number;
  /** 95th percentile of |predicted − measured| / measured, %. */
  readonly p95: number;
  /** Fraction of samples with an error below 10 %. */
  readonly within10: number;
}

/** Errors over the samples where both are there (not NaN) and the measured one is above 0. */
export function predictionError(
  measured: ArrayLike<number>,
  predicted: ArrayLike<number>,
): PredictionError {
  const errors: number[] = [];
  let sumMeasured = 0;
  let sumPredicted = 0;
  let squares = 0;
  for (let index = 0; index < measured.length; index++) {
    const real = measured[index]!;
    const guess = predicted[index]!;
    if (!(real > 0) || Number.isNaN(guess)) continue;
    errors.push(Math.abs(guess - real) / real);
    sumMeasured += real;
    sumPredicted += guess;
    squares += (guess - real) * (guess - real);
  }
  const samples = errors.length;
  const count = Math.max(1, samples);
  return {
    samples,
    mape: (100 * errors.reduce((sum, error) => sum + error, 0)) / count,
    bias: sumMeasured === 0 ? 0 : (100 * (sumPredicted - sumMeasured)) / sumMeasured,
    rmseW: Math.sqrt(squares / count),
    p95: 100 * quantile(errors, 0.95),
    within10: errors.filter((error) => error < 0.1).length / count,
  };
}

/** |predicted − measured| / measured of the samples that have both. */
export function relativeErrors(
  measured: ArrayLike<number>,
  predicted: ArrayLike<number>,
): Float64Array {
  const errors: number[] = [];
  for (let index = 0; index < measured.length; index++) {
    const real = measured[index]!;
    const guess = predicted[index]!;
    if (real > 0 && !Number.isNaN(guess)) errors.push(Math.abs(guess - real) / real);
  }
  return Float64Array.from(errors);
}

/** Fraction of samples that lie within `halfWidth` × measured of their prediction. */
export function coverage(
  measured: ArrayLike<number>,
  predicted: ArrayLike<number>,
  halfWidth: number | ArrayLike<number>,
): number {
  let inside = 0;
  let samples = 0;
  for (let index = 0; index < measured.length; index++) {
    const real = measured[index]!;
    const guess = predicted[index]!;
    const width = typeof halfWidth === 'number' ? halfWidth : halfWidth[index]!;
    if (!(real > 0) || Number.isNaN(guess) || Number.isNaN(width)) continue;
    samples++;
    if (Math.abs(guess - real) <= width * real) inside++;
  }
  return samples === 0 ? 0 : inside / samples;
}

/**
 * Means over windows of time that begin at multiples of `windowMs`; a sample belongs to the window in
 * which its interval ends. Windows with less than half of `expected` samples are left out.
 */
export function windowMeans(
  timeMs: ArrayLike<number>,
  columns: readonly ArrayLike<number>[],
  windowMs: number,
  expected: number,
): { timeMs: Float64Array; columns: Float64Array[] } {
  const times: number[] = [];
  const means: number[][] = columns.map(() => []);
  let sums = columns.map(() => 0);
  let count = 0;
  let window = Number.NaN;
  const close = (): void => {
    if (2 * count >= expected) {
      times.push((window + 1) * windowMs);
      sums.forEach((sum, column) => {
        means[column]!.push(sum / count);
      });
    }
    sums = columns.map(() => 0);
    count = 0;
  };
  for (let index = 0; index < timeMs.length; index++) {
    const mine = Math.ceil(timeMs[index]! / windowMs) - 1;
    if (mine !== window) {
      if (count > 0) close();
      window = mine;
    }
    if (columns.some((column) => Number.isNaN(column[index]!))) continue;
    columns.forEach((column, at) => {
      sums[at]! += column[index]!;
    });
    count++;
  }
  if (count > 0) close();
  return {
    timeMs: Float64Array.from(times),
    columns: means.map((column) => Float64Array.from(column)),
  };
}
