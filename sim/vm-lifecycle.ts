/** How a VM comes, runs and goes: arrival, running vCPUs, demand, departure. */
import { abortMigration } from './migration.ts';
import { shutDownIfDrained } from './power-transitions.ts';
import { closeQueue, requestThreads } from './requests/queue.ts';
import { settleHost, settleVm, shareHost } from './sharing.ts';
import { addResident, removeResident } from './slots.ts';
import { vmStatus } from './state.ts';
import { killTasks } from './tasks.ts';
import { cancel, phases, schedule } from './timers.ts';
import type { Twin } from './twin.ts';

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
  const departureMs = model.workload.departureMs[vm]!;
  if (departureMs < Infinity) schedule(state, timers.vm + vm, departureMs, phases.departure);
}

/** The VM ends, wherever it is. */
export function departVm(twin: Twin, vm: number): void {
  const { model, state, timers } = twin;
  const nowMs = state.nowMs[0]!;
  cancel(state, timers.vm + vm);
  releasePlanned(twin, vm);
  if (state.vmMigration[vm]! >= 0) abortMigration(twin, state.vmMigration[vm]!);
  const host = state.vmHost[vm]!;
  settleHost(twin, host, nowMs);
  settleVm(twin, vm, nowMs);
  killTasks(twin, vm, host);
  removeResident(twin, vm);
  if (host !== model.limbo) state.hostReservedBytes[host]! -= model.workload.memoryBytes[vm]!;
  else state.vmWaitedMs[vm]! += nowMs - state.vmPendingSinceMs[vm]!;
  state.vmStatus[vm] = vmStatus.departed;
  state.vmAskedMips[vm] = 0;
  state.vmThreads[vm] = 0;
  state.vmShareWeight[vm] = 0;
  closeQueue(twin, vm);
  shareHost(twin, host);
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

/** Demand of a trace-driven VM in the row that holds now, MIPS; 0 before the first row. */
export function traceDemandMips(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const row = state.tickRow[0]!;
  if (row < 0) return 0;
  return model.workload.demandUnits[row * model.vms + vm]! * model.workload.mipsPerUnit[vm]!;
}

/**
 * Recomputes what a task-driven VM asks for and how many of its vCPUs run, after its tasks, its
 * bound or its host changed. Its host must be settled; the caller shares it.
 */
export function refreshTaskDemand(twin: Twin, vm: number): void {
  const { model, state } = twin;
  if (model.vmTaskDriven[vm] !== 1) return;
  settleVm(twin, vm, state.nowMs[0]!);
  let running = requestThreads(twin, vm);
  for (let task = state.vmTask[vm]!; task >= 0; task = state.taskNext[task]!) {
    running += model.tasks.phaseThreads[model.tasks.phaseStart[task]! + state.taskPhase[task]!]!;
  }
  const vcpus = Math.min(running, model.workload.vcpus[vm]!);
  const host = state.vmHost[vm]!;
  const fastest = host < 0 ? 0 : model.hostFastestMips[host]!;
  const nominal = Math.min(model.workload.vcpuMips[vm]!, fastest);
  state.vmAskedMips[vm] = Math.min(state.vmBoundMips[vm]!, vcpus * nominal);
  const paused = state.vmStatus[vm] === vmStatus.paused;
  state.vmThreads[vm] = paused ? 0 : vcpus;
  state.vmShareWeight[vm] = paused ? 0 : vcpus * model.vmWeight[vm]!;
}
