/**
 * The transfers of a migration, one after the other. The stages:
 *
 *   disk          the VM's disk, where hosts do not share storage
 *   memory        all memory, R bytes
 *   dirty         what got dirty meanwhile, round by round
 *   stopAndCopy   the rest, while the VM stands still; `resuming` until it runs on the target
 *   switching     for post-copy: the VM stands still while it changes hosts
 *   postCopy      the VM runs on the target, and its memory follows
 *
 * After a round of b bytes in t s that saw work c, D bytes/s of dirtying beside it, throttle h:
 *
 *   dirty = min(floor(c·p + D·t·(1 − h)), W), left = left − b + dirty
 *
 * W working set, bytes; p = v·d / core speed of the source when the migration starts, bytes per
 * unit of work (v rate cap, bytes/s; d dirtying intensity). `verdict.ts` says what comes next.
 * Exact against SimGrid 3.32 (VmLiveMigration) with the default rules.
 */
import { crashVm } from '../faults/crash.ts';
import { bytesBeforeBreak, willBreak } from '../faults/migration-faults.ts';
import { settleFlow } from '../flows/flows.ts';
import { continueFlow, isOnNetwork, joinNetwork, leaveNetwork } from '../flows/network.ts';
import { settleHost, shareHost } from '../sharing.ts';
import { migrationOutcome, migrationStage } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { rulesOf } from './columns.ts';
import {
  arriveBeforeMemory,
  dropMigration,
  finishMigration,
  finishPostCopy,
  pauseVm,
} from './end.ts';
import { failMigration } from './fail.ts';
import type { MigrationRemedy } from './rules.ts';
import { afterRound, leftAfterCut, wholeBytes } from './verdict.ts';

/** Sends the disk. */
export function beginStorage(twin: Twin, flow: number, bytes: number): void {
  twin.state.migrationStage[flow] = migrationStage.disk;
  beginTransfer(twin, flow, bytes);
}

/** Sends all memory, or lets the VM go first. */
export function beginMemory(twin: Twin, flow: number): void {
  const { state } = twin;
  if (rulesOf(twin, flow).postCopy === 'start') {
    switchToPostCopy(twin, flow);
    return;
  }
  state.migrationStage[flow] = migrationStage.memory;
  beginTransfer(twin, flow, bytesBeforeBreak(twin, flow, state.migrationLeftBytes[flow]!));
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
  const wireBytes = onTheWire(twin, flow, bytes);
  const onNetwork = isOnNetwork(twin, flow);
  if (onNetwork && delayS === 0 && bytes > 0) {
    // The next round follows at once on the same links: nobody's rate changes.
    continueFlow(twin, flow, wireBytes);
    return;
  }
  if (onNetwork) leaveNetwork(twin, flow);
  state.flowRemainingBytes[flow] = wireBytes;
  if (delayS > 0 || bytes <= 0) {
    schedule(state, twin.timers.flow + flow, nowMs + delayS * 1000, phases.completion);
  } else {
    joinNetwork(twin, flow);
  }
}

function onTheWire(twin: Twin, flow: number, bytes: number): number {
  const disk = twin.state.migrationStage[flow] === migrationStage.disk;
  return disk ? bytes : bytes / rulesOf(twin, flow).compression;
}

/** The migration's timer went off: a start-up delay, a transfer or a stop is over. */
export function migrationTimer(twin: Twin, flow: number): void {
  const { state } = twin;
  if (!isOnNetwork(twin, flow) && state.flowRemainingBytes[flow]! > 0) {
    joinNetwork(twin, flow);
    return;
  }
  const stage = state.migrationStage[flow]!;
  if (stage === migrationStage.resuming) finishMigration(twin, flow);
  else if (stage === migrationStage.switching) beginPostCopy(twin, flow);
  else endTransfer(twin, flow);
}

