/**
 * The two steps around every change on a host: `settleHost` integrates all meters up to now under
 * the rates that held until now; `shareHost` computes the rates that hold from now on.
 */
import { wakeLimits } from './accounting/limit-meter.ts';
import { chargeSpan } from './accounting/twin-ledger.ts';
import { waterLevel } from './contention.ts';
import {
  deliveredOverDomains,
  fastestCoreMips,
  hostCapacityMips,
  shareDomains,
} from './hosts/domains.ts';
import { trackGovernor, wakeGovernor } from './hosts/governor-meter.ts';
import { settleHeat, watchHeat } from './hosts/heat-meter.ts';
import { currentPowerW } from './hosts/host-power.ts';
import { isPlain, sharePlainHost } from './hosts/plain-host.ts';
import { deniedMips } from './migration/denied.ts';
import { claimMips, copyingLoss } from './migration/effects.ts';
import { requestMips, setQueueMips } from './requests/queue.ts';
import type { ClusterState } from './state.ts';
import { hostPower, taskStatus, vmStatus } from './status.ts';
import { cancel, phases, schedule } from './timers.ts';
import type { Twin } from './twin.ts';
import { quotaMips } from './vms/quota.ts';
import { phaseKinds } from './vms/task-spec.ts';

/** Shortfalls below this fraction of what was asked are rounding, not overload. */
export const roundingFraction = 1e-9;

/** Brings every meter of `host` (limbo included) up to `timeMs`. */
export function settleHost(twin: Twin, host: number, timeMs: number): void {
  const { state } = twin;
  const sinceMs = state.hostSinceMs[host]!;
  const elapsedMs = timeMs - sinceMs;
  if (elapsedMs <= 0) return;
  if (state.hostGoverned[host] === 1) trackGovernor(twin, host, sinceMs, timeMs);
  state.hostSinceMs[host] = timeMs;
  const elapsedS = elapsedMs / 1000;
  if (state.hostTemperatureC.length > 0) settleHeat(twin, host, elapsedS);
  state.hostEnergyJ[host]! += state.hostPowerW[host]! * elapsedS;
  if (state.ledgerHostJ.length > 0) chargeSpan(twin, host, elapsedS, deliveredMips);
  const power = state.hostPower[host]!;
  if (power === hostPower.off || power === hostPower.asleep || power === hostPower.failed) return;
  state.hostOnMs[host]! += elapsedMs;
  if (power === hostPower.on) {
    state.hostCapacityMi[host]! += hostCapacityMips(twin, host) * elapsedS;
  }
  const used = state.hostUsedMips[host]!;
  state.hostWorkMi[host]! += used * elapsedS;
  const residents = state.hostVms[host]!;
  if (residents === 0 && state.hostTasks[host] === 0) return;
  state.hostActiveMs[host]! += elapsedMs;
  const asked = state.hostAskedMips[host]!;
  const short = asked - used;
  if (short > asked * roundingFraction) settleOverload(twin, host, elapsedMs);
  if (state.hostTasks[host]! > 0) settleTasks(twin, host, elapsedS);
  if (state.hostCopied[host]! > 0) settleCopied(twin, host, elapsedS);
}

/** CPU that `vm` receives now, MIPS, before any loss to migration. */
export function deliveredMips(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const host = state.vmHost[vm]!;
  if (host < 0 || state.hostPower[host] !== hostPower.on) return 0;
  if (model.hostDomains[host]! > 1) return deliveredOverDomains(twin, vm);
  const coreMips = fastestCoreMips(twin, host);
  const top = state.vmThreads[vm]! * coreMips;
  const limit = quotaMips(twin, vm, coreMips);
  const cap = claimMips(twin, vm, state.vmAskedMips[vm]!, top, limit);
  const level = state.hostLevel[host]!;
  return level === Infinity ? cap : Math.min(cap, level * state.vmShareWeight[vm]!);
}

