/**
 * Live migration by pre-copy. The VM runs on the source while its memory is sent; pages it makes
 * dirty meanwhile are sent again, round by round, until what is left fits into the downtime limit;
 * then the VM stops, the rest is sent, and it goes on at the target.
 *
 *   stage 1: send R bytes.
 *   after each transfer of b bytes in t s that saw work c: dirty = min(floor(c·p), W),
 *            left = left − b + dirty, threshold = floor(b / t · downtime limit)
 *   stage 2: while left > threshold: send `dirty` bytes.
 *   stage 3: stop the VM, send `left`, resume at the target.
 *
 * R memory, bytes; W working set, bytes; p = v·d / core speed of the source when the migration
 * starts, bytes per unit of work (v rate cap, bytes/s; d dirtying intensity). Memory is held on
 * both hosts until the end. Exact against SimGrid 3.32 (VmLiveMigration). Not modelled:
 * auto-converge, post-copy, a limit on rounds (a VM that dirties faster than the link never ends).
 */
import { assert } from './errors.ts';
import { continueFlow, isOnNetwork, joinNetwork, leaveNetwork } from './network.ts';
import { shutDownIfDrained } from './power-transitions.ts';
import { settleHost, settleVm, shareHost } from './sharing.ts';
import { addResident, removeResident } from './slots.ts';
import { migrationStage, vmStatus } from './state.ts';
import { moveTasks } from './tasks.ts';
import { cancel, phases, schedule } from './timers.ts';
import type { Twin } from './twin.ts';
import { refreshTaskDemand } from './vm-lifecycle.ts';

/** Longest stop that pre-copy aims for, s (SimGrid's and this model's default). */
const downtimeLimitS = 0.03;

/** Starts moving `vm` to `target`. The caller has checked that this is legal. */
export function beginMigration(twin: Twin, vm: number, target: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const source = state.vmHost[vm]!;
  assert(state.freeCount[0]! > 0, () => `more than ${model.migrationsMax} migrations in flight`);
  settleHost(twin, source, nowMs);
  const flow = state.freeMigrations[--state.freeCount[0]!]!;
  state.vmMigration[vm] = flow;
  state.migrationVm[flow] = vm;
  state.migrationSource[flow] = source;
  state.migrationTarget[flow] = target;
  state.migrationStage[flow] = migrationStage.memory;
  state.migrationStartMs[flow] = nowMs;
  state.migrationPauseMs[flow] = nowMs;
  state.hostOutgoing[source]!++;
  state.hostIncoming[target]!++;
  state.hostSpecial[source]!++;
  state.hostSpecial[target]!++;
  const memory = model.workload.memoryBytes[vm]!;
  state.hostReservedBytes[target]! += memory;
  const coreMips = model.pstateCoreMips[model.pstateStart[source]! + state.hostPstate[source]!]!;
  const dirtied = model.migrationBytesPerS[vm]! * model.migrationDirtyIntensity[vm]!;
  state.dirtyBytesPerMi[flow] = coreMips > 0 ? dirtied / coreMips : 1;
  state.migrationLeftBytes[flow] = memory;
  shareHost(twin, source);
  twin.recorder?.migrationStarted?.(vm, source, target, nowMs);
  beginTransfer(twin, flow, memory);
}

function beginTransfer(twin: Twin, flow: number, bytes: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, state.migrationSource[flow]!, nowMs);
  state.roundBytes[flow] = bytes;
  state.roundStartMs[flow] = nowMs;
  state.roundWorkMi[flow] = 0;
  const { network } = model;
  const pair = state.migrationSource[flow]! * network.hosts + state.migrationTarget[flow]!;
  const delayS = network.star ? 0 : network.routeDelayS[pair]!;
  const onNetwork = isOnNetwork(twin, flow);
  if (onNetwork && delayS === 0 && bytes > 0) {
    // The next round follows at once on the same links: nobody's rate changes.
    continueFlow(twin, flow, bytes);
    return;
  }
  if (onNetwork) leaveNetwork(twin, flow);
  state.flowRemainingBytes[flow] = bytes;
  state.flowBytesPerS[flow] = 0;
  if (delayS > 0 || bytes <= 0) {
    schedule(state, twin.timers.flow + flow, nowMs + delayS * 1000, phases.completion);
  } else {
    joinNetwork(twin, flow);
  }
}

/** The flow's timer went off: its start-up delay is over, or its transfer is. */
export function flowTimer(twin: Twin, flow: number): void {
  const { state } = twin;
  if (!isOnNetwork(twin, flow) && state.flowRemainingBytes[flow]! > 0) {
    joinNetwork(twin, flow);
    return;
  }
  endTransfer(twin, flow);
}

