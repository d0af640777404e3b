/** What a policy may ask of a migration under way. Each says why not, where it cannot be done. */
import { migrationStage } from '../status.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';
import { cutToPostCopy, giveUp, isPreCopying } from './transfers.ts';

/** Ends the migration of `vm`; it runs on where it is. */
export function abortMigration(twin: Twin, vm: number): Refusal {
  const flow = twin.state.vmMigration[vm] ?? -1;
  if (flow < 0) return 'the VM is not migrating';
  if (twin.state.migrationStage[flow] === migrationStage.postCopy) {
    return 'the VM already runs on the target';
  }
  giveUp(twin, flow);
  return undefined;
}

/** Lets `vm` go on at the target now; its memory follows. */
export function switchMigration(twin: Twin, vm: number): Refusal {
  const flow = twin.state.vmMigration[vm] ?? -1;
  if (flow < 0) return 'the VM is not migrating';
  if (twin.state.migrationStage[flow] === migrationStage.disk) {
    return 'the disk of the VM is still being copied';
  }
  if (!isPreCopying(twin, flow)) return 'the VM has already stopped on the source';
  cutToPostCopy(twin, flow);
  return undefined;
}
