import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fixed,
  fixedExp,
  fixedLn2,
  fixedLog,
  fixedSine,
  pi,
  times,
  ulps,
  unit,
} from '../../scripts/docs/referees/fixed-point.ts';
import {
  cos,
  exp,
  expm1,
  log,
  log1p,
  pow,
  sin,
  trigonometricMax,
} from '../../sim/numbers/exact-math.ts';

const settings = { seed: 11, numRuns: 3000 };
/** Evenly over the range: `fc.double` alone would mostly give numbers next to zero. */
const range = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: 2 ** 52 }).map((i) => min + (max - min) * (i / 2 ** 52));
/** Magnitudes spread evenly over the exponents. */
const spread = (low: number, high: number): fc.Arbitrary<number> =>
  fc
    .tuple(fc.integer({ min: low, max: high }), range(1, 2), fc.boolean())
    .map(([e, m, negative]) => (negative ? -1 : 1) * m * 2 ** e);

function worst(
  argument: fc.Arbitrary<number>,
  error: (x: number) => number,
  extremes: readonly number[] = [],
): number {
  let most = 0;
  fc.assert(
    fc.property(argument, (x) => {
      most = Math.max(most, error(x));
    }),
    settings,
  );
  for (const x of extremes) most = Math.max(most, error(x));
  return most;
}

describe('against 300-bit integers', () => {
  const expError = (x: number): number => ulps(exp(x), ...fixedExp(fixed(x)));
  it('exp is within 0.7 units in the last place where results are normal', () => {
    expect(worst(range(-1, 1), expError)).toBeLessThan(0.7);
    expect(worst(range(-708, 709), expError, [709.782712893384, -708.3964185322641])).toBeLessThan(
      0.7,
    );
    expect(worst(spread(-60, 8), expError)).toBeLessThan(0.7);
  });

  it('exp is within one unit of the smallest double where results are subnormal', () => {
    expect(worst(range(-745.13, -708.4), expError)).toBeLessThanOrEqual(1);
  });

  it('expm1 is within 0.8 units', () => {
    const error = (x: number): number => {
      const [mantissa, k] = fixedExp(fixed(x));
      const whole = k >= 0 ? mantissa << BigInt(k) : mantissa >> BigInt(-k);
      return ulps(expm1(x), whole - unit);
    };
    expect(worst(range(-2, 2), error)).toBeLessThan(0.8);
    expect(worst(range(-45, 700), error)).toBeLessThan(0.8);
    expect(worst(spread(-100, 0), error, [5e-17, 4.9e-17, -5e-17])).toBeLessThan(0.8);
  });

  it('log is within 0.51 units, next to 1 as well', () => {
    const error = (x: number): number => ulps(log(x), fixedLog(fixed(x)));
    expect(worst(range(0.5, 2), error)).toBeLessThan(0.51);
    const near = spread(-52, -5).map((x) => 1 + x);
    expect(worst(near, error, [1 - 2 ** -53, 1 + 2 ** -52])).toBeLessThan(0.51);
    const positive = spread(-240, 1022).map(Math.abs);
    expect(worst(positive, error, [Number.MAX_VALUE])).toBeLessThan(0.51);
  });

  it('log of tiny numbers is that of their mantissa and exponent', () => {
    const error = (e: number): number =>
      ulps(log(2 ** e * 1.7), fixedLog(fixed(1.7)) + BigInt(e) * fixedLn2);
    expect(worst(fc.integer({ min: -1021, max: 1000 }), error)).toBeLessThan(0.51);
    // Subnormals, exact powers of two.
    for (const e of [-1074, -1060, -1023]) {
      expect(ulps(log(2 ** e), BigInt(e) * fixedLn2)).toBeLessThan(0.51);
    }
  });

  it('log1p is within 0.7 units', () => {
    const error = (x: number): number => ulps(log1p(x), fixedLog(unit + fixed(x)));
    expect(worst(range(-0.999, 3), error)).toBeLessThan(0.7);
    expect(worst(spread(-100, -1), error, [5e-17, 4.9e-17])).toBeLessThan(0.7);
    expect(worst(spread(0, 1000).map(Math.abs), error)).toBeLessThan(0.7);
  });

  it('pow is within 0.7 units over bases and exponents of all sizes', () => {
    const error = (base: number, exponent: number): number => {
      const got = pow(base, exponent);
      if (got === 0 || got === Number.POSITIVE_INFINITY || got < 2.3e-308) return 0;
      return ulps(got, ...fixedExp(times(fixed(exponent), fixedLog(fixed(base)))));
    };
    let most = 0;
    const bases = fc.oneof(
      range(0.01, 100),
      spread(-200, 900).map(Math.abs),
      spread(-50, -3).map((x) => 1 + x),
    );
    fc.assert(
      fc.property(bases, fc.oneof(range(-10, 10), spread(-20, 30)), (base, exponent) => {
        most = Math.max(most, error(base, exponent));
      }),
      { seed: 5, numRuns: 10_000 },
    );
    expect(most).toBeLessThan(0.7);
    expect(error(1 + 2 ** -52, 3e18)).toBeLessThan(0.7);
  });

  it('sin and cos are within 0.8 units, next to multiples of π/2 as well', () => {
    const sinError = (x: number): number => ulps(sin(x), fixedSine(fixed(x)));
    const cosError = (x: number): number => ulps(cos(x), fixedSine(fixed(x) + pi / 2n));
    const wide = range(-trigonometricMax, trigonometricMax);
    const nearMultiple = fc.integer({ min: -600_000, max: 600_000 }).map((k) => k * (Math.PI / 2));
    for (const error of [sinError, cosError]) {
      expect(worst(range(-8, 8), error)).toBeLessThan(0.8);
      expect(worst(wide, error)).toBeLessThan(0.8);
      expect(worst(nearMultiple, error)).toBeLessThan(0.8);
    }
    expect(worst(spread(-90, 0), sinError)).toBeLessThan(0.8);
  });
});

