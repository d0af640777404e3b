/** Tasks: start, phases, completion. A task is listed on its host or VM while it works. */
import { settleHost, shareHost } from '../sharing.ts';
import { hostPower, taskStatus, vmStatus } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { phaseKinds } from './task-spec.ts';
import { refreshTaskDemand } from './vm-demand.ts';

/**
 * Work that takes less time than this at the task's own rate counts as none left: 1 ns, or what
 * the clock can no longer resolve late in a very long run.
 */
function completionToleranceS(nowMs: number): number {
  return 1e-9 + nowMs * 1e-18;
}

/**
 * Begins the task's first phase. It is lost when its VM has ended or its host is off, and waits for a
 * VM that is still to come.
 */
export function startTask(twin: Twin, task: number): void {
  const { model, state } = twin;
  const vm = model.tasks.vm[task]!;
  if (vm >= 0 && state.vmStatus[vm] === vmStatus.absent) return;
  const lost =
    vm >= 0
      ? state.vmStatus[vm] === vmStatus.departed
      : isOff(state.hostPower[model.tasks.host[task]!]!);
  state.taskPhase[task] = 0;
  if (lost) {
    state.taskStatus[task] = taskStatus.killed;
    state.taskRemaining[task] = model.tasks.phaseAmount[model.tasks.phaseStart[task]!] ?? 0;
    return;
  }
  beginPhase(twin, task);
}

const isOff = (power: number): boolean => power === hostPower.off || power === hostPower.failed;

/** The VM has come: its tasks that were to start before begin now. */
export function startOverdueTasks(twin: Twin, vm: number): void {
  const { model, state } = twin;
  for (let task = 0; task < model.tasks.count; task++) {
    if (model.tasks.vm[task] !== vm || state.taskStatus[task] !== taskStatus.waiting) continue;
    if (state.heapPosition[twin.timers.task + task]! < 0) startTask(twin, task);
  }
}

/** A sleeping task wakes up, or a waiting one starts. */
export function wakeTask(twin: Twin, task: number): void {
  const { state } = twin;
  if (state.taskStatus[task] === taskStatus.waiting) {
    startTask(twin, task);
    return;
  }
  state.taskPhase[task]!++;
  beginPhase(twin, task);
}

/** Starts the task's present phase, skipping those that need no time. */
function beginPhase(twin: Twin, task: number): void {
  const { model, state, timers } = twin;
  const { tasks } = model;
  const nowMs = state.nowMs[0]!;
  for (;;) {
    const phase = tasks.phaseStart[task]! + state.taskPhase[task]!;
    if (phase >= tasks.phaseStart[task + 1]!) {
      state.taskStatus[task] = taskStatus.done;
      state.taskFinishedMs[task] = nowMs;
      twin.recorder?.taskDone?.(task, nowMs);
      return;
    }
    const kind = tasks.phaseKind[phase]!;
    const amount = tasks.phaseAmount[phase]!;
    if (kind === phaseKinds.endless || (kind === phaseKinds.work && amount > 0)) {
      beginWork(twin, task, amount);
      return;
    }
    if (kind === phaseKinds.work) {
      twin.recorder?.workStarted?.(task, state.taskPhase[task]!, nowMs);
      twin.recorder?.workEnded?.(task, state.taskPhase[task]!, nowMs);
    }
    const untilMs = kind === phaseKinds.sleep ? nowMs + amount : amount;
    if (kind !== phaseKinds.work && untilMs > nowMs) {
      state.taskStatus[task] = taskStatus.sleeping;
      schedule(state, timers.task + task, untilMs, phases.arrival);
      return;
    }
    state.taskPhase[task]!++;
  }
}

function beginWork(twin: Twin, task: number, work: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const vm = model.tasks.vm[task]!;
  const host = vm >= 0 ? state.vmHost[vm]! : model.tasks.host[task]!;
  settleHost(twin, host, nowMs);
  state.taskStatus[task] = taskStatus.working;
  state.taskRemaining[task] = work;
  state.taskRateMips[task] = 0;
  twin.recorder?.workStarted?.(task, state.taskPhase[task]!, nowMs);
  if (vm >= 0) {
    state.taskNext[task] = state.vmTask[vm]!;
    state.vmTask[vm] = task;
  } else {
    state.taskNext[task] = state.hostTask[host]!;
    state.hostTask[host] = task;
  }
  state.hostTasks[host]!++;
  state.hostSpecial[host]!++;
  if (vm >= 0) refreshTaskDemand(twin, vm);
  shareHost(twin, host);
}

