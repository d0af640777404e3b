/** How far foretold power may be off, from how far the predictions before were. */
import { conformalQuantile } from '../../sim/index.ts';
import type { Comparison } from '../decision.ts';

/** Share of observations that are to lie within a band. */
export const bandLevel = 0.8;

/**
 * Half the width of the band around `watts`, foretold of the next interval, that holds the observation with
 * probability `level` if it errs as those before did (split conformal prediction on relative errors), W.
 *
 * @returns `undefined` while there are too few to promise anything: 4 for 80 %, 19 for 95 %.
 */
export function powerBandW(
  watts: number,
  comparisons: readonly Comparison[],
  level = bandLevel,
): number | undefined {
  const errors = comparisons.flatMap(({ predictedW, observedW }) => {
    return predictedW > 0 && observedW > 0 ? [Math.abs(observedW / predictedW - 1)] : [];
  });
  const width = conformalQuantile(errors, level);
  return width === Infinity ? undefined : watts * width;
}