describe('special values', () => {
  const values = [
    ...[0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1e19, 1e21, -1e21, 1e300, -1e300],
    ...[5e-324, -5e-324, 2 ** 53, 2 ** 53 - 1, -(2 ** 53 - 1), Number.MAX_VALUE],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
  ];

  it('are those of ECMAScript for functions of one argument', () => {
    for (const x of values) {
      const special = (ours: number, theirs: number, name: string): void => {
        if (!Number.isFinite(theirs) || theirs === 0) expect(ours, `${name} ${x}`).toBe(theirs);
        else expect(ours / theirs, `${name} ${x}`).toBeCloseTo(1, 14);
      };
      special(exp(x), Math.exp(x), 'exp');
      special(expm1(x), Math.expm1(x), 'expm1');
      special(log(x), Math.log(x), 'log');
      special(log1p(x), Math.log1p(x), 'log1p');
    }
    expect(sin(-0)).toBe(-0);
    expect(cos(0)).toBe(1);
    expect(sin(Number.NaN)).toBeNaN();
    expect(() => cos(trigonometricMax + 1)).toThrow(RangeError);
    expect(() => sin(Number.NEGATIVE_INFINITY)).toThrow(RangeError);
  });

  it('are those of ECMAScript for every pair of pow', () => {
    for (const base of values) {
      for (const exponent of values) {
        const theirs = base ** exponent;
        const ours = pow(base, exponent);
        const name = `${base} to the ${exponent}`;
        if (!Number.isFinite(theirs) || theirs === 0) expect(ours, name).toBe(theirs);
        else expect(ours / theirs, name).toBeCloseTo(1, 12);
      }
    }
  });

  it('are exact where the result is a whole number or a power of two', () => {
    for (let base = 2; base <= 12; base++) {
      let product = 1;
      for (let n = 1; product * base <= 2 ** 53; n++) {
        product *= base;
        expect(pow(base, n), `${base}^${n}`).toBe(product);
        expect(pow(-base, n)).toBe(n % 2 === 0 ? product : -product);
      }
    }
    for (let e = -1074; e <= 1023; e++) expect(pow(2, e)).toBe(2 ** e);
    expect(pow(2, 1024)).toBe(Number.POSITIVE_INFINITY);
    expect(pow(2, -1075)).toBe(0);
    expect(exp(0)).toBe(1);
    expect(log(1)).toBe(0);
    expect(pow(9, 0.5)).toBe(3);
  });
});

it('agrees with the engine at hand to two units in the last place', () => {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 4.5e-16 * Math.abs(b);
  fc.assert(
    fc.property(range(-700, 700), range(1e-300, 1e300), (x, y) => {
      expect(near(exp(x), Math.exp(x))).toBe(true);
      expect(near(log(y), Math.log(y))).toBe(true);
      expect(near(log1p(y), Math.log1p(y))).toBe(true);
      expect(near(expm1(x), Math.expm1(x))).toBe(true);
      expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(3e-16);
    }),
    settings,
  );
});
