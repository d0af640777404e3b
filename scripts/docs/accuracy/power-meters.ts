/** Modelled power of hosts against power that was measured at real ones. Published figures stand here. */
import { hostPresets } from '../../../sim/index.ts';
import { type AnalyticForm, analyticCode, analyticPowerW } from '../../../sim/power/analytic.ts';
import { corePowerW, voltageAt } from '../../../sim/power/cmos.ts';
import { componentPowerW, uniformPoint } from '../../../sim/power/components.ts';
import {
  type CpuFigures,
  componentHost,
  cpuFigures,
} from '../../../sim/scenario/presets/component-hosts.ts';
import { type AccuracyGroup, type AccuracyRow, percent } from './row.ts';

export const powerMeters: AccuracyGroup = {
  name: 'power-meters',
  kind: 'meters',
  measure: () => [formRow(), serverRow(), raplRow(), coreRow()],
};

export interface ErrorSpread {
  readonly mean: number;
  readonly largest: number;
}

function spread(errors: readonly number[]): ErrorSpread {
  const sizes = errors.map(Math.abs);
  return {
    mean: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
    largest: Math.max(...sizes),
  };
}

/** SPECpower curves of servers among the presets, W at 0, 10, …, 100 % load. */
export function measuredCurves(): readonly (readonly number[])[] {
  return Object.entries(hostPresets).flatMap(([name, { pstates }]) => {
    const curve = pstates[0]!.curveW;
    return curve === undefined || name === 'raspberry-pi-3' ? [] : [curve];
  });
}

/** A closed form between the measured ends of each server, over all points, relative to the measured power. */
export function closedFormError(kind: AnalyticForm, parameter: number): ErrorSpread {
  const code = analyticCode(kind);
  return spread(
    measuredCurves().flatMap((curve) =>
      curve.map(
        (watts, k) => analyticPowerW(code, curve[0]!, curve[10]!, parameter, k / 10) / watts - 1,
      ),
    ),
  );
}

function formRow(): AccuracyRow {
  const linear = closedFormError('linear', 0);
  const cubic = closedFormError('cubic', 0);
  return {
    model: 'Closed forms between idle and full power',
    page: 'power',
    referee: `SPECpower results of ${measuredCurves().length} servers at eleven loads`,
    error: `linear ${percent(linear.mean)} on average, ${percent(linear.largest)} at most; cubic ${percent(cubic.mean)} and ${percent(cubic.largest)}`,
  };
}

/** Servers of Nehalem and Westmere: packages, cores, GiB, slowest and fastest GHz, SPECpower W at 0 and 100 %. */
const servers = [
  ['X3470', 1, 4, 8, 1.2, 2.933, 41.6, 113],
  ['X3480', 1, 4, 8, 1.2, 3.067, 42.3, 113],
  ['2 × X5570', 2, 4, 8, 1.6, 2.933, 81.4, 244],
  ['X5670', 2, 6, 12, 1.6, 2.933, 66, 247],
  ['X5675', 2, 6, 12, 1.6, 3.067, 58.4, 222],
] as const;

/** Hosts calculated from their parts against those servers. */
export function serverErrors(): { readonly idle: ErrorSpread; readonly full: ErrorSpread } {
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
  return {
    idle: spread(errors.map(([idle]) => idle)),
    full: spread(errors.map(([, full]) => full)),
  };
}

function serverRow(): AccuracyRow {
  const { idle, full } = serverErrors();
  return {
    model: 'Hosts from their parts: whole servers',
    page: 'power',
    referee: `SPECpower results of ${servers.length} servers (X3470, X3480, 2 × X5570, X5670, X5675)`,
    error: `full load ${percent(full.mean, 0)} on average, ${percent(full.largest, 0)} at most; idle ${percent(idle.mean, 0)} and ${percent(idle.largest, 0)}`,
  };
}

/**
 * Two E5-2650 v2 packages of a CloudLab node: RAPL, mean usage and frequency of one second (sample file of the
 * DeepScale repository).
 */
export function raplError(idleRelativePower: number): number {
  const measuredW = 30.8 + 19.61;
  const { cpu } = cpuFigures['xeon-e5-2650v2-x2']!;
  const host = componentHost({ ...cpu, idleRelativePower });
  const domains = [0.0807, 0.0581].map((busyFraction) => {
    return { cores: 8, frequencyHz: 1.332e9, busyFraction };
  });
  const { core, uncore } = componentPowerW(host, { domains, temperatureC: 45 });
  return (core + uncore) / measuredW - 1;
}

function raplRow(): AccuracyRow {
  return {
    model: 'Hosts from their parts: packages at 7 % load',
    page: 'power',
    referee: 'RAPL of two E5-2650 v2 packages, one second',
    error: `${percent(raplError(0.02), 0)} where idle cores reach C6, ${percent(raplError(0.35), 0)} where they reach C1`,
  };
}

/**
 * Full − idle power of one Q6700 core at five frequencies (Guérout et al., 2013) against C V² f. C and the
 * lowest voltage are fitted to the ends; the three points between are predicted.
 */
export function coreErrors(): number[] {
  const { pstates } = hostPresets['core2-quad-q6700']!;
  const measured = pstates.map(({ idleW, fullW }) => fullW - idleW);
  const [fastest, slowest] = [pstates[0]!.coreMips, pstates[4]!.coreMips];
  const core = { capacitanceF: 1, leakageA: 0, referenceV: 1, referenceC: 50, leakagePerK: 0 };
  // V = 1 at the top; V² at the bottom follows from the power there.
  const lowV = Math.sqrt(measured[4]! / measured[0]! / (slowest / fastest));
  const curve = { frequenciesHz: [slowest, fastest], volts: [lowV, 1] };
  return pstates.map(({ coreMips }, row) => {
    const scale = measured[0]! / fastest;
    return (
      (scale * corePowerW(core, 1, coreMips, voltageAt(curve, coreMips), 50)) / measured[row]! - 1
    );
  });
}

function coreRow(): AccuracyRow {
  return {
    model: 'CMOS power of a core over its frequencies',
    page: 'power',
    referee: 'full − idle power of one Q6700 core at five frequencies, ends fitted',
    error: `${percent(spread(coreErrors()).largest)} at most at the three frequencies between`,
  };
}
