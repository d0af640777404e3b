/**
 * One core and one VM on it that always wants to run, in ticks of 1 ms: the stride says in how many of
 * them it does; in the others the CPU is halted and draws its idle power alone.
 *
 * The load stands for a compressor such as bzip2: nearly one µop per cycle, many branches, few misses.
 * Its event rates are assumed; its power swings by ±10 % as its phases change.
 */

import { strideShare } from '../control/cpu-stride.ts';
import { activeEnergyJ, eventWeightSets, idleEnergyJ } from '../event-weights.ts';

const weights = eventWeightSets['pentium-d'];
export const tickS = 0.001;

/** Events per unhalted cycle, in the order of the weights. */
const compressor = [1, 0.95, 0.15, 0.006, 0.25, 0.002, 0.01] as const;
/** The load swings to one side and back in so many ticks. */
const swingTicks = 3000;

/** Active energy of one tick of the compressor, tick `tick` of its run, J. */
export function compressorJ(tick: number): number {
  const at = (tick % swingTicks) / swingTicks;
  const swing = 0.9 + 0.4 * Math.min(at, 1 - at);
  const cycles = weights.tscHz * tickS * swing;
  return activeEnergyJ(
    weights,
    compressor.map((rate) => rate * cycles),
  );
}

/** Idle power of the core, W. */
export const coreIdleW = idleEnergyJ(weights, 1);

/** Which ticks a VM of a given stride gets. */
export class StrideGate {
  #credit = 0;

  /** Whether the VM runs in the next tick. */
  next(stride: number): boolean {
    this.#credit += strideShare(stride);
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }
}
