import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitMips, unitsOf } from '../../traces/quantize.ts';
import { summarize } from '../../traces/summary.ts';
import { createSynthetic } from '../../traces/synthetic.ts';

const dayMs = 86_400_000;

/** Lag-1 autocorrelation of one VM's demand. */
function autocorrelation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centred = values.map((value) => value - mean);
  const variance = centred.reduce((sum, value) => sum + value * value, 0);
  const covariance = centred.slice(1).reduce((sum, value, row) => sum + value * centred[row]!, 0);
  return covariance / variance;
}

function medianAutocorrelation({ workload }: ReturnType<typeof createSynthetic>): number {
  const vms = workload.vmNames.length;
  const all = workload.vmNames.map((_, vm) =>
    autocorrelation(
      Array.from({ length: workload.steps }, (_, step) => workload.demandUnits[step * vms + vm]!),
    ),
  );
  return all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
}

describe('profile planetlab against the published day 2011-03-03', () => {
  // Published: mean 12.31 %, standard deviation 17.09 %, quartiles 2, 6, 15 %.
  // Tolerances: 10 % of mean and deviation, one percent point for the quartiles.
  const trace = createSynthetic({ profile: 'planetlab', vms: 3000, seed: 11 });
  const { utilization, vmMeans } = summarize(trace.workload);

  it('has the mean and the spread', () => {
    expect(utilization.mean).toBeGreaterThan(0.1108);
    expect(utilization.mean).toBeLessThan(0.1354);
    expect(utilization.standardDeviation).toBeGreaterThan(0.154);
    expect(utilization.standardDeviation).toBeLessThan(0.188);
  });

  it('has the quartiles', () => {
    expect(Math.abs(utilization.p25 - 0.02)).toBeLessThan(0.01);
    expect(Math.abs(utilization.median - 0.06)).toBeLessThan(0.01);
    expect(Math.abs(utilization.p75 - 0.15)).toBeLessThan(0.015);
    // Measured on the day: VM means have quartiles 2.8, 6.8 and 14.4 %.
    expect(Math.abs(vmMeans.median - 0.068)).toBeLessThan(0.01);
  });

  it('has almost no memory from one sample to the next, 0.05 in the median', () => {
    expect(Math.abs(medianAutocorrelation(trace) - 0.05)).toBeLessThan(0.06);
  });
});

describe('profile bitbrains against rnd 2013-9', () => {
  // Published files: mean CPU 5.7 %, median VM 1.6 %. Tolerance 15 %: the mean of so wide a
  // lognormal has a standard error of about 3 % at 3,000 VMs in applications of three.
  const trace = createSynthetic({ profile: 'bitbrains', vms: 3000, seed: 11 });
  const { vmMeans, vmsByVcpus, memoryBytes } = summarize(trace.workload);

  it('has the mean and the median VM', () => {
    expect(Math.abs(vmMeans.mean / 0.057 - 1)).toBeLessThan(0.15);
    expect(Math.abs(vmMeans.median / 0.016 - 1)).toBeLessThan(0.15);
  });

  it('has the sizes: 228 : 92 : 116 : 55 VMs of 1, 2, 4 and 8 vCPUs', () => {
    for (const [[vcpus, vms], expected] of vmsByVcpus.map(
      (entry, size) => [entry, [228, 92, 116, 55][size]! / 491] as const,
    )) {
      expect([1, 2, 4, 8]).toContain(vcpus);
      // Three standard errors of a share at 3,000 draws are below 0.028.
      expect(Math.abs(vms / 3000 - expected)).toBeLessThan(0.028);
    }
    expect(memoryBytes).toBeGreaterThan(0);
  });

  it('has memory from one sample to the next, 0.4 to 0.7', () => {
    const lag1 = medianAutocorrelation(trace);
    expect(lag1).toBeGreaterThan(0.39);
    expect(lag1).toBeLessThan(0.74);
  });
});

