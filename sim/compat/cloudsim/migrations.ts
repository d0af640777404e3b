/**
 * Start and end of migrations (`PowerDatacenter.updateCloudletProcessing`, `processVmMigrate`).
 * While it migrates, a VM has shares of the host it leaves and of each host it is on its way to.
 * Migrations last as long as the VM's memory takes to copy, so those of a round end in a few
 * groups, long before the next round.
 */

import type { Cluster } from './cluster.ts';
import type { MigrationPlan } from './consolidation.ts';
import { migrationMbPerS, vmTypeMemoryMb } from './constants.ts';
import type { CloudSimRecorder } from './options.ts';
import { appendVm, removeVm } from './shares.ts';

/** The possible lengths of a migration, s, ascending: 9.808, 13.92, 27.84. */
export const migrationDelaysS: readonly number[] = [...new Set(vmTypeMemoryMb)]
  .map((memoryMb) => memoryMb / migrationMbPerS)
  .sort((a, b) => a - b);

/** Length of the migration of `vm`, s. */
export function migrationDelayS(cluster: Cluster, vm: number): number {
  return cluster.vmMemoryMb[vm]! / migrationMbPerS;
}

/** Starts all planned migrations at `timeS`; marks the hosts whose lists changed. */
export function startMigrations(
  cluster: Cluster,
  plan: MigrationPlan,
  timeS: number,
  touched: Uint8Array,
  recorder: CloudSimRecorder,
): void {
  for (let entry = 0; entry < plan.count; entry++) {
    const vm = plan.vms[entry]!;
    const target = plan.targets[entry]!;
    const source = cluster.vmHost[vm]!;
    cluster.vmMigrating[vm] = 1;
    appendVm(cluster, target, vm, 1);
    touched[source] = 1;
    touched[target] = 1;
    recorder.migrate?.(timeS, vm, source, target, migrationDelayS(cluster, vm));
  }
}

/** Whether any planned migration lasts `delayS`. */
export function hasMigrations(cluster: Cluster, plan: MigrationPlan, delayS: number): boolean {
  for (let entry = 0; entry < plan.count; entry++) {
    if (migrationDelayS(cluster, plan.vms[entry]!) === delayS) return true;
  }
  return false;
}

/**
 * Ends the migrations that last `delayS`, in the order they started: the VM runs on its target,
 * at the end of the list. A VM planned twice passes through its first target.
 */
export function endMigrations(
  cluster: Cluster,
  plan: MigrationPlan,
  delayS: number,
  touched: Uint8Array,
): void {
  for (let entry = 0; entry < plan.count; entry++) {
    const vm = plan.vms[entry]!;
    if (migrationDelayS(cluster, vm) !== delayS) continue;
    const source = cluster.vmHost[vm]!;
    const target = plan.targets[entry]!;
    removeVm(cluster, source, vm);
    removeVm(cluster, target, vm);
    appendVm(cluster, target, vm, 0);
    cluster.vmMigrating[vm] = 0;
    cluster.vmHost[vm] = target;
    touched[source] = 1;
    touched[target] = 1;
  }
}
