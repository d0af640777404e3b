/** Rows of `docs/accuracy.md`: what was compared with what, and how far apart they were. */

export interface AccuracyRow {
  readonly model: string;
  /** Page in `docs/models/` without its ending, or a path from `docs/`. */
  readonly page?: string;
  readonly referee: string;
  /** The worst error, as measured by the run that writes the row. */
  readonly error: string;
}

/** What kind of statement a row makes. */
export type AccuracyKind = 'exact' | 'simulators' | 'meters';

/** Rows that are measured together: `npm run docs -- NAME` measures them alone. */
export interface AccuracyGroup {
  readonly name: string;
  readonly kind: AccuracyKind;
  /** Needs data that are not part of the repository. */
  readonly needsData?: boolean;
  /** Takes longer than a test should; `npm run docs` measures it all the same. */
  readonly isSlow?: boolean;
  /** @param reference Directory with `reference/` and `data/`. */
  readonly measure: (reference: string) => readonly AccuracyRow[] | Promise<readonly AccuracyRow[]>;
}

/** Largest of the errors that `add` is given; NaN is never hidden. */
export class Worst {
  #largest = 0;

  add(error: number): void {
    if (!(Math.abs(error) <= this.#largest)) this.#largest = Math.abs(error);
  }

  /** |ours / theirs − 1|; equal numbers do not differ, whatever they are. */
  addRelative(ours: number, theirs: number): void {
    this.add(ours === theirs ? 0 : ours / theirs - 1);
  }

  get value(): number {
    return this.#largest;
  }
}

/**
 * An error of rounding as a power of ten that it stays below: its digits differ between machines.
 *
 * @throws RangeError when it is no finite number, or 1 or more: such an error is not one of rounding.
 */
export function apart(error: number, unit = ''): string {
  if (!(Math.abs(error) < 1)) throw new RangeError(`expected an error of rounding, got ${error}`);
  if (error === 0) return 'equal';
  const power = Math.floor(Math.log10(Math.abs(error))) + 1;
  return `below 1e${power}${unit === '' ? ' relative' : ` ${unit}`}`;
}

/** A fraction in percent, with so many digits after the point. */
export function percent(fraction: number, digits = 1): string {
  if (!Number.isFinite(fraction)) throw new RangeError(`expected a fraction, got ${fraction}`);
  return `${(100 * fraction).toFixed(digits)} %`.replace('-', '−');
}

/** Mean of independent runs and the half-width of its 95 % confidence interval. */
export function interval(values: readonly number[]): { mean: number; halfWidth: number } {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  const quantile = studentQuantile[n - 1];
  if (quantile === undefined) throw new RangeError(`no quantile for ${n} runs`);
  return { mean, halfWidth: quantile * Math.sqrt(squares / (n - 1) / n) };
}

/** Student's t at 97.5 %, by degrees of freedom. */
const studentQuantile: Readonly<Record<number, number>> = { 9: 2.262, 19: 2.093 };