/** Charges the host its overload, and each resident VM the work it asked for and did not get. */
export function settleOverload(twin: Twin, host: number, elapsedMs: number): void {
  const { model, state } = twin;
  const elapsedS = elapsedMs / 1000;
  state.hostOverloadMs[host]! += elapsedMs;
  state.hostShortMi[host]! += (state.hostAskedMips[host]! - state.hostUsedMips[host]!) * elapsedS;
  const { slots, vmAskedMips, vmThreads, vmShareWeight, vmShortMi, vmStatus: status } = state;
  const split = model.hostDomains[host]! > 1;
  const coreMips = split ? 0 : fastestCoreMips(twin, host);
  const level = state.hostLevel[host]!;
  const copied = state.hostCopied[host]! > 0;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  for (let slot = start; slot < end; slot++) {
    const vm = slots[slot]!;
    const want = vmAskedMips[vm]!;
    const top = split ? deliveredOverDomains(twin, vm) : vmThreads[vm]! * coreMips;
    let got = want < top ? want : top;
    if (!split && isHeldBack(state, vm)) {
      got = claimMips(twin, vm, want, top, quotaMips(twin, vm, coreMips));
    }
    if (level !== Infinity) {
      const share = level * vmShareWeight[vm]!;
      if (share < got) got = share;
    }
    if (want <= got || status[vm] === vmStatus.paused) continue;
    // What a migration denies the VM is charged to the migration.
    const denied = copied ? deniedMips(twin, vm) : 0;
    if (want - got > denied) vmShortMi[vm]! += (want - got - denied) * elapsedS;
  }
}

function settleTasks(twin: Twin, host: number, elapsedS: number): void {
  const { state } = twin;
  settleTaskList(twin, state.hostTask[host]!, elapsedS);
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  for (let slot = start; slot < end; slot++) {
    settleTaskList(twin, state.vmTask[state.slots[slot]!]!, elapsedS);
  }
}

function settleTaskList(twin: Twin, first: number, elapsedS: number): void {
  const { state } = twin;
  for (let task = first; task >= 0; task = state.taskNext[task]!) {
    state.taskRemaining[task]! -= state.taskRateMips[task]! * elapsedS;
  }
}

/** Work done and lost by the VMs on `host` that are being copied. */
function settleCopied(twin: Twin, host: number, elapsedS: number): void {
  const { model, state } = twin;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  for (let slot = start; slot < end; slot++) {
    const vm = state.slots[slot]!;
    const migration = state.vmMigration[vm]!;
    if (migration < 0) continue;
    if (state.vmStatus[vm] === vmStatus.paused) {
      state.vmDegradedMi[vm]! += state.vmAskedMips[vm]! * elapsedS;
      continue;
    }
    const lost = copyingLoss(twin, vm);
    state.vmDegradedMi[vm]! += deniedMips(twin, vm) * elapsedS;
    const work = deliveredMips(twin, vm) * elapsedS;
    state.vmDegradedMi[vm]! += work * lost;
    // A VM can receive more than its tasks can use; only what is done makes pages dirty.
    state.roundWorkMi[migration]! +=
      model.vmTaskDriven[vm] === 1 ? taskMips(twin, vm) * elapsedS : work * (1 - lost);
  }
}

/** Rate of all tasks and requests of `vm` together, MIPS. */
function taskMips(twin: Twin, vm: number): number {
  const { state } = twin;
  let sum = requestMips(twin, vm);
  for (let task = state.vmTask[vm]!; task >= 0; task = state.taskNext[task]!) {
    sum += state.taskRateMips[task]!;
  }
  return sum;
}

/** Adds the work `vm` asked for up to `timeMs`. Call before its demand changes. */
export function settleVm(twin: Twin, vm: number, timeMs: number): void {
  const { state } = twin;
  const elapsedS = (timeMs - state.vmSinceMs[vm]!) / 1000;
  state.vmDemandedMi[vm]! += state.vmAskedMips[vm]! * elapsedS;
  state.vmSinceMs[vm] = timeMs;
}

/** Computes level, delivered CPU, power and next completion of `host`, which must be settled. */
export function shareHost(twin: Twin, host: number): void {
  const { state } = twin;
  const plain = isPlain(twin, host);
  if (plain) sharePlainHost(twin, host);
  else if (twin.model.hostDomains[host]! > 1) shareSplit(twin, host);
  else if (state.hostTasks[host]! > 0) shareWithTasks(twin, host);
  else shareSlots(twin, host);
  if (twin.model.requests.queues > 0 && state.requests.hostQueues[host]! > 0) {
    shareQueues(twin, host);
  }
  if (!plain) state.hostPowerW[host] = currentPowerW(twin, host);
  if (state.hostTemperatureC.length > 0 && twin.model.hostHeat[host]) watchHeat(twin, host);
  if (state.hostGoverned[host] === 1) wakeGovernor(twin, host);
  if (state.limits.hostW.length > 0) wakeLimits(twin, host);
}

/**
 * Tells the queues on the host what their VMs receive from now on. What requests wait for is no CPU
 * that the host failed to deliver: they get it later, and their latencies say so.
 */
