/**
 * A least-squares problem kept as its triangle: rows come one after the other, each is rotated into
 * an upper-triangular factor (Givens), and no row is kept. A row costs O(k²), so does forgetting.
 *
 *   min ‖A x − b‖²  =  min ‖R x − d‖² + rest,   A = Q R,  d = Qᵀ b
 *
 * Working on R rather than on AᵀA keeps the digits that squaring would lose: u and √u summed over a
 * cluster are nearly the same column.
 *
 * @see Golub & Van Loan, *Matrix Computations*, 4th ed., §5.1.8 (rotations) and §6.5.3 (rows added
 *   to a factor).
 */
import { assert } from '../errors.ts';

/** Sums that stand for all rows seen; plain numbers, so that it survives JSON. */
export interface TriangularState {
  readonly columns: number;
  /** R, row-major, [columns × columns], zero below the diagonal. */
  readonly factor: readonly number[];
  /** d, [columns]. */
  readonly target: readonly number[];
  /** Weighted squares that no x can remove. */
  readonly rest: number;
  /** Sum of the weights, forgotten like the rows. */
  readonly weight: number;
}

export class TriangularSystem {
  readonly columns: number;
  /** R, row-major, [columns × columns]; read-only to others. */
  readonly factor: Float64Array;
  /** d, [columns]; read-only to others. */
  readonly target: Float64Array;
  #rest = 0;
  #weight = 0;
  readonly #row: Float64Array;

  constructor(columns: number) {
    assert(Number.isInteger(columns) && columns > 0, () => `${columns} columns`);
    this.columns = columns;
    this.factor = new Float64Array(columns * columns);
    this.target = new Float64Array(columns);
    this.#row = new Float64Array(columns);
  }

  static restore(state: TriangularState): TriangularSystem {
    const system = new TriangularSystem(state.columns);
    system.factor.set(state.factor);
    system.target.set(state.target);
    system.#rest = state.rest;
    system.#weight = state.weight;
    return system;
  }

  get state(): TriangularState {
    return {
      columns: this.columns,
      factor: Array.from(this.factor),
      target: Array.from(this.target),
      rest: this.#rest,
      weight: this.#weight,
    };
  }

  /** Sum of the weights of the rows, less what was forgotten. */
  get weight(): number {
    return this.#weight;
  }

  /** Weighted sum of squares that no x can remove. */
  get rest(): number {
    return this.#rest;
  }

  /**
   * Adds the row `features[offset …]`, with right-hand side `value`.
   *
   * @param weight Of the squared error, at least 0.
   */
  add(features: ArrayLike<number>, value: number, weight = 1, offset = 0): void {
    if (weight <= 0) return;
    const { columns, factor, target } = this;
    const row = this.#row;
    const root = Math.sqrt(weight);
    for (let column = 0; column < columns; column++) {
      row[column] = root * features[offset + column]!;
    }
    let right = root * value;
    for (let i = 0; i < columns; i++) {
      const below = row[i]!;
      if (below === 0) continue;
      const start = i * columns;
      const diagonal = factor[start + i]!;
      const length = Math.sqrt(diagonal * diagonal + below * below);
      const cosine = diagonal / length;
      const sine = below / length;
      factor[start + i] = length;
      for (let j = i + 1; j < columns; j++) {
        const above = factor[start + j]!;
        const rotated = row[j]!;
        factor[start + j] = cosine * above + sine * rotated;
        row[j] = cosine * rotated - sine * above;
      }
      const above = target[i]!;
      target[i] = cosine * above + sine * right;
      right = cosine * right - sine * above;
    }
    this.#rest += right * right;
    this.#weight += weight;
  }

  /** Multiplies the weight of everything seen so far by `factor` in [0, 1]. */
  forget(factor: number): void {
    const root = Math.sqrt(factor);
    for (let index = 0; index < this.factor.length; index++) this.factor[index]! *= root;
    for (let index = 0; index < this.columns; index++) this.target[index]! *= root;
    this.#rest *= factor;
    this.#weight *= factor;
  }

  /** ‖A x − b‖² over all rows. */
  squaredError(x: ArrayLike<number>): number {
    const { columns, factor, target } = this;
    let sum = this.#rest;
    for (let i = 0; i < columns; i++) {
      let left = -target[i]!;
      for (let j = i; j < columns; j++) left += factor[i * columns + j]! * x[j]!;
      sum += left * left;
    }
    return sum;
  }

  /** Half the negative gradient of the squared error, Aᵀ(b − A x), [columns]. */
  descent(x: ArrayLike<number>): Float64Array {
    const { columns, factor, target } = this;
    const result = new Float64Array(columns);
    for (let i = 0; i < columns; i++) {
      let left = target[i]!;
      for (let j = i; j < columns; j++) left -= factor[i * columns + j]! * x[j]!;
      for (let j = i; j < columns; j++) result[j]! += factor[i * columns + j]! * left;
    }
    return result;
  }

  /** Length of column `column` of A. */
  columnLength(column: number): number {
    let sum = 0;
    for (let i = 0; i <= column; i++) {
      const entry = this.factor[i * this.columns + column]!;
      sum += entry * entry;
    }
    return Math.sqrt(sum);
  }

  /**
   * The least-squares solution that uses only some columns; the others get 0. A column that the
   * chosen ones before it already span gets 0 too.
   *
   * @param chosen Columns that may be used, rising.
   */
  solve(chosen: readonly number[]): Float64Array {
    const { columns } = this;
    const part = new TriangularSystem(Math.max(1, chosen.length));
    const row = new Float64Array(part.columns);
    const rowsUsed = chosen.length === 0 ? 0 : chosen.at(-1)! + 1;
    for (let i = 0; i < rowsUsed; i++) {
      chosen.forEach((column, index) => {
        row[index] = column < i ? 0 : this.factor[i * columns + column]!;
      });
      part.add(row, this.target[i]!);
    }
    const solution = part.#backSubstitute();
    const result = new Float64Array(columns);
    chosen.forEach((column, index) => {
      result[column] = solution[index]!;
    });
    return result;
  }

  #backSubstitute(): Float64Array {
    const { columns, factor, target } = this;
    const x = new Float64Array(columns);
    for (let i = columns - 1; i >= 0; i--) {
      const pivot = factor[i * columns + i]!;
      if (Math.abs(pivot) <= dependent * this.columnLength(i)) continue;
      let right = target[i]!;
      for (let j = i + 1; j < columns; j++) right -= factor[i * columns + j]! * x[j]!;
      x[i] = right / pivot;
    }
    return x;
  }
}

/** A pivot shorter than this fraction of its column is rounding, not a direction of its own. */
const dependent = 1e-11;
