/**
 * Faults at time 0 and their events. Every source and every VM draws from a seed of its own, taken
 * once from the run's `faults` stream: when a host fails depends on nothing that a policy does, so all
 * plans of a decision meet the same failures.
 */

import { nextUint32, wordsPerStream } from '../numbers/rng.ts';
import { drawFloat, drawWord } from '../requests/draws.ts';
import { vmStatus } from '../status.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { crashHost, repairHost, vmFaultTimer } from './crash.ts';
import type { FaultSource } from './fault-model.ts';
import { drawLifetime } from './lifetime.ts';
import { beginSpell, endSpell } from './telemetry.ts';
import { vmStarted } from './vm-clock.ts';

/** Where the stream `faults` begins in the run's streams. */
const faultsStream = wordsPerStream;

/** Draws the seeds and the first failures; nothing, and no number, without faults. */
export function initializeFaults(twin: Twin): void {
  const { model, state } = twin;
  if (model.faults === undefined) return;
  const { sourceSeed, vmSeed, flowFactor, vmHeldRow } = state.faults;
  flowFactor.fill(1);
  vmHeldRow.fill(-1);
  model.faults.sources.forEach((_, index) => {
    sourceSeed[index] = nextUint32(state.rng, faultsStream);
  });
  for (let vm = 0; vm < model.vms; vm++) vmSeed[vm] = nextUint32(state.rng, faultsStream);
  model.faults.sources.forEach((source, index) => {
    scheduleSource(twin, index, source);
  });
  for (let vm = 0; vm < model.vms; vm++) {
    if (state.vmStatus[vm] === vmStatus.running) vmStarted(twin, vm);
  }
}

/** A timer of this folder has gone off. */
export function faultTimer(twin: Twin, timer: number): void {
  const { timers } = twin;
  if (timer >= timers.faultVm) vmFaultTimer(twin, timer - timers.faultVm);
  else sourceTimer(twin, timer - timers.faultSource);
}

function sourceTimer(twin: Twin, index: number): void {
  const source = twin.model.faults!.sources[index]!;
  const { sourceActive } = twin.state.faults;
  const begins = sourceActive[index] === 0;
  sourceActive[index] = begins ? 1 : 0;
  if (source.type === 'telemetry') {
    if (begins) beginSpell(twin, index, source);
    else endSpell(twin, index, source);
  } else if (begins) failMembers(twin, index, source);
  else repairMembers(twin, source);
  scheduleSource(twin, index, source);
}

/** Sets the timer for the source's next failure or recovery. */
function scheduleSource(twin: Twin, index: number, source: FaultSource): void {
  const { state } = twin;
  const lastsMs =
    source.type === 'trace' ? tracedMs(twin, index, source) : drawnMs(twin, index, source);
  if (lastsMs === Infinity) return;
  const timeMs = state.nowMs[0]! + lastsMs;
  schedule(state, twin.timers.faultSource + index, timeMs, phases.transition);
}

function drawnMs(
  twin: Twin,
  index: number,
  { upMs, downMs }: Exclude<FaultSource, { type: 'trace' }>,
): number {
  const { sourceSeed, sourceDraws, sourceActive } = twin.state.faults;
  const spec = sourceActive[index] === 1 ? downMs : upMs;
  return drawLifetime(spec, sourceSeed[index]!, sourceDraws[index]!++);
}

/** Rows are counted by `sourceDraws`; a row is over when its hosts are repaired. */
function tracedMs(
  twin: Twin,
  index: number,
  { rows, repeat }: Extract<FaultSource, { type: 'trace' }>,
): number {
  const { sourceDraws, sourceActive } = twin.state.faults;
  const draws = sourceDraws[index]!;
  if (draws >= rows.length && !repeat) return Infinity;
  const row = rows[draws % rows.length]!;
  if (sourceActive[index] === 0) return row.intervalMs;
  sourceDraws[index]!++;
  return row.durationMs;
}

type HostSource = Exclude<FaultSource, { type: 'telemetry' }>;

function failMembers(twin: Twin, index: number, source: HostSource): void {
  const { members } = twin.model.faults!;
  const { memberHit, hostFailures } = twin.state.faults;
  chooseMembers(twin, index, source);
  for (let member = source.first; member < source.first + source.count; member++) {
    if (memberHit[member] === 0) continue;
    const host = members[member]!;
    hostFailures[host]!++;
    if (hostFailures[host] === 1) crashHost(twin, host);
  }
}

function repairMembers(twin: Twin, source: HostSource): void {
  const { members } = twin.model.faults!;
  const { memberHit, hostFailures } = twin.state.faults;
  for (let member = source.first; member < source.first + source.count; member++) {
    if (memberHit[member] === 0) continue;
    memberHit[member] = 0;
    const host = members[member]!;
    hostFailures[host]!--;
    if (hostFailures[host] === 0) repairHost(twin, host);
  }
}

/** Marks the hosts that this failure hits: all, or a share of them drawn without repetition. */
function chooseMembers(twin: Twin, index: number, source: HostSource): void {
  const { memberHit, sourceSeed, sourceDraws } = twin.state.faults;
  const { first, count } = source;
  if (source.type === 'hosts') {
    memberHit.fill(1, first, first + count);
    return;
  }
  const failure = sourceDraws[index]!;
  const { intensity } = source.rows[failure % source.rows.length]!;
  const seed = drawWord(sourceSeed[index]!, failure);
  let wanted = Math.max(1, Math.round(count * intensity));
  // Selection sampling: each member with the chance that fills what is still wanted.
  for (let at = 0; at < count; at++) {
    const isHit = drawFloat(seed, at) * (count - at) < wanted;
    memberHit[first + at] = isHit ? 1 : 0;
    if (isHit) wanted--;
  }
}
