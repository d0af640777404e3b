import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../sim/errors.ts';
import { interpolateCurve } from '../../../sim/hosts/pstate-power.ts';
import { analyticCode, analyticForms, analyticPowerW } from '../../../sim/power/analytic.ts';
import {
  checkScalingCountedOnce,
  frequencyAwareTriple,
  type PowerSpec,
  powerModel,
  powerRow,
  rowPowerW,
  type TableSpec,
} from '../../../sim/power/model.ts';

const at = (spec: PowerSpec, u: number): number => powerModel(spec).powerW(u);

describe('known values', () => {
  // DSLab IaaS (commit a6c155e), tests of its power models; all with Pi = 0.4, Pf = 1.
  const ends = { idleW: 0.4, fullW: 1 };
  it.each([
    ['mse', 1.4, 0.1, 0.4961135697],
    ['mse', 1.4, 0.5, 0.772642515],
    ['asymptotic', 0.1, 0.1, 0.6196361676],
    ['asymptotic', 0.1, 0.5, 0.8479786159],
    ['asymptotic', 0.1, 1, 0.99998638],
    ['square', undefined, 0.8, 0.784],
    ['cubic', undefined, 0.8, 0.7072],
  ] as const)('%s (%s) at %s of the load', (kind, parameter, u, watts) => {
    const spec = parameter === undefined ? { kind, ...ends } : { kind, ...ends, parameter };
    // The vectors have ten digits.
    expect(at(spec, u)).toBeCloseTo(watts, 9);
  });

  it('the frequency-aware model of DUAL at half load and three quarters of the frequency', () => {
    expect(at(frequencyAwareTriple(0.4, 0.4, 0.2, 0.75), 0.5)).toBeCloseTo(0.675, 15);
  });

  it('IBM x3550 M3 with X5675', () => {
    const pointsW = [58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222];
    const model = powerModel({ kind: 'table', pointsW });
    expect([0, 0.1, 0.85, 1].map((u) => model.powerW(u))).toEqual([
      58.4,
      98,
      expect.closeTo(197, 12),
      222,
    ]);
  });

  it('linear 32–180 W of OpenDC, sqrt and constant by arithmetic', () => {
    expect(at({ kind: 'linear', idleW: 32, fullW: 180 }, 0.25)).toBe(69);
    expect(at({ kind: 'sqrt', idleW: 32, fullW: 180 }, 0.25)).toBe(106);
    expect(at({ kind: 'constant', idleW: 32, fullW: 180 }, 0)).toBe(180);
    expect(at({ kind: 'mse', idleW: 32, fullW: 180, parameter: 2 }, 0.5)).toBeCloseTo(143, 12);
    // 100 + 50 (1 + 1/8 − e^(−1/8 / 0.5)), e^(−1/4) = 0.778800783071405
    const dvfs = { kind: 'asymptotic-dvfs', idleW: 100, fullW: 200, parameter: 0.5 } as const;
    expect(at(dvfs, 0.5)).toBeCloseTo(100 + 50 * (1.125 - 0.778800783071405), 12);
  });

  it('a triple jumps from idle to epsilon, zero-idle from nothing to its model', () => {
    const triple = { kind: 'triple', idleW: 95, epsilonW: 120, fullW: 200 } as const;
    expect([0, 1e-300, 0.5, 1].map((u) => at(triple, u))).toEqual([95, 120, 160, 200]);
    const zeroIdle = { kind: 'zero-idle', of: triple } as const;
    expect([0, 1e-300, 0.5, 1].map((u) => at(zeroIdle, u))).toEqual([0, 120, 160, 200]);
    const table = { kind: 'zero-idle', of: { kind: 'table', pointsW: [10, 30] } } as const;
    expect([0, 0.5, 1].map((u) => at(table, u))).toEqual([0, 20, 30]);
  });
});

const load = fc.double({ min: 0, max: 1, noNaN: true });

describe('every form', () => {
  const forms = fc.constantFrom(...analyticForms);
  it('rises with load and stays between its ends (α up to 1, r from 1 to 2)', () => {
    fc.assert(
      fc.property(
        forms,
        load,
        load,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (form, a, b, x) => {
          const parameter = form === 'mse' ? 1 + x : x;
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map((u) =>
            analyticPowerW(analyticCode(form), 100, 250, parameter, u),
          ) as [number, number];
          expect(low).toBeLessThanOrEqual(high + 1e-12);
          expect(low).toBeGreaterThanOrEqual(100 - 1e-12);
          expect(high).toBeLessThanOrEqual(250 + 1e-12);
        },
      ),
      { seed: 7, numRuns: 5000 },
    );
  });

  it('starts at its lower end, and ends at the upper one but for the tail of the exponential', () => {
    for (const form of analyticForms.slice(1)) {
      expect(analyticPowerW(analyticCode(form), 100, 250, 0.2, 0), form).toBe(100);
      const short = form.startsWith('asymptotic') ? 75 * Math.exp(-1 / 0.2) : 0;
      expect(analyticPowerW(analyticCode(form), 100, 250, 0.2, 1)).toBeCloseTo(250 - short, 12);
    }
  });
});

