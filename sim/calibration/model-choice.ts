/**
 * Which basis and which window, by cross-validation inside the days that may be used. Neighbouring
 * samples are nearly copies of each other, so folds are stretches of hours, never single samples:
 * a model is judged on hours it has not seen anything near of.
 */
import { assert } from '../errors.ts';
import type { Basis } from './basis.ts';
import { columnsOf } from './basis.ts';
import { type Design, type FitOptions, type Loss, predictRow, robustFit } from './robust-fit.ts';

/** A stretch of rows, [from, to). */
export interface Fold {
  readonly from: number;
  readonly to: number;
}

/** Stretches of `foldMs` of time; a last one shorter than half of that joins its neighbour. */
export function timeFolds(timestampMs: ArrayLike<number>, rows: number, foldMs: number): Fold[] {
  const folds: { from: number; to: number }[] = [];
  let current = Number.NaN;
  for (let row = 0; row < rows; row++) {
    const fold = Math.ceil(timestampMs[row]! / foldMs);
    if (fold !== current) {
      folds.push({ from: row, to: row });
      current = fold;
    }
    folds.at(-1)!.to = row + 1;
  }
  const [before, last] = [folds.at(-2), folds.at(-1)];
  if (before !== undefined && last !== undefined) {
    if (2 * (last.to - last.from) < before.to - before.from) {
      before.to = last.to;
      folds.pop();
    }
  }
  return folds;
}

/** Predictions of each fold by the fit to all others, [rows]. */
export function outOfFold(
  design: Design,
  rows: number,
  folds: readonly Fold[],
  loss: Loss,
): Float64Array {
  assert(folds.length > 1, () => `cross-validation over ${folds.length} fold`);
  const predicted = new Float64Array(rows);
  const whole = robustFit(design, { loss, to: rows });
  for (const fold of folds) {
    const options: FitOptions = { loss, to: rows, without: fold, start: whole };
    const x = robustFit(design, options);
    for (let row = fold.from; row < fold.to; row++) predicted[row] = predictRow(design, row, x);
  }
  return predicted;
}

/** The columns `idle, [busy,] shapes` of a basis, out of the loads of all shapes. */
export function designOf(
  basis: Basis,
  all: {
    readonly hosts: number;
    /** Names of the shapes in the order of the loads' columns after the first. */
    readonly shapes: readonly string[];
    /** Hosts with work and Σ shape(u), row-major, [rows × (1 + shapes)]. */
    readonly loads: Float64Array;
    readonly measured: Float64Array;
  },
): Design {
  const columns = columnsOf(basis);
  const width = 1 + all.shapes.length;
  const rows = all.measured.length;
  const sources = basis.shapes.map((shape) => {
    const index = all.shapes.indexOf(shape.name);
    assert(index >= 0, () => `no loads of shape ${shape.name}`);
    return 1 + index;
  });
  if (basis.busy) sources.unshift(0);
  const features = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    features[row * columns] = all.hosts;
    sources.forEach((source, index) => {
      features[row * columns + 1 + index] = all.loads[row * width + source]!;
    });
  }
  return { columns, features, measured: all.measured };
}
