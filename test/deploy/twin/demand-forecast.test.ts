/** Demand forecasts: known series by hand, and their errors on days of real traces they never saw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandQuantile, expectedDemand } from '../../../deploy/twin/demand-forecast.ts';
import type { Forecast } from '../../../deploy/twin/demand-grid.ts';
import { RandomStream, type Workload } from '../../../sim/index.ts';
import { readBitbrains, readPlanetlab } from '../../../traces/index.ts';
import { describeWithReference, referencePath } from '../../reference-data.ts';

const lastValue: Forecast = (history, steps) => new Array<number>(steps).fill(history.at(-1) ?? 0);
const medianOf: Forecast = (history, steps) => demandQuantile(0.5)(history, steps, 0);

describe('the expected demand', () => {
  it('is 0 without a past, and what it always was', () => {
    expect(expectedDemand([], 3, 0)).toEqual([0, 0, 0]);
    expect(expectedDemand([40], 2, 0)).toEqual([40, 40]);
    expect(expectedDemand([7, 7, 7, 7], 2, 0)).toEqual([7, 7]);
  });

  it('falls back to the mean as fast as the past did', () => {
    // Mean 2, departures −2 2 −2 2: c1 / c0 = −12 / 16, r = (4 · −0.75 + 6) / 10 = 0.3.
    const [one, two] = expectedDemand([0, 4, 0, 4], 2, 0);
    expect(one).toBeCloseTo(2 + 0.3 * 2, 12);
    expect(two).toBeCloseTo(2 + 0.09 * 2, 12);
    // Mean 2.5, departures −1.5 −0.5 0.5 1.5: c1 / c0 = 1.25 / 5, r = 0.7.
    expect(expectedDemand([1, 2, 3, 4], 1, 0)[0]).toBeCloseTo(2.5 + 0.7 * 1.5, 12);
  });

  it('sees the newest 36 values only', () => {
    const recent = Array.from({ length: 36 }, (_, index) => (index * 7) % 11);
    expect(expectedDemand([9999, 5555, ...recent], 4, 0)).toEqual(expectedDemand(recent, 4, 0));
  });

  it('never leaves the range of the past, and scales with it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5000 }), { minLength: 1, maxLength: 50 }), (history) => {
        const expected = expectedDemand(history, 6, 0);
        const recent = history.slice(-36);
        for (const mhz of expected) {
          expect(mhz).toBeGreaterThanOrEqual(Math.min(...recent) - 1e-9);
          expect(mhz).toBeLessThanOrEqual(Math.max(...recent) + 1e-9);
        }
        const doubled = expectedDemand(
          history.map((mhz) => 2 * mhz),
          6,
          0,
        );
        doubled.forEach((mhz, step) => {
          expect(mhz).toBeCloseTo(2 * expected[step]!, 6);
        });
      }),
      { seed: 3 },
    );
  });
});

describe('a quantile of demand', () => {
  it('interpolates between the sorted newest values', () => {
    expect(demandQuantile(0.9)([5, 1, 3], 2, 0)).toEqual([4.6, 4.6]);
    expect(demandQuantile(1)([5, 1, 3], 1, 0)).toEqual([5]);
    expect(demandQuantile(0.9)([], 1, 0)).toEqual([0]);
  });
});

/** Demand of each VM that is there all the time, as a fraction of its size; oldest first. */
function series({ vmNames, steps, demandUnits, mipsPerUnit, vcpus, vcpuMips, ...life }: Workload) {
  const { arrivalMs, departureMs, intervalMs } = life;
  const count = vmNames.length;
  return vmNames.flatMap((_, vm) => {
    const first = Math.ceil(arrivalMs[vm]! / intervalMs);
    const end = Math.min(steps, Math.floor(departureMs[vm]! / intervalMs));
    const sizeMips = vcpus[vm]! * vcpuMips[vm]!;
    const own = Array.from({ length: end - first }, (_, index) => {
      return (demandUnits[(first + index) * count + vm]! * mipsPerUnit[vm]!) / sizeMips;
    });
    return [own];
  });
}

const horizon = 6;
const vmsPerHost = 10;

/** Mean absolute error of the sum over random hosts of ten VMs, and bias, % of the VMs' size. */
function errorsOf(vms: readonly (readonly number[])[], from: number, stride: number) {
  const random = new RandomStream(11, 'hosts');
  const order = vms.map((own) => ({ own, key: random.float() })).sort((a, b) => a.key - b.key);
  return (forecast: Forecast): { readonly hostError: number; readonly bias: number } => {
    let [absolute, signed, count] = [0, 0, 0];
    for (let at = 0; at + vmsPerHost <= order.length; at += vmsPerHost) {
      const group = order.slice(at, at + vmsPerHost);
      for (let now = from; now + horizon <= group[0]!.own.length; now += stride) {
        const error = new Float64Array(horizon);
        for (const { own } of group) {
          forecast(own.slice(now - 36, now), horizon, 0).forEach((expected, step) => {
            error[step]! += (expected - own[now + step]!) / vmsPerHost;
          });
        }
        for (const one of error) {
          absolute += Math.abs(one);
          signed += one;
          count++;
        }
      }
    }
    return { hostError: (100 * absolute) / count, bias: (100 * signed) / count };
  };
}

/** Mean pinball loss at 0.9 in % of the VMs' size, and the fraction that stayed below. */
function pinball(vms: readonly (readonly number[])[], from: number, stride: number) {
  return (forecast: Forecast): { readonly loss: number; readonly below: number } => {
    let [loss, below, count] = [0, 0, 0];
    for (const own of vms) {
      for (let now = from; now + horizon <= own.length; now += stride) {
        forecast(own.slice(now - 36, now), horizon, 0).forEach((bound, step) => {
          const over = own[now + step]! - bound;
          loss += over > 0 ? 0.9 * over : -0.1 * over;
          if (over <= 0) below++;
          count++;
        });
      }
    }
    return { loss: (100 * loss) / count, below: below / count };
  };
}

const highestOfThree: Forecast = (history, steps) =>
  new Array<number>(steps).fill(Math.max(...history.slice(-3)));

// The rule and its two numbers were chosen on PlanetLab's 3 March and the first half of Bitbrains.
describeWithReference('on traces kept apart', () => {
  const planetlab = (): number[][] =>
    series(readPlanetlab(referencePath('data', 'planetlab', '20110309')).workload);
  const bitbrains = (): number[][] =>
    series(readBitbrains(referencePath('data', 'bitbrains-rnd-2013-7')).workload).filter(
      ({ length }) => length === 864,
    );

  it('expects the load of hosts better than the last value does, and without bias', () => {
    const day = errorsOf(planetlab(), 36, 12);
    const [expected, last] = [day(expectedDemand), day(lastValue)];
    expect(expected.hostError / last.hostError).toBeLessThan(0.8);
    expect(Math.abs(expected.bias)).toBeLessThan(0.35);
    expect(day(medianOf).bias).toBeLessThan(-0.9);
    const month = errorsOf(bitbrains(), 432, 3);
    expect(month(expectedDemand).hostError / month(lastValue).hostError).toBeLessThan(0.92);
  });

  it('knows what is passed in a tenth of intervals better than the highest of three does', () => {
    const day = pinball(planetlab(), 36, 30);
    const [quantile, highest] = [day(demandQuantile(0.9)), day(highestOfThree)];
    expect(quantile.loss / highest.loss).toBeLessThan(0.8);
    expect(quantile.below).toBeGreaterThan(0.88);
    expect(quantile.below).toBeLessThan(0.92);
  });
});
