/**
 * Ranks by Zipf's law: rank r (from 0) is chosen with a probability close to (r+1)^−θ / ζ(n), where
 * ζ(n) = Σ i^−θ. The two most frequent ranks have exactly that; the others come from a power law of
 * one continuous number (Gray et al., Quickly Generating Billion-Record Synthetic Databases, SIGMOD
 * 1994), as in YCSB.
 */

/** YCSB's skew. */
export const ycsbTheta = 0.99;

/** Maps uniform numbers to ranks 0 … `items` − 1; `items` may grow. */
export class Zipfian {
  readonly #theta: number;
  #items = 0;
  #zeta: number;

  /** @param zeta ζ(items), where it is known: the sum of a large `items` takes long. */
  constructor(items: number, theta: number = ycsbTheta, zeta?: number) {
    this.#theta = theta;
    this.#zeta = zeta ?? 0;
    if (zeta === undefined) this.grow(items);
    else this.#items = items;
  }

  get items(): number {
    return this.#items;
  }

  /** From now on ranks go up to `items` − 1. */
  grow(items: number): void {
    for (let item = this.#items + 1; item <= items; item++) this.#zeta += item ** -this.#theta;
    this.#items = Math.max(this.#items, items);
  }

  /** The rank of a number in [0, 1). */
  rank(uniform: number): number {
    const items = this.#items;
    const theta = this.#theta;
    const scaled = uniform * this.#zeta;
    if (scaled < 1 || items === 1) return 0;
    const zetaOfTwo = 1 + 2 ** -theta;
    if (scaled < zetaOfTwo || items === 2) return 1;
    const eta = (1 - (2 / items) ** (1 - theta)) / (1 - zetaOfTwo / this.#zeta);
    const rank = Math.floor(items * (eta * uniform - eta + 1) ** (1 / (1 - theta)));
    return Math.min(items - 1, rank);
  }
}
