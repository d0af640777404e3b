/**
 * The only ways to act on a cluster. Each checks that the action is legal now and returns why not
 * (`undefined` = done); none leaves anything half-changed.
 */
import { beginMigration } from './migration.ts';
import { settleHost, settleVm, shareHost } from './sharing.ts';
import { addResident, removeResident } from './slots.ts';
import { hostPower, vmStatus } from './state.ts';
import { phases, schedule } from './timers.ts';
import type { Twin } from './twin.ts';
import { refreshTaskDemand } from './vm-lifecycle.ts';

/** Why an action was refused, in words; `undefined` when it was carried out. */
export type Refusal = string | undefined;

/** Starts a pending VM on a running host that has the memory. */
export function placeVm(twin: Twin, vm: number, host: number): Refusal {
  const { model, state } = twin;
  if (state.vmStatus[vm] !== vmStatus.pending) return 'the VM is not waiting for a host';
  const refusal = cannotReceive(twin, vm, host);
  if (refusal !== undefined) return refusal;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, model.limbo, nowMs);
  settleHost(twin, host, nowMs);
  removeResident(twin, vm);
  addResident(twin, host, vm);
  state.vmStatus[vm] = vmStatus.running;
  state.vmWaitedMs[vm]! += nowMs - state.vmPendingSinceMs[vm]!;
  state.hostReservedBytes[host]! += model.workload.memoryBytes[vm]!;
  refreshTaskDemand(twin, vm);
  shareHost(twin, model.limbo);
  shareHost(twin, host);
  return undefined;
}

/** Starts the live migration of a running VM. */
export function migrateVm(twin: Twin, vm: number, target: number): Refusal {
  const { state } = twin;
  if (state.vmStatus[vm] !== vmStatus.running) return 'the VM is not running';
  if (state.vmMigration[vm]! >= 0) return 'the VM is already migrating';
  if (state.vmHost[vm] === target) return 'the VM is already there';
  const refusal = cannotReceive(twin, vm, target);
  if (refusal !== undefined) return refusal;
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
  if (state.hostPower[host] !== hostPower.on) return 'the host is not running';
  const memory = model.workload.memoryBytes[vm]!;
  if (state.hostReservedBytes[host]! + memory > model.hostMemoryBytes[host]!) {
    return 'the host has not enough memory';
  }
  return undefined;
}

/** Sets the P-state of a host; it holds at once. */
export function setPstate(twin: Twin, host: number, pstate: number): Refusal {
  const { model, state } = twin;
  if (pstate < 0 || pstate >= model.hostPstates[host]!) return 'the host has no such P-state';
  if (state.hostPstate[host] === pstate) return undefined;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  state.hostPstate[host] = pstate;
  state.actionTotals[2]!++;
  shareHost(twin, host);
  twin.recorder?.pstateChanged?.(host, pstate, nowMs);
  return undefined;
}

/** Begins to boot a host that is off. */
export function powerOn(twin: Twin, host: number): Refusal {
  const { model, state } = twin;
  if (state.hostPower[host] !== hostPower.off) return 'the host is not off';
  state.actionTotals[0]!++;
  setPower(twin, host, hostPower.booting);
  const readyMs = state.nowMs[0]! + model.hostBootMs[host]!;
  schedule(state, twin.timers.transition + host, readyMs, phases.transition);
  return undefined;
}

/** Begins to shut down an empty host. */
export function powerOff(twin: Twin, host: number): Refusal {
  const { model, state } = twin;
  if (state.hostPower[host] !== hostPower.on) return 'the host is not running';
  if (state.hostVms[host]! > 0) return 'VMs are on the host';
  if (state.hostTasks[host]! > 0) return 'tasks are on the host';
  if (state.hostIncoming[host]! > 0) return 'VMs are on their way to the host';
  state.actionTotals[1]!++;
  setPower(twin, host, hostPower.shuttingDown);
  const downMs = state.nowMs[0]! + model.hostShutdownMs[host]!;
  schedule(state, twin.timers.transition + host, downMs, phases.transition);
  return undefined;
}

/** The end of booting or shutting down. */
export function completePowerTransition(twin: Twin, host: number): void {
  const booting = twin.state.hostPower[host] === hostPower.booting;
  setPower(twin, host, booting ? hostPower.on : hostPower.off);
}

function setPower(twin: Twin, host: number, power: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  state.hostPower[host] = power;
  shareHost(twin, host);
  twin.recorder?.powerChanged?.(host, power, nowMs);
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
