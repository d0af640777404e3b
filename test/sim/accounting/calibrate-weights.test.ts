import { expect, it } from 'vitest';
import {
  calibrateWeights,
  type MeteredInterval,
} from '../../../sim/accounting/calibrate-weights.ts';
import {
  activeEnergyJ,
  eventWeightSets,
  idleEnergyJ,
} from '../../../sim/accounting/event-weights.ts';
import { RandomStream } from '../../../sim/numbers/rng.ts';

const truth = eventWeightSets['pentium-d'];
/** Typical events per cycle; each interval has its own mix of them. */
const perCycle = [0.6, 0.5, 0.1, 0.004, 0.2, 0.01, 0.02];

function run(intervals: number, scatter: number, seed: number): MeteredInterval[] {
  const random = new RandomStream(seed, 'calibration');
  return Array.from({ length: intervals }, () => {
    const elapsedS = 0.5 + random.float();
    const counts = perCycle.map((rate) => 2 * rate * random.float() * truth.tscHz * elapsedS);
    const energyJ = idleEnergyJ(truth, elapsedS) + activeEnergyJ(truth, counts);
    return { elapsedS, counts, energyJ: energyJ * (1 + scatter * (2 * random.float() - 1)) };
  });
}

it('finds the published weights again from what they predict', () => {
  const fit = calibrateWeights('fit', truth.tscHz, truth.events, run(40, 0, 1));
  expect(fit.tscNj).toBeCloseTo(truth.tscNj, 6);
  fit.eventNj.forEach((weight, event) => {
    expect(weight).toBeCloseTo(truth.eventNj[event]!, 5);
  });
});

it('predicts within 0.5 % from 500 intervals of a meter that scatters by 2 %', () => {
  const fit = calibrateWeights('fit', truth.tscHz, truth.events, run(500, 0.02, 2));
  let worst = 0;
  for (const { elapsedS, counts, energyJ } of run(100, 0, 3)) {
    const predicted = idleEnergyJ(fit, elapsedS) + activeEnergyJ(fit, counts);
    worst = Math.max(worst, Math.abs(predicted / energyJ - 1));
  }
  expect(worst).toBeLessThan(0.005);
});

it('never gives a negative weight, and needs as many intervals as weights', () => {
  const noisy = calibrateWeights('fit', truth.tscHz, truth.events, run(12, 0.3, 4));
  for (const weight of [noisy.tscNj, ...noisy.eventNj]) expect(weight).toBeGreaterThanOrEqual(0);
  expect(() => calibrateWeights('fit', 1e9, truth.events, run(7, 0, 5))).toThrow(
    '7 intervals for 8 weights',
  );
});
