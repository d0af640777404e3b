/**
 * Named random streams. Each stream is four 32-bit words that live in the simulation's buffer, so
 * a fork copies them and a policy that draws more numbers never changes another stream.
 *
 * Generator: xoshiro128** 1.1 (Blackman & Vigna, ACM TOMS 47(4), 2021), seeded by splitmix32 from
 * the run's seed and an FNV-1a hash of the stream's name.
 */

/** Words of state per stream. */
export const wordsPerStream = 4;

/** Writes the initial state of stream `name` of run `seed` into `words[offset … offset + 3]`. */
export function seedStream(words: Uint32Array, offset: number, seed: number, name: string): void {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  // The seed may exceed 32 bits: both halves enter the hash.
  const low = seed >>> 0;
  const high = Math.floor(seed / 0x100000000) >>> 0;
  let counter = (hash ^ Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca77)) >>> 0;
  for (let word = 0; word < wordsPerStream; word++) {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    words[offset + word] = (mixed ^ (mixed >>> 15)) >>> 0;
  }
}

/** Next 32 random bits of the stream at `offset`, as an integer in [0, 2^32). */
export function nextUint32(words: Uint32Array, offset: number): number {
  const s1 = words[offset + 1]!;
  const scrambled = Math.imul(s1, 5);
  const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
  words[offset + 2]! ^= words[offset]!;
  words[offset + 3]! ^= s1;
  words[offset + 1]! ^= words[offset + 2]!;
  words[offset]! ^= words[offset + 3]!;
  words[offset + 2]! ^= s1 << 9;
  const s3 = words[offset + 3]!;
  words[offset + 3] = (s3 << 11) | (s3 >>> 21);
  return result;
}

/** Next uniform number in [0, 1) with 32 bits of resolution. */
export function nextFloat(words: Uint32Array, offset: number): number {
  return nextUint32(words, offset) / 0x100000000;
}

/** Next uniform integer in [0, `bound`); `bound` at most 2^32. */
export function nextInteger(words: Uint32Array, offset: number, bound: number): number {
  return Math.floor(nextFloat(words, offset) * bound);
}

/** A stream that stands alone, for code outside the twin (generators, training, search). */
export class RandomStream {
  readonly #words = new Uint32Array(wordsPerStream);

  constructor(seed: number, name: string) {
    seedStream(this.#words, 0, seed, name);
  }

  /** Uniform in [0, 1). */
  float(): number {
    return nextFloat(this.#words, 0);
  }

  /** Uniform integer in [0, `bound`). */
  integer(bound: number): number {
    return nextInteger(this.#words, 0, bound);
  }

  /** Standard normal (Marsaglia's polar method; one of each pair is discarded). */
  normal(): number {
    for (;;) {
      const x = 2 * this.float() - 1;
      const y = 2 * this.float() - 1;
      const squared = x * x + y * y;
      if (squared > 0 && squared < 1) return x * Math.sqrt((-2 * Math.log(squared)) / squared);
    }
  }
}
