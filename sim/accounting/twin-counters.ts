/** Virtual RAPL counters of a run: what each VM would read of itself at its end. */
import { assert } from '../errors.ts';
import type { Twin } from '../twin.ts';
import { vmEnergy } from './twin-ledger.ts';
import { powercapFiles, raplRangeUj, VirtualCounters } from './virtual-energy.ts';

/**
 * The files below `/sys/class/powercap` that a VM would see: path → content. Zone `package-0` is all
 * it was charged, its part `core` what its work and its moves took; the difference is its share of
 * idle power. A power limit is shown as the long-term constraint. Settle first (`settleAll`).
 */
export function virtualEnergyFiles(twin: Twin, vm: number): Map<string, string> {
  assert(twin.model.accounting !== undefined, () => 'the model has no accounting');
  const { idleJ, activeJ, migrationJ } = vmEnergy(twin, vm);
  const counters = new VirtualCounters(1, 2);
  counters.add(0, 0, idleJ + activeJ + migrationJ);
  counters.add(0, 1, activeJ + migrationJ);
  const limitW = twin.state.limits.vmCpuW[vm] ?? Infinity;
  return powercapFiles([
    {
      name: 'package-0',
      energyUj: counters.energyUj(0, 0),
      rangeUj: raplRangeUj,
      ...(limitW < Infinity ? { limitW } : {}),
      parts: [{ name: 'core', energyUj: counters.energyUj(0, 1), rangeUj: raplRangeUj }],
    },
  ]);
}
