import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capOverW,
  heatOutJ,
  meanTemperatureC,
  steadyC,
  steadyCapW,
  type ThermalSpec,
  temperatureAfterC,
  timeConstantS,
  timeToReachS,
} from '../../sim/thermal/rc.ts';
import { hotAndCold, writeInletC } from '../../sim/thermal/room.ts';

/** 0.2 K/W and 1500 J/K: five minutes. */
const host: ThermalSpec = { resistanceKPerW: 0.2, capacityJPerK: 1500 };
const number = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true });
const cases = fc.record({
  spec: fc.record({ resistanceKPerW: number(0.01, 5), capacityJPerK: number(1, 1e5) }),
  startC: number(0, 120),
  inletC: number(10, 40),
  powerW: number(0, 500),
  elapsedS: number(0, 1e4),
});
const settings = { seed: 31, numRuns: 3000 };

describe('known values', () => {
  it('after one time constant 1 − 1/e of the way is done', () => {
    expect(timeConstantS(host)).toBe(300);
    expect(steadyC(host, 25, 200)).toBe(65);
    expect(temperatureAfterC(host, 25, 25, 200, 300)).toBeCloseTo(65 - 40 / Math.E, 12);
    expect(meanTemperatureC(host, 25, 25, 200, 300)).toBeCloseTo(65 - 40 * (1 - 1 / Math.E), 12);
  });

  it('half of the way takes ln 2 time constants, up and down', () => {
    expect(timeToReachS(host, 25, 25, 200, 45)).toBeCloseTo(300 * Math.LN2, 10);
    expect(timeToReachS(host, 65, 25, 0, 45)).toBeCloseTo(300 * Math.LN2, 10);
    expect(timeToReachS(host, 30, 25, 200, 30)).toBe(0);
    // Never: the final temperature itself, beyond it, behind the start.
    for (const limitC of [65, 70, 20]) {
      expect(timeToReachS(host, 25, 25, 200, limitC)).toBe(Number.POSITIVE_INFINITY);
    }
  });

  it('the cap over a short horizon is higher than forever, by what the mass can take', () => {
    expect(steadyCapW(host, 25, 65)).toBe(200);
    expect(steadyCapW(host, 70, 65)).toBe(0);
    // 40 K of room within one time constant: 200 W / (1 − 1/e).
    expect(capOverW(host, 25, 25, 65, 300)).toBeCloseTo(200 / (1 - 1 / Math.E), 9);
    expect(capOverW(host, 90, 25, 65, 1)).toBe(0);
    expect(capOverW(host, 25, 25, 65, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(capOverW(host, 66, 25, 65, 0)).toBe(0);
  });
});

describe('the closed form', () => {
  it('is the same in two steps as in one', () => {
    fc.assert(
      fc.property(cases, number(0, 1), ({ spec, startC, inletC, powerW, elapsedS }, share) => {
        const once = temperatureAfterC(spec, startC, inletC, powerW, elapsedS);
        const between = temperatureAfterC(spec, startC, inletC, powerW, share * elapsedS);
        const twice = temperatureAfterC(spec, between, inletC, powerW, elapsedS - share * elapsedS);
        expect(Math.abs(twice - once)).toBeLessThan(1e-9 * (1 + Math.abs(once)));
      }),
      settings,
    );
  });

  it('keeps the heat that it does not give away: P t = C ΔT + heat out', () => {
    fc.assert(
      fc.property(cases, ({ spec, startC, inletC, powerW, elapsedS }) => {
        const endC = temperatureAfterC(spec, startC, inletC, powerW, elapsedS);
        const keptJ = spec.capacityJPerK * (endC - startC);
        const outJ = heatOutJ(spec, startC, inletC, powerW, elapsedS);
        const size = powerW * elapsedS + Math.abs(keptJ) + Math.abs(outJ);
        // Rounding of temperatures of up to 3000 °C is multiplied by the capacity.
        expect(Math.abs(powerW * elapsedS - keptJ - outJ)).toBeLessThan(1e-10 * size + 1e-6);
      }),
      settings,
    );
  });

  it('solves the differential equation: equals many small Euler steps', () => {
    let [temperature, area] = [90, 0];
    const steps = 200_000;
    const stepS = 450 / steps;
    for (let step = 0; step < steps; step++) {
      const heat = 150 - (temperature - 22) / 0.2;
      area += (temperature + (heat / 1500) * (stepS / 2)) * stepS;
      temperature += (heat / 1500) * stepS;
    }
    expect(temperatureAfterC(host, 90, 22, 150, 450)).toBeCloseTo(temperature, 3);
    expect(meanTemperatureC(host, 90, 22, 150, 450)).toBeCloseTo(area / 450, 3);
  });

  it('stays between start and final temperature, and warmer for more power', () => {
    fc.assert(
      fc.property(cases, number(0, 100), ({ spec, startC, inletC, powerW, elapsedS }, moreW) => {
        const endC = temperatureAfterC(spec, startC, inletC, powerW, elapsedS);
        const finalC = steadyC(spec, inletC, powerW);
        expect(endC).toBeGreaterThanOrEqual(Math.min(startC, finalC) - 1e-9);
        expect(endC).toBeLessThanOrEqual(Math.max(startC, finalC) + 1e-9);
        const warmer = temperatureAfterC(spec, startC, inletC, powerW + moreW, elapsedS);
        expect(warmer).toBeGreaterThanOrEqual(endC - 1e-9);
      }),
      settings,
    );
  });
});

describe('limits', () => {
  it('are met exactly at the time they say', () => {
    let reached = 0;
    fc.assert(
      fc.property(cases, number(0, 200), ({ spec, startC, inletC, powerW }, limitC) => {
        const seconds = timeToReachS(spec, startC, inletC, powerW, limitC);
        if (seconds === Number.POSITIVE_INFINITY) {
          const finalC = steadyC(spec, inletC, powerW);
          const isBetween = (limitC - startC) * (finalC - limitC) > 0;
          expect(isBetween).toBe(false);
          return;
        }
        reached++;
        const endC = temperatureAfterC(spec, startC, inletC, powerW, seconds);
        expect(Math.abs(endC - limitC)).toBeLessThan(1e-6);
      }),
      settings,
    );
    expect(reached).toBeGreaterThan(500);
  });

  it('caps of power end exactly at the limit, and tend to the steady cap', () => {
    fc.assert(
      fc.property(cases, number(30, 100), ({ spec, startC, inletC, elapsedS }, limitC) => {
        const horizonS = elapsedS + 1;
        const capW = capOverW(spec, startC, inletC, limitC, horizonS);
        const endC = temperatureAfterC(spec, startC, inletC, capW, horizonS);
        if (capW > 0) expect(Math.abs(endC - limitC)).toBeLessThan(1e-6);
        else expect(endC).toBeGreaterThanOrEqual(limitC - 1e-6);
        const forever = capOverW(spec, startC, inletC, limitC, 100 * timeConstantS(spec));
        expect(forever).toBeCloseTo(steadyCapW(spec, inletC, limitC), 6);
      }),
      settings,
    );
  });
});

describe('a room', () => {
  it('warms the inlets by what comes back', () => {
    const inletC = new Float64Array(2);
    writeInletC(18, Float64Array.of(0.01, 0.02, 0, 0.005), Float64Array.of(200, 100), inletC);
    expect([...inletC]).toEqual([22, 18.5]);
  });

  it('has a hottest and a coldest host, of those that count', () => {
    const temperatures = Float64Array.of(40, 70, 35, 70, 20);
    expect(hotAndCold(temperatures)).toEqual({ hottest: 1, coldest: 4, spreadK: 50 });
    expect(hotAndCold(temperatures, [1, 0, 1, 1, 0])).toEqual({
      hottest: 3,
      coldest: 2,
      spreadK: 35,
    });
    expect(hotAndCold(new Float64Array(0))).toEqual({ hottest: -1, coldest: -1, spreadK: 0 });
  });
});
