/** How far a prediction may be off, from how far the ones before were. */
import { conformalQuantile } from '../../sim/index.ts';
import type { Comparison, Prediction } from '../control/decision.ts';

/** Power that is kept with some probability, W, interval by interval. */
export interface PowerBand {
  readonly level: number;
  readonly lowW: readonly number[];
  readonly highW: readonly number[];
}

/** Newest comparisons that count. */
const memory = 120;

/**
 * The band that holds a further observation with probability `level`, if it errs as those before did
 * (split conformal prediction). Comparisons are one interval ahead; later intervals may err more.
 *
 * @param comparisons Oldest first.
 * @returns `undefined` while there are too few to promise anything: 4 for 80 %, 19 for 95 %.
 */
export function powerBand(
  prediction: Prediction,
  comparisons: readonly Comparison[],
  level = 0.8,
): PowerBand | undefined {
  const errors = comparisons.slice(-memory).flatMap(({ predictedW, observedW }) => {
    return predictedW > 0 && observedW > 0 ? [Math.abs(observedW / predictedW - 1)] : [];
  });
  const width = conformalQuantile(errors, level);
  if (width === Infinity) return undefined;
  return {
    level,
    lowW: prediction.powerW.map((watts) => Math.max(0, watts * (1 - width))),
    highW: prediction.powerW.map((watts) => watts * (1 + width)),
  };
}
