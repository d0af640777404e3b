/** What a run tells, in the shape of SimGrid's transcripts. Dates in s, energy in J, work in flop. */
import type { ClusterModel } from '../../model.ts';
import type { Recorder } from '../../recorder.ts';
import type { ClusterState } from '../../state.ts';
import { taskStatus } from '../../status.ts';
import { phaseKinds } from '../../vms/task-spec.ts';

/** One work phase; `phase` counts work phases only. */
export interface TaskPhaseResult {
  readonly task: string;
  readonly phase: number;
  readonly start: number;
  readonly end: number;
}

/** A finished migration and its transfers: stage (1 memory, 2 dirty, 3 stopped), bytes, s. */
export interface MigrationResult {
  readonly vm: string;
  readonly src: string;
  readonly dst: string;
  readonly call: number;
  readonly return: number;
  readonly rounds: readonly (readonly [stage: number, bytes: number, durationS: number])[];
}

export interface VmEventResult {
  readonly t: number;
  readonly event: 'migration_start' | 'suspend' | 'resume' | 'migration_end';
  readonly vm: string;
  readonly pm: string;
}

export interface PowerResult {
  readonly host: string;
  readonly type: 'power_off' | 'power_on';
  readonly start: number;
  readonly end: number;
}

export interface SampleResult {
  readonly t: number;
  readonly energy_J: Readonly<Record<string, number>>;
}

/** An event that could not be carried out when its time came. */
export interface RefusedEvent {
  readonly event: number;
  readonly t: number;
  readonly reason: string;
}

export interface SimGridResult {
  readonly scenario: string;
  readonly engine: string;
  /** In order of their ends. */
  readonly task_phases: readonly TaskPhaseResult[];
  readonly completion: Readonly<Record<string, number>>;
  readonly migrations: readonly MigrationResult[];
  readonly vm_events: readonly VmEventResult[];
  readonly pstate_changes: readonly {
    readonly t: number;
    readonly host: string;
    readonly pstate: number;
  }[];
  readonly samples: readonly SampleResult[];
  readonly power: readonly PowerResult[];
  /** Present when there is one. */
  readonly refused?: readonly RefusedEvent[];
  readonly end: number;
  readonly energy_J: Readonly<Record<string, number>>;
  readonly flops_done: Readonly<Record<string, number>>;
  readonly energy_total_J: number;
}

/** Keeps everything the engine tells, under the scenario's names. */
export class Transcript implements Recorder {
  readonly taskPhases: TaskPhaseResult[] = [];
  readonly completion: Record<string, number> = {};
  readonly migrations: MigrationResult[] = [];
  readonly vmEvents: VmEventResult[] = [];
  readonly pstateChanges: { t: number; host: string; pstate: number }[] = [];
  readonly #model: ClusterModel;
  readonly #phaseStartMs: Float64Array;
  readonly #rounds: [number, number, number][][];

  constructor(model: ClusterModel) {
    this.#model = model;
    this.#phaseStartMs = new Float64Array(model.tasks.count);
    this.#rounds = Array.from({ length: model.vms }, () => []);
  }

  workStarted(task: number, _phase: number, timeMs: number): void {
    this.#phaseStartMs[task] = timeMs;
  }

  workEnded(task: number, phase: number, timeMs: number): void {
    const { tasks } = this.#model;
    const first = tasks.phaseStart[task] ?? 0;
    const before = tasks.phaseKind.subarray(first, first + phase);
    this.taskPhases.push({
      task: tasks.names[task] ?? '',
      phase: before.filter((kind) => kind === phaseKinds.work).length,
      start: (this.#phaseStartMs[task] ?? 0) / 1000,
      end: timeMs / 1000,
    });
  }

  taskDone(task: number, timeMs: number): void {
    this.completion[this.#model.tasks.names[task] ?? ''] = timeMs / 1000;
  }

  migrationStarted(vm: number, source: number, _target: number, timeMs: number): void {
    this.#rounds[vm] = [];
    this.#vmEvent('migration_start', vm, source, timeMs);
  }

  migrationRound(vm: number, stage: number, bytes: number, durationS: number): void {
    this.#rounds[vm]?.push([stage, bytes, durationS]);
  }

  vmPaused(vm: number, host: number, timeMs: number): void {
    this.#vmEvent('suspend', vm, host, timeMs);
  }

  vmResumed(vm: number, host: number, timeMs: number): void {
    this.#vmEvent('resume', vm, host, timeMs);
  }

  migrationEnded(
    vm: number,
    source: number,
    target: number,
    startMs: number,
    timeMs: number,
  ): void {
    // SimGrid signals the end twice: at the receiver and at the issuer.
    this.#vmEvent('migration_end', vm, target, timeMs);
    this.#vmEvent('migration_end', vm, target, timeMs);
    this.migrations.push({
      vm: this.#vmName(vm),
      src: this.#hostName(source),
      dst: this.#hostName(target),
      call: startMs / 1000,
      return: timeMs / 1000,
      rounds: this.#rounds[vm] ?? [],
    });
  }

  pstateChanged(host: number, pstate: number, timeMs: number): void {
    this.pstateChanges.push({ t: timeMs / 1000, host: this.#hostName(host), pstate });
  }

  #vmEvent(event: VmEventResult['event'], vm: number, host: number, timeMs: number): void {
    this.vmEvents.push({ t: timeMs / 1000, event, vm: this.#vmName(vm), pm: this.#hostName(host) });
  }

  #vmName(vm: number): string {
    return this.#model.workload.vmNames[vm] ?? '';
  }

  #hostName(host: number): string {
    return this.#model.hostNames[host] ?? '';
  }
}

/** Work done per task that ever ran, flop, by name. Its host or VM must be settled. */
export function flopsDone(model: ClusterModel, state: ClusterState): Record<string, number> {
  const done = new Map<string, number>();
  for (let task = 0; task < model.tasks.count; task++) {
    const status = state.taskStatus[task]!;
    if (status === taskStatus.waiting) continue;
    const first = model.tasks.phaseStart[task]!;
    const present = Math.min(first + state.taskPhase[task]!, model.tasks.phaseStart[task + 1]!);
    let sum = 0;
    for (let phase = first; phase < present; phase++) {
      if (model.tasks.phaseKind[phase] === phaseKinds.work) sum += model.tasks.phaseAmount[phase]!;
    }
    if (isWork(model, task, present) && status !== taskStatus.sleeping) {
      sum += model.tasks.phaseAmount[present]! - state.taskRemaining[task]!;
    }
    done.set(model.tasks.names[task] ?? '', sum);
  }
  const byName = ([a]: [string, number], [b]: [string, number]): number => (a < b ? -1 : 1);
  return Object.fromEntries([...done].sort(byName));
}

function isWork(model: ClusterModel, task: number, phase: number): boolean {
  if (phase >= model.tasks.phaseStart[task + 1]!) return false;
  const kind = model.tasks.phaseKind[phase];
  return kind === phaseKinds.work || kind === phaseKinds.endless;
}
