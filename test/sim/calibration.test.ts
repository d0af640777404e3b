import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bases, hostPowerW, powerTable, shapes } from '../../sim/calibration/basis.ts';
import { isotonicTable, poolAdjacentViolators } from '../../sim/calibration/isotonic.ts';
import { nonNegativeLeastSquares } from '../../sim/calibration/non-negative.ts';
import { type Design, losses, robustFit } from '../../sim/calibration/robust-fit.ts';
import { RollingCalibrator } from '../../sim/calibration/rolling-calibrator.ts';
import {
  conformalQuantile,
  coverage,
  predictionError,
  quantile,
  windowMeans,
} from '../../sim/calibration/statistics.ts';
import { TriangularSystem } from '../../sim/calibration/triangular-system.ts';
import { RandomStream } from '../../sim/numbers/rng.ts';

interface Problem {
  readonly rows: readonly (readonly number[])[];
  readonly values: readonly number[];
}

const entry = fc.integer({ min: -20, max: 20 }).map((value) => value / 4);
const problem: fc.Arbitrary<Problem> = fc
  .record({ columns: fc.integer({ min: 1, max: 5 }), rows: fc.integer({ min: 1, max: 12 }) })
  .chain(({ columns, rows }) =>
    fc.record({
      rows: fc.array(fc.array(entry, { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
      values: fc.array(entry, { minLength: rows, maxLength: rows }),
    }),
  );

function systemOf({ rows, values }: Problem): TriangularSystem {
  const system = new TriangularSystem(rows[0]!.length);
  rows.forEach((row, index) => {
    system.add(row, values[index]!);
  });
  return system;
}

/** ‖A x − b‖² from the rows themselves. */
function errorOf({ rows, values }: Problem, x: ArrayLike<number>): number {
  return rows.reduce((sum, row, index) => {
    const left = row.reduce((part, value, column) => part + value * x[column]!, -values[index]!);
    return sum + left * left;
  }, 0);
}

/** Half the gradient of the error, Aᵀ(A x − b), from the rows themselves. */
function gradientOf({ rows, values }: Problem, x: ArrayLike<number>): number[] {
  return rows[0]!.map((_, column) =>
    rows.reduce((sum, row, index) => {
      const left = row.reduce((part, value, other) => part + value * x[other]!, -values[index]!);
      return sum + row[column]! * left;
    }, 0),
  );
}

describe('a triangular system', () => {
  it('knows the squared error of any x, as if it had kept the rows', () => {
    fc.assert(
      fc.property(problem, fc.array(entry, { minLength: 5, maxLength: 5 }), (given, x) => {
        const system = systemOf(given);
        const wanted = errorOf(given, x);
        expect(system.squaredError(x)).toBeCloseTo(wanted, 8);
        gradientOf(given, x).forEach((slope, column) => {
          expect(-system.descent(x)[column]!).toBeCloseTo(slope, 7);
        });
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('solves a system with an exact answer, and forgets by weight', () => {
    const system = new TriangularSystem(2);
    // y = 3 a − 2 b, then two rows of another truth that are outweighed after forgetting.
    system.add([1, 0], 100);
    system.add([0, 1], 100);
    system.forget(0);
    system.add([1, 1], 1);
    system.add([2, 1], 4);
    system.add([1, 3], -3);
    expect(Array.from(system.solve([0, 1]))).toEqual([
      expect.closeTo(3, 12),
      expect.closeTo(-2, 12),
    ]);
    expect(system.weight).toBe(3);
    const copy = TriangularSystem.restore(JSON.parse(JSON.stringify(system.state)));
    expect(copy.state).toEqual(system.state);
  });

  it('keeps digits that AᵀA would lose: columns that differ by one part in 10⁷', () => {
    const system = new TriangularSystem(2);
    const tiny = 1e-7;
    for (const t of [0, 1, 2, 3]) system.add([1, 1 + tiny * t], 5 + 7 * (1 + tiny * t));
    const [a, b] = system.solve([0, 1]);
    expect(a).toBeCloseTo(5, 4);
    expect(b).toBeCloseTo(7, 4);
  });
});

describe('non-negative least squares', () => {
  it('meets the Karush–Kuhn–Tucker conditions, which only the solution does', () => {
    fc.assert(
      fc.property(problem, (given) => {
        const x = nonNegativeLeastSquares(systemOf(given));
        const size = 1 + Math.sqrt(errorOf(given, new Float64Array(5)));
        gradientOf(given, x).forEach((slope, column) => {
          expect(x[column]).toBeGreaterThanOrEqual(0);
          if (x[column]! > 1e-9) expect(Math.abs(slope)).toBeLessThan(1e-6 * size);
          else expect(slope).toBeGreaterThan(-1e-6 * size);
        });
      }),
      { seed: 5, numRuns: 2000 },
    );
  });

  it('is as good as the best of all 2ᵏ sets of columns tried one by one', () => {
    fc.assert(
      fc.property(problem, (given) => {
        const system = systemOf(given);
        const { columns } = system;
        let best = errorOf(given, new Float64Array(columns));
        for (let set = 1; set < 1 << columns; set++) {
          const chosen = Array.from({ length: columns }, (_, column) => column).filter(
            (column) => (set >> column) & 1,
          );
          const x = system.solve(chosen);
          if (x.every((value) => value >= 0)) best = Math.min(best, errorOf(given, x));
        }
        expect(errorOf(given, nonNegativeLeastSquares(system))).toBeCloseTo(best, 6);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });

  it('leaves free columns free', () => {
    const system = new TriangularSystem(2);
    for (const t of [0, 1, 2, 3]) system.add([1, t], 2 - 3 * t);
    expect(Array.from(nonNegativeLeastSquares(system))).toEqual([0, 0]);
    const [a, b] = nonNegativeLeastSquares(system, [1]);
    expect(a).toBeCloseTo(2, 12);
    expect(b).toBeCloseTo(-3, 12);
  });
});

describe('monotone regression', () => {
  it('pools violators into their mean', () => {
    expect(Array.from(poolAdjacentViolators([1, 3, 2, 4]))).toEqual([1, 2.5, 2.5, 4]);
    // 5·1 and 1·3 pool to (5 + 3)/4 = 2.
    expect(Array.from(poolAdjacentViolators([5, 1], [1, 3]))).toEqual([2, 2]);
    expect(Array.from(poolAdjacentViolators([]))).toEqual([]);
  });

  it('never falls, keeps the sum, and no other non-falling sequence is nearer', () => {
    const values = fc.array(entry, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(values, values, (given, other) => {
        const fitted = poolAdjacentViolators(given);
        const distance = (to: ArrayLike<number>): number =>
          given.reduce((sum, value, index) => sum + (value - to[index]!) * (value - to[index]!), 0);
        for (let index = 1; index < fitted.length; index++) {
          expect(fitted[index]).toBeGreaterThanOrEqual(fitted[index - 1]!);
        }
        const sum = (numbers: ArrayLike<number>): number =>
          Array.from(numbers).reduce((a, b) => a + b, 0);
        expect(sum(fitted)).toBeCloseTo(sum(given), 9);
        const rival = given.map((_, index) => other[index % other.length]!).sort((a, b) => a - b);
        expect(distance(fitted)).toBeLessThanOrEqual(distance(rival) + 1e-9);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('gives back a rising table from samples of it, and goes on straight beyond them', () => {
    const u = Array.from({ length: 81 }, (_, index) => index / 100);
    const table = isotonicTable(
      u,
      u.map((load) => 100 + 50 * load),
    )!;
    table.forEach((watts, point) => {
      expect(watts).toBeCloseTo(100 + 5 * point, 9);
    });
    expect(isotonicTable([0.5, 0.55], [100, 120])).toBeUndefined();
  });
});

describe('shapes and bases', () => {
  it('rise from 0 at no load to 1 at full load and never fall', () => {
    for (const { name, of } of shapes) {
      expect(of(0), name).toBe(0);
      expect(of(1), name).toBeCloseTo(1, 12);
      for (let step = 1; step <= 1000; step++) {
        expect(of(step / 1000), name).toBeGreaterThanOrEqual(of((step - 1) / 1000) - 1e-15);
      }
    }
  });

  it('make tables of their own formula, with busy only for hosts with work', () => {
    const basis = bases.find(({ name }) => name === 'linear+busy')!;
    expect(hostPowerW(basis, [20, 5, 100], 0.5)).toBe(75);
    expect(Array.from(powerTable(basis, [20, 5, 100]))[10]).toBe(125);
  });
});

describe('robust fits', () => {
  const line = (rows: number, of: (x: number, row: number) => number): Design => ({
    columns: 2,
    features: Float64Array.from({ length: 2 * rows }, (_, at) => (at % 2 ? (at >> 1) / rows : 1)),
    measured: Float64Array.from({ length: rows }, (_, row) => of(row / rows, row)),
  });

  it.each(losses)('%s finds the line that the samples lie on', (loss) => {
    const x = robustFit(
      line(200, (u) => 100 + 40 * u),
      { loss },
    );
    expect(x[0]).toBeCloseTo(100, 6);
    expect(x[1]).toBeCloseTo(40, 6);
  });

  it('by absolute errors does not care for a meter that fails a tenth of the time', () => {
    const broken = line(400, (u, row) => (row % 10 === 3 ? 1 : 100 + 40 * u));
    const absolute = robustFit(broken, { loss: 'relative-absolute' });
    expect(absolute[0]).toBeCloseTo(100, 1);
    expect(absolute[1]).toBeCloseTo(40, 0);
    const squares = robustFit(broken, { loss: 'least-squares' });
    expect(squares[0]! + squares[1]! / 2).toBeLessThan(112);
  });

  it('by absolute errors is no worse in MAPE than any other loss, on noisy samples', () => {
    const noise = new RandomStream(3, 'calibration');
    const noisy = line(500, (u) => (100 + 40 * u) * (1 + 0.05 * noise.normal()));
    const mape = (loss: (typeof losses)[number]): number => {
      const x = robustFit(noisy, { loss });
      const predicted = noisy.measured.map((_, row) => x[0]! + (x[1]! * row) / 500);
      return predictionError(noisy.measured, predicted).mape;
    };
    // Errors below 1e-4 count as squares: that is the tolerance, in percent.
    for (const loss of losses) expect(mape('relative-absolute')).toBeLessThan(mape(loss) + 0.01);
  });

  it('leaves out rows and weighs the others as told', () => {
    const steps = line(100, (_, row) => (row < 50 ? 10 : 20));
    const mean = { ...steps, columns: 1, features: new Float64Array(100).fill(1) };
    const fitted = (options: object): number =>
      robustFit(mean, { loss: 'least-squares', ...options })[0]!;
    expect(fitted({})).toBeCloseTo(15, 12);
    expect(fitted({ to: 50 })).toBeCloseTo(10, 12);
    expect(fitted({ without: { from: 0, to: 50 } })).toBeCloseTo(20, 12);
    const weights = Float64Array.from({ length: 100 }, (_, row) => (row < 50 ? 1 : 3));
    expect(fitted({ weights })).toBeCloseTo((10 + 3 * 20) / 4, 12);
  });
});

describe('statistics', () => {
  it('agree with hand-made numbers', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    // 9 errors: ⌈10 · 0.9⌉ = 9th; with 8 no such promise can be made.
    expect(conformalQuantile([1, 2, 3, 4, 5, 6, 7, 8, 9], 0.9)).toBe(9);
    expect(conformalQuantile([1, 2, 3, 4, 5, 6, 7, 8], 0.9)).toBe(Number.POSITIVE_INFINITY);
    const error = predictionError([100, 200, 0], [110, 190, 5]);
    // Zero readings have no percentage: (10 % + 5 %) / 2, energy 300 against 300.
    expect(error).toMatchObject({ samples: 2, bias: 0, within10: 0.5 });
    expect(error.mape).toBeCloseTo(7.5, 12);
    expect(coverage([100, 100], [105, 120], 0.1)).toBe(0.5);
  });

  it('means over windows take samples by the end of their interval', () => {
    const { timeMs, columns } = windowMeans([30, 60, 90, 120, 150], [[1, 3, 5, 7, 100]], 60, 2);
    // (0, 60], (60, 120], and (120, 180] with half of what is expected.
    expect(Array.from(timeMs)).toEqual([60, 120, 180]);
    expect(Array.from(columns[0]!)).toEqual([2, 6, 100]);
  });
});

describe('the rolling calibrator', () => {
  const stepMs = 30_000;
  const truth = (features: readonly number[], hour: number): number =>
    features[0]! * (hour < 50 ? 80 : 100) + features[1]! * 60;
  const samples = (hours: number, seed: number, noise: number) => {
    const random = new RandomStream(seed, 'rolling');
    return Array.from({ length: hours * 120 }, (_, index) => {
      const features = [1, random.float()];
      const measured = truth(features, index / 120) * (1 + noise * random.normal());
      return { timeMs: (index + 1) * stepMs, features, measured };
    });
  };

  it('recovers the truth within 1 %, and follows when the truth changes', () => {
    const calibrator = new RollingCalibrator({ columns: 2, halfLifeMs: 3 * 3_600_000 });
    const all = samples(80, 1, 0.02);
    for (const sample of all.slice(0, 50 * 120)) calibrator.add(sample);
    expect(calibrator.coefficients[0]! / 80).toBeCloseTo(1, 2);
    expect(Math.abs(calibrator.coefficients[1]! / 60 - 1)).toBeLessThan(0.01);
    for (const sample of all.slice(50 * 120)) calibrator.add(sample);
    // 30 h are ten half-lives: a thousandth of the old truth is left.
    expect(Math.abs(calibrator.coefficients[0]! / 100 - 1)).toBeLessThan(0.01);
  });

  it('gives intervals that hold what they promise', () => {
    const calibrator = new RollingCalibrator({ columns: 2, halfLifeMs: 6 * 3_600_000 });
    let inside = 0;
    let counted = 0;
    for (const sample of samples(48, 2, 0.03)) {
      const { low, high } = calibrator.interval(sample.features, 0.9);
      if (calibrator.samples > 500) {
        counted++;
        if (sample.measured >= low && sample.measured <= high) inside++;
      }
      calibrator.add(sample);
    }
    // 5260 samples: the standard error is 0.4 %.
    expect(Math.abs(inside / counted - 0.9)).toBeLessThan(0.02);
  });

  it('is not moved by a meter that reads nonsense for half an hour', () => {
    const calibrator = new RollingCalibrator({ columns: 2, halfLifeMs: 6 * 3_600_000 });
    for (const sample of samples(24, 3, 0.01)) calibrator.add(sample);
    const before = calibrator.predict([1, 0.5]);
    const lastMs = 24 * 3_600_000;
    for (let index = 1; index <= 60; index++) {
      calibrator.add({
        timeMs: lastMs + index * stepMs,
        features: [1, 0.5],
        measured: index % 2 ? 20 : 1e-3,
      });
    }
    calibrator.refit();
    expect(Math.abs(calibrator.predict([1, 0.5]) / before - 1)).toBeLessThan(0.03);
  });

  it('leaves out what cannot be: no power, not a number, times that do not rise', () => {
    const calibrator = new RollingCalibrator({ columns: 1 });
    const add = (timeMs: number, measured: number, feature = 1): boolean =>
      calibrator.add({ timeMs, features: [feature], measured });
    expect([add(0, 5), add(1, 0), add(1, Number.NaN), add(0, 5), add(1, 5, Number.NaN)]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(calibrator.samples).toBe(1);
  });

  it('goes on from its state in JSON as if it had never stopped', () => {
    const all = samples(12, 4, 0.02);
    const options = { columns: 2, halfLifeMs: 4 * 3_600_000, intervalSamples: 300 };
    const whole = new RollingCalibrator(options);
    let part = new RollingCalibrator(options);
    all.forEach((sample, index) => {
      whole.add(sample);
      part.add(sample);
      if (index % 400 === 399)
        part = RollingCalibrator.restore(JSON.parse(JSON.stringify(part.state)));
    });
    expect(part.state).toEqual(whole.state);
    expect(part.nowcast([1, 0.3])).toBe(whole.nowcast([1, 0.3]));
    const endless = new RollingCalibrator({ columns: 1, halfLifeMs: Number.POSITIVE_INFINITY });
    endless.add({ timeMs: 0, features: [1], measured: 1 });
    const restored = RollingCalibrator.restore(JSON.parse(JSON.stringify(endless.state)));
    expect(restored.options.halfLifeMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('equals the batch solution where nothing is forgotten and nothing stands out', () => {
    const random = new RandomStream(6, 'batch');
    const calibrator = new RollingCalibrator({ columns: 2, halfLifeMs: Number.POSITIVE_INFINITY });
    const system = new TriangularSystem(2);
    for (let index = 0; index < 500; index++) {
      const features = [1, random.float()];
      const measured = features[0]! * 50 + features[1]! * 10;
      calibrator.add({ timeMs: index, features, measured });
      system.add(features, measured, 1 / (measured * measured));
    }
    calibrator.refit();
    const batch = nonNegativeLeastSquares(system);
    expect(calibrator.coefficients[0]).toBeCloseTo(batch[0]!, 8);
    expect(calibrator.coefficients[1]).toBeCloseTo(batch[1]!, 8);
  });
});
