/** The power of a host learned online: known hosts found again, drift followed, nonsense survived. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HostPowerCalibrator,
  hostPowerStateSchema,
  type PowerPrior,
} from '../../../deploy/twin/host-power-calibrator.ts';
import { RandomStream } from '../../../sim/index.ts';

const fastestMhz = 3000;
const frequencies = [3000, 2600, 2200, 1800, 1400, 1000];
const prior: PowerPrior = { idleW: 80, fullW: 300, isGuess: false };

type Truth = (utilization: number, mhz: number) => number;

/** CMOS: 60 W, and cores of V²f with V from 0.7 to 1.2 V along the frequencies. */
const cmos: Truth = (utilization, mhz) => {
  const voltage = 0.7 + (0.5 * (mhz - 1000)) / 2000;
  const dynamic = (voltage * voltage * mhz) / (1.2 * 1.2 * fastestMhz);
  return 60 + 12 * dynamic + 170 * utilization * dynamic;
};

/** About normal, with unit deviation: the sum of twelve uniform numbers. */
const normal = (random: RandomStream): number =>
  Array.from({ length: 12 }, () => random.float()).reduce((sum, one) => sum + one, -6);

interface Feeding {
  readonly truth: Truth;
  readonly samples: number;
  readonly noise?: number;
  readonly seed?: number;
  /** Fraction of readings that are three times too high. */
  readonly outliers?: number;
  readonly mhz?: (random: RandomStream) => number;
  readonly load?: (random: RandomStream) => number;
}

const anyFrequency = (random: RandomStream): number =>
  frequencies[Math.floor(random.float() * frequencies.length)]!;

function feed(calibrator: HostPowerCalibrator, feeding: Feeding): void {
  const { truth, samples, noise = 0.02, seed = 1, outliers = 0 } = feeding;
  const random = new RandomStream(seed, 'meter');
  for (let index = 0; index < samples; index++) {
    const mhz = (feeding.mhz ?? anyFrequency)(random);
    const utilization = (feeding.load ?? ((chance) => chance.float()))(random);
    const spike = random.float() < outliers ? 3 : 1;
    const watts = spike * truth(utilization, mhz) * (1 + noise * normal(random));
    calibrator.add({ utilization, mhz, watts, confidence: 1 });
  }
}

/** Largest and mean relative error over loads and frequencies. */
function errorsOf(calibrator: HostPowerCalibrator, truth: Truth) {
  const errors = frequencies.flatMap((mhz) =>
    [0, 0.25, 0.5, 0.75, 1].map((utilization) => {
      const real = truth(utilization, mhz);
      return Math.abs(calibrator.watts(utilization, mhz) - real) / real;
    }),
  );
  return {
    most: Math.max(...errors),
    mean: errors.reduce((sum, one) => sum + one, 0) / errors.length,
  };
}

