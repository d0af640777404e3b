/**
 * LR and LRR: overloaded when the host's utilization, forecast to the time a migration would be
 * done and multiplied by the safety parameter, reaches 1.
 *
 * The forecast is a straight line through the newest ten values, local regression style: the value
 * k intervals ago weighs (1 − (k / 9)³)³ (tricube). LRR then lowers the weight of values far off the
 * line and fits again: factor (1 − (r / 6m)²)² for residual r, m the median |r|, 0 beyond 6m
 * (bisquare). Cleveland (1979), JASA 74(368).
 *
 *   over ⇔ s · forecast ≥ 1 ⇔ utilization ≥ 1/s − (forecast − utilization)
 */
import type { Draft } from '../draft.ts';
import type { HostLimit } from '../relieve.ts';
import { migrationS } from '../selections/minimum-migration-time.ts';
import { hostHistory } from './history.ts';
import { median } from './spread.ts';
import { fallbackThreshold } from './threshold.ts';

/** Values the line is fitted to. */
const samples = 10;

/** [samples] Tricube weight of the value `age` intervals before the newest. */
export const tricube = Float64Array.from({ length: samples }, (_, age) => {
  const distance = age / (samples - 1);
  const rest = 1 - distance * distance * distance;
  return rest * rest * rest;
});

/** Residuals below this are rounding: the line fits exactly. */
const exact = 1e-12;

export function createRegression(safety: number, robustPasses: number): HostLimit {
  const history = new Float64Array(samples);
  const scratch = createForecastScratch();
  return (draft, host) => {
    const count = hostHistory(draft, host, samples, history);
    if (count < samples) return fallbackThreshold(draft, host);
    const ahead = stepsAhead(draft, host);
    const rise = forecast(history, ahead, robustPasses, scratch) - history[0]!;
    return (1 / safety - rise) * draft.peakMips[host]!;
  };
}

/** Intervals until the slowest VM of the host could be gone, at least 1. */
function stepsAhead(draft: Draft, host: number): number {
  let slowestS = 0;
  for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
    slowestS = Math.max(slowestS, migrationS(draft, vm));
  }
  return Math.max(1, Math.ceil((slowestS * 1000) / draft.cluster.intervalMs));
}

export interface ForecastScratch {
  readonly weights: Float64Array;
  readonly residuals: Float64Array;
  readonly sorted: Float64Array;
}

export function createForecastScratch(): ForecastScratch {
  return {
    weights: new Float64Array(samples),
    residuals: new Float64Array(samples),
    sorted: new Float64Array(samples),
  };
}

/**
 * Value of the fitted line `ahead` intervals after the newest value.
 *
 * @param newestFirst Ten values.
 */
export function forecast(
  newestFirst: Float64Array,
  ahead: number,
  robustPasses: number,
  scratch: ForecastScratch,
): number {
  const { weights, residuals, sorted } = scratch;
  weights.set(tricube);
  for (let pass = 0; ; pass++) {
    let weightSum = 0;
    let ageSum = 0;
    let valueSum = 0;
    for (let age = 0; age < samples; age++) {
      weightSum += weights[age]!;
      ageSum += weights[age]! * age;
      valueSum += weights[age]! * newestFirst[age]!;
    }
    const meanAge = ageSum / weightSum;
    const meanValue = valueSum / weightSum;
    let ageSquares = 0;
    let products = 0;
    for (let age = 0; age < samples; age++) {
      const distance = age - meanAge;
      ageSquares += weights[age]! * distance * distance;
      products += weights[age]! * distance * (newestFirst[age]! - meanValue);
    }
    // Values grow older as age rises, so the slope in time is the negative one.
    const slope = ageSquares > 0 ? -products / ageSquares : 0;
    if (pass === robustPasses) return meanValue + slope * (ahead + meanAge);
    for (let age = 0; age < samples; age++) {
      residuals[age] = Math.abs(newestFirst[age]! - meanValue - slope * (meanAge - age));
    }
    sorted.set(residuals);
    const typical = median(sorted.sort());
    if (typical <= exact) return meanValue + slope * (ahead + meanAge);
    for (let age = 0; age < samples; age++) {
      const distance = residuals[age]! / (6 * typical);
      const rest = distance < 1 ? 1 - distance * distance : 0;
      weights[age] = tricube[age]! * rest * rest;
    }
  }
}
