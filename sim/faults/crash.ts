/** Hosts and VMs that fail, and how they come back. Work asked meanwhile counts as not delivered. */

import { refreshStreams } from '../flows/streams.ts';
import { beginTransition, setPower, shutDownIfDrained } from '../hosts/host-drain.ts';
import { takeDown } from '../hosts/power-transitions.ts';
import { dropMigration } from '../migration/end.ts';
import { closeQueue } from '../requests/queue.ts';
import { settleHost, settleVm, shareHost } from '../sharing.ts';
import { hostPower, isComingUp, migrationOutcome, migrationStage, vmStatus } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { addResident, removeResident } from '../vms/slots.ts';
import { killTasks } from '../vms/tasks.ts';
import { refreshTaskDemand } from '../vms/vm-demand.ts';
import { departVm, releasePlanned } from '../vms/vm-lifecycle.ts';

/** The host is gone at once, with all that runs on it, until `repairHost`. */
export function crashHost(twin: Twin, host: number): void {
  const { state } = twin;
  const { faults } = state;
  const power = state.hostPower[host]!;
  const up = power === hostPower.on && state.hostDraining[host] === 0;
  faults.hostWasUp[host] = up || isComingUp(state, host) ? 1 : 0;
  faults.hostCrashes[host]!++;
  faults.hostFailedSinceMs[host] = state.nowMs[0]!;
  takeDown(twin, host, crashVm, hostPower.failed);
}

/** The host can be used again: it boots, or stays off. */
export function repairHost(twin: Twin, host: number): void {
  const { model, state } = twin;
  const { faults } = state;
  faults.hostFailedMs[host]! += state.nowMs[0]! - faults.hostFailedSinceMs[host]!;
  if (model.faults!.repairedOn && faults.hostWasUp[host] === 1) {
    beginTransition(twin, host, hostPower.booting, model.hostBootMs[host]!);
  } else {
    setPower(twin, host, hostPower.off);
  }
}

/**
 * A VM on a host crashes: it is lost, or waits for a host again, at once or after its restart. Its
 * trace goes on; its tasks and requests are lost either way.
 */
export function crashVm(twin: Twin, vm: number): void {
  const { model, state } = twin;
  const { crashedVms, restartMs } = model.faults!;
  const { faults } = state;
  const nowMs = state.nowMs[0]!;
  faults.vmCrashes[vm]!++;
  if (crashedVms === 'lost') {
    departVm(twin, vm);
    return;
  }
  faults.vmUpBeforeMs[vm] =
    nowMs + restartMs - model.workload.arrivalMs[vm]! - state.vmWaitedMs[vm]!;
  faults.vmIsDown[vm] = 1;
  faults.vmDownSinceMs[vm] = nowMs;
  leaveHost(twin, vm);
  const timer = twin.timers.faultVm + vm;
  cancel(state, timer);
  if (restartMs === 0) return;
  state.vmStatus[vm] = vmStatus.restarting;
  schedule(state, timer, nowMs + restartMs, phases.arrival);
}

/** From its host back to limbo, whatever it was doing. */
function leaveHost(twin: Twin, vm: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  releasePlanned(twin, vm);
  const flow = state.vmMigration[vm]!;
  if (flow >= 0) {
    // Without its memory at the source it has been counted as lost already.
    if (state.migrationStage[flow] !== migrationStage.postCopy) {
      state.migrationOutcomes[migrationOutcome.failed]!++;
    }
    dropMigration(twin, flow);
  }
  const host = state.vmHost[vm]!;
  settleHost(twin, host, nowMs);
  settleHost(twin, model.limbo, nowMs);
  settleVm(twin, vm, nowMs);
  killTasks(twin, vm, host);
  removeResident(twin, vm);
  addResident(twin, model.limbo, vm);
  state.hostReservedBytes[host]! -= model.workload.memoryBytes[vm]!;
  state.vmStatus[vm] = vmStatus.pending;
  state.vmPendingSinceMs[vm] = nowMs;
  closeQueue(twin, vm);
  refreshTaskDemand(twin, vm);
  shareHost(twin, host);
  shareHost(twin, model.limbo);
  refreshStreams(twin, vm);
  shutDownIfDrained(twin, host);
}

/** The VM's fault timer went off: it crashes, or has restarted and can be placed. */
export function vmFaultTimer(twin: Twin, vm: number): void {
  const { state } = twin;
  if (state.vmStatus[vm] !== vmStatus.restarting) {
    crashVm(twin, vm);
    return;
  }
  state.vmStatus[vm] = vmStatus.pending;
  state.vmPendingSinceMs[vm] = state.nowMs[0]!;
}
