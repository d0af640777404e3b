/**
 * What the emulated host draws. Pure, and on purpose no model of `sim/`: whoever predicts this host
 * must learn it from its counters.
 *
 *     P_dynamic = Σ over CPUs of C·V(f)²·f·u                       [F·V²·Hz = W]
 *     P_core    = P_core,idle + P_dynamic
 *     P_package = P_package,idle + P_dynamic                       (P_core,idle is within P_package,idle)
 *     P_dram    = P_dram,idle + P_dram,busy · Σ u·f / (n·f_max)
 *     P_wall    = (P_board + P_package + P_dram) / η
 *
 * u is the busy fraction of a CPU, f its frequency, V the voltage of f in the table, n their number.
 */
import type { OperatingPoint, PowerConstants } from './config.ts';

/** Power of each part, W. The core's is within the package's. */
export interface PartPower {
  readonly coreW: number;
  readonly packageW: number;
  readonly dramW: number;
  readonly wallW: number;
}

/** One CPU over a stretch of time. */
export interface CpuActivity {
  readonly khz: number;
  /** In [0, 1]. */
  readonly utilization: number;
}

/** Of a busy CPU at an operating point, W. */
export function busyCpuW({ khz, volt }: OperatingPoint, capacitanceNf: number): number {
  return capacitanceNf * 1e-9 * volt * volt * (khz * 1000);
}

/** Power of a host with these CPUs; every frequency stands in the table of points. */
export function hostPower(
  cpus: readonly CpuActivity[],
  points: readonly OperatingPoint[],
  constants: PowerConstants,
): PartPower {
  const topKhz = points.at(-1)!.khz;
  let dynamicW = 0;
  let delivered = 0;
  for (const { khz, utilization } of cpus) {
    const point = points.find((candidate) => candidate.khz === khz)!;
    dynamicW += busyCpuW(point, constants.capacitanceNf) * utilization;
    delivered += (utilization * khz) / topKhz;
  }
  const coreW = constants.coreIdleW + dynamicW;
  const packageW = constants.packageIdleW + dynamicW;
  const dramW = constants.dramIdleW + constants.dramBusyW * (delivered / cpus.length);
  const wallW = (constants.boardW + packageW + dramW) / constants.supplyEfficiency;
  return { coreW, packageW, dramW, wallW };
}
