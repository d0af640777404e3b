/**
 * Host power between SPECpower points, with CloudSim's order of operations
 * (`PowerModelSpecPower.java`): `low + ((high − low) / 10) × (u − low load) × 100`.
 *
 * CloudSim looks up `u % 0.1 == 0` directly. Only 0, 0.1, 0.2, 0.4 and 0.8 are multiples of the
 * double 0.1, and there `u × 10` is whole, so both table points are the same: no branch is needed.
 */

import { hostPowerW, powerColumns } from './constants.ts';

/**
 * Power of a host of `hostType` at `utilization`, W.
 *
 * @param utilization Fraction of the host's MIPS in use, in [0, 1].
 */
export function powerAt(hostType: number, utilization: number): number {
  const scaled = utilization * 10;
  const low = Math.floor(scaled);
  const row = hostType * powerColumns;
  const lowW = hostPowerW[row + low]!;
  const highW = hostPowerW[row + Math.ceil(scaled)]!;
  return lowW + ((highW - lowW) / 10) * (utilization - low / 10) * 100;
}
