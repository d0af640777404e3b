/**
 * Arrivals from outside. Each application has its own random stream, which nothing else draws from:
 * arrivals and their seeds are the same in every fork.
 *
 * All but the regular source are Poisson while a rate holds. When it changes before the next arrival,
 * that arrival is drawn anew at the new rate, which is exact because the exponential has no memory.
 */
import { log } from '../numbers/exact-math.ts';
import { nextUint32, wordsPerStream } from '../numbers/rng.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { beginRequest, takeCall, think } from './calls.ts';
import { sourceKinds } from './request-model.ts';

/** Schedules the first arrival, or lets all clients think. */
export function startSource(twin: Twin, application: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  if (requests.sourceKind[application] === sourceKinds.clients) {
    for (let client = 0; client < requests.clients[application]!; client++) {
      const call = takeCall(twin, application);
      state.callOperation[call] = requests.operationStart[application]!;
      state.callSeed[call] = nextUint32(state.sourceRng, application * wordsPerStream);
      think(twin, call, 0);
    }
    return;
  }
  state.sourceEndMs[application] = twin.state.nowMs[0]! + holdsMs(twin, application);
  scheduleArrival(twin, application);
}

/** The next request arrives, or another rate holds. */
export function sourceTimer(twin: Twin, application: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const endMs = state.sourceEndMs[application]!;
  if (twin.state.nowMs[0]! >= endMs) {
    const count = requests.rateStart[application + 1]! - requests.rateStart[application]!;
    const next = state.sourceRate[application]! + 1;
    state.sourceRate[application] = next === count ? 0 : next;
    state.sourceEndMs[application] = endMs + holdsMs(twin, application);
  } else {
    beginRequest(twin, application, nextUint32(state.sourceRng, application * wordsPerStream));
  }
  scheduleArrival(twin, application);
}

/** How long the present rate holds, ms. */
function holdsMs(twin: Twin, application: number): number {
  const { requests } = twin.model;
  const row = requests.rateStart[application]! + twin.state.requests.sourceRate[application]!;
  const ms = requests.rateMs[row]!;
  if (requests.sourceKind[application] !== sourceKinds.mmpp) return ms;
  return ms * exponential(twin, application);
}

function scheduleArrival(twin: Twin, application: number): void {
  const { requests } = twin.model;
  const state = twin.state.requests;
  const perS =
    requests.ratePerS[requests.rateStart[application]! + state.sourceRate[application]!]!;
  const regular = requests.sourceKind[application] === sourceKinds.regular;
  let gapMs = Infinity;
  if (perS > 0) gapMs = ((regular ? 1 : exponential(twin, application)) * 1000) / perS;
  const nextMs = Math.min(twin.state.nowMs[0]! + gapMs, state.sourceEndMs[application]!);
  if (nextMs === Infinity) return;
  schedule(twin.state, twin.timers.source + application, nextMs, phases.arrival);
}

/** Exponential with mean 1. */
function exponential(twin: Twin, application: number): number {
  const word = nextUint32(twin.state.requests.sourceRng, application * wordsPerStream);
  return -log((word + 0.5) / 0x100000000);
}
