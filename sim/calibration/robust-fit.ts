/**
 * Coefficients from 0 up that make a chosen error small. The published figure is the mean absolute
 * percentage error (MAPE), so the usual loss is that error itself: unlike squares it gives a meter
 * that fails for an hour no more weight than its hours.
 *
 *   least-squares       Σ s (y − ŷ)²
 *   relative-squares    Σ s ((y − ŷ) / y)²
 *   relative-huber      as squares up to 1.345 robust standard deviations, as absolute beyond
 *   relative-absolute   Σ s |y − ŷ| / y                                     (MAPE)
 *
 * Relative errors are to the measured value, but at least to half the median of all: a meter that reads
 * next to nothing would otherwise outweigh all others.
 *
 * All by iteratively reweighted non-negative least squares. Absolute errors below 1e−4 are treated
 * as squares, so the minimum found is within that of the exact one.
 *
 * @see P. W. Holland & R. E. Welsch, Commun. Stat. A6, 1977 (reweighting; 1.345 keeps 95 % efficiency
 *   on normal errors).
 */
import { nonNegativeLeastSquares } from './non-negative.ts';
import { median } from './statistics.ts';
import { TriangularSystem } from './triangular-system.ts';

export const losses = [
  'least-squares',
  'relative-squares',
  'relative-huber',
  'relative-absolute',
] as const;
export type Loss = (typeof losses)[number];

/** Rows of features with what was measured. */
export interface Design {
  readonly columns: number;
  /** Row-major, [rows × columns]. */
  readonly features: Float64Array;
  /** Measured, positive, [rows]. */
  readonly measured: Float64Array;
  /** Part of the prediction that is given, [rows]; default 0. */
  readonly offset?: Float64Array;
}

export interface FitOptions {
  readonly loss: Loss;
  /** Rows to use, [from, to); default all. */
  readonly from?: number;
  readonly to?: number;
  /** Leaves out the rows [from, to) of this range. */
  readonly without?: { readonly from: number; readonly to: number };
  /** Weight of a row, at least 0; default 1 each, [rows]. */
  readonly weights?: Float64Array;
  /** Columns whose coefficients may have any sign. */
  readonly free?: readonly number[];
  /** Where to begin; spares iterations. */
  readonly start?: Float64Array;
}

const smooth = 1e-4;
const huberK = 1.345;
/** A median absolute deviation of normal errors times this is their standard deviation. */
const normalScale = 1.4826;
const iterationsMax = 60;

/** Coefficients, [columns]; all 0 without rows. */
export function robustFit(design: Design, options: FitOptions): Float64Array {
  const { loss } = options;
  const floor = halfMedian(design, options);
  const squares = loss === 'least-squares' || loss === 'relative-squares';
  let x = (squares ? undefined : options.start) ?? reweighted(design, options, floor, undefined);
  if (squares) return x;
  let before = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < iterationsMax; iteration++) {
    const scale = loss === 'relative-huber' ? robustScale(design, options, floor, x) : 0;
    const next = reweighted(design, options, floor, { x, scale });
    const error = meanLoss(design, options, floor, { x: next, scale });
    x = next;
    if (Math.abs(before - error) <= 1e-7 * error) break;
    before = error;
  }
  return x;
}

/** Prediction of one row, in the unit of what was measured. */
export function predictRow(design: Design, row: number, x: ArrayLike<number>): number {
  const { columns, features } = design;
  let sum = design.offset?.[row] ?? 0;
  for (let column = 0; column < columns; column++) {
    sum += x[column]! * features[row * columns + column]!;
  }
  return sum;
}

/** Predictions of all rows, [rows]. */
export function predictRows(design: Design, x: ArrayLike<number>): Float64Array {
  return Float64Array.from(design.measured, (_, row) => predictRow(design, row, x));
}

function eachRow(design: Design, options: FitOptions, visit: (row: number) => void): void {
  const { from = 0, to = design.measured.length, without } = options;
  for (let row = from; row < to; row++) {
    if (without !== undefined && row >= without.from && row < without.to) continue;
    visit(row);
  }
}

/** What errors are relative to at least. */
function halfMedian(design: Design, options: FitOptions): number {
  const values: number[] = [];
  eachRow(design, options, (row) => values.push(design.measured[row]!));
  return median(values) / 2;
}

const relativeError = (design: Design, floor: number, row: number, x: Float64Array): number =>
  Math.abs(design.measured[row]! - predictRow(design, row, x)) /
  Math.max(design.measured[row]!, floor);

function reweighted(
  design: Design,
  options: FitOptions,
  floor: number,
  last: { readonly x: Float64Array; readonly scale: number } | undefined,
): Float64Array {
  const system = new TriangularSystem(design.columns);
  eachRow(design, options, (row) => {
    const measured = design.measured[row]!;
    let weight = options.weights?.[row] ?? 1;
    const reference = Math.max(measured, floor);
    if (options.loss !== 'least-squares') weight /= reference * reference;
    if (last !== undefined) {
      const error = relativeError(design, floor, row, last.x);
      weight *=
        options.loss === 'relative-huber'
          ? Math.min(1, (huberK * last.scale) / Math.max(error, 1e-15))
          : 1 / Math.max(error, smooth);
    }
    const rest = measured - (design.offset?.[row] ?? 0);
    system.add(design.features, rest, weight, row * design.columns);
  });
  return nonNegativeLeastSquares(system, options.free);
}

function robustScale(design: Design, options: FitOptions, floor: number, x: Float64Array): number {
  const errors: number[] = [];
  eachRow(design, options, (row) => errors.push(relativeError(design, floor, row, x)));
  return Math.max(1e-9, normalScale * median(errors));
}

function meanLoss(
  design: Design,
  options: FitOptions,
  floor: number,
  { x, scale }: { readonly x: Float64Array; readonly scale: number },
): number {
  let sum = 0;
  let mass = 0;
  const bend = huberK * scale;
  eachRow(design, options, (row) => {
    const weight = options.weights?.[row] ?? 1;
    const error = relativeError(design, floor, row, x);
    mass += weight;
    if (options.loss !== 'relative-huber') sum += weight * Math.max(error, smooth / 2);
    else sum += weight * (error <= bend ? error * error : bend * (2 * error - bend));
  });
  return mass === 0 ? 0 : sum / mass;
}
