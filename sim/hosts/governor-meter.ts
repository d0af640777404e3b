/**
 * What a host's own governor measures, and when it looks next.
 *
 * A governor samples at the multiples of its period. Between events loads are constant, so most
 * samples would see what the one before saw: such samples are skipped ("parked") and the meters are
 * kept as if they had been taken. After a change of load the next sample is at the next multiple of
 * the period, and its load is that of the period before it, as if sampling had never paused.
 */

import { hostPower } from '../status.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { busiestVcpu, domainCoreMips } from './domains.ts';

/** Adds the span from `fromMs` to `toMs`, in which the present loads held, to the meters. */
export function trackGovernor(twin: Twin, host: number, fromMs: number, toMs: number): void {
  const { model, state } = twin;
  const rule = twin.governors[model.hostGovernor[host]!]!;
  const periodMs = model.hostGovernorPeriodMs[host]!;
  const gridMs = (Math.ceil(toMs / periodMs) - 1) * periodMs;
  const first = model.domainStart[host]!;
  const fastest = model.hostFastestMips[host]!;
  for (let at = first; at < first + model.hostDomains[host]!; at++) {
    const used = state.domains.usedMips[at]!;
    const capacity = state.domains.capacityMips[at]!;
    const peak = state.domains.peakLoad[at]!;
    if (gridMs >= fromMs) {
      const untilS = (gridMs - fromMs) / 1000;
      state.domains.workBeforeMi[at] = state.domains.workMi[at]! + used * untilS;
      state.domains.capacityBeforeMi[at] = state.domains.capacityMi[at]! + capacity * untilS;
      state.domains.peakBeforeMs[at] = state.domains.peakMs[at]! + peak * (gridMs - fromMs);
    }
    state.domains.workMi[at]! += used * ((toMs - fromMs) / 1000);
    state.domains.capacityMi[at]! += capacity * ((toMs - fromMs) / 1000);
    state.domains.peakMs[at]! += peak * (toMs - fromMs);
    if (rule.track === undefined) continue;
    const row = model.pstateStart[host]! + state.domains.pstate[at]!;
    const speed = model.pstateCoreMips[row]! / fastest;
    const memory = at * model.governorSlots;
    rule.track(state.domains.governorMemory, memory, toMs - fromMs, peak, speed);
  }
}

/** Notes the loads that hold from now on and makes sure that the governor sees them. */
export function wakeGovernor(twin: Twin, host: number): void {
  const { model, state, timers } = twin;
  noteLoads(twin, host);
  const nowMs = state.nowMs[0]!;
  const periodMs = model.hostGovernorPeriodMs[host]!;
  let nextMs = Math.ceil(nowMs / periodMs) * periodMs;
  // A multiple of a fractional period may be rounded to just before now.
  if (nextMs <= state.hostGovernorMs[host]! || nextMs < nowMs) nextMs += periodMs;
  const timer = timers.governor + host;
  if (state.heapPosition[timer]! >= 0 && state.timerMs[timer]! <= nextMs) return;
  schedule(state, timer, nextMs, phases.governor, host);
}

/** Load of each domain, and that of its busiest vCPU, which no CPU can be below. */
function noteLoads(twin: Twin, host: number): void {
  const { model, state } = twin;
  const domains = model.hostDomains[host]!;
  const cores = model.hostCores[host]! / domains;
  const first = model.domainStart[host]!;
  const on = state.hostPower[host] === hostPower.on;
  for (let domain = 0; domain < domains; domain++) {
    const at = first + domain;
    const coreMips = domainCoreMips(twin, host, domain);
    const capacity = cores * coreMips;
    const split = domains > 1;
    const used = split ? state.domains.load[at]! * capacity : state.hostUsedMips[host]!;
    const level = split ? state.domains.level[at]! : state.hostLevel[host]!;
    const peak = busiestVcpu(twin, host, coreMips, level, split ? domain : -1);
    const mean = capacity > 0 ? Math.min(1, used / capacity) : 0;
    state.domains.usedMips[at] = on ? used : 0;
    state.domains.capacityMips[at] = capacity;
    state.domains.peakLoad[at] = Math.max(mean, peak);
  }
}
