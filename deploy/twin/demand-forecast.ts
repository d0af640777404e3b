/**
 * Demand of a VM in the next intervals from its own past.
 *
 * Idea: what departs from a VM's mean dies away, and how fast each VM's own history tells.
 *
 *   x(t + h) = m + r^h · (x(t) − m),   r = (n · c1 / c0 + p) / (n + p), in [0, 1]
 *
 * m mean, c0 and c1 sums of squares and of products one interval apart of the n newest values, at
 * most 36; p = 6 pulls what few values say toward "it stays as it is". r = 1 is the last value, r = 0
 * the mean: every VM gets its own place between the two, anew at every decision.
 *
 * The median of a VM's past has smaller errors VM by VM, but lies 10 % too low on the mean: demand
 * has peaks, and the twin adds VMs up. `docs/live-twin.md` has the errors of ten rules on two traces.
 */
import type { Forecast } from './demand-grid.ts';

/** Values that count, intervals. */
const memory = 36;
/** Weight of the expectation that demand stays, in values. */
const inertia = 6;

/** What is to be expected on average, MHz. */
export const expectedDemand: Forecast = (history, steps) => {
  const first = Math.max(0, history.length - memory);
  const count = history.length - first;
  if (count === 0) return new Array<number>(steps).fill(0);
  let sum = 0;
  for (let index = first; index < history.length; index++) sum += history[index]!;
  const mean = sum / count;
  let away = history.at(-1)! - mean;
  const persistence = persistenceOf(history, first, mean);
  const expected: number[] = [];
  for (let step = 0; step < steps; step++) {
    away *= persistence;
    expected.push(Math.max(0, mean + away));
  }
  return expected;
};

/** Share of a departure from the mean that is left after an interval, in [0, 1]. */
function persistenceOf(history: readonly number[], first: number, mean: number): number {
  const count = history.length - first;
  let squares = 0;
  let products = 0;
  let before = 0;
  for (let index = first; index < history.length; index++) {
    const away = history[index]! - mean;
    squares += away * away;
    products += away * before;
    before = away;
  }
  if (squares === 0) return 0;
  const share = (count * (products / squares) + inertia) / (count + inertia);
  return Math.min(1, Math.max(0, share));
}

/**
 * What is not passed in a fraction `probability` of intervals: that quantile of the newest 36, at
 * every step; for plans that must not run short.
 */
export function demandQuantile(probability: number): Forecast {
  return (history, steps) => {
    const sorted = history.slice(-memory).sort((a, b) => a - b);
    const at = probability * (sorted.length - 1);
    const below = Math.floor(at);
    const low = sorted[below] ?? 0;
    const high = sorted[below + 1] ?? low;
    return new Array<number>(steps).fill(low + (at - below) * (high - low));
  };
}
