/**
 * The life of a call. A request is a call by a client:
 *
 *   sent ─► queued at a replica ─► (waiting) ─► calling other services, step by step ─► answered
 *
 * A call that finds no replica, a full queue or no free slot is rejected; one whose VM ends fails.
 * Either makes its caller answer with the same outcome, after the calls it has made meanwhile have
 * answered: nothing is cancelled, and every request ends as exactly one of completed, rejected and
 * failed.
 */
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { chooseReplica } from './balance.ts';
import { sample } from './distribution.ts';
import { drawAt, drawFloat, drawWord } from './draws.ts';
import { bucketCount, bucketOf } from './histogram.ts';
import { callOutcome, callStage, totalCount, totals } from './request-state.ts';
import { enterQueue } from './serve.ts';

/** A request with this seed arrives from outside. */
export function beginRequest(twin: Twin, application: number, seed: number): void {
  const operation = operationOf(twin, application, seed);
  const call = takeCall(twin, application);
  if (call < 0) {
    const { operationTotals } = twin.state.requests;
    operationTotals[operation * totalCount + totals.begun]!++;
    operationTotals[operation * totalCount + totals.rejected]!++;
    twin.recorder?.requestEnded?.(operation, twin.nowMs, callOutcome.rejected, twin.nowMs);
    return;
  }
  sendRequest(twin, call, operation, seed);
}

/** A client has thought and asks. Its seed so far leads to the seed of the request. */
function askAgain(twin: Twin, call: number): void {
  const { model, state } = twin;
  const seed = drawWord(state.requests.callSeed[call]!, drawAt.next);
  const application = model.requests.operationApplication[state.requests.callOperation[call]!]!;
  sendRequest(twin, call, operationOf(twin, application, seed), seed);
}

function sendRequest(twin: Twin, call: number, operation: number, seed: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  state.operationTotals[operation * totalCount + totals.begun]!++;
  state.callOperation[call] = operation;
  state.callParent[call] = -1;
  state.callEdge[call] = -1;
  state.callSeed[call] = seed;
  state.callService[call] = requests.operationService[operation]!;
  const delayMs = requests.clientNetworkMs[requests.operationApplication[operation]!]!;
  sendCall(twin, call, delayMs);
}

function operationOf(twin: Twin, application: number, seed: number): number {
  const { operationStart, operationUpTo } = twin.model.requests;
  const last = operationStart[application + 1]! - 1;
  let operation = operationStart[application]!;
  if (operation === last) return operation;
  const drawn = drawFloat(seed, drawAt.operation);
  while (operation < last && drawn >= operationUpTo[operation]!) operation++;
  return operation;
}

function sendCall(twin: Twin, call: number, delayMs: number): void {
  const state = twin.state.requests;
  const nowMs = twin.state.nowMs[0]!;
  state.callSentMs[call] = nowMs;
  state.callOutcome[call] = callOutcome.good;
  state.callStep[call] = twin.model.requests.stepStart[state.callService[call]!]! - 1;
  state.callLeft[call] = 0;
  state.callPending[call] = 0;
  state.callMade[call] = 0;
  if (delayMs > 0) {
    state.callStage[call] = callStage.sent;
    schedule(twin.state, twin.timers.call + call, nowMs + delayMs, phases.arrival);
    return;
  }
  arriveAtService(twin, call);
}

/** The call's timer has gone off. */
export function callTimer(twin: Twin, call: number): void {
  const stage = twin.state.requests.callStage[call];
  if (stage === callStage.thinking) askAgain(twin, call);
  else if (stage === callStage.sent) arriveAtService(twin, call);
  else if (stage === callStage.waiting) goOn(twin, call);
  else receiveAnswer(twin, call);
}

function arriveAtService(twin: Twin, call: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const service = state.callService[call]!;
  const seed = state.callSeed[call]!;
  const queue = chooseReplica(twin, service, seed);
  if (queue < 0) {
    state.callOutcome[call] = callOutcome.rejected;
    answer(twin, call);
    return;
  }
  const room = requests.placeStart[queue + 1]! - requests.placeStart[queue]!;
  if (state.queueCalls[queue]! >= room) {
    state.queueTotals[queue * totalCount + totals.rejected]!++;
    state.callOutcome[call] = callOutcome.rejected;
    answer(twin, call);
    return;
  }
  const variant = state.serviceVariant[service]!;
  state.queueTotals[queue * totalCount + totals.begun]!++;
  state.callStage[call] = callStage.queued;
  state.callQueue[call] = queue;
  state.callVariant[call] = variant;
  state.callQueuedMs[call] = twin.state.nowMs[0]!;
  const row = demandRow(twin, call, requests.variantStart[service]! + variant);
  const demandMi = sample(requests.distributions, row, seed, drawAt.demand);
  enterQueue(twin, queue, call, demandMi);
}

