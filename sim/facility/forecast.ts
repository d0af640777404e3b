/**
 * Price and carbon intensity as a policy may know them: what they are and were, and a forecast where
 * the scenario grants one. A forecast is the true value with an error that is the same whenever the
 * same hour is asked for from within the same hour, and has nothing to do with the run's own chance:
 *
 *   forecast = value · (1 + error · √(hours ahead / 24) · z)      z of mean 0 and variance 1
 *
 * z is the sum of four uniform numbers, scaled; it lies within ±3.47. Carbon intensity is cut at 0.
 */
import { RandomStream } from '../numbers/rng.ts';
import type { Twin } from '../twin.ts';
import type { ForecastSpec } from './facility-model.ts';

const msPerHour = 3.6e6;

/** Signals that policies are shown. */
export type ShownSignal = 'price' | 'carbon';

/**
 * @param hoursAhead 0 now; negative: the past.
 * @returns `undefined` where the facility has no such signal, or nobody knows it that early.
 */
export function signalSeen(twin: Twin, name: ShownSignal, hoursAhead: number): number | undefined {
  const nowMs = twin.nowMs;
  const rates = twin.scratch.facility;
  const value = rates?.at(name, nowMs + hoursAhead * msPerHour);
  if (value === undefined || hoursAhead <= 0) return value;
  const forecast = twin.model.facility?.forecast;
  if (forecast === undefined || !(hoursAhead <= forecast.hours)) return undefined;
  return value * errorFactor(forecast, name, nowMs, hoursAhead);
}

function errorFactor(
  { error, seed }: ForecastSpec,
  name: ShownSignal,
  nowMs: number,
  hoursAhead: number,
): number {
  if (error === 0) return 1;
  const issued = Math.floor(nowMs / msPerHour);
  const target = Math.floor(nowMs / msPerHour + hoursAhead);
  const deviation = error * Math.sqrt(hoursAhead / 24) * scatter(seed, name, issued, target);
  return name === 'carbon' ? Math.max(0, 1 + deviation) : 1 + deviation;
}

/** Mean 0, variance 1, from four numbers: 4 / 12 is the variance of the sum of four uniform ones. */
function scatter(seed: number, name: ShownSignal, issued: number, target: number): number {
  const stream = new RandomStream(seed, `${name} at hour ${target}, forecast at hour ${issued}`);
  const sum = stream.float() + stream.float() + stream.float() + stream.float();
  return (sum - 2) * Math.sqrt(3);
}
