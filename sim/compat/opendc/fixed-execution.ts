/**
 * Scaling policy `NoDelay`: a fragment lasts as long as the trace says whatever CPU it gets, so
 * the end of a task is known when it starts. Energy needs only the sum of the demands of a host's
 * tasks, cut to its capacity, and is integrated host by host at the end.
 */
import { type Attempt, type OpenDcCheckpoints, planAttempt, savedWork } from './checkpoints.ts';
import type { Execution, RunningTask } from './execution.ts';
import type { Hosts } from './hosts.ts';
import type { Meter } from './meter.ts';
import type { Demand, OpenDcWorkload } from './workload.ts';

/** A task on a host, from its start to its end or to the failure that stopped it. */
interface Run extends RunningTask {
  readonly startMs: number;
  endMs: number;
  stopped: boolean;
  readonly attempt: Attempt | undefined;
}

/** @param checkpoints None are made without them. */
export function createFixedExecution(
  tasks: OpenDcWorkload,
  hosts: Hosts,
  meter: Meter,
  checkpoints: OpenDcCheckpoints | undefined,
): Execution {
  const fragments: Demand = { pieceMs: tasks.fragmentMs, pieceMhz: tasks.fragmentMhz };
  const runs: Run[] = [];
  const byHost: Run[][] = Array.from({ length: hosts.count }, () => []);
  const ends = createEndQueue();
  const savedMs = new Map<number, number>();

  function taskMs(task: number): number {
    let length = 0;
    const to = tasks.fragmentStart[task + 1]!;
    for (let at = tasks.fragmentStart[task]!; at < to; at++) length += tasks.fragmentMs[at]!;
    return length;
  }

  function plan(task: number, settings: OpenDcCheckpoints): Attempt {
    const [from, to] = [tasks.fragmentStart[task]!, tasks.fragmentStart[task + 1]!];
    return planAttempt(fragments, from, to, savedMs.get(task) ?? 0, settings);
  }

  return {
    nextMs: () => ends.peek()?.endMs ?? Infinity,

    advance(nowMs) {
      const ended: Run[] = [];
      for (let run = ends.peek(); run !== undefined && run.endMs <= nowMs; run = ends.peek()) {
        ends.pop();
        run.stopped = true;
        ended.push(run);
      }
      return ended;
    },

    start(task, host, nowMs) {
      const attempt = checkpoints === undefined ? undefined : plan(task, checkpoints);
      const lengthMs = attempt?.lengthMs ?? taskMs(task);
      const end = { endMs: nowMs + lengthMs, stopped: false };
      const run: Run = { task, host, startMs: nowMs, attempt, ...end };
      runs.push(run);
      byHost[host]!.push(run);
      ends.push(run);
    },

    stopHost(host, nowMs) {
      const victims = byHost[host]!.filter((run) => !run.stopped);
      for (const run of victims) {
        run.stopped = true;
        run.endMs = nowMs;
        if (run.attempt === undefined) continue;
        const before = savedMs.get(run.task) ?? 0;
        savedMs.set(run.task, savedWork(run.attempt, nowMs - run.startMs, before));
      }
      return victims.map((run) => run.task);
    },

    finish(endMs) {
      for (let host = 0; host < hosts.count; host++) {
        const capacityMhz = hosts.capacityMhz[host]!;
        const cursors = byHost[host]!.map((run) => createCursor(run, tasks, fragments));
        meterHost(meter, host, capacityMhz, cursors, endMs);
      }
    },
  };
}

/** A run being read piece by piece. */
interface Cursor {
  readonly demand: Demand;
  readonly startMs: number;
  readonly endMs: number;
  readonly from: number;
  readonly to: number;
  at: number;
  pieceEndMs: number;
}

function createCursor(run: Run, tasks: OpenDcWorkload, fragments: Demand): Cursor {
  const { attempt, startMs, endMs } = run;
  const range =
    attempt === undefined
      ? { from: tasks.fragmentStart[run.task]!, to: tasks.fragmentStart[run.task + 1]! }
      : { from: 0, to: attempt.pieceMs.length };
  return { demand: attempt ?? fragments, startMs, endMs, ...range, at: -1, pieceEndMs: startMs };
}

