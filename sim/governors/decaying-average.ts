/**
 * An average of the past in which weight halves with age, in closed form over spans of constant input.
 *
 *   v(t) = limit + (v(0) − limit) · 2^(−t / half-life)
 *
 * For Linux's PELT the half-life is 32 periods of 1.024 ms: 50, 80 and 90 % of a step take 32, 74.3
 * and 106.3 periods. PELT itself adds up whole periods in integers and is within one part in 1024.
 */
import { exp, log } from '../numbers/exact-math.ts';

const ln2 = Math.LN2;

/** Averages are compared as whole numbers; this much below one counts as having reached it. */
const slack = 1e-6;

/** The average after `elapsedMs` of constant input `limit`. */
export function decayTowards(
  value: number,
  limit: number,
  elapsedMs: number,
  halfLifeMs: number,
): number {
  if (value === limit) return value;
  return limit + (value - limit) * exp((-ln2 * elapsedMs) / halfLifeMs);
}

/** The average as a whole number. */
export function wholeAverage(value: number): number {
  return Math.floor(value + slack);
}

/**
 * For how long `same` holds of the whole average while it goes from `value` to `limit`, ms. `same`
 * holds in one stretch of whole numbers. 0 if it does not hold now, Infinity if it always will.
 */
export function steadyFor(
  value: number,
  limit: number,
  halfLifeMs: number,
  same: (average: number) => boolean,
): number {
  let inside = wholeAverage(value);
  let outside = wholeAverage(limit);
  if (!same(inside)) return 0;
  if (same(outside)) return Number.POSITIVE_INFINITY;
  while (Math.abs(outside - inside) > 1) {
    const middle = Math.trunc((inside + outside) / 2);
    if (same(middle)) inside = middle;
    else outside = middle;
  }
  const edge = Math.max(inside, outside) - slack;
  const ms = (halfLifeMs / ln2) * log((limit - value) / (limit - edge));
  return ms > 0 ? ms * (1 - 1e-9) : 0;
}