function shareQueues(twin: Twin, host: number): void {
  const { model, state } = twin;
  const { vmQueue } = model.requests;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  for (let slot = start; slot < end; slot++) {
    const vm = state.slots[slot]!;
    const queue = vmQueue[vm]!;
    if (queue < 0) continue;
    const copied = state.vmMigration[vm]! >= 0 ? 1 - model.migrationOverheadFraction : 1;
    const mips = deliveredMips(twin, vm);
    setQueueMips(twin, queue, mips * copied);
    if (state.vmStatus[vm] === vmStatus.running) {
      state.hostAskedMips[host]! -= state.vmAskedMips[vm]! - deniedMips(twin, vm) - mips;
    }
  }
}

/** Hosts with several frequency domains, whose tasks are all in VMs. */
function shareSplit(twin: Twin, host: number): void {
  const { state } = twin;
  const background = Math.min(state.hostBackgroundMips[host]!, hostCapacityMips(twin, host));
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  let askedSum = 0;
  for (let slot = start; slot < end; slot++) askedSum += state.vmAskedMips[state.slots[slot]!]!;
  if (state.hostCopied[host]! > 0) askedSum -= deniedSum(twin, host);
  state.hostAskedMips[host] = askedSum + background;
  state.hostLevel[host] = Infinity;
  state.hostUsedMips[host] = shareDomains(twin, host, background) + background;
  if (state.hostTasks[host]! > 0) shareVms(twin, host, fastestCoreMips(twin, host), Infinity);
}

/** Hosts with nothing but VMs that follow their demand. */
function shareSlots(twin: Twin, host: number): void {
  const { model, state } = twin;
  const { slots, vmAskedMips, vmThreads, vmShareWeight, vmMigration } = state;
  const coreMips = fastestCoreMips(twin, host);
  const background = backgroundMips(twin, host, coreMips);
  const capacity = coreMips * model.hostCores[host]! - background;
  const start = state.hostSlot[host]!;
  const count = state.hostVms[host]!;
  const { caps, weights } = twin.scratch;
  let askedSum = 0;
  let capSum = 0;
  let deniedSum = 0;
  for (let index = 0; index < count; index++) {
    const vm = slots[start + index]!;
    const want = vmAskedMips[vm]!;
    const top = vmThreads[vm]! * coreMips;
    let cap = want < top ? want : top;
    if (isHeldBack(state, vm)) {
      cap = claimMips(twin, vm, want, top, quotaMips(twin, vm, coreMips));
    }
    if (vmMigration[vm]! >= 0) deniedSum += deniedMips(twin, vm);
    askedSum += want;
    capSum += cap;
    caps[index] = cap;
    weights[index] = vmShareWeight[vm]!;
  }
  askedSum -= deniedSum;
  const level = waterLevel(caps, weights, count, capacity);
  state.hostAskedMips[host] = askedSum + background;
  state.hostLevel[host] = level;
  state.hostUsedMips[host] = (level === Infinity ? capSum : capacity) + background;
}

/** Whether a quota, a power limit or a throttling migration may keep `vm` below what it could use. */
function isHeldBack(state: ClusterState, vm: number): boolean {
  if (state.vmQuota[vm] !== Infinity || state.limits.vmCores.length > 0) return true;
  const migration = state.vmMigration[vm]!;
  return migration >= 0 && state.migrationThrottle[migration]! > 0;
}

/** What the host itself takes of its CPU, at most all of it, MIPS. */
function backgroundMips(twin: Twin, host: number, coreMips: number): number {
  const wanted = twin.state.hostBackgroundMips[host]!;
  return wanted === 0 ? 0 : Math.min(wanted, coreMips * twin.model.hostCores[host]!);
}

/** What the migrations of the VMs on `host` deny them, MIPS. */
function deniedSum(twin: Twin, host: number): number {
  const { state } = twin;
  const start = state.hostSlot[host]!;
  let sum = 0;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    if (state.vmMigration[vm]! >= 0) sum += deniedMips(twin, vm);
  }
  return sum;
}

/**
 * Two levels of sharing: tasks of the host and its VMs share the host; tasks of a VM share what
 * the VM receives. Schedules the first completion.
 */
