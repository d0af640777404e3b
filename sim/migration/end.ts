/** How a migration ends: the VM stops, changes hosts, goes on; or nothing comes of it. */

import { isOnNetwork, leaveNetwork } from '../flows/network.ts';
import { refreshStreams } from '../flows/streams.ts';
import { shutDownIfDrained } from '../hosts/host-drain.ts';
import { settleHost, settleVm, shareHost } from '../sharing.ts';
import { migrationStage, vmStatus } from '../status.ts';
import { cancel } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { addResident, removeResident } from '../vms/slots.ts';
import { moveTasks } from '../vms/tasks.ts';
import { refreshTaskDemand } from '../vms/vm-demand.ts';

/** Stops the VM on the source, which must be settled. */
export function pauseVm(twin: Twin, flow: number): void {
  const { state } = twin;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  state.vmStatus[vm] = vmStatus.paused;
  state.vmThreads[vm] = 0;
  state.vmShareWeight[vm] = 0;
  state.migrationPauseMs[flow] = state.nowMs[0]!;
  shareHost(twin, source);
  refreshStreams(twin, vm);
  twin.recorder?.vmPaused?.(vm, source, state.nowMs[0]!);
}

/** The VM goes on at the target, and with it the migration ends. */
export function finishMigration(twin: Twin, flow: number): void {
  const { state } = twin;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  const nowMs = state.nowMs[0]!;
  changeHosts(twin, flow);
  state.migrationDowntimeMs[flow] = nowMs - state.migrationPauseMs[flow]!;
  completeMigration(twin, flow);
  state.hostCopied[source]!--;
  resumeVm(twin, vm);
  shareHost(twin, source);
  shareHost(twin, target);
  refreshStreams(twin, vm);
  shutDownIfDrained(twin, source);
  twin.recorder?.vmResumed?.(vm, target, nowMs);
  twin.recorder?.migrationEnded?.(vm, source, target, state.migrationStartMs[flow]!, nowMs);
}

/** Post-copy: the VM goes on at the target while most of its memory is still at the source. */
export function arriveBeforeMemory(twin: Twin, flow: number, slowdown: number): void {
  const { state } = twin;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  const nowMs = state.nowMs[0]!;
  changeHosts(twin, flow);
  state.hostCopied[source]!--;
  state.hostCopied[target]!++;
  state.migrationDowntimeMs[flow] = nowMs - state.migrationPauseMs[flow]!;
  state.migrationStage[flow] = migrationStage.postCopy;
  state.migrationThrottle[flow] = slowdown;
  resumeVm(twin, vm);
  shareHost(twin, source);
  shareHost(twin, target);
  refreshStreams(twin, vm);
  twin.recorder?.vmResumed?.(vm, target, nowMs);
}

/** All memory has followed the VM. */
export function finishPostCopy(twin: Twin, flow: number): void {
  const { state } = twin;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, source, nowMs);
  settleHost(twin, target, nowMs);
  completeMigration(twin, flow);
  state.hostCopied[target]!--;
  shareHost(twin, source);
  shareHost(twin, target);
  shutDownIfDrained(twin, source);
  const vm = state.migrationVm[flow]!;
  twin.recorder?.migrationEnded?.(vm, source, target, state.migrationStartMs[flow]!, nowMs);
}

/** Moves the VM itself, with its tasks; its memory stays held on both hosts. */
function changeHosts(twin: Twin, flow: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  settleHost(twin, source, nowMs);
  settleHost(twin, target, nowMs);
  settleVm(twin, vm, nowMs);
  moveTasks(twin, vm, source, target);
  removeResident(twin, vm);
  addResident(twin, target, vm);
}

function completeMigration(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = state.migrationVm[flow]!;
  state.hostReservedBytes[state.migrationSource[flow]!]! -= model.workload.memoryBytes[vm]!;
  state.vmMigrations[vm]!++;
  state.migrationTotals[0]!++;
  state.migrationTotals[2]! += nowMs - state.migrationStartMs[flow]!;
  state.migrationTotals[3]! += state.migrationDowntimeMs[flow]!;
  releaseMigration(twin, flow);
}

/**
 * Ends a migration without completing it. Before the switch to post-copy the VM runs on where it
 * is; after it the VM has its memory nowhere, and the caller ends it.
 */
export function dropMigration(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  const host = state.vmHost[vm]!;
  const memory = model.workload.memoryBytes[vm]!;
  settleHost(twin, host, nowMs);
  cancel(state, twin.timers.flow + flow);
  state.hostReservedBytes[host === source ? target : source]! -= memory;
  const paused = state.vmStatus[vm] === vmStatus.paused;
  releaseMigration(twin, flow);
  state.hostCopied[host]!--;
  resumeVm(twin, vm);
  shareHost(twin, host);
  refreshStreams(twin, vm);
  if (host !== source) shutDownIfDrained(twin, source);
  if (paused) twin.recorder?.vmResumed?.(vm, source, nowMs);
  twin.recorder?.migrationDropped?.(vm, source, target, state.migrationStartMs[flow]!, nowMs);
}

function releaseMigration(twin: Twin, flow: number): void {
  const { state } = twin;
  if (isOnNetwork(twin, flow)) leaveNetwork(twin, flow);
  if (twin.model.migrationTimeouts) cancel(state, twin.timers.deadline + flow);
  state.vmMigration[state.migrationVm[flow]!] = -1;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  state.hostOutgoing[source]!--;
  state.hostIncoming[target]!--;
  state.hostSpecial[source]!--;
  state.hostSpecial[target]!--;
  state.migrationStage[flow] = migrationStage.free;
  state.freeMigrations[state.freeCount[0]!] = flow;
  state.freeCount[0]!++;
}

function resumeVm(twin: Twin, vm: number): void {
  const { model, state } = twin;
  state.vmStatus[vm] = vmStatus.running;
  if (model.vmTaskDriven[vm] === 1) {
    refreshTaskDemand(twin, vm);
    return;
  }
  state.vmThreads[vm] = model.workload.vcpus[vm]!;
  state.vmShareWeight[vm] = state.vmThreads[vm]! * model.vmWeight[vm]!;
}
