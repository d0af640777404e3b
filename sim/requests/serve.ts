/**
 * Calls enter and leave the queues of replicas. The host's shares are computed anew only when the
 * number of busy vCPUs changes: while more calls than vCPUs are there, a call more or less changes
 * nothing outside its queue.
 */
import { settleHost, shareHost } from '../sharing.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { refreshTaskDemand } from '../vms/vm-demand.ts';
import { insertCall, removeFirstCall, scheduleQueue, settleQueue } from './queue.ts';

/** Puts `call` with `demandMi` of work into the queue, which must have room. */
export function enterQueue(twin: Twin, queue: number, call: number, demandMi: number): void {
  const { model, state } = twin;
  const { queueCalls, queueWakeMs } = state.requests;
  const before = queueCalls[queue]!;
  settleQueue(twin, queue);
  insertCall(twin, queue, call, demandMi);
  if (before === 0) {
    const wakeMs = model.requests.wakeMs[model.requests.queueService[queue]!]!;
    if (wakeMs > 0) {
      const awakeMs = state.nowMs[0]! + wakeMs;
      queueWakeMs[queue] = awakeMs;
      schedule(state, twin.timers.queue + queue, awakeMs, phases.completion);
      return;
    }
  }
  if (before < model.workload.vcpus[model.requests.queueVm[queue]!]!) shareReplica(twin, queue);
  else scheduleQueue(twin, queue);
}

/** The replica is awake and begins with what has come meanwhile. */
export function wakeQueue(twin: Twin, queue: number): void {
  twin.state.requests.queueWakeMs[queue] = 0;
  settleQueue(twin, queue);
  shareReplica(twin, queue);
}

/**
 * Takes out all calls that are done now; the queue's timer has gone off. They are linked by
 * `callLeft`, in order.
 *
 * @returns The first of them, -1 for none.
 */
export function takeDoneCalls(twin: Twin, queue: number): number {
  const { model, state } = twin;
  const { queueCalls, queueServedMi, placeDoneMi, callLeft } = state.requests;
  const base = model.requests.placeStart[queue]!;
  const before = queueCalls[queue]!;
  settleQueue(twin, queue);
  const doneMi = placeDoneMi[base]!;
  queueServedMi[queue] = doneMi;
  let first = -1;
  let last = -1;
  do {
    const call = removeFirstCall(twin, queue);
    callLeft[call] = -1;
    if (last < 0) first = call;
    else callLeft[last] = call;
    last = call;
  } while (queueCalls[queue]! > 0 && placeDoneMi[base]! <= doneMi);
  const vcpus = model.workload.vcpus[model.requests.queueVm[queue]!]!;
  if (queueCalls[queue]! < vcpus && before > 0) shareReplica(twin, queue);
  else scheduleQueue(twin, queue);
  return first;
}

/** Another number of the replica's vCPUs is busy. Its queue must be settled. */
function shareReplica(twin: Twin, queue: number): void {
  const { model, state } = twin;
  const vm = model.requests.queueVm[queue]!;
  const host = state.vmHost[vm]!;
  settleHost(twin, host, state.nowMs[0]!);
  refreshTaskDemand(twin, vm);
  // Even the same rate is now divided among another number of calls.
  state.requests.queueMips[queue] = -1;
  shareHost(twin, host);
}
