/** Bands around predictions: by hand, and how often they hold. */
import { describe, expect, it } from 'vitest';
import { agreement } from '../../../deploy/control/summary.ts';
import type { Comparison } from '../../../deploy/decision.ts';
import { powerBandW } from '../../../deploy/twin/band.ts';
import { linesOf, summaryLines } from '../../../scripts/live/story.ts';
import { RandomStream } from '../../../sim/index.ts';

const compared = (predictedW: number, observedW: number, bandW?: number): Comparison => ({
  decision: 'd',
  atMs: 0,
  predictedW,
  ...(bandW === undefined ? {} : { bandW }),
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
    expect(powerBandW(100, comparisons)).toBeCloseTo(10, 9);
    expect(powerBandW(200, comparisons)).toBeCloseTo(20, 9);
  });

  it('is none while too little was compared, and takes no hosts that are all off', () => {
    const three = [compared(100, 101), compared(100, 102), compared(100, 103)];
    expect(powerBandW(100, three)).toBeUndefined();
    expect(powerBandW(100, [...three, compared(0, 5)])).toBeUndefined();
    expect(powerBandW(100, [...three, compared(100, 100)], 0.95)).toBeUndefined();
  });

  it('holds as often as it promises', () => {
    const random = new RandomStream(4, 'errors');
    const draw = (): number => 300 * (1 + 0.2 * (random.float() + random.float() - 1));
    const tried = Array.from({ length: 2000 }, () => {
      const before = Array.from({ length: 30 }, () => compared(300, draw()));
      return compared(300, draw(), powerBandW(300, before, 0.9));
    });
    const { intervals, coveragePercent } = agreement(tried)!.bands!;
    expect(intervals).toBe(2000);
    expect(coveragePercent).toBeGreaterThan(88);
    expect(coveragePercent).toBeLessThan(94);
  });
});

describe('the agreement of predictions', () => {
  const seen = [compared(100, 105), compared(100, 105, 5), compared(100, 106, 5)];

  it('counts what lay within bands, of what had one', () => {
    expect(agreement(seen)!.bands).toEqual({ intervals: 2, coveragePercent: 50 });
    expect(agreement(seen.slice(0, 1))).not.toHaveProperty('bands');
  });

  it('is told to people', () => {
    const tell = (comparison: Comparison): string =>
      linesOf({ kind: 'comparison', comparison }, 0)[0]!.replace(/^\S+ +/, '');
    expect(tell(seen[0]!)).toBe('foretold 100.0 W, observed 105.0 W (-4.8 %)');
    expect(tell(seen[2]!)).toBe('foretold 100.0 ± 5.0 W, observed 106.0 W (-5.7 %)');
    const nothing = { decisions: 3, idle: 3, items: {}, refusals: {}, failures: {}, events: {} };
    const lines = summaryLines({ ...nothing, power: agreement(seen)!, migrations: [] });
    expect(lines[1]).toBe(
      'power foretold against observed over 3 intervals: MAPE 5.1 %, bias -5.1 %; 50 % of 2 within bands for 80 %',
    );
  });
});
