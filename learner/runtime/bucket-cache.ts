/** Keeps what was built for the most recently used buckets. */
import type { Bucket } from './ops.ts';

/** Built values by bucket; the least recently used one is released beyond `entriesMax`. */
export class BucketCache<V> {
  readonly #entries = new Map<string, V>();
  readonly #entriesMax: number;
  readonly #release: (value: V) => void;

  constructor(entriesMax: number, release: (value: V) => void) {
    this.#entriesMax = entriesMax;
    this.#release = release;
  }

  /** The value for `bucket`, built now if it is not there. */
  get(bucket: Bucket, build: () => V): V {
    const key = JSON.stringify(Object.entries(bucket).sort(([a], [b]) => (a < b ? -1 : 1)));
    const found = this.#entries.get(key);
    if (found !== undefined) {
      // A Map iterates in order of insertion: putting it back makes it the newest.
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found;
    }
    const built = build();
    this.#entries.set(key, built);
    for (const [oldest, value] of this.#entries) {
      if (this.#entries.size <= this.#entriesMax) break;
      this.#entries.delete(oldest);
      this.#release(value);
    }
    return built;
  }

  /** Releases everything. */
  clear(): void {
    for (const value of this.#entries.values()) this.#release(value);
    this.#entries.clear();
  }
}
