/**
 * Collects what is wrong with an input, so that a reader reports every file at once and still
 * stops early on garbage.
 */
import { InputError, type Issue } from '../sim/index.ts';

/** Issues named one by one; further ones are only counted. */
const issuesMax = 20;

/** A growing list of issues that turns into one `InputError`. */
export class IssueList {
  readonly #issues: Issue[] = [];
  readonly #place: string;
  #more = 0;

  /** @param place The input as a whole, named when issues are only counted. */
  constructor(place: string) {
    this.#place = place;
  }

  /** Issues added so far. */
  get count(): number {
    return this.#issues.length + this.#more;
  }

  add(path: string, expected: string, got: string): void {
    if (this.#issues.length < issuesMax) this.#issues.push({ path, expected, got });
    else this.#more++;
  }

  /** @throws InputError with all issues, unless there are none. */
  throwIfAny(): void {
    if (this.#issues.length === 0) return;
    if (this.#more === 0) throw new InputError(this.#issues);
    const rest = { path: this.#place, expected: 'no further issue', got: `${this.#more} more` };
    throw new InputError([...this.#issues, rest]);
  }
}

/** Checks options against whole-number ranges, all at once. @throws InputError */
export function checkWhole(
  ranges: readonly (readonly [path: string, value: number, min: number, max: number])[],
): void {
  const issues = new IssueList('options');
  for (const [path, value, min, max] of ranges) {
    if (!Number.isInteger(value) || value < min || value > max) {
      issues.add(path, `a whole number from ${min} to ${max}`, String(value));
    }
  }
  issues.throwIfAny();
}
