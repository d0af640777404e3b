/** What policies are told of prices and carbon to come: nothing, or the truth with an error. */
import { expect, it } from 'vitest';
import { advance, type FacilitySpec, type ForecastSpec, StepTrace } from '../../../sim/index.ts';
import { startTwin, viewOf } from '../../builders.ts';

const hour = 3_600_000;
const hours = Array.from({ length: 24 * 30 }, (_, index) => index);
const carbonGPerKwh = new StepTrace(
  Float64Array.from(hours, (index) => index * hour),
  Float64Array.from(hours, (index) => 100 + ((index * 37) % 400)),
);
const spec = (forecast?: ForecastSpec): FacilitySpec => ({
  carbonGPerKwh,
  ...(forecast === undefined ? {} : { forecast }),
});
const viewAt = (timeMs: number, forecast?: ForecastSpec) => {
  const twin = startTwin({ hosts: 1, facility: spec(forecast) });
  advance(twin, timeMs);
  return viewOf(twin);
};
const daily = { hours: 24, error: 0.2, seed: 3 };

it('shows present and past, and no future unless a forecast is granted', () => {
  const view = viewAt(5.5 * hour);
  expect(view.carbonGPerKwh()).toBe(100 + 5 * 37);
  expect(view.carbonGPerKwh(-1)).toBe(100 + 4 * 37);
  expect(view.carbonGPerKwh(-5.5)).toBe(100);
  expect(view.carbonGPerKwh(0.1)).toBeUndefined();
  expect(view.carbonGPerKwh(24)).toBeUndefined();
  // There is no price at all, with or without a forecast.
  expect([view.pricePerKwh(), viewAt(0, daily).pricePerKwh(1)]).toEqual([undefined, undefined]);
});

it('reaches as far ahead as granted, and is the truth where its error is 0', () => {
  const view = viewAt(5.5 * hour, { hours: 3, error: 0, seed: 1 });
  expect(view.carbonGPerKwh(2)).toBe(100 + 7 * 37);
  expect(view.carbonGPerKwh(3)).toBe(100 + 8 * 37);
  expect(view.carbonGPerKwh(3.01)).toBeUndefined();
  expect(view.carbonGPerKwh(Number.NaN)).toBeUndefined();
});

it('is the same whenever asked within an hour, another in the next, and draws no numbers', () => {
  const twin = startTwin({ hosts: 1, facility: spec(daily) });
  advance(twin, 2.2 * hour);
  const before = twin.fork();
  const first = viewOf(twin).carbonGPerKwh(10);
  expect(viewOf(twin.fork()).carbonGPerKwh(10)).toBe(first);
  expect(twin.state.equals(before.state)).toBe(true);
  expect(first).not.toBe(carbonGPerKwh.at(12.2 * hour));
  advance(twin, 3.2 * hour);
  expect(viewOf(twin).carbonGPerKwh(9)).not.toBe(first);
  expect(viewAt(2.2 * hour, { ...daily, seed: 4 }).carbonGPerKwh(10)).not.toBe(first);
});

it('has no bias, and the error granted: 20 % a day ahead, half of it six hours ahead', () => {
  const twin = startTwin({ hosts: 1, facility: spec(daily) });
  for (const [ahead, error] of [
    [24, 0.2],
    [6, 0.1],
  ] as const) {
    const fork = twin.fork();
    let sum = 0;
    let squares = 0;
    const count = 24 * 25;
    for (let index = 0; index < count; index++) {
      advance(fork, index * hour);
      const truth = carbonGPerKwh.at((index + ahead) * hour);
      const relative = viewOf(fork).carbonGPerKwh(ahead)! / truth - 1;
      sum += relative;
      squares += relative * relative;
    }
    // Four standard errors of the mean; the spread of 600 draws is known to 3 %.
    expect(Math.abs(sum / count)).toBeLessThan((4 * error) / Math.sqrt(count));
    expect(Math.abs(Math.sqrt(squares / count) / error - 1)).toBeLessThan(0.1);
  }
});
