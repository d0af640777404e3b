import fc from 'fast-check';
import { expect, it } from 'vitest';
import { currentPowerW } from '../../sim/hosts/host-power.ts';
import { interpolateCurve, loadPowerW, pstatePowerW } from '../../sim/hosts/pstate-power.ts';
import { powerModel } from '../../sim/power/model.ts';
import { clusterModel, startTwin } from '../builders.ts';

/** HP ProLiant ML110 G4 at 0, 10, …, 100 % load, W (Beloglazov & Buyya 2012, table 2). */
const measuredW = [86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117];

it('a curve is exact at its eleven points, both ends included', () => {
  const curves = Float64Array.from([0, 0, ...measuredW]);
  measuredW.forEach((watts, index) => {
    expect(interpolateCurve(curves, 2, index / 10)).toBeCloseTo(watts, 12);
  });
  expect(interpolateCurve(curves, 2, 0)).toBe(86);
  expect(interpolateCurve(curves, 2, 1)).toBe(117);
  // Halfway between 20 % and 30 %.
  expect(interpolateCurve(curves, 2, 0.25)).toBeCloseTo((92.6 + 96) / 2, 12);
});

it('power stays between its ends and never falls as load rises', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 11, maxLength: 11 });
  const load = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(steps, load, load, (rises, a, b) => {
      let watts = 0;
      const curve = Float64Array.from(rises, (rise) => (watts += rise));
      const low = interpolateCurve(curve, 0, Math.min(a, b));
      const high = interpolateCurve(curve, 0, Math.max(a, b));
      expect(low).toBeLessThanOrEqual(high + 1e-9);
      expect(low).toBeGreaterThanOrEqual(curve[0]! - 1e-9);
      expect(high).toBeLessThanOrEqual(curve[10]! + 1e-9);
    }),
    { seed: 7, numRuns: 20_000 },
  );
});

it('the straight form jumps from idle to epsilon and rises to full', () => {
  const model = clusterModel({
    hosts: [
      {
        pstates: [
          { coreMips: 1000, idleW: 90, epsilonW: 105, fullW: 250 },
          { coreMips: 0, idleW: 1, epsilonW: 2, fullW: 70 },
        ],
      },
    ],
  });
  const watts = (mips: number): number => pstatePowerW(model, 0, 4, mips);
  expect(watts(0)).toBe(90);
  expect(watts(1e-9)).toBeCloseTo(105, 9);
  // 1000 of 4000 MIPS: 105 + (250 - 105) / 4.
  expect(watts(1000)).toBe(141.25);
  expect(watts(4000)).toBe(250);
  // Rounding may ask for a trifle more than there is.
  expect(watts(4000.0001)).toBe(250);
  // A P-state without speed stands for booting: full power whatever the load.
  expect(pstatePowerW(model, 1, 4, 0)).toBe(70);
});

it('a host that is off, booting or shutting down draws its fixed power', () => {
  const twin = startTwin({ hosts: 1 });
  const watts = [0, 1, 2, 3].map((power) => {
    twin.state.hostPower[0] = power;
    return currentPowerW(twin, 0);
  });
  // The defaults of `hostSpec`: off 5, boot 150, idle 100, shutdown 120 W.
  expect(watts).toEqual([5, 150, 100, 120]);
});

it('a P-state of any other form draws what that form says', () => {
  const forms = [
    { kind: 'square', idleW: 50, fullW: 150 },
    { kind: 'mse', idleW: 50, fullW: 150, parameter: 1.4 },
    { kind: 'table', pointsW: [50, 90, 150], loads: [0, 0.2, 1] },
    { kind: 'zero-idle', of: { kind: 'sqrt', idleW: 50, fullW: 150 } },
  ] as const;
  const pstates = forms.map((power) => ({
    coreMips: 1000,
    idleW: 0,
    epsilonW: 0,
    fullW: 0,
    power,
  }));
  const model = clusterModel({ hosts: [{ pstates }] });
  forms.forEach((form, row) => {
    for (const u of [0, 0.1, 0.2, 0.55, 1]) {
      expect(loadPowerW(model, row, u)).toBe(powerModel(form).powerW(u));
      expect(pstatePowerW(model, row, 4, 4000 * u)).toBeCloseTo(powerModel(form).powerW(u), 9);
    }
  });
});