function shareWithTasks(twin: Twin, host: number): void {
  const { model, state, scratch } = twin;
  const { caps, weights } = scratch;
  const coreMips = fastestCoreMips(twin, host);
  const background = backgroundMips(twin, host, coreMips);
  const capacity = coreMips * model.hostCores[host]! - background;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  let claims = collectTasks(twin, state.hostTask[host]!, coreMips, 0);
  let askedSum = 0;
  for (let slot = start; slot < end; slot++) {
    const vm = state.slots[slot]!;
    const top = state.vmThreads[vm]! * coreMips;
    const limit = quotaMips(twin, vm, coreMips);
    caps[claims] = claimMips(twin, vm, state.vmAskedMips[vm]!, top, limit);
    weights[claims] = state.vmShareWeight[vm]!;
    if (state.vmStatus[vm] !== vmStatus.paused) {
      askedSum += state.vmAskedMips[vm]! - deniedMips(twin, vm);
    }
    claims++;
  }
  const level = waterLevel(caps, weights, claims, capacity);
  let used = capacity;
  if (level === Infinity) {
    used = 0;
    for (let claim = 0; claim < claims; claim++) used += caps[claim]!;
  }
  state.hostLevel[host] = level;
  state.hostUsedMips[host] = used + background;
  const firstS = assignRates(twin, state.hostTask[host]!, level, coreMips);
  for (let task = state.hostTask[host]!; task >= 0; task = state.taskNext[task]!) {
    askedSum += state.taskRateMips[task]!;
  }
  state.hostAskedMips[host] = askedSum + background;
  shareVms(twin, host, coreMips, firstS);
}

/** Divides what each VM receives among its tasks; schedules the host's first completion. */
function shareVms(twin: Twin, host: number, coreMips: number, firstHostS: number): void {
  const { state } = twin;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  let firstS = firstHostS;
  for (let slot = start; slot < end; slot++) {
    firstS = Math.min(firstS, shareVm(twin, state.slots[slot]!, coreMips));
  }
  const timer = twin.timers.completion + host;
  if (firstS === Infinity) cancel(state, timer);
  else schedule(state, timer, state.nowMs[0]! + firstS * 1000, phases.completion);
}

/** Divides what `vm` receives among its tasks. Returns seconds to the first completion. */
function shareVm(twin: Twin, vm: number, coreMips: number): number {
  const { state, scratch } = twin;
  const first = state.vmTask[vm]!;
  if (first < 0) return Infinity;
  const capacity = deliveredMips(twin, vm) * (1 - copyingLoss(twin, vm));
  const claims = collectTasks(twin, first, coreMips, 0);
  const level = waterLevel(scratch.caps, scratch.weights, claims, capacity);
  return assignRates(twin, first, level, coreMips);
}

/** Most that a working task can use, MIPS. */
function taskCapMips(twin: Twin, task: number, coreMips: number): number {
  const { model, state } = twin;
  const phase = model.tasks.phaseStart[task]! + state.taskPhase[task]!;
  return Math.min(model.tasks.phaseThreads[phase]! * coreMips, model.tasks.phaseBoundMips[phase]!);
}

/** Most that the tasks directly on `host` can use on cores of `coreMips`, MIPS. */
export function taskClaimMips(twin: Twin, host: number, coreMips: number): number {
  const { state } = twin;
  let sum = 0;
  for (let task = state.hostTask[host]!; task >= 0; task = state.taskNext[task]!) {
    if (state.taskStatus[task] === taskStatus.working) sum += taskCapMips(twin, task, coreMips);
  }
  return sum;
}

/** Writes the claims of the working tasks in a list from index `from` on; returns the end. */
function collectTasks(twin: Twin, first: number, coreMips: number, from: number): number {
  const { model, state, scratch } = twin;
  let claims = from;
  for (let task = first; task >= 0; task = state.taskNext[task]!) {
    if (state.taskStatus[task] !== taskStatus.working) continue;
    const phase = model.tasks.phaseStart[task]! + state.taskPhase[task]!;
    scratch.caps[claims] = taskCapMips(twin, task, coreMips);
    scratch.weights[claims] = model.tasks.phasePriority[phase]!;
    claims++;
  }
  return claims;
}

/** Sets the rates of a list's working tasks; returns seconds to the first completion. */
function assignRates(twin: Twin, first: number, level: number, coreMips: number): number {
  const { model, state } = twin;
  let firstS = Infinity;
  for (let task = first; task >= 0; task = state.taskNext[task]!) {
    if (state.taskStatus[task] !== taskStatus.working) continue;
    const phase = model.tasks.phaseStart[task]! + state.taskPhase[task]!;
    const cap = taskCapMips(twin, task, coreMips);
    const share = level === Infinity ? cap : level * model.tasks.phasePriority[phase]!;
    const rate = share < cap ? share : cap;
    state.taskRateMips[task] = rate;
    if (rate > 0 && model.tasks.phaseKind[phase] === phaseKinds.work) {
      firstS = Math.min(firstS, Math.max(0, state.taskRemaining[task]!) / rate);
    }
  }
  return firstS;
}
