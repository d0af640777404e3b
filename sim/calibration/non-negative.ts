/**
 * Least squares with coefficients from 0 up. Powers of idle hosts and slopes of rising curves are not
 * negative, and saying so keeps a fit sane where the data are thin.
 *
 *   min ‖A x − b‖²  with x ≥ 0
 *
 * Active-set method of Lawson & Hanson: a column enters while the error falls along it, and leaves
 * when its coefficient would pass 0. It ends at the exact solution, the point where
 * x ≥ 0, g = Aᵀ(A x − b) ≥ 0 and x·g = 0 (Karush–Kuhn–Tucker).
 *
 * @see C. L. Lawson & R. J. Hanson, *Solving Least Squares Problems*, 1974, algorithm NNLS, ch. 23.
 */
import { assert } from '../errors.ts';
import type { TriangularSystem } from './triangular-system.ts';

/** Relative size of a gradient that counts as 0. */
const flat = 1e-12;

/**
 * @param free Columns whose coefficient may have any sign.
 * @returns Coefficients, [columns].
 */
export function nonNegativeLeastSquares(
  system: TriangularSystem,
  free: readonly number[] = [],
): Float64Array {
  const { columns } = system;
  const used = new Set<number>(free);
  const refused = new Set<number>();
  const lengths = Float64Array.from({ length: columns }, (_, column) =>
    system.columnLength(column),
  );
  const bound = Math.sqrt(system.squaredError(new Float64Array(columns)));
  let x = system.solve(sorted(used));
  // Every pass lowers the error, and there are finitely many sets; the bound only guards rounding.
  for (let pass = 0; pass < 20 * columns + 20; pass++) {
    const entering = steepest(system, x, used, refused, lengths, bound);
    if (entering < 0) return x;
    used.add(entering);
    const next = towardsFeasible(system, x, used, free);
    if (next[entering]! > 0) {
      x = next;
      refused.clear();
    } else {
      used.delete(entering);
      refused.add(entering);
    }
  }
  assert(false, () => `no solution after ${20 * columns + 20} passes over ${columns} columns`);
}

const sorted = (columns: ReadonlySet<number>): number[] => [...columns].sort((a, b) => a - b);

/** The unused column along which the error falls fastest, or −1. */
function steepest(
  system: TriangularSystem,
  x: Float64Array,
  used: ReadonlySet<number>,
  refused: ReadonlySet<number>,
  lengths: Float64Array,
  bound: number,
): number {
  const descent = system.descent(x);
  let best = -1;
  let bestSlope = flat * bound;
  for (let column = 0; column < system.columns; column++) {
    if (used.has(column) || refused.has(column) || lengths[column] === 0) continue;
    const slope = descent[column]! / lengths[column]!;
    if (slope > bestSlope) {
      best = column;
      bestSlope = slope;
    }
  }
  return best;
}

/** Solves on the used columns, dropping those that would go below 0 one after the other. */
function towardsFeasible(
  system: TriangularSystem,
  from: Float64Array,
  used: Set<number>,
  free: readonly number[],
): Float64Array {
  const x = from.slice();
  for (;;) {
    const goal = system.solve(sorted(used));
    const bad = sorted(used).filter((column) => goal[column]! <= 0 && !free.includes(column));
    if (bad.length === 0) return goal;
    let step = 1;
    for (const column of bad) {
      const gap = x[column]! - goal[column]!;
      step = Math.min(step, gap > 0 ? x[column]! / gap : 0);
    }
    for (const column of used) x[column]! += step * (goal[column]! - x[column]!);
    for (const column of bad) {
      if (x[column]! <= 1e-15 * Math.abs(goal[column]!) || step === 0) {
        x[column] = 0;
        used.delete(column);
      }
    }
    // At the step's end at least one coefficient is 0; rounding must not leave it in.
    const least = bad.reduce((a, b) => (x[b]! < x[a]! ? b : a));
    if (used.has(least)) {
      x[least] = 0;
      used.delete(least);
    }
  }
}
