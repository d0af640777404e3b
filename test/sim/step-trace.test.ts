import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InvariantError } from '../../sim/errors.ts';
import { CarbonTrace, PriceTrace } from '../../sim/numbers/rated-trace.ts';
import { StepTrace, type StepTraceOptions } from '../../sim/numbers/step-trace.ts';

const trace = (times: number[], values: number[], options?: StepTraceOptions): StepTrace =>
  new StepTrace(Float64Array.from(times), Float64Array.from(values), options);

it('holds a value from its time until the next one', () => {
  const steps = trace([10, 20, 40], [1, 5, 2]);
  expect([10, 19.9, 20, 39, 40, 59].map((time) => steps.at(time))).toEqual([1, 1, 5, 5, 2, 2]);
  expect(steps.startMs).toBe(10);
  // The last step is as long as the one before.
  expect(steps.endMs).toBe(60);
});

it('integrates exactly: 10 ms at 1, 20 ms at 5, 20 ms at 2', () => {
  const steps = trace([10, 20, 40], [1, 5, 2]);
  expect(steps.integral(10, 60)).toBe(10 * 1 + 20 * 5 + 20 * 2);
  expect(steps.integral(15, 25)).toBe(5 * 1 + 5 * 5);
  expect(steps.integral(25, 30)).toBe(25);
  expect(steps.integral(30, 25)).toBe(-25);
  expect(steps.mean(15, 25)).toBe(3);
  expect(steps.mean(25, 25)).toBe(5);
});

it('outside, holds the nearest value or begins again', () => {
  const clamped = trace([10, 20, 40], [1, 5, 2]);
  expect([clamped.at(-5), clamped.at(1000)]).toEqual([1, 2]);
  expect(clamped.integral(0, 10)).toBe(10);
  expect(clamped.integral(60, 70)).toBe(20);
  const wrapped = trace([10, 20, 40], [1, 5, 2], { outside: 'wrap' });
  expect([60, 70, 90, 5, -15].map((time) => wrapped.at(time))).toEqual([1, 5, 2, 2, 5]);
  expect(wrapped.integral(60, 110)).toBe(150);
  expect(wrapped.integral(0, 100)).toBe(2 * 150);
  expect(trace([0, 10], [1, 3], { endMs: 40, outside: 'wrap' }).integral(0, 80)).toBe(2 * 100);
});

it('tells when the value next begins anew', () => {
  const clamped = trace([10, 20, 40], [1, 5, 2]);
  expect([0, 10, 19, 20, 40, 99].map((time) => clamped.nextChangeMs(time))).toEqual([
    20,
    20,
    20,
    40,
    Infinity,
    Infinity,
  ]);
  const wrapped = trace([10, 20, 40], [1, 5, 2], { outside: 'wrap' });
  expect([0, 10, 40, 59, 60, 75].map((time) => wrapped.nextChangeMs(time))).toEqual([
    10, 20, 60, 60, 70, 90,
  ]);
});

it('refuses what is no step function', () => {
  for (const [times, values] of [
    [[], []],
    [[1], [1, 2]],
    [
      [1, 1],
      [1, 2],
    ],
    [
      [2, 1],
      [1, 2],
    ],
    [
      [1, 2],
      [1, NaN],
    ],
    [
      [1, Infinity],
      [1, 2],
    ],
  ] as const) {
    expect(() => trace([...times], [...values])).toThrow(InvariantError);
  }
  expect(() => trace([1, 2], [1, 2], { endMs: 2 })).toThrow(InvariantError);
});

const steps = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -50, max: 50 })), {
    minLength: 1,
    maxLength: 12,
  })
  .chain((parts) =>
    fc.tuple(fc.constant(parts), fc.integer({ min: -2000, max: 2000 }), fc.boolean()),
  );

it('agrees with a sum over single milliseconds, within the trace and outside', () => {
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: -3000, max: 6000 }),
      fc.nat({ max: 3000 }),
      ([parts, start, wraps], from, length) => {
        let time = start;
        const times = parts.map(([step]) => {
          const begin = time;
          time += step;
          return begin;
        });
        const values = parts.map(([, value]) => value);
        const outside = wraps ? 'wrap' : 'clamp';
        const made = trace(times, values, { outside, endMs: time });
        // The plain twin: a value per millisecond, found by walking.
        const plain = (at: number): number => {
          const period = time - start;
          const inside = wraps ? start + ((((at - start) % period) + period) % period) : at;
          let value = values[0]!;
          times.forEach((begin, index) => {
            if (begin <= inside) value = values[index]!;
          });
          return value;
        };
        let sum = 0;
        for (let at = from; at < from + length; at++) sum += plain(at);
        // Whole numbers: no rounding at all.
        expect(made.integral(from, from + length)).toBe(sum);
        expect(made.at(from)).toBe(plain(from));
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

it('next changes, followed one by one, cut any span into pieces of one value', () => {
  fc.assert(
    fc.property(steps, fc.nat({ max: 3000 }), ([parts, start, wraps], length) => {
      let time = start;
      const times = parts.map(([step]) => {
        const begin = time;
        time += step;
        return begin;
      });
      const outside = wraps ? 'wrap' : 'clamp';
      const values = parts.map(([, value]) => value);
      const made = trace(times, values, { outside, endMs: time });
      let sum = 0;
      const end = start - 500 + length;
      for (let at = start - 500; at < end; ) {
        const next = Math.min(end, made.nextChangeMs(at));
        expect(next).toBeGreaterThan(at);
        sum += made.at(at) * (next - at);
        at = next;
      }
      expect(sum).toBe(made.integral(start - 500, end));
    }),
    { seed: 8, numRuns: 300 },
  );
});

it('turns power into grams and money: 1 kW for an hour is a kWh', () => {
  const hour = 3_600_000;
  const carbon = new CarbonTrace(Float64Array.of(0, hour), Float64Array.of(100, 300));
  expect(carbon.grams(1000, 0, hour)).toBeCloseTo(100, 10);
  expect(carbon.grams(500, 0, 2 * hour)).toBeCloseTo(200, 10);
  expect([...carbon.timestampMs, ...carbon.gramsPerKwh]).toEqual([0, hour, 100, 300]);
  const price = new PriceTrace(Float64Array.of(0), Float64Array.of(-0.05), { currency: 'EUR' });
  expect(price.cost(2000, 0, hour)).toBeCloseTo(-0.1, 10);
  expect([price.at(5), price.currency, ...price.pricePerKwh]).toEqual([-0.05, 'EUR', -0.05]);
});