function endTransfer(twin: Twin, flow: number): void {
  const { state } = twin;
  const bytes = state.roundBytes[flow]!;
  const durationS = (state.nowMs[0]! - state.roundStartMs[flow]!) / 1000;
  const stage = state.migrationStage[flow]!;
  state.migrationTotals[1]! += onTheWire(twin, flow, bytes);
  twin.recorder?.migrationRound?.(state.migrationVm[flow]!, stage, bytes, durationS);
  if (willBreak(twin, flow) && stage !== migrationStage.disk) failMigration(twin, flow, crashVm);
  else if (stage === migrationStage.stopAndCopy) beginResuming(twin, flow);
  else if (stage === migrationStage.postCopy) finishPostCopy(twin, flow);
  else if (stage === migrationStage.disk) afterStorage(twin, flow);
  else endRound(twin, flow, bytes, durationS);
}

function endRound(twin: Twin, flow: number, sentBytes: number, durationS: number): void {
  const { state } = twin;
  settleHost(twin, state.migrationSource[flow]!, state.nowMs[0]!);
  const dirtyBytes = dirtied(twin, flow, durationS);
  const leftBytes = state.migrationLeftBytes[flow]! - sentBytes + dirtyBytes;
  state.migrationLeftBytes[flow] = leftBytes;
  const before = {
    rounds: state.migrationRounds[flow]!,
    tooDirty: state.migrationTooDirty[flow]!,
    stalls: state.migrationStalls[flow]!,
    throttle: state.migrationThrottle[flow]!,
  };
  const facts = { sentBytes, durationS, dirtyBytes, leftBytes };
  const { verdict, memory } = afterRound(rulesOf(twin, flow), before, facts);
  state.migrationRounds[flow] = memory.rounds;
  state.migrationTooDirty[flow] = memory.tooDirty;
  state.migrationStalls[flow] = memory.stalls;
  if (memory.throttle !== before.throttle) {
    state.migrationThrottle[flow] = memory.throttle;
    shareHost(twin, state.migrationSource[flow]!);
  }
  if (verdict === 'round') {
    state.migrationStage[flow] = migrationStage.dirty;
    beginTransfer(twin, flow, dirtyBytes);
    return;
  }
  take(twin, flow, verdict);
}

/** Bytes that got dirty in a round that has lasted `durationS`; the source must be settled. */
function dirtied(twin: Twin, flow: number, durationS: number): number {
  const { model, state } = twin;
  const vm = state.migrationVm[flow]!;
  const byWork = state.roundWorkMi[flow]! * state.dirtyBytesPerMi[flow]!;
  const running = durationS * (1 - state.migrationThrottle[flow]!);
  return Math.min(
    wholeBytes(byWork + model.migrationDirtyBytesPerS[vm]! * running),
    model.migrationWorkingSetBytes[vm]!,
  );
}

function take(twin: Twin, flow: number, remedy: Exclude<MigrationRemedy, 'goOn'>): void {
  const { state } = twin;
  if (remedy === 'abort') {
    state.migrationOutcomes[migrationOutcome.aborted]!++;
    dropMigration(twin, flow);
  } else if (remedy === 'postCopy') {
    switchToPostCopy(twin, flow);
  } else {
    const left = state.migrationLeftBytes[flow]!;
    state.migrationStage[flow] = migrationStage.stopAndCopy;
    pauseVm(twin, flow);
    beginTransfer(twin, flow, left);
  }
}

function beginResuming(twin: Twin, flow: number): void {
  const { resumeS } = rulesOf(twin, flow);
  if (resumeS <= 0) {
    finishMigration(twin, flow);
    return;
  }
  standStill(twin, flow, migrationStage.resuming, resumeS);
}

/** Nothing is sent for some time. */
function standStill(twin: Twin, flow: number, stage: number, seconds: number): void {
  const { state } = twin;
  if (isOnNetwork(twin, flow)) leaveNetwork(twin, flow);
  state.migrationStage[flow] = stage;
  state.flowRemainingBytes[flow] = 0;
  const endMs = state.nowMs[0]! + seconds * 1000;
  schedule(state, twin.timers.flow + flow, endMs, phases.completion);
}

