/**
 * One replica as a processor-sharing queue in virtual time.
 *
 * All n calls in the queue run at the same rate, `queueMips / n`. So one number, the work S that each
 * has received since the queue was last empty, tells how far all of them are: a call that enters with
 * demand d is done when S reaches S(entry) + d. A heap by that value makes every event O(log n), and
 * a change of speed touches nothing but the rate of S.
 *
 *   dS/dt = queueMips / n
 *
 * This file knows queues only; `serve.ts` tells the host how many vCPUs run.
 */
import { vmStatus } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';

/** Queue of `vm`, -1 when it answers no requests. */
export function queueOfVm(twin: Twin, vm: number): number {
  const { requests } = twin.model;
  return requests.queues === 0 ? -1 : requests.vmQueue[vm]!;
}

/** vCPUs that the requests in `vm` could use. */
export function requestThreads(twin: Twin, vm: number): number {
  const queue = queueOfVm(twin, vm);
  if (queue < 0) return 0;
  const { queueWakeMs, queueCalls } = twin.state.requests;
  return queueWakeMs[queue]! > 0 ? 0 : queueCalls[queue]!;
}

/** Rate at which the requests in `vm` are served together, MIPS. */
export function requestMips(twin: Twin, vm: number): number {
  const queue = queueOfVm(twin, vm);
  return queue < 0 ? 0 : twin.state.requests.queueMips[queue]!;
}

/** CPU that the requests in `vm` asked for over the last interval, MIPS; -1 before it or without any. */
export function requestDemandMips(twin: Twin, vm: number): number {
  const queue = queueOfVm(twin, vm);
  return queue < 0 ? -1 : twin.state.requests.queueAskedMips[queue]!;
}

/** A telemetry interval ends: what the VMs of all queues asked for in it becomes known. */
export function readQueueDemand(twin: Twin): void {
  const { model, state } = twin;
  const { queueAskedMips, queueAskedMi } = state.requests;
  const nowMs = state.nowMs[0]!;
  const { intervalMs } = model.workload;
  for (let queue = 0; queue < model.requests.queues; queue++) {
    const vm = model.requests.queueVm[queue]!;
    const heldS = (nowMs - state.vmSinceMs[vm]!) / 1000;
    const askedMi = state.vmDemandedMi[vm]! + state.vmAskedMips[vm]! * heldS;
    queueAskedMips[queue] = ((askedMi - queueAskedMi[queue]!) * 1000) / intervalMs;
    queueAskedMi[queue] = askedMi;
  }
  schedule(state, twin.timers.telemetry, nowMs + intervalMs, phases.arrival);
}

/** Counts `vm` as come to (`by` = 1) or gone from (-1) `host`, if it answers requests. */
export function countQueue(twin: Twin, host: number, vm: number, by: 1 | -1): void {
  if (queueOfVm(twin, vm) < 0) return;
  twin.state.requests.hostQueues[host]! += by;
}

/** Brings `queueServedMi` up to now. Call before the rate or the number of calls changes. */
export function settleQueue(twin: Twin, queue: number): void {
  const { queueServedMi, queueMips, queueSinceMs, queueCalls } = twin.state.requests;
  const nowMs = twin.state.nowMs[0]!;
  const elapsedMs = nowMs - queueSinceMs[queue]!;
  queueSinceMs[queue] = nowMs;
  const calls = queueCalls[queue]!;
  if (calls === 0 || elapsedMs <= 0) return;
  queueServedMi[queue]! += ((queueMips[queue]! / calls) * elapsedMs) / 1000;
}

/** The replica receives `mips` from now on. */
export function setQueueMips(twin: Twin, queue: number, mips: number): void {
  const { queueMips } = twin.state.requests;
  if (queueMips[queue] === mips) return;
  settleQueue(twin, queue);
  queueMips[queue] = mips;
  scheduleQueue(twin, queue);
}

/** Sets the timer for the first call that will be done. The queue must be settled. */
export function scheduleQueue(twin: Twin, queue: number): void {
  const { model, state } = twin;
  const { queueMips, queueCalls, queueServedMi, queueWakeMs, queueClosed, placeDoneMi } =
    state.requests;
  // The timer of a replica that wakes up tells when it is awake; that of a closed one, to fail all.
  if (queueWakeMs[queue]! > 0 || queueClosed[queue] === 1) return;
  const timer = twin.timers.queue + queue;
  const calls = queueCalls[queue]!;
  const mips = queueMips[queue]!;
  if (calls === 0 || !(mips > 0)) {
    cancel(state, timer);
    return;
  }
  const leftMi = placeDoneMi[model.requests.placeStart[queue]!]! - queueServedMi[queue]!;
  const waitMs = leftMi > 0 ? (leftMi * calls * 1000) / mips : 0;
  schedule(state, timer, state.nowMs[0]! + waitMs, phases.completion);
}

/** Puts `call` with `demandMi` of work into a settled queue that has room. */
export function insertCall(twin: Twin, queue: number, call: number, demandMi: number): void {
  const { queueServedMi, queueCalls, placeDoneMi, placeCall } = twin.state.requests;
  const base = twin.model.requests.placeStart[queue]!;
  const doneMi = queueServedMi[queue]! + demandMi;
  let at = queueCalls[queue]!;
  queueCalls[queue] = at + 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (placeDoneMi[base + parent]! <= doneMi) break;
    placeDoneMi[base + at] = placeDoneMi[base + parent]!;
    placeCall[base + at] = placeCall[base + parent]!;
    at = parent;
  }
  placeDoneMi[base + at] = doneMi;
  placeCall[base + at] = call;
}

/** Takes out the call that is done first. Empty places are left zero. */
export function removeFirstCall(twin: Twin, queue: number): number {
  const { queueServedMi, queueCalls, placeDoneMi, placeCall } = twin.state.requests;
  const base = twin.model.requests.placeStart[queue]!;
  const first = placeCall[base]!;
  const last = queueCalls[queue]! - 1;
  const doneMi = placeDoneMi[base + last]!;
  const call = placeCall[base + last]!;
  queueCalls[queue] = last;
  placeDoneMi[base + last] = 0;
  placeCall[base + last] = 0;
  if (last === 0) {
    queueServedMi[queue] = 0;
    return first;
  }
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= last) break;
    if (child + 1 < last && placeDoneMi[base + child + 1]! < placeDoneMi[base + child]!) child++;
    if (placeDoneMi[base + child]! >= doneMi) break;
    placeDoneMi[base + at] = placeDoneMi[base + child]!;
    placeCall[base + at] = placeCall[base + child]!;
    at = child;
  }
  placeDoneMi[base + at] = doneMi;
  placeCall[base + at] = call;
  return first;
}

/** The VM is gone: what is in its queue fails in an event of its own, at this instant. */
export function closeQueue(twin: Twin, vm: number): void {
  const queue = queueOfVm(twin, vm);
  if (queue < 0) return;
  const { state, timers } = twin;
  settleQueue(twin, queue);
  state.requests.queueMips[queue] = 0;
  state.requests.queueWakeMs[queue] = 0;
  state.requests.queueClosed[queue] = 1;
  schedule(state, timers.queue + queue, state.nowMs[0]!, phases.completion);
}

/** All that was in a closed queue has failed: a VM that has only crashed can serve again. */
export function reopenQueue(twin: Twin, queue: number): void {
  const vm = twin.model.requests.queueVm[queue]!;
  if (twin.state.vmStatus[vm] === vmStatus.departed) return;
  twin.state.requests.queueClosed[queue] = 0;
}