/** Distribution of the call's work: its operation's where the client called, else the variant's. */
function demandRow(twin: Twin, call: number, variant: number): number {
  const { requests } = twin.model;
  const { callParent, callOperation } = twin.state.requests;
  if (callParent[call]! >= 0) return requests.variantRow[variant]!;
  const operation = callOperation[call]!;
  const missed = requests.missRow[operation]!;
  if (missed >= 0 && isMiss(twin, call)) return missed;
  const own = requests.operationRow[operation]!;
  return own >= 0 ? own : requests.variantRow[variant]!;
}

function isMiss(twin: Twin, call: number): boolean {
  const { callParent, callOperation, callSeed } = twin.state.requests;
  if (callParent[call]! >= 0) return false;
  const probability = twin.model.requests.missProbability[callOperation[call]!]!;
  return probability > 0 && drawFloat(callSeed[call]!, drawAt.miss) < probability;
}

/** The replica has done the call's work. */
export function finishWork(twin: Twin, call: number): void {
  const { model } = twin;
  const state = twin.state.requests;
  const nowMs = twin.state.nowMs[0]!;
  const queue = state.callQueue[call]!;
  const service = state.callService[call]!;
  state.callLeft[call] = 0;
  countLatency(state.queueTotals, state.queueCounts, queue, nowMs - state.callQueuedMs[call]!);
  const variant = model.requests.variantStart[service]! + state.callVariant[call]!;
  state.accuracySum[service]! += model.requests.variantAccuracy[variant]!;
  state.accuracyCalls[service]!++;
  const waitMs = model.requests.missWaitMs[state.callOperation[call]!]!;
  if (waitMs > 0 && isMiss(twin, call)) {
    state.callStage[call] = callStage.waiting;
    schedule(twin.state, twin.timers.call + call, nowMs + waitMs, phases.arrival);
    return;
  }
  goOn(twin, call);
}

/** The call's VM has ended. */
export function failCall(twin: Twin, call: number): void {
  const state = twin.state.requests;
  state.queueTotals[state.callQueue[call]! * totalCount + totals.failed]!++;
  state.callOutcome[call] = callOutcome.failed;
  answer(twin, call);
}

function countLatency(
  sums: Float64Array,
  counts: Uint32Array,
  owner: number,
  latencyMs: number,
): void {
  const at = owner * totalCount;
  sums[at + totals.completed]!++;
  sums[at + totals.latencySumMs]! += latencyMs;
  sums[at + totals.latencySquaredMs]! += latencyMs * latencyMs;
  if (latencyMs > sums[at + totals.latencyMaxMs]!) sums[at + totals.latencyMaxMs] = latencyMs;
  counts[owner * bucketCount + bucketOf(latencyMs)]!++;
}

/** The call's own work is done, or so are all calls it waited for: the next calls, or the answer. */
function goOn(twin: Twin, call: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const service = state.callService[call]!;
  const end = requests.stepStart[service + 1]!;
  while (state.callOutcome[call] === callOutcome.good) {
    if (state.callLeft[call] === 0) {
      const step = ++state.callStep[call]!;
      if (step >= end) break;
      if (requests.stepParallel[step] === 0) {
        state.callLeft[call] = timesCalled(twin, call, requests.edgeStart[step]!);
        continue;
      }
    }
    // Counted as pending itself while it makes calls, so that one that fails at once ends nothing.
    state.callStage[call] = callStage.calling;
    state.callPending[call] = 1;
    makeCalls(twin, call);
    if (--state.callPending[call]! > 0) return;
  }
  answer(twin, call);
}

/** All calls of a parallel step, or the next one of the others. */
function makeCalls(twin: Twin, call: number): void {
  const { edgeStart } = twin.model.requests;
  const { callLeft, callStep } = twin.state.requests;
  const step = callStep[call]!;
  if (callLeft[call]! > 0) {
    callLeft[call]!--;
    makeCall(twin, call, edgeStart[step]!);
    return;
  }
  for (let edge = edgeStart[step]!; edge < edgeStart[step + 1]!; edge++) {
    const times = timesCalled(twin, call, edge);
    for (let made = 0; made < times; made++) makeCall(twin, call, edge);
  }
}