/** Disks are there. A remedy that fell due meanwhile is taken now. */
function afterStorage(twin: Twin, flow: number): void {
  const { state } = twin;
  const { timeoutS, onTimeout } = rulesOf(twin, flow);
  // The disks of both hosts take no part in what follows.
  leaveNetwork(twin, flow);
  state.migrationStage[flow] = migrationStage.memory;
  const overdue = state.nowMs[0]! >= state.migrationStartMs[flow]! + timeoutS * 1000;
  settleHost(twin, state.migrationSource[flow]!, state.nowMs[0]!);
  if (overdue && onTimeout !== 'goOn') take(twin, flow, onTimeout);
  else beginMemory(twin, flow);
}

/** The migration has lasted as long as it may. */
export function deadlineTimer(twin: Twin, flow: number): void {
  const { onTimeout } = rulesOf(twin, flow);
  if (onTimeout === 'goOn' || !isPreCopying(twin, flow)) return;
  if (twin.state.migrationStage[flow] === migrationStage.disk) {
    // What is to come needs the whole disk; only an abort does not.
    if (onTimeout !== 'abort') return;
    cutTransfer(twin, flow);
  } else {
    cutRound(twin, flow);
  }
  take(twin, flow, onTimeout);
}

/** True while the VM runs on the source. */
export function isPreCopying(twin: Twin, flow: number): boolean {
  const stage = twin.state.migrationStage[flow]!;
  return (
    stage === migrationStage.disk ||
    stage === migrationStage.memory ||
    stage === migrationStage.dirty
  );
}

/** Gives a migration up in the middle of whatever it does, before the VM has changed hosts. */
export function giveUp(twin: Twin, flow: number): void {
  if (isOnNetwork(twin, flow)) cutTransfer(twin, flow);
  take(twin, flow, 'abort');
}

/** Leaves the present round as it is and goes over to post-copy. */
export function cutToPostCopy(twin: Twin, flow: number): void {
  cutRound(twin, flow);
  take(twin, flow, 'postCopy');
}

/** Stops sending; what is left then is what was not sent and what got dirty. */
function cutRound(twin: Twin, flow: number): void {
  const { model, state } = twin;
  settleHost(twin, state.migrationSource[flow]!, state.nowMs[0]!);
  const sent = cutTransfer(twin, flow);
  const durationS = (state.nowMs[0]! - state.roundStartMs[flow]!) / 1000;
  state.migrationLeftBytes[flow] = leftAfterCut(
    state.migrationLeftBytes[flow]!,
    sent * rulesOf(twin, flow).compression,
    dirtied(twin, flow, durationS),
    model.workload.memoryBytes[state.migrationVm[flow]!]!,
  );
}

/** Ends a transfer before its end. @returns what it has sent, bytes on the wire. */
function cutTransfer(twin: Twin, flow: number): number {
  const { state } = twin;
  if (isOnNetwork(twin, flow)) {
    settleFlow(twin, flow);
    leaveNetwork(twin, flow);
  }
  cancel(state, twin.timers.flow + flow);
  const planned = onTheWire(twin, flow, state.roundBytes[flow]!);
  const sent = planned - Math.max(0, state.flowRemainingBytes[flow]!);
  state.migrationTotals[1]! += sent;
  return sent;
}

function switchToPostCopy(twin: Twin, flow: number): void {
  const { state } = twin;
  state.migrationOutcomes[migrationOutcome.postCopied]!++;
  state.migrationStage[flow] = migrationStage.switching;
  pauseVm(twin, flow);
  standStill(twin, flow, migrationStage.switching, rulesOf(twin, flow).postCopyPauseS);
}

function beginPostCopy(twin: Twin, flow: number): void {
  arriveBeforeMemory(twin, flow, rulesOf(twin, flow).postCopySlowdown);
  beginTransfer(twin, flow, bytesBeforeBreak(twin, flow, twin.state.migrationLeftBytes[flow]!));
}