describe('profile office, the default', () => {
  it('swings by more than 3 from night to day for any seed, and never exceeds capacity', () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { totalDemandMips, utilization, capacityMips } = summarize(
        createSynthetic({ vms: 100, seed }).workload,
      );
      expect(totalDemandMips.max / totalDemandMips.min).toBeGreaterThan(3);
      expect(totalDemandMips.max).toBeLessThan(0.7 * capacityMips);
      expect(utilization.max).toBeLessThanOrEqual(1);
      expect(utilization.mean).toBeGreaterThan(0.12);
      expect(utilization.mean).toBeLessThan(0.3);
    }
  });

  it('is busier in office hours than at night, and on weekdays than on weekends', () => {
    const { workload } = createSynthetic({ vms: 200, steps: 7 * 288, seed: 3 });
    const vms = workload.vmNames.length;
    const meanBetween = (fromMs: number, toMs: number): number => {
      const from = fromMs / workload.intervalMs;
      const to = toMs / workload.intervalMs;
      let sum = 0;
      for (let cell = from * vms; cell < to * vms; cell++) {
        sum += workload.demandUnits[cell]! * workload.mipsPerUnit[cell % vms]!;
      }
      return sum / (to - from);
    };
    const hour = dayMs / 24;
    expect(meanBetween(13 * hour, 15 * hour) / meanBetween(hour, 3 * hour)).toBeGreaterThan(2.5);
    // Weekends lack 60 % apart from idle VMs and bursts.
    const ratio = meanBetween(5 * dayMs, 7 * dayMs) / meanBetween(0, 5 * dayMs);
    expect(ratio).toBeGreaterThan(0.35);
    expect(ratio).toBeLessThan(0.65);
  });
});

it('is the same for the same seed and another for another', () => {
  const options = { vms: 20, steps: 50, churn: 0.5 };
  const a = createSynthetic({ ...options, seed: 5 }).workload;
  expect(createSynthetic({ ...options, seed: 5 }).workload).toEqual(a);
  expect(createSynthetic({ ...options, seed: 6 }).workload.demandUnits).not.toEqual(a.demandUnits);
});

it('keeps the first VMs when more are asked for', () => {
  const few = createSynthetic({ vms: 10, steps: 20, seed: 2 }).workload;
  const many = createSynthetic({ vms: 11, steps: 20, seed: 2 }).workload;
  for (let step = 0; step < 20; step++) {
    expect(many.demandUnits.slice(step * 11, step * 11 + 10)).toEqual(
      few.demandUnits.slice(step * 10, step * 10 + 10),
    );
  }
});

it('lets the asked share of VMs come and go, demanding nothing outside their life', () => {
  const { workload } = createSynthetic({ vms: 400, churn: 0.5, seed: 9 });
  const { arrivals } = summarize(workload);
  // Binomial(400, ½): four standard deviations are 40.
  expect(Math.abs(arrivals - 200)).toBeLessThan(40);
  for (let vm = 0; vm < 400; vm++) {
    for (let step = 0; step < 288; step++) {
      const timeMs = step * workload.intervalMs;
      const isAlive = timeMs >= workload.arrivalMs[vm]! && timeMs < workload.departureMs[vm]!;
      if (!isAlive) expect(workload.demandUnits[step * 400 + vm]).toBe(0);
    }
    expect(workload.departureMs[vm]!).toBeGreaterThan(workload.arrivalMs[vm]!);
  }
});

it('names every option out of range', () => {
  expect(() => createSynthetic({ vms: 0, seed: -1 })).toThrow(/vms: .*\nseed: /);
  expect(() => createSynthetic({ churn: 1.5 })).toThrow(
    'churn: expected a share from 0 to 1, got 1.5',
  );
  expect(() => createSynthetic({ sizes: [] })).toThrow('sizes: expected at least one size');
});

it('quantizes within half a unit of at most 2 / 65535 of the capacity, never above it', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1e7, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (capacity, fraction) => {
        const unit = unitMips(capacity);
        const units = unitsOf(fraction * capacity, capacity, unit);
        expect(units).toBeLessThanOrEqual(65_535);
        expect(units * unit).toBeLessThanOrEqual(capacity);
        expect(unit).toBeLessThanOrEqual((2 * capacity) / 65_535);
        expect(Number.isInteger(Math.log2(unit))).toBe(true);
        // Rounding errs by half a unit; the cut to the capacity by less than one.
        expect(Math.abs(units * unit - fraction * capacity)).toBeLessThanOrEqual(unit);
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});
