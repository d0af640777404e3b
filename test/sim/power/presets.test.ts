import { describe, expect, it } from 'vitest';
import { type AnalyticForm, analyticCode, analyticPowerW } from '../../../sim/power/analytic.ts';
import { corePowerW, voltageAt } from '../../../sim/power/cmos.ts';
import { componentPowerW, uniformPoint } from '../../../sim/power/components.ts';
import { cstateTables, predictedIdleProfile } from '../../../sim/power/cstates.ts';
import { checkScalingCountedOnce, type PowerSpec } from '../../../sim/power/model.ts';
import { hostPresets } from '../../../sim/scenario/host-presets.ts';
import {
  type CpuFigures,
  componentHost,
  cpuFigures,
} from '../../../sim/scenario/presets/component-hosts.ts';

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
  const tables = Object.entries(hostPresets).flatMap(([name, { pstates }]) => {
    const curve = pstates[0]!.curveW;
    return curve === undefined || name === 'raspberry-pi-3' ? [] : [curve];
  });
  /** Mean and largest error over all points of all tables, relative to the measured power. */
  const errorOf = (kind: AnalyticForm, parameter: number): [mean: number, largest: number] => {
    const errors = tables.flatMap((curve) => {
      const [idleW, fullW] = [curve[0]!, curve[10]!];
      const code = analyticCode(kind);
      return curve.map((watts, k) => {
        return Math.abs(analyticPowerW(code, idleW, fullW, parameter, k / 10) / watts - 1);
      });
    });
    return [errors.reduce((sum, error) => sum + error, 0) / errors.length, Math.max(...errors)];
  };

  it.each([
    ['linear', 0, 0.031, 0.237],
    ['sqrt', 0, 0.112, 0.487],
    ['square', 0, 0.117, 0.404],
    ['cubic', 0, 0.169, 0.468],
    ['mse', 1.4, 0.058, 0.293],
    ['asymptotic', 0.3, 0.074, 0.358],
  ] as const)('%s (%s) errs by %s on average, by %s at most', (kind, parameter, mean, largest) => {
    expect(tables).toHaveLength(11);
    const [meanError, largestError] = errorOf(kind, parameter);
    expect(meanError).toBeCloseTo(mean, 3);
    expect(largestError).toBeCloseTo(largest, 3);
  });
});

/** How wrong the calculated hosts are; the figures in docs/models/power.md. */
describe('calculated power', () => {
  it('of full load is within 17 %, of idling within 24 % of five measured servers', () => {
    // Nehalem and Westmere: slowest and fastest GHz; SPECpower at 0 and 100 %.
    const servers = [
      ['x3470', 1, 4, 8, 1.2, 2.933, 41.6, 113],
      ['x3480', 1, 4, 8, 1.2, 3.067, 42.3, 113],
      ['x5570', 2, 4, 8, 1.6, 2.933, 81.4, 244],
      ['x5670', 2, 6, 12, 1.6, 2.933, 66, 247],
      ['x5675', 2, 6, 12, 1.6, 3.067, 58.4, 222],
    ] as const;
    const errors = servers.map(
      ([, packages, coresPerPackage, memoryGib, slow, fast, idleW, fullW]) => {
        const cpu: CpuFigures = {
          ...{ packages, coresPerPackage, memoryGib, tdpW: 95, sharedVoltage: true },
          voltage: { frequenciesHz: [slow * 1e9, fast * 1e9], volts: [0.85, 1.2] },
          ...{ idleRelativePower: 0.02, hasPackageSleep: true },
        };
        const host = componentHost(cpu);
        const idle = componentPowerW(host, uniformPoint(host, slow * 1e9, 0, 40)).total;
        const full = componentPowerW(host, uniformPoint(host, fast * 1e9, 1, 65)).total;
        return [idle / idleW - 1, full / fullW - 1] as const;
      },
    );
    const size = (pick: 0 | 1): number[] => errors.map((pair) => Math.abs(pair[pick]));
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.max(...size(0))).toBeLessThan(0.24);
    expect(Math.max(...size(1))).toBeLessThan(0.17);
    expect(mean(size(0))).toBeCloseTo(0.13, 2);
    expect(mean(size(1))).toBeCloseTo(0.09, 2);
  });

  it('of two nearly idle E5-2650 v2 packages is 57 % too low with C6, 31 % with C1', () => {
    // RAPL of a CloudLab c6220-class node, one second: 30.80 + 19.61 J; mean usage and frequency.
    const measuredW = 30.8 + 19.61;
    const error = (idleRelativePower: number): number => {
      const { cpu } = cpuFigures['xeon-e5-2650v2-x2']!;
      const host = componentHost({ ...cpu, idleRelativePower });
      const domains = [0.0807, 0.0581].map((busyFraction) => {
        return { cores: 8, frequencyHz: 1.332e9, busyFraction };
      });
      const { core, uncore } = componentPowerW(host, { domains, temperatureC: 45 });
      return (core + uncore) / measuredW - 1;
    };
    expect(error(0.02)).toBeCloseTo(-0.57, 2);
    expect(error(0.2)).toBeCloseTo(-0.43, 2);
    expect(error(0.35)).toBeCloseTo(-0.31, 2);
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
  // Guérout et al.: full − idle of one core. C and the voltage at the lowest frequency are fitted
  // on the ends; the three points between are predicted.
  const { pstates } = hostPresets['core2-quad-q6700']!;
  const measured = pstates.map(({ idleW, fullW }) => fullW - idleW);
  const [fastest, slowest] = [pstates[0]!.coreMips, pstates[4]!.coreMips];
  const core = { capacitanceF: 1, leakageA: 0, referenceV: 1, referenceC: 50, leakagePerK: 0 };
  // V = 1 at the top: C f = 19.75 W; V² at the bottom follows from 6.02 W.
  const lowV = Math.sqrt(measured[4]! / measured[0]! / (slowest / fastest));
  const curve = { frequenciesHz: [slowest, fastest], volts: [lowV, 1] };
  const errors = pstates.map(({ coreMips }, row) => {
    const volts = voltageAt(curve, coreMips);
    const scale = measured[0]! / fastest;
    return (scale * corePowerW(core, 1, coreMips, volts, 50)) / measured[row]! - 1;
  });
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