describe('tables', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 11, maxLength: 11 });

  it('of eleven points equal the curve of the hot tick', () => {
    fc.assert(
      fc.property(steps, load, (rises, u) => {
        let watts = 0;
        const pointsW = rises.map((rise) => (watts += rise));
        const model = powerModel({ kind: 'table', pointsW });
        expect(model.powerW(u)).toBeCloseTo(interpolateCurve(Float64Array.from(pointsW), 0, u), 9);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  it('are exact at their own loads and straight between, several in one column', () => {
    const tables: number[] = [];
    const specs: readonly TableSpec[] = [
      { kind: 'table', pointsW: [5, 10] },
      { kind: 'table', pointsW: [10, 50, 60, 100], loads: [0, 0.05, 0.5, 1] },
      { kind: 'table', pointsW: [1, 2, 4] },
    ];
    const rows = specs.map((spec) => powerRow(spec, tables));
    const watts = (row: number, u: number): number => {
      const { code, idleW, epsilonW, fullW, parameter } = rows[row]!;
      return rowPowerW(code, idleW, epsilonW, fullW, parameter, tables, u);
    };
    expect([0, 0.05, 0.5, 1].map((u) => watts(1, u))).toEqual([10, 50, 60, 100]);
    expect(watts(1, 0.025)).toBe(30);
    expect(watts(1, 0.75)).toBe(80);
    expect([0, 0.5, 0.75, 1].map((u) => watts(2, u))).toEqual([1, 2, 3, 4]);
    expect(watts(0, 0.5)).toBe(7.5);
  });
});

describe('refused', () => {
  const table = (atFixedFrequency?: boolean): TableSpec => ({
    kind: 'table',
    pointsW: [50, 100],
    ...(atFixedFrequency === undefined ? {} : { atFixedFrequency }),
  });
  const triple = { kind: 'triple', idleW: 1, fullW: 2 } as const;

  it('is a table beside other P-states unless all are measured at their frequency', () => {
    const check = (...pstates: readonly PowerSpec[]): void =>
      checkScalingCountedOnce('hosts[2].pstates', pstates);
    check(table());
    check(triple, triple);
    check(table(true), table(true));
    expect(() => check(table(), triple)).toThrow(/hosts\[2\]\.pstates\[0\].*scaling/);
    expect(() => check(table(true), triple)).toThrow(/pstates\[1\].*"triple"/);
    expect(() => check(table(true), table())).toThrow(/pstates\[1\]/);
    expect(() => check(triple, { kind: 'zero-idle', of: table() })).toThrow(InputError);
  });

  it.each([
    [{ kind: 'mse', idleW: 1, fullW: 2 }, 'power.parameter'],
    [{ kind: 'asymptotic', idleW: 1, fullW: 2, parameter: 0 }, 'power.parameter'],
    [{ kind: 'linear', idleW: Number.NaN, fullW: 2 }, 'power.idleW'],
    [{ kind: 'triple', idleW: 1, epsilonW: -1, fullW: 2 }, 'power.epsilonW'],
    [{ kind: 'table', pointsW: [1] }, 'power.pointsW'],
    [{ kind: 'table', pointsW: [1, Number.POSITIVE_INFINITY] }, 'power.pointsW[1]'],
    [{ kind: 'table', pointsW: [1, 2, 3], loads: [0, 1] }, 'power.loads'],
    [{ kind: 'table', pointsW: [1, 2, 3], loads: [0, 0, 1] }, 'power.loads'],
    [{ kind: 'zero-idle', of: { kind: 'table', pointsW: [] } }, 'power.of.pointsW'],
    [{ kind: 'wobbly', idleW: 1, fullW: 2 } as never, 'power.kind'],
  ] satisfies readonly (readonly [PowerSpec, string])[])('%j', (spec, path) => {
    expect(() => powerModel(spec)).toThrow(InputError);
    expect(() => powerModel(spec)).toThrow(path);
  });
});
