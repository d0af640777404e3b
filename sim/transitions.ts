/**
 * The only ways to act on a cluster (with `power-transitions.ts`). Each checks that the action is
 * legal now and returns why not (`undefined` = done); none leaves anything half-changed.
 *
 * A place or a move onto a host that is still booting is promised now and carried out when the
 * host is up.
 */
import { vmStarted } from './faults/vm-clock.ts';
import { refreshStreams } from './flows/streams.ts';
import { beginMigration } from './migration/begin.ts';
import { settleHost, settleVm, shareHost } from './sharing.ts';
import { hostPower, isComingUp, vmStatus } from './status.ts';
import type { Twin } from './twin.ts';
import { addResident, removeResident } from './vms/slots.ts';
import { moveTasks } from './vms/tasks.ts';
import { refreshTaskDemand } from './vms/vm-demand.ts';
import { releasePlanned } from './vms/vm-lifecycle.ts';

/** Why an action was refused, in words; `undefined` when it was carried out. */
export type Refusal = string | undefined;

/** Starts a pending VM on a running host that has the memory. */
export function placeVm(twin: Twin, vm: number, host: number): Refusal {
  const { model, state } = twin;
  if (state.vmStatus[vm] !== vmStatus.pending) return 'the VM is not waiting for a host';
  const refusal = cannotReceive(twin, vm, host);
  if (refusal !== undefined) return refusal;
  if (isComingUp(state, host)) return promisePlace(twin, vm, host);
  const nowMs = state.nowMs[0]!;
  settleHost(twin, model.limbo, nowMs);
  settleHost(twin, host, nowMs);
  moveTasks(twin, vm, model.limbo, host);
  removeResident(twin, vm);
  addResident(twin, host, vm);
  state.vmStatus[vm] = vmStatus.running;
  state.vmWaitedMs[vm]! += nowMs - state.vmPendingSinceMs[vm]!;
  state.hostReservedBytes[host]! += model.workload.memoryBytes[vm]!;
  refreshTaskDemand(twin, vm);
  shareHost(twin, model.limbo);
  shareHost(twin, host);
  refreshStreams(twin, vm);
  if (model.faults !== undefined) vmStarted(twin, vm);
  return undefined;
}

/** Starts the live migration of a running VM. */
export function migrateVm(twin: Twin, vm: number, target: number): Refusal {
  const { state } = twin;
  if (state.vmStatus[vm] !== vmStatus.running) return 'the VM is not running';
  if (state.vmMigration[vm]! >= 0) return 'the VM is already migrating';
  if (state.vmHost[vm] === target) return 'the VM is already there';
  if (twin.model.restrictions?.staysPut[vm] === 1) return 'the VM stays where it is';
  const refusal = cannotReceive(twin, vm, target);
  if (refusal !== undefined) return refusal;
  if (isComingUp(state, target)) return promisePlace(twin, vm, target);
  if (state.freeCount[0] === 0) {
    state.actionTotals[3]!++;
    return 'too many migrations in flight';
  }
  beginMigration(twin, vm, target);
  return undefined;
}

function cannotReceive(twin: Twin, vm: number, host: number): Refusal {
  const { model, state } = twin;
  if (host < 0 || host >= model.hosts) return 'there is no such host';
  if (state.vmPlanned[vm]! >= 0) return 'the VM already waits for a booting host';
  if (model.restrictions?.takesNoVms[host] === 1) return 'the host takes no VMs';
  const up = state.hostPower[host] === hostPower.on || isComingUp(state, host);
  if (!up) return 'the host is not running';
  if (state.hostDraining[host] !== 0) return 'the host is being drained';
  const memory = model.workload.memoryBytes[vm]!;
  if (state.hostReservedBytes[host]! + memory > model.hostMemoryBytes[host]!) {
    return 'the host has not enough memory';
  }
  return undefined;
}

/** Holds memory for `vm` on a host that is still booting; it goes there when the host is up. */
function promisePlace(twin: Twin, vm: number, host: number): Refusal {
  const { model, state } = twin;
  state.vmPlanned[vm] = host;
  state.hostIncoming[host]!++;
  state.hostReservedBytes[host]! += model.workload.memoryBytes[vm]!;
  return undefined;
}

/** A host has booted: carries out what was promised, in the order of VM ids. */
export function keepPromises(twin: Twin, host: number): void {
  const { model, state } = twin;
  if (state.hostIncoming[host] === 0) return;
  for (let vm = 0; vm < model.vms; vm++) {
    if (state.vmPlanned[vm] !== host) continue;
    releasePlanned(twin, vm);
    if (state.vmStatus[vm] === vmStatus.pending) placeVm(twin, vm, host);
    else migrateVm(twin, vm, host);
  }
}

/**
 * Limits the total rate of a task-driven VM (`Infinity`: no limit), or sets the demand of a
 * trace-driven one until its next row, MIPS.
 */
export function setDemand(twin: Twin, vm: number, mips: number): Refusal {
  const { model, state } = twin;
  if (!(mips >= 0)) return 'a demand is a number of MIPS from 0 up';
  const host = state.vmHost[vm]!;
  if (host < 0) return 'the VM is not there';
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  state.vmBoundMips[vm] = mips;
  if (model.vmTaskDriven[vm] === 1) {
    refreshTaskDemand(twin, vm);
  } else {
    settleVm(twin, vm, nowMs);
    state.vmAskedMips[vm] = mips;
  }
  shareHost(twin, host);
  return undefined;
}
