/**
 * Coefficient of determination of a multiple linear regression with intercept, by Householder QR
 * decomposition, with the order of operations of commons-math 3 (`OLSMultipleLinearRegression`,
 * `QRDecomposition`, `SecondMoment`): R² = 1 − Σ residual² / Σ (y − ȳ)².
 */

/** Scratch memory for regressions of up to `observations` rows and as many columns. */
export interface RegressionScratch {
  /** Design matrix by columns: the intercept's ones, then the predictors. */
  readonly design: Float64Array;
  /** The same, decomposed in place; reflectors on and below the diagonal, R above it. */
  readonly columns: Float64Array;
  /** Diagonal of R. */
  readonly diagonal: Float64Array;
  readonly outcome: Float64Array;
  /** Outcome under the reflections, then the solution. */
  readonly solved: Float64Array;
}

export function createRegressionScratch(observations: number): RegressionScratch {
  return {
    design: new Float64Array(observations * observations),
    columns: new Float64Array(observations * observations),
    diagonal: new Float64Array(observations),
    outcome: new Float64Array(observations),
    solved: new Float64Array(observations),
  };
}

/**
 * R² of `outcome[0 … rows - 1]` on the `columnCount` columns of `design`, column c at `c × rows`.
 *
 * @returns `undefined` when R's diagonal holds a zero: the predictors do not determine a solution.
 */
export function rSquared(
  scratch: RegressionScratch,
  rows: number,
  columnCount: number,
): number | undefined {
  const { columns, design, diagonal } = scratch;
  for (let index = 0; index < rows * columnCount; index++) columns[index] = design[index]!;
  for (let column = 0; column < columnCount; column++) {
    reflect(columns, diagonal, rows, columnCount, column);
  }
  for (let column = 0; column < columnCount; column++) {
    if (Math.abs(diagonal[column]!) <= 0) return undefined;
  }
  solve(scratch, rows, columnCount);
  return 1 - residualSquares(scratch, rows, columnCount) / totalSquares(scratch.outcome, rows);
}

/** Turns column `pivot` below its diagonal to zero and reflects the columns behind it. */
function reflect(
  columns: Float64Array,
  diagonal: Float64Array,
  rows: number,
  columnCount: number,
  pivot: number,
): void {
  const own = pivot * rows;
  let squares = 0;
  for (let row = pivot; row < rows; row++) squares += columns[own + row]! * columns[own + row]!;
  const norm = columns[own + pivot]! > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  diagonal[pivot] = norm;
  if (norm === 0) return;
  columns[own + pivot]! -= norm;
  const divisor = norm * columns[own + pivot]!;
  for (let other = (pivot + 1) * rows; other < columnCount * rows; other += rows) {
    let alpha = 0;
    for (let row = pivot; row < rows; row++) alpha -= columns[other + row]! * columns[own + row]!;
    alpha /= divisor;
    for (let row = pivot; row < rows; row++) columns[other + row]! -= alpha * columns[own + row]!;
  }
}

/** Least-squares coefficients, written to `solved[0 … columnCount - 1]`. */
function solve(scratch: RegressionScratch, rows: number, columnCount: number): void {
  const { columns, diagonal, outcome, solved } = scratch;
  for (let row = 0; row < rows; row++) solved[row] = outcome[row]!;
  for (let pivot = 0; pivot < columnCount; pivot++) {
    const own = pivot * rows;
    let dot = 0;
    for (let row = pivot; row < rows; row++) dot += solved[row]! * columns[own + row]!;
    dot /= diagonal[pivot]! * columns[own + pivot]!;
    for (let row = pivot; row < rows; row++) solved[row]! += dot * columns[own + row]!;
  }
  for (let pivot = columnCount - 1; pivot >= 0; pivot--) {
    solved[pivot]! /= diagonal[pivot]!;
    const coefficient = solved[pivot]!;
    for (let row = 0; row < pivot; row++) {
      solved[row]! -= coefficient * columns[pivot * rows + row]!;
    }
  }
}

function residualSquares(scratch: RegressionScratch, rows: number, columnCount: number): number {
  const { design, outcome, solved } = scratch;
  let squares = 0;
  for (let row = 0; row < rows; row++) {
    let fitted = 0;
    for (let column = 0; column < columnCount; column++) {
      fitted += design[column * rows + row]! * solved[column]!;
    }
    const residual = outcome[row]! - fitted;
    squares += residual * residual;
  }
  return squares;
}

/** Squared deviations from the mean, by updating the mean with each value. */
function totalSquares(values: Float64Array, count: number): number {
  let mean = 0;
  let squares = 0;
  for (let seen = 1; seen <= count; seen++) {
    const deviation = values[seen - 1]! - mean;
    const step = deviation / seen;
    mean += step;
    squares += (seen - 1) * deviation * step;
  }
  return squares;
}
