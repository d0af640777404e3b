/** A host's own frequency governor takes its sample and acts; see `governor-meter.ts` for when. */

import type { GovernorRule } from '../governors/index.ts';
import { settleHost } from '../sharing.ts';
import { hostPower } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { setDomainPstate } from './frequency.ts';

/** Stops the governor of `host` for good. */
export function endGovernor(twin: Twin, host: number): void {
  const { state, timers } = twin;
  if (state.hostGoverned[host] !== 1) return;
  settleHost(twin, host, state.nowMs[0]!);
  state.hostGoverned[host] = 0;
  state.hostSpecial[host]!--;
  cancel(state, timers.governor + host);
}

/** So long that whatever a rule averages over is forgotten, ms. */
const foreverMs = 60_000;

/** The governor of `host` remembers its present load as if it had always been so. */
export function rememberLoad(twin: Twin, host: number): void {
  const { model, state } = twin;
  if (state.hostGoverned[host] !== 1) return;
  const { track } = twin.governors[model.hostGovernor[host]!]!;
  if (track === undefined) return;
  const { governorMemory, peakLoad, pstate } = state.domains;
  const first = model.domainStart[host]!;
  for (let at = first; at < first + model.hostDomains[host]!; at++) {
    const coreMips = model.pstateCoreMips[model.pstateStart[host]! + pstate[at]!]!;
    const speed = coreMips / model.hostFastestMips[host]!;
    track(governorMemory, at * model.governorSlots, foreverMs, peakLoad[at]!, speed);
  }
}

/** The governor of `host` looks at the period that ends now and sets each domain's P-state. */
export function sampleGovernor(twin: Twin, host: number): void {
  const { model, state, timers } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  state.hostGovernorMs[host] = nowMs;
  if (state.hostPower[host] !== hostPower.on) return;
  const rule = twin.governors[model.hostGovernor[host]!]!;
  const periodMs = model.hostGovernorPeriodMs[host]!;
  let steadyMs = Infinity;
  for (let domain = 0; domain < model.hostDomains[host]!; domain++) {
    steadyMs = Math.min(steadyMs, sampleDomain(twin, host, domain, rule));
  }
  const timer = timers.governor + host;
  // A call above may have changed the load and asked for the next sample already.
  if (steadyMs === Infinity) {
    if (state.heapPosition[timer]! >= 0 && state.timerMs[timer]! > nowMs) return;
    cancel(state, timer);
    return;
  }
  const periods = Math.floor(steadyMs / periodMs) + 1;
  const nextMs = Math.round(nowMs / periodMs + periods) * periodMs;
  if (state.heapPosition[timer]! >= 0 && state.timerMs[timer]! <= nextMs) return;
  schedule(state, timer, nextMs, phases.governor, host);
}

/** One domain. Returns for how long the rule would change nothing if its load stayed as it is, ms. */
function sampleDomain(twin: Twin, host: number, domain: number, rule: GovernorRule): number {
  const { model, state } = twin;
  const at = model.domainStart[host]! + domain;
  const periodMs = model.hostGovernorPeriodMs[host]!;
  const memory = state.domains.governorMemory;
  const slot = at * model.governorSlots;
  const start = model.pstateStart[host]!;
  const sampleOf = (work: number, capacity: number, peakMs: number) => ({
    nowMs: state.nowMs[0]!,
    elapsedMs: periodMs,
    load: Math.min(1, peakMs / periodMs),
    meanLoad: capacity > 0 ? Math.min(1, work / capacity) : 0,
    cores: model.hostCores[host]! / model.hostDomains[host]!,
    pstate: state.domains.pstate[at]!,
    pstates: model.hostPstates[host]!,
    coreMips: (pstate: number) => model.pstateCoreMips[start + pstate]!,
  });
  const sample = sampleOf(
    state.domains.workMi[at]! - state.domains.workBeforeMi[at]!,
    state.domains.capacityMi[at]! - state.domains.capacityBeforeMi[at]!,
    state.domains.peakMs[at]! - state.domains.peakBeforeMs[at]!,
  );
  // Only a rule that does not say how long it rests is asked by what it remembers.
  const before =
    rule.steadyMs === undefined ? memory.slice(slot, slot + model.governorSlots) : undefined;
  const next = rule.next(sample, memory, slot);
  const changed = next !== state.domains.requested[at];
  if (changed) setDomainPstate(twin, host, domain, next);
  // What it would see in the next period if nothing changes.
  const steady = sampleOf(
    state.domains.usedMips[at]!,
    state.domains.capacityMips[at]!,
    state.domains.peakLoad[at]! * periodMs,
  );
  if (rule.steadyMs !== undefined) return changed ? 0 : rule.steadyMs(steady, memory, slot);
  const settled =
    !changed &&
    Math.abs(steady.load - sample.load) <= 1e-9 &&
    Math.abs(steady.meanLoad - sample.meanLoad) <= 1e-9 &&
    before?.every((value, index) => Object.is(value, memory[slot + index])) === true;
  return settled ? Infinity : 0;
}
