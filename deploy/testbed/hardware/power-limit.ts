/**
 * How a package keeps its power limits: it lowers the frequency of its CPUs.
 *
 * The short-term limit holds at every moment; the long-term one for an average with the time constant
 * τ of its window, ā' = ā + (P − ā)·Δt/τ. So during the next Δt the package may take
 * min(P_short, ā + (P_long − ā)·τ/Δt), and the CPUs get the highest frequency at which they are expected
 * to stay below that.
 */
import type { OperatingPoint, PowerConstants } from './config.ts';
import { type CpuActivity, hostPower } from './power-physics.ts';

/** A CPU, and the frequency it would have without a limit. */
export interface CpuDemand extends CpuActivity {
  readonly requestedKhz: number;
}

/** Above it a CPU may want more than it gets, and would stay busy at a higher frequency. */
const saturated = 0.95;

/** The same work at another frequency takes u·f/f' of the time. */
function activityAt(cpu: CpuDemand, khz: number): CpuActivity {
  if (khz > cpu.khz && cpu.utilization > saturated) return { khz, utilization: 1 };
  return { khz, utilization: Math.min(1, (cpu.utilization * cpu.khz) / khz) };
}

/** Limits of a package and what they are measured against. */
export class PowerLimiter {
  isEnabled = true;
  longTermW: number;
  shortTermW: number;
  windowS: number;
  #averageW = 0;

  constructor(limits: {
    readonly longTermLimitW: number;
    readonly shortTermLimitW: number;
    readonly longTermWindowMs: number;
  }) {
    this.longTermW = limits.longTermLimitW;
    this.shortTermW = limits.shortTermLimitW;
    this.windowS = limits.longTermWindowMs / 1000;
  }

  /** The package took this for so long. */
  advance(packageW: number, elapsedS: number): void {
    this.#averageW += (packageW - this.#averageW) * Math.min(1, elapsedS / this.windowS);
  }

  /** What the package may take during the next stretch, W. */
  budgetW(nextS: number): number {
    const lead = Math.max(1, this.windowS / nextS);
    return Math.min(this.shortTermW, this.#averageW + (this.longTermW - this.#averageW) * lead);
  }

  /** The highest frequency of the table that keeps within the budget; the lowest if none does. */
  ceilingKhz(
    cpus: readonly CpuDemand[],
    points: readonly OperatingPoint[],
    constants: PowerConstants,
    nextS: number,
  ): number {
    const topKhz = points.at(-1)!.khz;
    if (!this.isEnabled) return topKhz;
    const budgetW = this.budgetW(nextS);
    const fits = points.findLast(({ khz }) => {
      const expected = cpus.map((cpu) => activityAt(cpu, Math.min(khz, cpu.requestedKhz)));
      return hostPower(expected, points, constants).packageW <= budgetW;
    });
    return (fits ?? points[0]!).khz;
  }
}