/** How many calls go along `edge` this time. */
function timesCalled(twin: Twin, call: number, edge: number): number {
  const { edgeCount, edgeStart, stepStart } = twin.model.requests;
  const { callService, callSeed } = twin.state.requests;
  const whole = Math.floor(edgeCount[edge]!);
  const fraction = edgeCount[edge]! - whole;
  if (fraction === 0) return whole;
  const first = edgeStart[stepStart[callService[call]!]!]!;
  const drawn = drawFloat(callSeed[call]!, drawAt.children + 2 * (edge - first));
  return drawn < fraction ? whole + 1 : whole;
}

function makeCall(twin: Twin, caller: number, edge: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const operation = state.callOperation[caller]!;
  const made = state.callMade[caller]!++;
  const call = takeCall(twin, requests.operationApplication[operation]!);
  if (call < 0) {
    state.callOutcome[caller] = callOutcome.rejected;
    return;
  }
  state.callPending[caller]!++;
  state.callOperation[call] = operation;
  state.callParent[call] = caller;
  state.callEdge[call] = edge;
  state.callSeed[call] = drawWord(state.callSeed[caller]!, drawAt.children + 2 * made + 1);
  state.callService[call] = requests.edgeService[edge]!;
  sendCall(twin, call, requests.edgeNetworkMs[edge]!);
}

/** The call goes back to its caller. */
function answer(twin: Twin, call: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const edge = state.callEdge[call]!;
  const operation = state.callOperation[call]!;
  const delayMs =
    edge >= 0
      ? requests.edgeNetworkMs[edge]!
      : requests.clientNetworkMs[requests.operationApplication[operation]!]!;
  if (delayMs > 0) {
    state.callStage[call] = callStage.answered;
    const backMs = twin.state.nowMs[0]! + delayMs;
    schedule(twin.state, twin.timers.call + call, backMs, phases.arrival);
    return;
  }
  receiveAnswer(twin, call);
}

function receiveAnswer(twin: Twin, call: number): void {
  const state = twin.state.requests;
  const caller = state.callParent[call]!;
  if (caller < 0) {
    endRequest(twin, call);
    return;
  }
  const outcome = state.callOutcome[call]!;
  if (outcome !== callOutcome.good) state.callOutcome[caller] = outcome;
  releaseCall(twin, call);
  if (--state.callPending[caller]! === 0) goOn(twin, caller);
}

function endRequest(twin: Twin, call: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const nowMs = twin.state.nowMs[0]!;
  const operation = state.callOperation[call]!;
  const application = requests.operationApplication[operation]!;
  const outcome = state.callOutcome[call]!;
  const sums = operation * totalCount;
  if (outcome === callOutcome.good) {
    const latencyMs = nowMs - state.callSentMs[call]!;
    countLatency(state.operationTotals, state.operationCounts, operation, latencyMs);
    if (latencyMs > requests.timeoutMs[application]!) {
      state.operationTotals[sums + totals.late]!++;
    }
  } else {
    const kind = outcome === callOutcome.rejected ? totals.rejected : totals.failed;
    state.operationTotals[sums + kind]!++;
  }
  twin.recorder?.requestEnded?.(operation, state.callSentMs[call]!, outcome, nowMs);
  if (requests.thinkRow[application]! < 0) releaseCall(twin, call);
  else think(twin, call, outcome === callOutcome.good ? 0 : requests.backoffMs[application]!);
}

/** The client thinks, at least for `leastMs`, then asks again. */
export function think(twin: Twin, call: number, leastMs: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const row = requests.thinkRow[requests.operationApplication[state.callOperation[call]!]!]!;
  const drawnMs = sample(requests.distributions, row, state.callSeed[call]!, drawAt.think);
  state.callStage[call] = callStage.thinking;
  const askMs = twin.state.nowMs[0]! + Math.max(drawnMs, leastMs);
  schedule(twin.state, twin.timers.call + call, askMs, phases.arrival);
}

/** A free call slot of `application`, -1 when all are taken. */
export function takeCall(twin: Twin, application: number): number {
  const { freeCalls, callFree } = twin.state.requests;
  if (freeCalls[application] === 0) return -1;
  const top = --freeCalls[application]!;
  return callFree[twin.model.requests.callStart[application]! + top]!;
}

function releaseCall(twin: Twin, call: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const application = requests.operationApplication[state.callOperation[call]!]!;
  state.callStage[call] = callStage.free;
  const top = state.freeCalls[application]!++;
  state.callFree[requests.callStart[application]! + top] = call;
}
