/**
 * How well each of several series is explained by the others: the coefficient of determination of
 * a multiple linear regression with intercept, by Householder QR decomposition, with the order of
 * operations of commons-math 3 (`OLSMultipleLinearRegression`, `QRDecomposition`, `SecondMoment`):
 * R² = 1 − Σ residual² / Σ (y − ȳ)².
 *
 * Regression i has the columns 1, series 0 … i − 1, series i + 1 … in this order. A reflection
 * changes each column by itself, so those of the columns before i serve all later regressions,
 * and series i itself, once they are applied to it, is the outcome half solved.
 */

/** Memory for regressions among up to as many series as there are samples. */
export interface RegressionScratch {
  /** The series one behind the other, series s at `s × samples`. */
  readonly series: Float64Array;
  /** R² of each series on the others. */
  readonly explained: Float64Array;
  /** Ones and all series under the reflections so far; reflectors on and below the diagonal. */
  readonly shared: Float64Array;
  /** The columns of one regression, like `shared`. */
  readonly columns: Float64Array;
  /** Diagonals of R that belong to `shared` and `columns`. */
  readonly sharedDiagonal: Float64Array;
  readonly diagonal: Float64Array;
  /** Outcome under the reflections, then the coefficients. */
  readonly solved: Float64Array;
}

export function createRegressionScratch(samplesMax: number): RegressionScratch {
  const columnsMax = samplesMax + 1;
  return {
    series: new Float64Array(samplesMax * samplesMax),
    explained: new Float64Array(samplesMax),
    shared: new Float64Array(samplesMax * columnsMax),
    columns: new Float64Array(samplesMax * columnsMax),
    sharedDiagonal: new Float64Array(columnsMax),
    diagonal: new Float64Array(columnsMax),
    solved: new Float64Array(samplesMax),
  };
}

/**
 * Writes to `explained[0 … count - 1]` the R² of each series on the others.
 *
 * @param samples Values of each series, at least `count`.
 * @returns False when one of the regressions has no unique solution.
 */
export function explainEach(scratch: RegressionScratch, samples: number, count: number): boolean {
  const { explained, series, shared, sharedDiagonal } = scratch;
  shared.fill(1, 0, samples);
  for (let index = 0; index < samples * count; index++) shared[samples + index] = series[index]!;
  for (let outcome = 0; outcome < count; outcome++) {
    // Column `outcome` holds the series before this one, or the ones.
    reflect(shared, sharedDiagonal, samples, count + 1, outcome);
    if (sharedDiagonal[outcome] === 0) return false;
    if (!decomposeRest(scratch, samples, count, outcome)) return false;
    solve(scratch, samples, count, outcome);
    explained[outcome] =
      1 -
      residualSquares(scratch, samples, count, outcome) /
        totalSquares(series, outcome * samples, samples);
  }
  return true;
}

/** Completes the decomposition for `outcome` with the series behind it; false when singular. */
function decomposeRest(
  scratch: RegressionScratch,
  samples: number,
  count: number,
  outcome: number,
): boolean {
  const { columns, diagonal, shared, sharedDiagonal } = scratch;
  const done = (outcome + 1) * samples;
  const all = count * samples;
  for (let index = 0; index < done; index++) columns[index] = shared[index]!;
  for (let index = done; index < all; index++) columns[index] = shared[index + samples]!;
  for (let pivot = 0; pivot <= outcome; pivot++) diagonal[pivot] = sharedDiagonal[pivot]!;
  for (let pivot = outcome + 1; pivot < count; pivot++) {
    reflect(columns, diagonal, samples, count, pivot);
    if (diagonal[pivot] === 0) return false;
  }
  return true;
}

/** Turns column `pivot` below its diagonal to zero and reflects the columns behind it. */
function reflect(
  columns: Float64Array,
  diagonal: Float64Array,
  samples: number,
  columnCount: number,
  pivot: number,
): void {
  const own = pivot * samples;
  let squares = 0;
  for (let row = pivot; row < samples; row++) squares += columns[own + row]! * columns[own + row]!;
  const norm = columns[own + pivot]! > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  diagonal[pivot] = norm;
  if (norm === 0) return;
  columns[own + pivot]! -= norm;
  const divisor = norm * columns[own + pivot]!;
  for (let other = own + samples; other < columnCount * samples; other += samples) {
    let alpha = 0;
    for (let row = pivot; row < samples; row++) {
      alpha -= columns[other + row]! * columns[own + row]!;
    }
    alpha /= divisor;
    for (let row = pivot; row < samples; row++) {
      columns[other + row]! -= alpha * columns[own + row]!;
    }
  }
}

/** Least-squares coefficients, written to `solved[0 … count - 1]`. */
function solve(scratch: RegressionScratch, samples: number, count: number, outcome: number): void {
  const { columns, diagonal, shared, solved } = scratch;
  const half = (outcome + 1) * samples;
  for (let row = 0; row < samples; row++) solved[row] = shared[half + row]!;
  for (let pivot = outcome + 1; pivot < count; pivot++) {
    const own = pivot * samples;
    let dot = 0;
    for (let row = pivot; row < samples; row++) dot += solved[row]! * columns[own + row]!;
    dot /= diagonal[pivot]! * columns[own + pivot]!;
    for (let row = pivot; row < samples; row++) solved[row]! += dot * columns[own + row]!;
  }
  for (let pivot = count - 1; pivot >= 0; pivot--) {
    solved[pivot]! /= diagonal[pivot]!;
    const coefficient = solved[pivot]!;
    for (let row = 0; row < pivot; row++) {
      solved[row]! -= coefficient * columns[pivot * samples + row]!;
    }
  }
}

function residualSquares(
  scratch: RegressionScratch,
  samples: number,
  count: number,
  outcome: number,
): number {
  const { series, solved } = scratch;
  let squares = 0;
  for (let row = 0; row < samples; row++) {
    let fitted = solved[0]!;
    for (let other = 0; other < outcome; other++) {
      fitted += series[other * samples + row]! * solved[other + 1]!;
    }
    for (let other = outcome + 1; other < count; other++) {
      fitted += series[other * samples + row]! * solved[other]!;
    }
    const residual = series[outcome * samples + row]! - fitted;
    squares += residual * residual;
  }
  return squares;
}

/** Squared deviations from the mean, by updating the mean with each value. */
function totalSquares(values: Float64Array, first: number, count: number): number {
  let mean = 0;
  let squares = 0;
  for (let seen = 1; seen <= count; seen++) {
    const deviation = values[first + seen - 1]! - mean;
    const step = deviation / seen;
    mean += step;
    squares += (seen - 1) * deviation * step;
  }
  return squares;
}
