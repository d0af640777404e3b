/**
 * Histogram of latencies with buckets of almost constant relative width, in the manner of
 * HdrHistogram: every power of two is cut into 64 equal buckets.
 *
 * A latency counts in ticks of 2^-14 ms (61 ns). Buckets are at most 1/64 of their lower end wide and
 * stand for their middle, so a percentile is within 0.79 % of the exact one from 3.9 µs up and within
 * 31 ns below. The last bucket takes what is longer than 2^22 ms (70 minutes); means and maxima are
 * kept apart and are exact.
 */

const ticksPerMs = 16384;
const octaves = 30;
const perOctave = 64;

/** Counts of one histogram. */
export const bucketCount = perOctave * (octaves + 1);

/** Bucket of a latency in ms. */
export function bucketOf(latencyMs: number): number {
  const ticks = latencyMs * ticksPerMs;
  if (ticks < perOctave) return ticks > 0 ? Math.floor(ticks) : 0;
  // `clz32` sees 32 bits; longer latencies are looked at in units of 2^20 ticks.
  const far = ticks >= 0x80000000;
  const whole = Math.floor(far ? ticks / 0x100000 : ticks);
  if (whole >= 0x80000000) return bucketCount - 1;
  const exponent = 31 - Math.clz32(whole);
  const octave = exponent - 6 + (far ? 20 : 0);
  if (octave >= octaves) return bucketCount - 1;
  return perOctave * octave + (whole >>> (exponent - 6));
}

/** Middle of a bucket, ms. */
export function bucketMiddleMs(bucket: number): number {
  if (bucket < perOctave) return (bucket + 0.5) / ticksPerMs;
  const octave = Math.floor(bucket / perOctave) - 1;
  const part = (bucket % perOctave) + perOctave;
  return ((part + 0.5) * (1 << octave)) / ticksPerMs;
}

/**
 * The latency that a fraction `q` of all do not exceed (nearest rank), ms.
 *
 * @param counts Bucket counts, [bucketCount].
 * @param maxMs Longest latency, which the result does not exceed.
 * @returns 0 without any count.
 */
export function quantileMs(counts: ArrayLike<number>, q: number, maxMs: number): number {
  let total = 0;
  for (let bucket = 0; bucket < bucketCount; bucket++) total += counts[bucket]!;
  if (total === 0) return 0;
  const rank = Math.max(1, Math.ceil(q * total));
  let below = 0;
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    below += counts[bucket]!;
    if (below >= rank)
      return bucket === bucketCount - 1 ? maxMs : Math.min(maxMs, bucketMiddleMs(bucket));
  }
  return maxMs;
}
