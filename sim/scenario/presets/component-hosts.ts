/**
 * Hosts described by their parts (`sim/power/components.ts`), made from what is published of their CPU:
 * thermal design power (TDP), cores, frequencies and voltages. Everything else is the same assumption for
 * all of them and stands here once; docs/models/power.md says how far off that is where there is a measurement.
 *
 * Frequencies of the Xeons and voltages of Pentium M, Opteron and Turion: literature; voltages of the
 * Xeons: assumed. Turbo is left out: it depends on the number of active cores.
 */

import type { PstateSpec } from '../../hosts/host-spec.ts';
import { calibrateCore, type VoltageCurve } from '../../power/cmos.ts';
import { type ComponentHost, componentPowerW, uniformPoint } from '../../power/components.ts';
import { maxtorDiamondMax, psuEfficiency } from '../../power/devices.ts';

/** What is published of a CPU, and how many of them a host has. */
export interface CpuFigures {
  readonly packages: number;
  readonly coresPerPackage: number;
  /** Thermal design power of a package, W. */
  readonly tdpW: number;
  /** Operating points, slowest first. */
  readonly voltage: VoltageCurve;
  readonly sharedVoltage: boolean;
  /** Power of an idle core relative to a busy one: 0.35 with C1 alone, 0.02 with C6. */
  readonly idleRelativePower: number;
  /** Whether the package sleeps when all its cores do. */
  readonly hasPackageSleep: boolean;
  readonly memoryGib: number;
}

/** Assumed for all component hosts. */
export const componentAssumptions = {
  /** Power of a package under full load relative to its TDP. */
  fullOfTdp: 0.85,
  /** Share of that power that is uncore, and how much remains at the lowest frequency and asleep. */
  uncoreShare: 0.25,
  uncoreLow: 0.6,
  uncoreSleep: 0.3,
  /** Share of a core's full power that is leakage at this temperature. */
  leakageOfCore: 0.25,
  referenceC: 60,
  /** DDR3: W per GiB and J per byte. */
  dramIdleWPerGib: 0.25,
  dramJoulesPerByte: 5e-10,
  /** Gigabit Ethernet: 1 W more at 125 MB/s. */
  nicIdleW: 4,
  nicJoulesPerByte: 8e-9,
  /** Fans and board per package, and board per host, W. */
  fanWPerPackage: 12,
  boardWPerPackage: 8,
  boardW: 12,
} as const;

/** A whole host around a CPU. */
export function componentHost(cpu: CpuFigures): ComponentHost {
  const assume = componentAssumptions;
  const { packages, coresPerPackage, voltage } = cpu;
  const fullW = assume.fullOfTdp * cpu.tdpW;
  const uncoreHighW = assume.uncoreShare * fullW;
  const uncoreLowW = assume.uncoreLow * uncoreHighW;
  const coreW = (fullW - uncoreHighW) / coresPerPackage;
  const [fastestHz, highestV] = [voltage.frequenciesHz.at(-1)!, voltage.volts.at(-1)!];
  return {
    packages,
    coresPerPackage,
    voltage,
    sharedVoltage: cpu.sharedVoltage,
    core: calibrateCore(coreW, assume.leakageOfCore, fastestHz, highestV, assume.referenceC),
    idleRelativePower: cpu.idleRelativePower,
    uncore: {
      lowW: uncoreLowW,
      highW: uncoreHighW,
      ...(cpu.hasPackageSleep ? { sleepW: assume.uncoreSleep * uncoreHighW } : {}),
    },
    dram: {
      gib: cpu.memoryGib,
      idleWPerGib: assume.dramIdleWPerGib,
      joulesPerByte: assume.dramJoulesPerByte,
    },
    disk: maxtorDiamondMax,
    nic: { idleW: assume.nicIdleW, joulesPerByte: assume.nicJoulesPerByte },
    fan: { fullW: packages * assume.fanWPerPackage, speedMin: 0.5, lowC: 45, highC: 80 },
    psu: { count: 1, ratedW: 200 + 250 * packages, efficiency: psuEfficiency.gold },
    baseW: assume.boardW + packages * assume.boardWPerPackage,
  };
}

/** Straight line of volts between the slowest and the fastest frequency. */
function line(ghz: readonly number[], lowV: number, highV: number): VoltageCurve {
  const [slowest, fastest] = [ghz[0]!, ghz.at(-1)!];
  const perGhz = (highV - lowV) / (fastest - slowest);
  return {
    frequenciesHz: ghz.map((f) => f * 1e9),
    volts: ghz.map((f) => (f === fastest ? highV : lowV + (f - slowest) * perGhz)),
  };
}

/** (MHz, V) pairs. */
function points(...pairs: readonly (readonly [mhz: number, volts: number])[]): VoltageCurve {
  return {
    frequenciesHz: pairs.map(([mhz]) => mhz * 1e6),
    volts: pairs.map(([, volts]) => volts),
  };
}