/** Runs of a host in order of their starts, and the idle time between them. */
function meterHost(
  meter: Meter,
  host: number,
  capacityMhz: number,
  runs: readonly Cursor[],
  endMs: number,
): void {
  let nowMs = 0;
  let next = 0;
  while (next < runs.length) {
    const run = runs[next]!;
    meter.add(host, nowMs, run.startMs, 0);
    const aloneUntilMs = runs[next + 1]?.startMs ?? Infinity;
    if (run.endMs <= aloneUntilMs) {
      meterAlone(meter, host, capacityMhz, run);
      nowMs = run.endMs;
      next++;
    } else {
      [nowMs, next] = meterTogether(meter, host, capacityMhz, runs, next);
    }
  }
  meter.add(host, nowMs, endMs, 0);
}

function meterAlone(meter: Meter, host: number, capacityMhz: number, run: Cursor): void {
  const { pieceMs, pieceMhz } = run.demand;
  let fromMs = run.startMs;
  for (let at = run.from; at < run.to && fromMs < run.endMs; at++) {
    const toMs = Math.min(fromMs + pieceMs[at]!, run.endMs);
    const demandMhz = pieceMhz[at]!;
    meter.add(host, fromMs, toMs, demandMhz < capacityMhz ? demandMhz : capacityMhz);
    fromMs = toMs;
  }
}

/** Runs that overlap, from the start of `runs[first]` until the host is idle again. */
function meterTogether(
  meter: Meter,
  host: number,
  capacityMhz: number,
  runs: readonly Cursor[],
  first: number,
): [nowMs: number, next: number] {
  let active: Cursor[] = [];
  let next = first;
  let nowMs = runs[first]!.startMs;
  while (active.length > 0 || (runs[next]?.startMs ?? Infinity) <= nowMs) {
    while ((runs[next]?.startMs ?? Infinity) <= nowMs) active.push(runs[next++]!);
    active = active.filter((run) => stepTo(run, nowMs));
    let untilMs = runs[next]?.startMs ?? Infinity;
    let demandMhz = 0;
    for (const run of active) {
      untilMs = Math.min(untilMs, run.pieceEndMs);
      demandMhz += run.demand.pieceMhz[run.at]!;
    }
    if (active.length === 0) continue;
    meter.add(host, nowMs, untilMs, Math.min(demandMhz, capacityMhz));
    nowMs = untilMs;
  }
  return [nowMs, next];
}

/** Moves a run to the piece that holds from `nowMs` on; false when it is over. */
function stepTo(run: Cursor, nowMs: number): boolean {
  if (run.endMs <= nowMs) return false;
  while (run.pieceEndMs <= nowMs) {
    run.at = run.at < 0 ? run.from : run.at + 1;
    run.pieceEndMs = Math.min(run.pieceEndMs + run.demand.pieceMs[run.at]!, run.endMs);
  }
  return true;
}

interface EndQueue {
  peek(): Run | undefined;
  pop(): void;
  push(run: Run): void;
}

/** A binary heap of runs by end, then by order of start; stopped ones drop out when they surface. */
function createEndQueue(): EndQueue {
  const heap: { readonly run: Run; readonly endMs: number; readonly sequence: number }[] = [];
  let pushed = 0;
  const before = (a: number, b: number): boolean => {
    const [left, right] = [heap[a]!, heap[b]!];
    return (
      left.endMs < right.endMs || (left.endMs === right.endMs && left.sequence < right.sequence)
    );
  };
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  const pop = (): void => {
    swap(0, heap.length - 1);
    heap.pop();
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && before(child, least)) least = child;
      }
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  };
  return {
    peek() {
      while (heap[0]?.run.stopped === true) pop();
      return heap[0]?.run;
    },
    pop,
    push(run) {
      heap.push({ run, endMs: run.endMs, sequence: pushed++ });
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!before(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
  };
}
