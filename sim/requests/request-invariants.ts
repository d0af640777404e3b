/** What must hold of requests after every event. Costs O(calls). */
import { assert } from '../errors.ts';
import type { Twin } from '../twin.ts';
import { isServing } from './balance.ts';
import { callStage, totalCount, totals } from './request-state.ts';

/** @throws InvariantError naming what is broken, with both values. */
export function checkRequests(twin: Twin): void {
  const { requests } = twin.model;
  for (let queue = 0; queue < requests.queues; queue++) checkQueue(twin, queue);
  for (let application = 0; application < requests.applications; application++) {
    checkCalls(twin, application);
  }
  checkHosts(twin);
}

/** The heap is ordered, holds calls of this queue, and a served queue has a timer. */
function checkQueue(twin: Twin, queue: number): void {
  const { placeStart } = twin.model.requests;
  const { queueCalls, placeDoneMi, placeCall, callQueue, callStage: stages } = twin.state.requests;
  const base = placeStart[queue]!;
  const count = queueCalls[queue]!;
  assert(
    count >= 0 && count <= placeStart[queue + 1]! - base,
    () => `queue ${queue} has ${count} calls in ${placeStart[queue + 1]! - base} places`,
  );
  for (let at = 0; at < count; at++) {
    const call = placeCall[base + at]!;
    assert(
      callQueue[call] === queue && stages[call] === callStage.queued,
      () =>
        `queue ${queue} lists call ${call} of queue ${callQueue[call]} in stage ${stages[call]}`,
    );
    const parent = base + ((at - 1) >> 1);
    assert(
      at === 0 || placeDoneMi[parent]! <= placeDoneMi[base + at]!,
      () => `place ${at} of queue ${queue} is done before the one above it`,
    );
  }
  checkTimer(twin, queue, count);
}

function checkTimer(twin: Twin, queue: number, count: number): void {
  const { queueMips, queueWakeMs, queueClosed } = twin.state.requests;
  const pending = twin.state.heapPosition[twin.timers.queue + queue]! >= 0;
  const due =
    (count > 0 && queueMips[queue]! > 0) || queueWakeMs[queue]! > 0 || queueClosed[queue] === 1;
  assert(
    pending ? due : !due || queueClosed[queue] === 1,
    () => `queue ${queue} of ${count} calls at ${queueMips[queue]} MIPS, timer ${pending}`,
  );
  assert(
    count === 0 || queueClosed[queue] === 1 || isServing(twin, queue) || !isActive(twin, queue),
    () => `queue ${queue} has ${count} calls, its VM does not run`,
  );
}

function isActive(twin: Twin, queue: number): boolean {
  return twin.state.requests.queueActive[queue] === 1;
}

/** Each slot is free or in use; what began is completed, rejected, failed or under way. */
function checkCalls(twin: Twin, application: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const first = requests.callStart[application]!;
  const end = requests.callStart[application + 1]!;
  const stages = new Int32Array(callStage.answered + 1);
  let underWay = 0;
  for (let call = first; call < end; call++) {
    const stage = state.callStage[call]!;
    stages[stage]!++;
    const isRequest = state.callParent[call]! < 0;
    if (isRequest && stage !== callStage.free && stage !== callStage.thinking) underWay++;
  }
  assert(
    stages[callStage.free] === state.freeCalls[application],
    () => `${stages[callStage.free]} calls are free, listed are ${state.freeCalls[application]}`,
  );
  let open = 0;
  const from = requests.operationStart[application]!;
  for (let operation = from; operation < requests.operationStart[application + 1]!; operation++) {
    const at = operation * totalCount;
    const sums = state.operationTotals;
    open += sums[at + totals.begun]! - sums[at + totals.completed]!;
    open -= sums[at + totals.rejected]! + sums[at + totals.failed]!;
  }
  assert(open === underWay, () => `${open} requests have not ended, ${underWay} are under way`);
  const queued = queuedCalls(twin, application);
  assert(
    stages[callStage.queued] === queued,
    () => `${stages[callStage.queued]} calls are queued, queues hold ${queued}`,
  );
}

function queuedCalls(twin: Twin, application: number): number {
  const { serviceStart, queueStart } = twin.model.requests;
  const first = queueStart[serviceStart[application]!]!;
  const end = queueStart[serviceStart[application + 1]!]!;
  let sum = 0;
  for (let queue = first; queue < end; queue++) sum += twin.state.requests.queueCalls[queue]!;
  return sum;
}

/** Hosts know how many of their VMs answer requests. */
function checkHosts(twin: Twin): void {
  const { model, state } = twin;
  const counts = new Int32Array(state.requests.hostQueues.length);
  for (let queue = 0; queue < model.requests.queues; queue++) {
    const host = state.vmHost[model.requests.queueVm[queue]!]!;
    if (host >= 0) counts[host]!++;
  }
  counts.forEach((count, host) => {
    const listed = state.requests.hostQueues[host];
    assert(count === listed, () => `host ${host} counts ${listed} replicas, has ${count}`);
  });
}