/** A Xeon with C6 and package sleep, voltage shared within the package or per core. */
const xeon = (
  packages: number,
  coresPerPackage: number,
  tdpW: number,
  voltage: VoltageCurve,
  sharedVoltage: boolean,
  memoryGib: number,
): CpuFigures => ({
  ...{ packages, coresPerPackage, tdpW, voltage, sharedVoltage, memoryGib },
  idleRelativePower: 0.02,
  hasPackageSleep: true,
});

/** CPUs before C6 in servers: their idle cores halt (C1). */
const halting = (
  packages: number,
  coresPerPackage: number,
  tdpW: number,
  voltage: VoltageCurve,
  memoryGib: number,
): CpuFigures => ({
  ...{ packages, coresPerPackage, tdpW, voltage, memoryGib, sharedVoltage: true },
  idleRelativePower: 0.35,
  hasPackageSleep: false,
});

/** Figures of the CPUs by preset, with what the preset is called in words. */
export const cpuFigures: Readonly<Record<string, { what: string; cpu: CpuFigures }>> = {
  'pentium-m-1.6': {
    what: 'one Pentium M, 1 core at 0.6 to 1.6 GHz',
    cpu: halting(
      1,
      1,
      24.5,
      points([600, 0.956], [800, 1.036], [1000, 1.164], [1200, 1.276], [1400, 1.42], [1600, 1.484]),
      1,
    ),
  },
  'opteron-2218-x2': {
    what: '2 × Opteron 2218, 4 cores at 1.0 to 2.6 GHz',
    cpu: halting(
      2,
      2,
      95,
      points([1000, 1.1], [1800, 1.15], [2000, 1.15], [2200, 1.2], [2400, 1.25], [2600, 1.3]),
      8,
    ),
  },
  'turion-mt34': {
    what: 'one Turion 64 MT-34, 1 core at 0.8 to 1.8 GHz',
    cpu: halting(
      1,
      1,
      25,
      points([800, 0.9], [1000, 1], [1200, 1.05], [1400, 1.1], [1600, 1.15], [1800, 1.2]),
      1,
    ),
  },
  'xeon-x3430': {
    what: 'one Xeon X3430, 4 cores at 1.2 to 2.4 GHz',
    cpu: xeon(
      1,
      4,
      95,
      // Steps of 133⅓ MHz.
      line(
        [9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map((ratio) => (ratio * 2) / 15),
        0.85,
        1.2,
      ),
      true,
      8,
    ),
  },
  'xeon-e5-2620-x2': {
    what: '2 × Xeon E5-2620, 12 cores at 1.2 to 2.0 GHz',
    cpu: xeon(2, 6, 95, line([1.2, 1.4, 1.6, 1.8, 2], 0.8, 1), true, 32),
  },
  'xeon-e5-2620v3-x2': {
    what: '2 × Xeon E5-2620 v3, 12 cores at 1.2 to 2.4 GHz',
    cpu: xeon(2, 6, 85, line([1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4], 0.75, 0.95), false, 64),
  },
  'xeon-e5-2620v4-x2': {
    what: '2 × Xeon E5-2620 v4, 16 cores at 1.2 to 2.1 GHz',
    cpu: xeon(2, 8, 85, line([1.2, 1.4, 1.6, 1.8, 2, 2.1], 0.75, 0.9), false, 64),
  },
  'xeon-e5-2650v2-x2': {
    what: '2 × Xeon E5-2650 v2, 16 cores at 1.2 to 2.6 GHz',
    cpu: xeon(2, 8, 95, line([1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4, 2.6], 0.8, 1.05), true, 64),
  },
};

const tenths = (watts: number): number => Math.round(watts * 10) / 10;

/**
 * P-states of a component host for an engine that knows idle, epsilon and full power only, fastest
 * first; 1 MIPS per MHz, W rounded to tenths.
 *
 * Assumed temperatures: `idleC` without load, `fullC` under full load, halfway between at half load.
 * Epsilon is where the line through half and full load meets no load: the uncore has then woken up.
 */
export function componentPstates(host: ComponentHost, idleC = 40, fullC = 65): PstateSpec[] {
  const watts = (hz: number, busy: number): number =>
    componentPowerW(host, uniformPoint(host, hz, busy, idleC + busy * (fullC - idleC))).total;
  return [...host.voltage.frequenciesHz].reverse().map((hz) => {
    const [idleW, fullW] = [watts(hz, 0), watts(hz, 1)];
    return {
      coreMips: Math.round(hz / 1e6),
      idleW: tenths(idleW),
      // Fans and leakage bend the curve upwards: without package sleep the line may end below idle.
      epsilonW: tenths(Math.max(idleW, 2 * watts(hz, 0.5) - fullW)),
      fullW: tenths(fullW),
    };
  });
}
