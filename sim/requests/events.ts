/** Requests at time 0, and their events: of queues, sources, services and calls. */
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { callTimer, failCall, finishWork } from './calls.ts';
import { readQueueDemand, removeFirstCall, reopenQueue } from './queue.ts';
import { takeDoneCalls, wakeQueue } from './serve.ts';
import { sourceTimer, startSource } from './sources.ts';

/** All applications at time 0, when the VMs are in place. */
export function initializeRequests(twin: Twin): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  for (let service = 0; service < requests.services; service++) {
    const first = requests.queueStart[service]!;
    state.queueActive.fill(1, first, first + requests.serviceActive[service]!);
    state.serviceVariant[service] = requests.initialVariant[service]!;
  }
  state.serviceNext.fill(-1);
  state.queueAskedMips.fill(-1);
  if (requests.queues > 0) {
    const firstMs = twin.model.workload.intervalMs;
    schedule(twin.state, twin.timers.telemetry, firstMs, phases.arrival);
  }
  for (let application = 0; application < requests.applications; application++) {
    const first = requests.callStart[application]!;
    const count = requests.callStart[application + 1]! - first;
    // The stack hands out the lowest slot first.
    for (let slot = 0; slot < count; slot++)
      state.callFree[first + slot] = first + count - 1 - slot;
    state.freeCalls[application] = count;
    startSource(twin, application);
  }
}

/** A timer of this folder has gone off. */
export function requestTimer(twin: Twin, timer: number): void {
  const { timers } = twin;
  if (timer < timers.source) queueTimer(twin, timer - timers.queue);
  else if (timer < timers.service) sourceTimer(twin, timer - timers.source);
  else if (timer < timers.call) endSwitch(twin, timer - timers.service);
  else if (timer < timers.telemetry) callTimer(twin, timer - timers.call);
  else readQueueDemand(twin);
}

function queueTimer(twin: Twin, queue: number): void {
  const { queueClosed, queueCalls, queueWakeMs, callLeft } = twin.state.requests;
  if (queueClosed[queue] === 1) {
    while (queueCalls[queue]! > 0) failCall(twin, removeFirstCall(twin, queue));
    reopenQueue(twin, queue);
    return;
  }
  if (queueWakeMs[queue]! > 0) {
    wakeQueue(twin, queue);
    return;
  }
  let call = takeDoneCalls(twin, queue);
  while (call >= 0) {
    const next = callLeft[call]!;
    finishWork(twin, call);
    call = next;
  }
}

/** Another variant is in use from now on. */
function endSwitch(twin: Twin, service: number): void {
  const { serviceVariant, serviceNext } = twin.state.requests;
  serviceVariant[service] = serviceNext[service]!;
  serviceNext[service] = -1;
}
