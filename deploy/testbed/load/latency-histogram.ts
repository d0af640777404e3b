/**
 * Latencies counted in buckets whose width grows with the value, as HdrHistogram's do: percentiles of
 * any number of requests from a fixed table, and histograms of several VMs or seconds can be added
 * (percentiles cannot).
 *
 * Values are whole µs. Below 128 µs each has its own bucket; from there every power of two is cut into
 * 64, so a value differs from the middle of its bucket by at most 1/128 (0.8 %) of itself. The guest
 * agent counts in the same buckets.
 */
import { inputError } from '../../../sim/index.ts';

const exactBelow = 128;
const bucketsPerOctave = 64;
/** The largest value, 2^31 − 1 µs (35.8 minutes); longer ones count as this. */
const largestUs = 0x7fffffff;

/** Buckets in all: 128, and 64 for each of the powers 2^7 … 2^30. */
export const bucketCount = exactBelow + 24 * bucketsPerOctave;

/** Half of the widest bucket, as a part of its values. */
export const bucketErrorFraction = 1 / 128;

/** The bucket of a whole number of µs in [0, 2^31). */
export function bucketOf(us: number): number {
  if (us < exactBelow) return us;
  const shift = 31 - Math.clz32(us) - 6;
  return shift * bucketsPerOctave + (us >>> shift);
}

/** The middle of a bucket, µs. */
export function bucketMiddleUs(bucket: number): number {
  if (bucket < exactBelow) return bucket;
  const shift = Math.floor(bucket / bucketsPerOctave) - 1;
  const low = (bucket - shift * bucketsPerOctave) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}

/** What people ask of latencies. All but the count are 0 of none. */
export interface LatencyFigures {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** A histogram on one line of a file: the buckets that are not empty, in pairs `[bucket, count]`. */
export interface HistogramRecord {
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
  readonly sumUs: number;
  readonly minUs: number;
  readonly maxUs: number;
}

/** Counts of latencies; mutable. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #sumUs = 0;
  #minUs = largestUs;
  #maxUs = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact, µs; 0 of none. */
  get minUs(): number {
    return this.#count === 0 ? 0 : this.#minUs;
  }

  /** Exact, µs. */
  get maxUs(): number {
    return this.#maxUs;
  }

  /** Exact, µs; 0 of none. */
  get meanUs(): number {
    return this.#count === 0 ? 0 : this.#sumUs / this.#count;
  }

  /** Counts one latency. What is below 0 (clocks disagree) counts as 0. */
  add(ms: number): void {
    const us = Math.min(largestUs, Math.max(0, Math.round(ms * 1000)));
    this.#counts[bucketOf(us)]! += 1;
    this.#count += 1;
    this.#sumUs += us;
    if (us < this.#minUs) this.#minUs = us;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** Adds what another counted. */
  merge(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      this.#counts[bucket]! += other.#counts[bucket]!;
    }
    this.#count += other.#count;
    this.#sumUs += other.#sumUs;
    this.#minUs = Math.min(this.#minUs, other.#minUs);
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  /** Nearest-rank percentile, µs, off by at most 0.8 %; 0 of none. */
  percentileUs(fraction: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * this.#count));
    // The last rank is known exactly.
    if (rank >= this.#count) return this.#maxUs;
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) {
        return Math.min(this.#maxUs, Math.max(this.#minUs, bucketMiddleUs(bucket)));
      }
    }
    return this.#maxUs;
  }

  figures(): LatencyFigures {
    const ms = (us: number): number => Number((us / 1000).toFixed(3));
    return {
      count: this.#count,
      meanMs: ms(this.meanUs),
      p50Ms: ms(this.percentileUs(0.5)),
      p95Ms: ms(this.percentileUs(0.95)),
      p99Ms: ms(this.percentileUs(0.99)),
      p999Ms: ms(this.percentileUs(0.999)),
      maxMs: ms(this.#maxUs),
    };
  }

  toRecord(): HistogramRecord {
    const buckets: [number, number][] = [];
    this.#counts.forEach((count, bucket) => {
      if (count > 0) buckets.push([bucket, count]);
    });
    return { buckets, sumUs: this.#sumUs, minUs: this.minUs, maxUs: this.#maxUs };
  }

  /** Adds what a record holds. @throws InputError when it is none of ours. */
  addRecord({ buckets, sumUs, minUs, maxUs }: HistogramRecord): void {
    for (const [bucket, count] of buckets) {
      const isBucket = Number.isInteger(bucket) && bucket >= 0 && bucket < bucketCount;
      if (!isBucket || !Number.isInteger(count) || count < 1) {
        throw inputError(
          'histogram',
          `pairs of a bucket from 0 to ${bucketCount - 1} and a count`,
          `[${bucket}, ${count}]`,
        );
      }
      this.#counts[bucket]! += count;
      this.#count += count;
    }
    if (buckets.length === 0) return;
    this.#sumUs += sumUs;
    this.#minUs = Math.min(this.#minUs, minUs);
    this.#maxUs = Math.max(this.#maxUs, maxUs);
  }
}

/** The sum of any number of records. */
export function mergedHistogram(records: Iterable<HistogramRecord>): LatencyHistogram {
  const sum = new LatencyHistogram();
  for (const record of records) sum.addRecord(record);
  return sum;
}
