/** Histograms, arrivals and plans of load: the pure parts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrivalTimes,
  askedBetween,
  type RateStep,
} from '../../../deploy/testbed/load/arrivals.ts';
import {
  bucketCount,
  bucketErrorFraction,
  bucketMiddleUs,
  bucketOf,
  LatencyHistogram,
  mergedHistogram,
} from '../../../deploy/testbed/load/latency-histogram.ts';
import { jobSteps, phaseAt, rateSteps } from '../../../deploy/testbed/load/load-plan.ts';
import {
  meanUtilization,
  type ShiftingLoadOptions,
  shiftingLoad,
} from '../../../deploy/testbed/load/shifting-load.ts';
import { InputError, percentile, RandomStream } from '../../../sim/index.ts';

const histogramOf = (latenciesMs: readonly number[]): LatencyHistogram => {
  const histogram = new LatencyHistogram();
  for (const latency of latenciesMs) histogram.add(latency);
  return histogram;
};

describe('a histogram', () => {
  it('has a bucket for every µs up to 2^31, in order, and its middle within 1/128', () => {
    let before = -1;
    for (let us = 0; us < 2 ** 31; us += Math.max(1, Math.floor(us / 500))) {
      const bucket = bucketOf(us);
      expect(bucket === before || bucket === before + 1, `${us} µs`).toBe(true);
      before = bucket;
      expect(Math.abs(bucketMiddleUs(bucket) - us)).toBeLessThanOrEqual(us * bucketErrorFraction);
      if (us < 128) expect(bucketMiddleUs(bucket)).toBe(us);
    }
    expect(bucketOf(2 ** 31 - 1)).toBe(bucketCount - 1);
  });

  const latency = fc.double({ min: 0, max: 1e5, noNaN: true });

  it('has percentiles within 1/128 of those of the values themselves', () => {
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (latencies, fraction) => {
          const ascending = latencies.map((ms) => Math.round(ms * 1000)).sort((a, b) => a - b);
          const exact = percentile(ascending, fraction);
          const found = histogramOf(latencies).percentileUs(fraction);
          expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * bucketErrorFraction);
        },
      ),
    );
  });

  it('of all is the sum of those of the parts, also through records', () => {
    fc.assert(
      fc.property(fc.array(fc.array(latency, { maxLength: 30 }), { maxLength: 6 }), (parts) => {
        const whole = histogramOf(parts.flat());
        const sum = new LatencyHistogram();
        for (const part of parts) sum.merge(histogramOf(part));
        const records = parts.map((part) => histogramOf(part).toRecord());
        expect(sum.toRecord()).toEqual(whole.toRecord());
        const back = mergedHistogram(JSON.parse(JSON.stringify(records)));
        expect(back.toRecord()).toEqual(whole.toRecord());
        expect(back.figures()).toEqual(whole.figures());
      }),
    );
  });

  it('has 0 of none, and takes what is too small or too large', () => {
    expect(new LatencyHistogram().figures()).toMatchObject({
      count: 0,
      meanMs: 0,
      p99Ms: 0,
      maxMs: 0,
    });
    const histogram = histogramOf([-3, 1e12]);
    expect([histogram.minUs, histogram.maxUs]).toEqual([0, 2 ** 31 - 1]);
  });

  it('refuses records that are none of ours', () => {
    for (const pair of [
      [bucketCount, 1],
      [-1, 1],
      [0.5, 1],
      [3, 0],
      [3, 1.5],
    ] as const) {
      const record = { buckets: [pair], sumUs: 0, minUs: 0, maxUs: 0 };
      expect(() => mergedHistogram([record])).toThrow(InputError);
    }
  });
});

describe('arrivals', () => {
  const stepsOf = (rates: readonly number[], secondsEach: number): RateStep[] =>
    rates.map((perS, step) => ({
      startMs: step * secondsEach * 1000,
      endMs: (step + 1) * secondsEach * 1000,
      perS,
    }));

  it('ascend, lie within their steps, and are as many as asked, give or take chance', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('poisson' as const, 'even' as const),
        fc.nat(),
        (rates, spacing, seed) => {
          const steps = stepsOf(rates, 2);
          const times = [...arrivalTimes(steps, spacing, new RandomStream(seed, 'test'))];
          expect(times.every((time, index) => time >= (times[index - 1] ?? 0))).toBe(true);
          const asked = askedBetween(steps, 0, steps.length * 2);
          const apart = spacing === 'even' ? 1 : 6 * Math.sqrt(asked) + 6;
          expect(Math.abs(times.length - asked)).toBeLessThanOrEqual(apart);
          for (const { startMs, endMs, perS } of steps) {
            const inside = times.filter((time) => time >= startMs && time < endMs).length;
            if (perS === 0) expect(inside).toBe(0);
            const expected = 2 * perS;
            const stepApart = spacing === 'even' ? 1 + 1e-6 : 6 * Math.sqrt(expected) + 6;
            expect(Math.abs(inside - expected)).toBeLessThanOrEqual(stepApart);
          }
        },
      ),
    );
  });

  it('at even gaps are a gap apart, across a step with the time that is left stretched', () => {
    const steps = stepsOf([100, 10, 100], 1);
    const times = [...arrivalTimes(steps, 'even', new RandomStream(1, 'test'))];
    const inFirst = times.filter((time) => time < 1000);
    for (let index = 1; index < inFirst.length; index++) {
      expect(inFirst[index]! - inFirst[index - 1]!).toBeCloseTo(10, 6);
    }
    const last = inFirst.at(-1)!;
    const [next] = times.filter((time) => time >= 1000);
    // What is left of a gap of 10 ms at 100/s takes ten times as long at 10/s.
    expect(next! - 1000).toBeCloseTo((10 - (1000 - last)) * 10, 6);
  });

  it('of a Poisson process have gaps with mean and deviation of 1 / rate', () => {
    const steps = stepsOf([1000], 60);
    const times = [...arrivalTimes(steps, 'poisson', new RandomStream(2, 'test'))];
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const square = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean).toBeCloseTo(1, 1);
    expect(Math.sqrt(square)).toBeCloseTo(1, 1);
  });

  it('asked between two times are the rates over that time', () => {
    const steps = stepsOf([10, 20], 5);
    expect(askedBetween(steps, 0, 10)).toBeCloseTo(150, 9);
    expect(askedBetween(steps, 4, 6)).toBeCloseTo(30, 9);
    expect(askedBetween(steps, 9, 50)).toBeCloseTo(20, 9);
    expect(askedBetween(steps, 6, 6)).toBe(0);
  });
});

describe('shifting load', () => {
  const options: ShiftingLoadOptions = { seed: 7, vms: 5, durationS: 300, mean: 0.4, phaseS: 15 };
  const anyOptions = fc.record({
    seed: fc.nat(),
    vms: fc.integer({ min: 1, max: 30 }),
    durationS: fc.integer({ min: 20, max: 1000 }),
    mean: fc.double({ min: 0.03, max: 0.9, noNaN: true }),
    phaseS: fc.integer({ min: 5, max: 20 }),
  });

  it('has the mean that was asked for, phases without gaps, and levels within bounds', () => {
    fc.assert(
      fc.property(anyOptions, (some) => {
        const load = shiftingLoad(some);
        expect(meanUtilization(load)).toBeCloseTo(some.mean, 2);
        expect(load.characters).toHaveLength(some.vms);
        expect(load.phases[0]!.startS).toBe(0);
        expect(load.phases.at(-1)!.endS).toBe(some.durationS);
        load.phases.forEach(({ startS, endS, utilization }, phase) => {
          expect(endS).toBeGreaterThan(startS);
          if (phase > 0) expect(load.phases[phase - 1]!.endS).toBe(startS);
          expect(utilization).toHaveLength(some.vms);
          expect(utilization.every((one) => one >= 0.02 && one <= 0.95)).toBe(true);
        });
      }),
    );
  });

  it('is the same to the byte for the same seed, and another for another', () => {
    fc.assert(
      fc.property(anyOptions, (some) => {
        const text = JSON.stringify(shiftingLoad(some));
        expect(JSON.stringify(shiftingLoad({ ...some }))).toBe(text);
        expect(JSON.stringify(shiftingLoad({ ...some, seed: some.seed + 1 }))).not.toBe(text);
      }),
    );
    expect(
      shiftingLoad(options)
        .phases.slice(0, 3)
        .map(({ utilization }) => utilization),
    ).toEqual([
      [0.858, 0.118, 0.422, 0.323, 0.284],
      [0.897, 0.098, 0.422, 0.409, 0.207],
      [0.791, 0.087, 0.422, 0.475, 0.248],
    ]);
  });

  it('shifts: which VM is the busiest changes, and one VM’s load rises and falls', () => {
    const { phases } = shiftingLoad(options);
    const busiest = phases.map(({ utilization }) => utilization.indexOf(Math.max(...utilization)));
    expect(new Set(busiest).size).toBeGreaterThanOrEqual(3);
    for (let vm = 0; vm < options.vms; vm++) {
      const own = phases.map(({ utilization }) => utilization[vm]!);
      expect(Math.max(...own) - Math.min(...own)).toBeGreaterThan(0.1);
    }
  });

  it.each([
    ['seed', { seed: -1 }],
    ['vms', { vms: 0 }],
    ['duration', { durationS: 0 }],
    ['mean', { mean: 1 }],
    ['mean', { mean: Number.NaN }],
    ['phase', { phaseS: 0.01 }],
  ])('refuses a %s that cannot be', (path, wrong) => {
    expect(() => shiftingLoad({ ...options, ...wrong })).toThrow(new RegExp(`^${path}: expected`));
  });

  it('becomes rates of each VM', () => {
    const load = shiftingLoad(options);
    const plan = {
      version: 1 as const,
      load,
      vms: load.characters.map((_, vm) => ({ vm: `vm${vm}`, kind: 'jobs' as const, fullPerS: 50 })),
    };
    const steps = rateSteps(plan, 2);
    expect(steps).toHaveLength(20);
    expect(steps[3]).toEqual({
      startMs: 45_000,
      endMs: 60_000,
      perS: Number((50 * load.phases[3]!.utilization[2]!).toPrecision(6)),
    });
    const seeds = plan.vms.flatMap((_, vm) => jobSteps(plan, vm).map(({ seed }) => seed));
    expect(new Set(seeds).size).toBe(seeds.length);
    // The agent reads whole numbers, also where the seed itself is as large as can be.
    const large = { ...plan, load: { ...load, seed: Number.MAX_SAFE_INTEGER } };
    expect(jobSteps(large, 4).every(({ seed }) => /^\d{1,10}$/.test(String(seed)))).toBe(true);
    expect([0, 14.9, 15, 299, 305].map((time) => phaseAt(load, time))).toEqual([0, 0, 1, 19, 19]);
  });
});