describe('the power of a host, learned online', () => {
  it('is what was believed until there are samples', () => {
    const calibrator = new HostPowerCalibrator(fastestMhz, prior);
    expect(calibrator.isCalibrated).toBe(false);
    expect(calibrator.recentError).toBeUndefined();
    expect(calibrator.at(3000)).toEqual({ mhz: 3000, idleW: 80, fullW: 300 });
    // (2/3)² of the 220 W.
    expect(calibrator.at(2000).fullW).toBeCloseTo(80 + (220 * 4) / 9, 9);
  });

  // Two idle cores at 800 of 3200 MHz draw 17 W; believed are 23 W, or what a cluster file says.
  it.each([
    { idleW: 23, fullW: 37, isGuess: true, errors: [0.37, 0.06, 0.02] },
    { idleW: 24, fullW: 100, isGuess: false, errors: [0.42, 0.18, 0.03] },
    { idleW: 40, fullW: 200, isGuess: false, errors: [1.37, 0.35, 0.03] },
  ])('is right where it is seen from the first samples on: $idleW W', ({ errors, ...believed }) => {
    const truth: Truth = (utilization, mhz) => 17 + 60 * utilization * (mhz / 3200) ** 2;
    for (let seed = 1; seed <= 8; seed++) {
      const calibrator = new HostPowerCalibrator(3200, believed);
      const load = (random: RandomStream): number => 0.02 + 0.02 * random.float();
      const seen = { truth, samples: 1, noise: 0.01, load, mhz: () => 800 };
      errors.forEach((most, samples) => {
        const error = Math.abs(calibrator.watts(0.03, 800) / truth(0.03, 800) - 1);
        expect(error).toBeLessThan(most);
        if (samples === 0) expect(error).toBeGreaterThan(0.3);
        feed(calibrator, { ...seen, seed: 10 * seed + samples });
      });
    }
  });

  // Worst and mean error over all loads and frequencies; worst of eight seeds.
  it.each([
    { samples: 20, most: 0.16, mean: 0.04 },
    { samples: 60, most: 0.09, mean: 0.026 },
    { samples: 300, most: 0.026, mean: 0.0108 },
  ])('finds a CMOS host from $samples samples with 2 % noise', ({ samples, most, mean }) => {
    for (let seed = 1; seed <= 8; seed++) {
      const calibrator = new HostPowerCalibrator(fastestMhz, prior);
      feed(calibrator, { truth: cmos, samples, seed });
      const errors = errorsOf(calibrator, cmos);
      expect(errors.most).toBeLessThan(most);
      expect(errors.mean).toBeLessThan(mean);
    }
  });

  it('says how wrong it was of late', () => {
    const calibrator = new HostPowerCalibrator(fastestMhz, prior);
    feed(calibrator, { truth: cmos, samples: 300 });
    // The noise itself: 2 % · √(2/π) on average.
    expect(calibrator.recentError).toBeGreaterThan(0.012);
    expect(calibrator.recentError).toBeLessThan(0.022);
  });

  it('is not led astray by a meter that reads three times too much now and then', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const calibrator = new HostPowerCalibrator(fastestMhz, prior);
      feed(calibrator, { truth: cmos, samples: 300, outliers: 0.05, seed });
      expect(errorsOf(calibrator, cmos).mean).toBeLessThan(0.02);
    }
  });

  it('follows a host that changes', () => {
    const warmer: Truth = (utilization, mhz) => 25 + 1.1 * cmos(utilization, mhz);
    const calibrator = new HostPowerCalibrator(fastestMhz, prior);
    feed(calibrator, { truth: cmos, samples: 300 });
    expect(errorsOf(calibrator, warmer).mean).toBeGreaterThan(0.2);
    feed(calibrator, { truth: warmer, samples: 120, seed: 2 });
    expect(errorsOf(calibrator, warmer).mean).toBeLessThan(0.06);
    feed(calibrator, { truth: warmer, samples: 60, seed: 3 });
    expect(errorsOf(calibrator, warmer).mean).toBeLessThan(0.012);
  });

  it('follows a host that drifts by a tenth in 300 samples', () => {
    const calibrator = new HostPowerCalibrator(fastestMhz, prior);
    feed(calibrator, { truth: cmos, samples: 180 });
    for (let part = 1; part <= 10; part++) {
      const now: Truth = (utilization, mhz) => (1 + part / 100) * cmos(utilization, mhz);
      feed(calibrator, { truth: now, samples: 30, seed: part });
      expect(errorsOf(calibrator, now).mean).toBeLessThan(0.035);
    }
  });

  it('keeps to what was believed where nothing is seen', () => {
    const calibrator = new HostPowerCalibrator(fastestMhz, { ...prior, idleW: 72, fullW: 242 });
    const narrow = (random: RandomStream): number => 0.29 + 0.02 * random.float();
    feed(calibrator, { truth: cmos, samples: 360, load: narrow, mhz: () => fastestMhz });
    // The truth is 72 and 242 W: seen near a load of 0.3, believed at 0 and 1.
    expect(calibrator.at(fastestMhz).idleW).toBeGreaterThan(66);
    expect(calibrator.at(fastestMhz).idleW).toBeLessThan(80);
    expect(calibrator.at(fastestMhz).fullW).toBeGreaterThan(222);
    expect(calibrator.at(fastestMhz).fullW).toBeLessThan(262);
  });

  it('goes on where it was written down', () => {
    const first = new HostPowerCalibrator(fastestMhz, prior);
    feed(first, { truth: cmos, samples: 100 });
    const second = new HostPowerCalibrator(fastestMhz, prior);
    second.restore(hostPowerStateSchema.parse(JSON.parse(JSON.stringify(first.state))));
    for (const one of [first, second]) feed(one, { truth: cmos, samples: 50, seed: 9 });
    expect(second.state).toEqual(first.state);
    expect(frequencies.map((mhz) => second.at(mhz))).toEqual(
      frequencies.map((mhz) => first.at(mhz)),
    );
  });

  it('never falls with load or frequency, and never below 0, whatever it is told', () => {
    const number = fc.oneof(
      fc.double({ min: -2, max: 2 }),
      fc.double({ min: 0, max: 5000 }),
      fc.constantFrom(0, -1, NaN, Infinity, 1e9),
    );
    const sample = fc.record({
      utilization: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), number),
      mhz: fc.oneof(fc.constantFrom(...frequencies), number),
      watts: fc.oneof(fc.double({ min: 1, max: 500, noNaN: true }), number),
      confidence: fc.oneof(fc.constant(1), number),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 80 }), fc.boolean(), (samples, isGuess) => {
        const calibrator = new HostPowerCalibrator(fastestMhz, { ...prior, isGuess });
        for (const one of samples) calibrator.add(one);
        const points = frequencies.map((mhz) => calibrator.at(mhz));
        points.forEach(({ idleW, fullW }, index) => {
          expect(idleW).toBeGreaterThanOrEqual(0);
          expect(fullW).toBeGreaterThanOrEqual(idleW);
          expect(Number.isFinite(fullW)).toBe(true);
          if (index > 0) expect(fullW).toBeLessThanOrEqual(points[index - 1]!.fullW);
        });
      }),
      { seed: 7, numRuns: 150 },
    );
  });
});
