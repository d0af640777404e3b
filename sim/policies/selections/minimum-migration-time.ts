import type { Draft } from '../draft.ts';
import type { Selection } from './selection.ts';

/**
 * The VM that is copied soonest: least memory / transfer rate; among VMs without a rate cap, least
 * memory. Ties go to the lowest id.
 */
export const minimumMigrationTime: Selection = {
  name: 'mmt',
  choose: (draft, host) => {
    let best = -1;
    let bestS = Infinity;
    let bestBytes = Infinity;
    for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
      if (draft.movable[vm] === 0) continue;
      const bytes = draft.cluster.vmMemoryBytes(vm);
      const seconds = migrationS(draft, vm);
      if (seconds < bestS || (seconds === bestS && bytes < bestBytes)) {
        best = vm;
        bestS = seconds;
        bestBytes = bytes;
      }
    }
    return best;
  },
};

/** Time to copy the VM's memory once at its own rate cap, s; 0 without a cap. */
export function migrationS(draft: Draft, vm: number): number {
  const bytesPerS = draft.cluster.migrationBytesPerS(vm);
  return bytesPerS > 0 ? draft.cluster.vmMemoryBytes(vm) / bytesPerS : 0;
}
