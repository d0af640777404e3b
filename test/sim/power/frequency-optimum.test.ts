import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  cheapestFrequency,
  jobEnergyJ,
  optimalFrequencyHz,
  type SpeedPoint,
  slowdown,
} from '../../../sim/power/frequency-optimum.ts';

it('a compute-bound job takes twice as long at half the frequency, a memory-bound one less', () => {
  expect(slowdown(1, 2.6e9, 1.3e9)).toBe(2);
  expect(slowdown(0.3, 2.6e9, 1.3e9)).toBeCloseTo(1.3, 15);
  expect(slowdown(0, 2.6e9, 1.3e9)).toBe(1);
  expect(slowdown(0.9999999999999998, 2.6e9, 2.6e9)).toBe(1);
});

it('the closed form is the frequency of least energy found by search', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 300, noNaN: true }),
      fc.double({ min: 1e-28, max: 1e-26, noNaN: true }),
      (staticW, cubic) => {
        const energyJ = (hz: number): number => (staticW + cubic * hz * hz * hz) / hz;
        // Golden sections; the energy is convex in the frequency.
        let [low, high] = [1e8, 2e10];
        const golden = (Math.sqrt(5) - 1) / 2;
        while (high - low > 1) {
          const [a, b] = [high - golden * (high - low), low + golden * (high - low)];
          if (energyJ(a) < energyJ(b)) high = b;
          else low = a;
        }
        const closed = optimalFrequencyHz(staticW, cubic);
        // A minimum is flat: half of the digits of the energy remain for its place.
        expect(closed / low).toBeCloseTo(1, 6);
        expect(energyJ(closed)).toBeLessThanOrEqual(energyJ(low) * (1 + 1e-12));
      },
    ),
    { seed: 6, numRuns: 300 },
  );
  // By hand: 54 W and 1e-27 W/Hz³: cube root of 27e27 = 3 GHz.
  // 1e-27 is no double: a few roundings remain.
  expect(optimalFrequencyHz(54, 1e-27) / 3e9).toBeCloseTo(1, 14);
  expect(optimalFrequencyHz(0, 1e-27)).toBe(0);
});

/** P-states of a host with `staticW` and 1 W/GHz³, which goes on drawing `idleW` when idle. */
const pstates = (staticW: number, idleW: number): SpeedPoint[] =>
  [3, 2.5, 2, 1.5, 1].map((ghz) => ({
    frequencyHz: ghz * 1e9,
    busyW: staticW + ghz * ghz * ghz,
    idleW,
  }));

it('racing to idle wins when idling is cheap, creeping when it is not', () => {
  // While idle almost everything sleeps: f* = (60/2)^(1/3) = 3.1 GHz.
  expect(cheapestFrequency(pstates(60, 0), 1, 10, 30)).toBe(0);
  // Idling costs as much as the static part: slowest that is in time.
  expect(cheapestFrequency(pstates(60, 60), 1, 10, 30)).toBe(4);
  expect(cheapestFrequency(pstates(60, 60), 1, 10, 16)).toBe(2);
  // A deep sleep after the job turns the same host into a racer.
  expect(cheapestFrequency(pstates(60, 60), 1, 10, 30, 2)).toBe(0);
  // f* = (16/2)^(1/3) = 2 GHz lies between.
  expect(cheapestFrequency(pstates(16, 0), 1, 10, 30)).toBe(2);
  expect(cheapestFrequency(pstates(16, 0), 1, 10, 9)).toBe(-1);
  // Nothing is lost by slowing a job that only waits for memory.
  expect(cheapestFrequency(pstates(60, 0), 0, 10, 30)).toBe(4);
});

it('the choice is never dearer than any other P-state that is in time', () => {
  const positive = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
  fc.assert(
    fc.property(
      positive(100),
      positive(100),
      positive(1),
      positive(30),
      (staticW, idleW, beta, slack) => {
        const points = pstates(staticW, idleW);
        const deadlineS = 10 + slack;
        const chosen = cheapestFrequency(points, beta, 10, deadlineS);
        const energies = points.map(({ frequencyHz, busyW }) => {
          const busyS = 10 * slowdown(beta, 3e9, frequencyHz);
          const isLate = busyS > deadlineS;
          return isLate ? Number.POSITIVE_INFINITY : jobEnergyJ(busyW, idleW, busyS, deadlineS);
        });
        expect(energies[chosen]).toBe(Math.min(...energies));
      },
    ),
    { seed: 8, numRuns: 1000 },
  );
});
