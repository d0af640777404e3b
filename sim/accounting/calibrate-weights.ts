/**
 * Event weights from a meter: the non-negative least squares fit of
 *
 *   Σ over events of count · weight = metered energy
 *
 * over many intervals, the time-stamp counter being the first event. Valid where the intervals differ
 * enough in their mix of events; weights of events that always come together cannot be told apart.
 */
import { nonNegativeLeastSquares } from '../calibration/non-negative.ts';
import { TriangularSystem } from '../calibration/triangular-system.ts';
import { assert } from '../errors.ts';
import { type EventWeights, fittedWeights } from './event-weights.ts';

/** One interval of the calibration run. */
export interface MeteredInterval {
  readonly elapsedS: number;
  /** Events, in the order of `events`. */
  readonly counts: ArrayLike<number>;
  readonly energyJ: number;
}

/** Weights that explain the metered energies best. */
export function calibrateWeights(
  name: string,
  tscHz: number,
  events: readonly string[],
  intervals: Iterable<MeteredInterval>,
): EventWeights {
  const columns = events.length + 1;
  const system = new TriangularSystem(columns);
  let rows = 0;
  for (const { elapsedS, counts, energyJ } of intervals) {
    assert(counts.length === events.length, () => `${counts.length} counts in interval ${rows}`);
    // In units of 10^9 events, so that weights come out in nJ and columns are of like size.
    const features = [(elapsedS * tscHz) / 1e9, ...Array.from(counts, (count) => count / 1e9)];
    system.add(features, energyJ);
    rows++;
  }
  assert(rows >= columns, () => `${rows} intervals for ${columns} weights`);
  return fittedWeights(name, tscHz, events, nonNegativeLeastSquares(system));
}
