/** Random choices of one case. Each feature rolls its own dice, so leaving one out changes no other. */
import { RandomStream } from '../../sim/index.ts';

export class Dice {
  readonly #stream: RandomStream;

  constructor(seed: number, name: string) {
    this.#stream = new RandomStream(seed, `fuzz/${name}`);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.#stream.float() < probability;
  }

  /** A whole number from `min` to `max`. */
  integer(min: number, max: number): number {
    return min + this.#stream.integer(max - min + 1);
  }

  between(min: number, max: number): number {
    return min + (max - min) * this.#stream.float();
  }

  /** One of the values, of which there is at least one. */
  pick<Value>(values: readonly Value[]): Value {
    return values[this.#stream.integer(values.length)] as Value;
  }

  /** What `make` makes, with this probability. */
  maybe<Value>(probability: number, make: () => Value): Value | undefined {
    return this.chance(probability) ? make() : undefined;
  }

  list<Value>(length: number, make: (index: number) => Value): Value[] {
    return Array.from({ length }, (_, index) => make(index));
  }
}