/** Finishes every task on `host` (and in its VMs) that has no work left. */
export function completeTasks(twin: Twin, host: number): void {
  const { state } = twin;
  settleHost(twin, host, state.nowMs[0]!);
  completeList(twin, state.hostTask[host]!, host, -1);
  const start = state.hostSlot[host]!;
  for (let index = 0; index < state.hostVms[host]!; index++) {
    const vm = state.slots[start + index]!;
    completeList(twin, state.vmTask[vm]!, host, vm);
  }
  shareHost(twin, host);
}

function completeList(twin: Twin, first: number, host: number, vm: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  let task = first;
  while (task >= 0) {
    const next = state.taskNext[task]!;
    const leftS = state.taskRemaining[task]! / state.taskRateMips[task]!;
    if (leftS <= completionToleranceS(nowMs) && !isEndless(twin, task)) {
      unlistTask(twin, task, host, vm);
      twin.recorder?.workEnded?.(task, state.taskPhase[task]!, nowMs);
      if (vm >= 0) refreshTaskDemand(twin, vm);
      state.taskPhase[task]!++;
      beginPhase(twin, task);
    }
    task = next;
  }
}

function isEndless(twin: Twin, task: number): boolean {
  const { model, state } = twin;
  const phase = model.tasks.phaseStart[task]! + state.taskPhase[task]!;
  return model.tasks.phaseKind[phase] === phaseKinds.endless;
}

function unlistTask(twin: Twin, task: number, host: number, vm: number): void {
  const { state } = twin;
  const heads = vm >= 0 ? state.vmTask : state.hostTask;
  const owner = vm >= 0 ? vm : host;
  if (heads[owner] === task) {
    heads[owner] = state.taskNext[task]!;
  } else {
    let previous = heads[owner]!;
    while (state.taskNext[previous] !== task) previous = state.taskNext[previous]!;
    state.taskNext[previous] = state.taskNext[task]!;
  }
  state.taskNext[task] = -1;
  state.taskRemaining[task] = 0;
  state.taskRateMips[task] = 0;
  state.hostTasks[host]!--;
  state.hostSpecial[host]!--;
  if (state.hostTasks[host] === 0) cancel(state, twin.timers.completion + host);
}

/**
 * Ends the working and the sleeping tasks of VM `vm` on `host`, or with `vm` = -1 those directly on
 * the host. Tasks whose start is still to come are left: they find out then. The host must be
 * settled.
 */
export function killTasks(twin: Twin, vm: number, host: number): void {
  const { model, state, timers } = twin;
  const owners = vm >= 0 ? model.tasks.vm : model.tasks.host;
  const owner = vm >= 0 ? vm : host;
  for (let task = 0; task < model.tasks.count; task++) {
    if (owners[task] !== owner) continue;
    const status = state.taskStatus[task];
    if (status === taskStatus.working) {
      const left = state.taskRemaining[task]!;
      unlistTask(twin, task, host, vm);
      state.taskRemaining[task] = left;
    } else if (status === taskStatus.sleeping) {
      cancel(state, timers.task + task);
    } else {
      continue;
    }
    state.taskStatus[task] = taskStatus.killed;
  }
}

/** Moves the count of a VM's working tasks from one host (or limbo) to another. */
export function moveTasks(twin: Twin, vm: number, source: number, target: number): void {
  const { state } = twin;
  for (let task = state.vmTask[vm]!; task >= 0; task = state.taskNext[task]!) {
    state.hostTasks[source]!--;
    state.hostSpecial[source]!--;
    state.hostTasks[target]!++;
    state.hostSpecial[target]!++;
  }
  if (state.hostTasks[source] === 0) cancel(state, twin.timers.completion + source);
}
