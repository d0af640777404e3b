/** Bands around predictions: by hand, and how often they hold. */
import { describe, expect, it } from 'vitest';
import type { Comparison, Prediction } from '../../../deploy/control/decision.ts';
import { powerBand } from '../../../deploy/twin/band.ts';
import { RandomStream } from '../../../sim/index.ts';

const prediction = (powerW: readonly number[]): Prediction => ({
  horizonS: 60 * powerW.length,
  energyJ: 0,
  meanW: 0,
  powerW,
  lostVcpuS: 0,
  cost: 0,
  hosts: [],
});

const compared = (predictedW: number, observedW: number): Comparison => ({
  decision: 'd',
  atMs: 0,
  predictedW,
  observedW,
});

describe('the band of a prediction', () => {
  it('is as wide as the errors before: the fourth of four for 80 %', () => {
    const comparisons = [
      compared(100, 104),
      compared(100, 98),
      compared(200, 180),
      compared(50, 50),
    ];
    expect(powerBand(prediction([100, 200]), comparisons)).toEqual({
      level: 0.8,
      lowW: [expect.closeTo(90, 9), expect.closeTo(180, 9)],
      highW: [expect.closeTo(110, 9), expect.closeTo(220, 9)],
    });
  });

  it('is none while too little was compared, and takes no hosts that are all off', () => {
    const three = [compared(100, 101), compared(100, 102), compared(100, 103)];
    expect(powerBand(prediction([100]), three)).toBeUndefined();
    expect(powerBand(prediction([100]), [...three, compared(0, 5)])).toBeUndefined();
    expect(powerBand(prediction([100]), [...three, compared(100, 100)], 0.95)).toBeUndefined();
  });

  it('never goes below 0', () => {
    const wild = Array.from({ length: 10 }, () => compared(10, 50));
    expect(powerBand(prediction([100]), wild)).toMatchObject({ lowW: [0], highW: [500] });
  });

  it('holds as often as it promises', () => {
    const random = new RandomStream(4, 'errors');
    const draw = (): number => 300 * (1 + 0.2 * (random.float() + random.float() - 1));
    let held = 0;
    const rounds = 2000;
    for (let round = 0; round < rounds; round++) {
      const comparisons = Array.from({ length: 30 }, () => compared(300, draw()));
      const { lowW, highW } = powerBand(prediction([300]), comparisons, 0.9)!;
      const observedW = draw();
      if (observedW >= lowW[0]! && observedW <= highW[0]!) held++;
    }
    expect(held / rounds).toBeGreaterThan(0.88);
    expect(held / rounds).toBeLessThan(0.94);
  });
});
