/** What a migration takes from the VM that is being copied. */
import { migrationStage } from '../status.ts';
import type { Twin } from '../twin.ts';

/**
 * CPU that `vm` can claim when it asks for `asked` and its vCPUs can do `top`, MIPS. Auto-converge
 * keeps the vCPUs from running for a fraction of the time; page faults of post-copy take a fraction
 * of whatever the VM does. Its quota holds beside them.
 *
 * @param limit The VM's quota of what is asked here, MIPS; Infinity for none.
 */
export function claimMips(
  twin: Twin,
  vm: number,
  asked: number,
  top: number,
  limit: number,
): number {
  const claim = claimBesideQuota(twin, vm, asked, top);
  return limit < claim ? limit : claim;
}

function claimBesideQuota(twin: Twin, vm: number, asked: number, top: number): number {
  const { state } = twin;
  const cap = asked < top ? asked : top;
  const migration = state.vmMigration[vm]!;
  if (migration < 0) return cap;
  const kept = 1 - state.migrationThrottle[migration]!;
  if (kept === 1) return cap;
  if (state.migrationStage[migration] === migrationStage.postCopy) return cap * kept;
  return Math.min(cap, top * kept);
}

/** Fraction of what `vm` receives that is lost to the copying, in [0, 1). */
export function copyingLoss(twin: Twin, vm: number): number {
  const migration = twin.state.vmMigration[vm]!;
  if (migration < 0) return 0;
  const pulls = twin.state.migrationStage[migration] === migrationStage.postCopy;
  return pulls ? 0 : twin.model.migrationOverheadFraction;
}
