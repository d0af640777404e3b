/**
 * IQR and MAD: the more the host's utilization varies, the more room it must keep.
 *
 *   limit = (1 − s · spread) · capacity,   spread = interquartile range or median absolute deviation
 */
import { historyMax } from '../../view.ts';
import type { HostLimit } from '../relieve.ts';
import { hostHistory } from './history.ts';
import { fallbackThreshold } from './threshold.ts';

/** Fewer values than this say nothing about their spread. */
const samplesMin = 12;

/** Spread of values sorted upwards; may overwrite them. */
export type SpreadMeasure = (sorted: Float64Array) => number;

export function createSpread(measure: SpreadMeasure, safety: number): HostLimit {
  const history = new Float64Array(historyMax);
  return (draft, host) => {
    const count = hostHistory(draft, host, historyMax, history);
    if (count < samplesMin) return fallbackThreshold(draft, host);
    const sorted = history.subarray(0, count).sort();
    return Math.max(0, 1 - safety * measure(sorted)) * draft.peakMips[host]!;
  };
}

/** Third minus first quartile; quartile q of n values is the one of rank round(q (n + 1)). */
export const interquartileRange: SpreadMeasure = (sorted) => {
  const rank = (fraction: number): number => Math.round(fraction * (sorted.length + 1));
  return sorted[rank(0.75) - 1]! - sorted[rank(0.25) - 1]!;
};

/** Median distance from the median. */
export const medianDeviation: SpreadMeasure = (sorted) => {
  const middle = median(sorted);
  for (let index = 0; index < sorted.length; index++) {
    sorted[index] = Math.abs(sorted[index]! - middle);
  }
  return median(sorted.sort());
};

/** Middle of sorted values; between the middle two when there is an even number of them. */
export function median(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
