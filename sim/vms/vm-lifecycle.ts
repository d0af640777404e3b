/** How a VM comes, runs and goes: arrival, running vCPUs, demand, departure. */
import { vmEnded } from '../faults/vm-clock.ts';
import { refreshStreams } from '../flows/streams.ts';
import { shutDownIfDrained } from '../hosts/host-drain.ts';
import { dropMigration } from '../migration/end.ts';
import { closeQueue } from '../requests/queue.ts';
import { settleHost, settleVm, shareHost } from '../sharing.ts';
import { vmStatus } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { addResident, removeResident } from './slots.ts';
import { killTasks, startOverdueTasks } from './tasks.ts';
import { traceDemandMips } from './vm-demand.ts';

/** The VM is asked for: from now on it waits in limbo until a policy places it. */
export function admitVm(twin: Twin, vm: number): void {
  const { model, state, timers } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, model.limbo, nowMs);
  state.vmStatus[vm] = vmStatus.pending;
  state.vmPendingSinceMs[vm] = nowMs;
  state.vmBoundMips[vm] = Infinity;
  state.vmSinceMs[vm] = nowMs;
  addResident(twin, model.limbo, vm);
  if (model.vmTaskDriven[vm] !== 1) {
    state.vmThreads[vm] = model.workload.vcpus[vm]!;
    state.vmShareWeight[vm] = state.vmThreads[vm]! * model.vmWeight[vm]!;
    state.vmAskedMips[vm] = traceDemandMips(twin, vm);
  }
  shareHost(twin, model.limbo);
  // At time 0 all VMs take their places before any task begins.
  if (model.vmTaskDriven[vm] === 1 && nowMs > 0) startOverdueTasks(twin, vm);
  const departureMs = model.workload.departureMs[vm]!;
  if (departureMs < Infinity) schedule(state, timers.vm + vm, departureMs, phases.departure);
}

/** The VM ends, wherever it is. */
export function departVm(twin: Twin, vm: number): void {
  const { model, state, timers } = twin;
  const nowMs = state.nowMs[0]!;
  cancel(state, timers.vm + vm);
  releasePlanned(twin, vm);
  if (state.vmMigration[vm]! >= 0) dropMigration(twin, state.vmMigration[vm]!);
  const host = state.vmHost[vm]!;
  settleHost(twin, host, nowMs);
  settleVm(twin, vm, nowMs);
  killTasks(twin, vm, host);
  removeResident(twin, vm);
  if (host !== model.limbo) state.hostReservedBytes[host]! -= model.workload.memoryBytes[vm]!;
  else if (state.vmStatus[vm] === vmStatus.pending) {
    state.vmWaitedMs[vm]! += nowMs - state.vmPendingSinceMs[vm]!;
  }
  if (model.faults !== undefined) vmEnded(twin, vm);
  state.vmStatus[vm] = vmStatus.departed;
  state.vmAskedMips[vm] = 0;
  state.vmThreads[vm] = 0;
  state.vmShareWeight[vm] = 0;
  closeQueue(twin, vm);
  shareHost(twin, host);
  refreshStreams(twin, vm);
  shutDownIfDrained(twin, host);
}

/** Gives up the place that `vm` was promised on a booting host. Returns that host or -1. */
export function releasePlanned(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const host = state.vmPlanned[vm]!;
  if (host < 0) return -1;
  state.vmPlanned[vm] = -1;
  state.hostIncoming[host]!--;
  state.hostReservedBytes[host]! -= model.workload.memoryBytes[vm]!;
  return host;
}
