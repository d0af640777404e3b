/**
 * Finite jobs as immutable columns: a task runs on a host or in a VM and goes through phases in
 * order, each either work, a sleep of some length, or a sleep until a date.
 */
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';

/** One phase of a task. */
export type PhaseSpec =
  | {
      readonly type: 'work';
      /** Work of one thread, in units of MIPS × s. */
      readonly work: number;
      /** Threads that all do `work`; rate cap = threads × core speed. Default 1. */
      readonly threads?: number;
      /** Rate cap of a single-threaded phase, MIPS. Default none. */
      readonly boundMips?: number;
      /** Weight under contention of a single-threaded phase. Default 1. */
      readonly priority?: number;
    }
  /** Work without end: one thread that takes what it can get. Must be the last phase. */
  | { readonly type: 'endless' }
  | { readonly type: 'sleep'; readonly ms: number }
  | { readonly type: 'sleepUntil'; readonly timeMs: number };

export interface TaskSpec {
  readonly name: string;
  /** Where it runs: a host, or a VM (then it moves with the VM). */
  readonly on: { readonly host: number } | { readonly vm: number };
  readonly startMs: number;
  readonly phases: readonly PhaseSpec[];
}

/** Phase kinds as stored in `TaskModel.phaseKind`. */
export const phaseKinds = { work: 0, sleep: 1, sleepUntil: 2, endless: 3 } as const;

/** Immutable task columns. */
export interface TaskModel {
  readonly count: number;
  readonly names: readonly string[];
  /** Host index, or -1 when the task runs in a VM, [count]. */
  readonly host: Int32Array;
  readonly vm: Int32Array;
  readonly startMs: Float64Array;
  /** First phase of each task, [count + 1]. */
  readonly phaseStart: Int32Array;
  /** [phases]; amount = work of all threads (0 when endless), ms of sleep, or the date in ms. */
  readonly phaseKind: Int32Array;
  readonly phaseAmount: Float64Array;
  readonly phaseThreads: Int32Array;
  readonly phaseBoundMips: Float64Array;
  readonly phasePriority: Float64Array;
}

export function buildTasks(tasks: readonly TaskSpec[]): TaskModel {
  const phases = tasks.flatMap((task) => task.phases);
  const starts = [0];
  for (const task of tasks) starts.push(starts.at(-1)! + task.phases.length);
  return {
    count: tasks.length,
    names: tasks.map((task) => task.name),
    host: fillInt32(tasks.length, (task) => {
      const { on } = tasks[task]!;
      return 'host' in on ? on.host : -1;
    }),
    vm: fillInt32(tasks.length, (task) => {
      const { on } = tasks[task]!;
      return 'vm' in on ? on.vm : -1;
    }),
    startMs: fillFloat64(tasks.length, (task) => tasks[task]!.startMs),
    phaseStart: fillInt32(starts.length, (index) => starts[index]!),
    phaseKind: fillInt32(phases.length, (index) => phaseKinds[phases[index]!.type]),
    phaseAmount: fillFloat64(phases.length, (index) => amountOf(phases[index]!)),
    phaseThreads: fillInt32(phases.length, (index) => threadsOf(phases[index]!)),
    phaseBoundMips: fillFloat64(phases.length, (index) => {
      const phase = phases[index]!;
      // Bound and priority hold for single-threaded phases only.
      return phase.type === 'work' && threadsOf(phase) === 1
        ? (phase.boundMips ?? Infinity)
        : Infinity;
    }),
    phasePriority: fillFloat64(phases.length, (index) => {
      const phase = phases[index]!;
      const threads = threadsOf(phase);
      return phase.type === 'work' && threads === 1 ? (phase.priority ?? 1) : threads;
    }),
  };
}

function threadsOf(phase: PhaseSpec): number {
  if (phase.type === 'work') return phase.threads ?? 1;
  return phase.type === 'endless' ? 1 : 0;
}

function amountOf(phase: PhaseSpec): number {
  switch (phase.type) {
    case 'work':
      return phase.work * (phase.threads ?? 1);
    case 'endless':
      return 0;
    case 'sleep':
      return phase.ms;
    case 'sleepUntil':
      return phase.timeMs;
  }
}
