import { describe, expect, it } from 'vitest';
import {
  closedFormError,
  coreErrors,
  measuredCurves,
  raplError,
  serverErrors,
} from '../../../scripts/docs/accuracy/power-meters.ts';
import { componentPowerW, uniformPoint } from '../../../sim/power/components.ts';
import { cstateTables, predictedIdleProfile } from '../../../sim/power/cstates.ts';
import { checkScalingCountedOnce, type PowerSpec } from '../../../sim/power/model.ts';
import { hostPresets } from '../../../sim/scenario/host-presets.ts';
import { cpuFigures } from '../../../sim/scenario/presets/component-hosts.ts';

describe('every preset', () => {
  it.each(Object.entries(hostPresets))('%s is a possible host', (_, preset) => {
    const { pstates, cores, memoryBytes, source, description } = preset;
    expect(cores).toBeGreaterThan(0);
    expect(memoryBytes).toBeGreaterThan(0);
    expect(source.length + description.length).toBeGreaterThan(20);
    pstates.forEach(({ coreMips, idleW, epsilonW, fullW, curveW }, row) => {
      expect(coreMips).toBeLessThan(pstates[row - 1]?.coreMips ?? Number.POSITIVE_INFINITY);
      expect(idleW).toBeGreaterThan(0);
      expect(epsilonW).toBeGreaterThanOrEqual(idleW);
      expect(fullW).toBeGreaterThan(epsilonW);
      expect(fullW).toBeLessThanOrEqual(pstates[row - 1]?.fullW ?? Number.POSITIVE_INFINITY);
      expect(curveW?.every((watts, k) => k === 0 || watts >= curveW[k - 1]!) ?? true).toBe(true);
    });
  });

  it('counts frequency scaling once', () => {
    for (const [name, { pstates }] of Object.entries(hostPresets)) {
      const specs = pstates.map(
        ({ idleW, epsilonW, fullW, curveW }): PowerSpec =>
          curveW === undefined
            ? { kind: 'triple', idleW, epsilonW, fullW }
            : { kind: 'table', pointsW: curveW },
      );
      checkScalingCountedOnce(`${name}.pstates`, specs);
    }
  });

  it('made of parts has the speeds of its operating points', () => {
    for (const name of Object.keys(cpuFigures)) {
      const { component, pstates, cores } = hostPresets[name]!;
      expect(component!.packages * component!.coresPerPackage).toBe(cores);
      const speeds = component!.voltage.frequenciesHz.map((hz) => Math.round(hz / 1e6));
      expect(pstates.map(({ coreMips }) => coreMips)).toEqual(speeds.reverse());
    }
  });
});

describe('closed forms between the ends of the eleven measured servers', () => {
  it.each([
    ['linear', 0, 0.031, 0.237],
    ['sqrt', 0, 0.112, 0.487],
    ['square', 0, 0.117, 0.404],
    ['cubic', 0, 0.169, 0.468],
    ['mse', 1.4, 0.058, 0.293],
    ['asymptotic', 0.3, 0.074, 0.358],
  ] as const)('%s (%s) errs by %s on average, by %s at most', (kind, parameter, mean, largest) => {
    expect(measuredCurves()).toHaveLength(11);
    const error = closedFormError(kind, parameter);
    expect(error.mean).toBeCloseTo(mean, 3);
    expect(error.largest).toBeCloseTo(largest, 3);
  });
});

/** How wrong the calculated hosts are; the figures in docs/models/power.md. */
describe('calculated power', () => {
  it('of full load is within 17 %, of idling within 24 % of five measured servers', () => {
    const { idle, full } = serverErrors();
    expect(idle.largest).toBeLessThan(0.24);
    expect(full.largest).toBeLessThan(0.17);
    expect(idle.mean).toBeCloseTo(0.13, 2);
    expect(full.mean).toBeCloseTo(0.09, 2);
  });

  it('of two nearly idle E5-2650 v2 packages is 57 % too low with C6, 31 % with C1', () => {
    expect(raplError(0.02)).toBeCloseTo(-0.57, 2);
    expect(raplError(0.2)).toBeCloseTo(-0.43, 2);
    expect(raplError(0.35)).toBeCloseTo(-0.31, 2);
  });

  it('of P-states as lines is within 7 % of the parts at every load', () => {
    let worst = 0;
    for (const name of Object.keys(cpuFigures)) {
      const { component, pstates } = hostPresets[name]!;
      for (const { coreMips, epsilonW, fullW } of pstates) {
        const hz = component!.voltage.frequenciesHz.find((f) => Math.round(f / 1e6) === coreMips)!;
        for (let tenth = 1; tenth <= 10; tenth++) {
          const u = tenth / 10;
          const exact = componentPowerW(component!, uniformPoint(component!, hz, u, 40 + 25 * u));
          worst = Math.max(worst, Math.abs((epsilonW + u * (fullW - epsilonW)) / exact.total - 1));
        }
      }
    }
    expect(worst).toBeCloseTo(0.066, 3);
  });
});

it('the power of one Q6700 core over its frequencies is that of CMOS within 8 %', () => {
  const errors = coreErrors();
  [0, -0.066, -0.076, -0.07, 0].forEach((error, row) => {
    expect(errors[row]).toBeCloseTo(error, 3);
  });
});

it('idle power of C-states is what presets assume: C6 alone when quiet, C1 when woken often', () => {
  const idle = (wakeups: number): number =>
    predictedIdleProfile(cstateTables['skylake-sp'], 0.05, wakeups).relativeIdlePower;
  expect(idle(10)).toBeLessThan(0.03);
  expect(idle(50_000)).toBeGreaterThan(0.3);
});
