/**
 * P-state changes: what is asked for, what limits allow, and how long the hardware takes.
 *
 * A change that takes L ms goes: the domain runs on at its old speed for L − h ms, stands still for
 * h ms, then runs at its new speed; it burns what it burnt before until the end. Hardware that looks
 * at requests only every g ms (Haswell-EP: about 0.5 ms) begins at the next multiple of g. With
 * L = 0, the default, a change holds at once. A request that comes during a change replaces the one
 * that has not begun to stand still, and else waits for its end.
 */
import { settleHost, shareHost } from '../sharing.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';

/** Asks for a P-state in all frequency domains of a host. */
export function setPstate(twin: Twin, host: number, pstate: number): Refusal {
  if (!hasPstate(twin, host, pstate)) return 'the host has no such P-state';
  const first = twin.model.domainStart[host]!;
  const end = first + twin.model.hostDomains[host]!;
  for (let at = first; at < end; at++) twin.state.domains.requested[at] = pstate;
  retarget(twin, host);
  return undefined;
}

/** Asks for a P-state in one frequency domain, counted from 0. */
export function setDomainPstate(twin: Twin, host: number, domain: number, pstate: number): Refusal {
  const { model, state } = twin;
  if (!hasPstate(twin, host, pstate)) return 'the host has no such P-state';
  if (domain < 0 || domain >= model.hostDomains[host]!) return 'the host has no such domain';
  state.domains.requested[model.domainStart[host]! + domain] = pstate;
  retarget(twin, host);
  return undefined;
}

/**
 * Allows no P-state faster than `fastest` (0 lifts the limit): what a thermal throttle or a power
 * cap does. Domains that asked for more get it back when the limit is lifted.
 */
export function limitPstates(twin: Twin, host: number, fastest: number): Refusal {
  if (!hasPstate(twin, host, fastest)) return 'the host has no such P-state';
  twin.state.hostFastestPstate[host] = fastest;
  retarget(twin, host);
  return undefined;
}

/** The same for the host's power limit, beside any throttling by temperature: the slower one holds. */
export function capPstates(twin: Twin, host: number, fastest: number): void {
  twin.state.limits.hostPstate[host] = fastest;
  retarget(twin, host);
}

function hasPstate(twin: Twin, host: number, pstate: number): boolean {
  return pstate >= 0 && pstate < twin.model.hostPstates[host]!;
}

/** The P-state that domain row `at` of `host` is to run in: as asked, within the host's limits. */
function target(twin: Twin, host: number, at: number): number {
  const { state } = twin;
  const allowed = Math.max(state.hostFastestPstate[host]!, state.limits.hostPstate[host] ?? 0);
  return Math.max(state.domains.requested[at]!, allowed);
}

/** Begins, changes or drops the transitions of a host after its requests or its limit changed. */
function retarget(twin: Twin, host: number): void {
  const { model, state } = twin;
  const latencyMs = model.hostTransitionMs[host]!;
  const first = model.domainStart[host]!;
  const end = first + model.hostDomains[host]!;
  if (latencyMs === 0) {
    let changed = false;
    for (let at = first; at < end; at++) {
      if (target(twin, host, at) === state.domains.pstate[at]) continue;
      if (!changed) settleHost(twin, host, state.nowMs[0]!);
      changed = true;
      hold(twin, host, at, target(twin, host, at));
    }
    if (changed) shareHost(twin, host);
    return;
  }
  for (let at = first; at < end; at++) {
    if (state.domains.halted[at]! > 0) continue;
    const pending = state.domains.dueMs[at]! < Infinity;
    const wanted = target(twin, host, at) !== state.domains.pstate[at];
    if (wanted && !pending) state.domains.dueMs[at] = haltFrom(twin, host);
    else if (!wanted && pending) state.domains.dueMs[at] = Infinity;
  }
  scheduleNext(twin, host);
}

/** When a transition that is asked for now makes its domain stand still, ms. */
function haltFrom(twin: Twin, host: number): number {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const gridMs = model.hostTransitionGridMs[host]!;
  const startMs = gridMs > 0 ? Math.ceil(nowMs / gridMs) * gridMs : nowMs;
  return startMs + model.hostTransitionMs[host]! - model.hostTransitionHaltMs[host]!;
}

function scheduleNext(twin: Twin, host: number): void {
  const { model, state, timers } = twin;
  const first = model.domainStart[host]!;
  let dueMs = Infinity;
  for (let at = first; at < first + model.hostDomains[host]!; at++) {
    dueMs = Math.min(dueMs, state.domains.dueMs[at]!);
  }
  if (dueMs === Infinity) cancel(state, timers.frequency + host);
  else schedule(state, timers.frequency + host, dueMs, phases.transition);
}

/** The next step of a host's P-state changes is due. */
export function frequencyTimer(twin: Twin, host: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const haltMs = model.hostTransitionHaltMs[host]!;
  const first = model.domainStart[host]!;
  settleHost(twin, host, nowMs);
  for (let at = first; at < first + model.hostDomains[host]!; at++) {
    if (state.domains.dueMs[at]! > nowMs) continue;
    state.domains.dueMs[at] = Infinity;
    if (state.domains.halted[at] === 0 && haltMs > 0) {
      state.domains.halted[at] = 1 + target(twin, host, at);
      state.domains.dueMs[at] = nowMs + haltMs;
      continue;
    }
    const latched = state.domains.halted[at]!;
    state.domains.halted[at] = 0;
    hold(twin, host, at, latched > 0 ? latched - 1 : target(twin, host, at));
    if (target(twin, host, at) !== state.domains.pstate[at]) {
      state.domains.dueMs[at] = haltFrom(twin, host);
    }
  }
  shareHost(twin, host);
  scheduleNext(twin, host);
}

/** Domain row `at` of the settled `host` runs in `pstate` from now on. */
function hold(twin: Twin, host: number, at: number, pstate: number): void {
  const { model, state } = twin;
  const first = model.domainStart[host]!;
  if (state.domains.pstate[at] === pstate) return;
  state.domains.pstate[at] = pstate;
  state.actionTotals[2]!++;
  let fastest = pstate;
  for (let other = first; other < first + model.hostDomains[host]!; other++) {
    fastest = Math.min(fastest, state.domains.pstate[other]!);
  }
  state.hostPstate[host] = fastest;
  twin.recorder?.pstateChanged?.(host, pstate, state.nowMs[0]!, at - first);
}
