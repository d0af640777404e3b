/**
 * The loop: take the next event, move the clock, run it. Trace ticks are one event for the whole
 * cohort and never enter the heap.
 */
import { assert } from './errors.ts';
import { flowTimer } from './migration.ts';
import { completePowerTransition } from './power-transitions.ts';
import { settleHost, settleVm, shareHost } from './sharing.ts';
import { hostPower, vmStatus } from './state.ts';
import { completeTasks, wakeTask } from './tasks.ts';
import { cancel, phaseOf, phases, schedule } from './timers.ts';
import { keepPromises, setPstate } from './transitions.ts';
import type { Twin } from './twin.ts';
import { admitVm, departVm } from './vm-lifecycle.ts';

/** Called after every event; tests check invariants here. */
export type AfterEvent = (twin: Twin) => void;

/**
 * Runs all events up to and including `untilMs`, up to the phase `governor`, and leaves the clock
 * there: the next thing to happen at `untilMs` is a decision.
 */
export function advance(twin: Twin, untilMs: number, afterEvent?: AfterEvent): void {
  const { state } = twin;
  const { heap, heapSize, timerMs, nextTickMs, nowMs, eventsProcessed } = state;
  assert(untilMs >= nowMs[0]!, () => `cannot go back from ${nowMs[0]} ms to ${untilMs} ms`);
  for (;;) {
    const first = heapSize[0]! > 0 ? heap[0]! : -1;
    const eventMs = first < 0 ? Infinity : timerMs[first]!;
    const tickMs = nextTickMs[0]!;
    const tickFirst =
      tickMs < eventMs || (tickMs === eventMs && phases.demand < phaseOf(state, first));
    const timeMs = tickFirst ? tickMs : eventMs;
    if (timeMs > untilMs || timeMs === Infinity) break;
    nowMs[0] = timeMs;
    eventsProcessed[0]!++;
    if (tickFirst) applyDemandRow(twin);
    else fire(twin, first);
    afterEvent?.(twin);
  }
  nowMs[0] = untilMs;
}

function fire(twin: Twin, timer: number): void {
  const { state, timers } = twin;
  const phase = phaseOf(state, timer);
  cancel(state, timer);
  if (timer < timers.transition) completeTasks(twin, timer - timers.completion);
  else if (timer < timers.governor) {
    const host = timer - timers.transition;
    if (completePowerTransition(twin, host)) keepPromises(twin, host);
  } else if (timer < timers.vm) sampleGovernor(twin, timer - timers.governor);
  else if (timer < timers.task) {
    if (phase === phases.departure) departVm(twin, timer - timers.vm);
    else admitVm(twin, timer - timers.vm);
  } else if (timer < timers.flow) wakeTask(twin, timer - timers.task);
  else flowTimer(twin, timer - timers.flow);
}

/** Loads the next row of the demand grid into all VMs and shares every host anew. */
function applyDemandRow(twin: Twin): void {
  const { model, state } = twin;
  const { workload, vms } = model;
  const { hostVms, hostTasks, hostOutgoing, hostSlot, slots } = state;
  const { vmAskedMips, vmSinceMs, vmDemandedMi } = state;
  const { demandUnits, mipsPerUnit } = workload;
  const row = state.tickRow[0]! + 1;
  const timeMs = state.nowMs[0]!;
  state.tickRow[0] = row;
  state.nextTickMs[0] = row + 1 < workload.steps ? (row + 1) * workload.intervalMs : Infinity;
  const base = row * vms;
  for (let host = 0; host <= model.limbo; host++) {
    const count = hostVms[host]!;
    if (count === 0) continue;
    settleHost(twin, host, timeMs);
    if (hostTasks[host]! > 0 || hostOutgoing[host]! > 0) {
      loadMixedHost(twin, host, base);
    } else {
      const start = hostSlot[host]!;
      for (let slot = start; slot < start + count; slot++) {
        const vm = slots[slot]!;
        vmDemandedMi[vm]! += vmAskedMips[vm]! * ((timeMs - vmSinceMs[vm]!) / 1000);
        vmSinceMs[vm] = timeMs;
        vmAskedMips[vm] = demandUnits[base + vm]! * mipsPerUnit[vm]!;
      }
    }
    shareHost(twin, host);
  }
}

/** The same for a host with tasks or migrations, where some VMs do not follow the grid. */
function loadMixedHost(twin: Twin, host: number, base: number): void {
  const { model, state } = twin;
  const { demandUnits, mipsPerUnit } = model.workload;
  const start = state.hostSlot[host]!;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    if (model.vmTaskDriven[vm] === 1 || state.vmStatus[vm] === vmStatus.absent) continue;
    settleVm(twin, vm, state.nowMs[0]!);
    state.vmAskedMips[vm] = demandUnits[base + vm]! * mipsPerUnit[vm]!;
  }
}

/** A host's own frequency governor looks at the load since it last did and acts. */
function sampleGovernor(twin: Twin, host: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  const work = state.hostWorkMi[host]! - state.hostGovernorWorkMi[host]!;
  const capacity = state.hostCapacityMi[host]! - state.hostGovernorCapacityMi[host]!;
  state.hostGovernorWorkMi[host] = state.hostWorkMi[host]!;
  state.hostGovernorCapacityMi[host] = state.hostCapacityMi[host]!;
  const rule = twin.governors[model.hostGovernor[host]!];
  assert(rule !== undefined, () => `host ${host} names governor ${model.hostGovernor[host]}`);
  if (state.hostPower[host] === hostPower.on) {
    const start = model.pstateStart[host]!;
    const next = rule.next({
      load: capacity > 0 ? Math.min(1, work / capacity) : 0,
      cores: model.hostCores[host]!,
      pstate: state.hostPstate[host]!,
      pstates: model.hostPstates[host]!,
      coreMips: (pstate) => model.pstateCoreMips[start + pstate]!,
    });
    setPstate(twin, host, next);
  }
  const nextMs = nowMs + model.hostGovernorMs[host]!;
  schedule(state, twin.timers.governor + host, nextMs, phases.governor);
}