function endTransfer(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = state.migrationVm[flow]!;
  const bytes = state.roundBytes[flow]!;
  const durationS = (nowMs - state.roundStartMs[flow]!) / 1000;
  const stage = state.migrationStage[flow]!;
  state.migrationTotals[1]! += bytes;
  twin.recorder?.migrationRound?.(vm, stage, bytes, durationS);
  if (stage === migrationStage.stopAndCopy) {
    finishMigration(twin, flow);
    return;
  }
  settleHost(twin, state.migrationSource[flow]!, nowMs);
  const dirty = Math.min(
    wholeBytes(state.roundWorkMi[flow]! * state.dirtyBytesPerMi[flow]!),
    model.migrationWorkingSetBytes[vm]!,
  );
  const left = state.migrationLeftBytes[flow]! - bytes + dirty;
  state.migrationLeftBytes[flow] = left;
  const threshold = durationS > 0 ? wholeBytes((bytes / durationS) * downtimeLimitS) : Infinity;
  if (threshold < left) {
    state.migrationStage[flow] = migrationStage.dirty;
    beginTransfer(twin, flow, dirty);
    return;
  }
  state.migrationStage[flow] = migrationStage.stopAndCopy;
  pauseVm(twin, flow);
  beginTransfer(twin, flow, left);
}

/** Whole bytes in `bytes`, where a thousandth less than a whole is taken for rounding. */
function wholeBytes(bytes: number): number {
  return Math.floor(bytes + 0.001);
}

function pauseVm(twin: Twin, flow: number): void {
  const { state } = twin;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  state.vmStatus[vm] = vmStatus.paused;
  state.vmThreads[vm] = 0;
  state.vmShareWeight[vm] = 0;
  state.migrationPauseMs[flow] = state.nowMs[0]!;
  shareHost(twin, source);
  twin.recorder?.vmPaused?.(vm, source, state.nowMs[0]!);
}

function finishMigration(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  settleHost(twin, source, nowMs);
  settleHost(twin, target, nowMs);
  settleVm(twin, vm, nowMs);
  moveTasks(twin, vm, source, target);
  removeResident(twin, vm);
  addResident(twin, target, vm);
  state.hostReservedBytes[source]! -= model.workload.memoryBytes[vm]!;
  state.vmMigrations[vm]!++;
  state.migrationTotals[0]!++;
  state.migrationTotals[2]! += nowMs - state.migrationStartMs[flow]!;
  state.migrationTotals[3]! += nowMs - state.migrationPauseMs[flow]!;
  releaseMigration(twin, flow);
  resumeVm(twin, vm);
  shareHost(twin, source);
  shareHost(twin, target);
  shutDownIfDrained(twin, source);
  twin.recorder?.vmResumed?.(vm, target, nowMs);
  twin.recorder?.migrationEnded?.(vm, source, target, state.migrationStartMs[flow]!, nowMs);
}

/** Ends a migration without moving the VM; it runs on where it is. */
export function abortMigration(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = state.migrationVm[flow]!;
  const source = state.migrationSource[flow]!;
  settleHost(twin, source, nowMs);
  cancel(state, twin.timers.flow + flow);
  state.hostReservedBytes[state.migrationTarget[flow]!]! -= model.workload.memoryBytes[vm]!;
  const paused = state.vmStatus[vm] === vmStatus.paused;
  releaseMigration(twin, flow);
  resumeVm(twin, vm);
  shareHost(twin, source);
  if (paused) twin.recorder?.vmResumed?.(vm, source, nowMs);
}

function releaseMigration(twin: Twin, flow: number): void {
  const { state } = twin;
  if (isOnNetwork(twin, flow)) leaveNetwork(twin, flow);
  state.vmMigration[state.migrationVm[flow]!] = -1;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  state.hostOutgoing[source]!--;
  state.hostIncoming[target]!--;
  state.hostSpecial[source]!--;
  state.hostSpecial[target]!--;
  state.migrationStage[flow] = migrationStage.free;
  state.flowBytesPerS[flow] = 0;
  state.freeMigrations[state.freeCount[0]!] = flow;
  state.freeCount[0]!++;
}

function resumeVm(twin: Twin, vm: number): void {
  const { model, state } = twin;
  state.vmStatus[vm] = vmStatus.running;
  if (model.vmTaskDriven[vm] === 1) {
    refreshTaskDemand(twin, vm);
    return;
  }
  state.vmThreads[vm] = model.workload.vcpus[vm]!;
  state.vmShareWeight[vm] = state.vmThreads[vm]! * model.vmWeight[vm]!;
}
