/**
 * Replays a workload as OpenDC 2.4 does: one queue in order of submission, a scheduler that looks at
 * it in slots of a quantum, tasks whose fragments follow each other, hosts that are one CPU each.
 *
 * Time 0 is the first submission of a task that has fragments; tasks without any are not part of
 * the simulation. It ends when the last task does, and every host's power counts from 0 to then. At one
 * moment tasks end first, then hosts fail or recover, tasks arrive, and last the scheduler runs.
 *
 * @see OpenDC 2.4 (commit 691036d): `ComputeService`, `Pacer`, `replay`, `FilterScheduler`.
 */
import { inputError } from '../../errors.ts';
import { checkCheckpoints, type OpenDcCheckpoints } from './checkpoints.ts';
import type { Execution } from './execution.ts';
import { createFailureSource, type FailureSource, type OpenDcFailures } from './failures.ts';
import { createFixedExecution } from './fixed-execution.ts';
import {
  couldHold,
  createHosts,
  type Hosts,
  type OpenDcHostGroup,
  type OvercommitRatios,
  selectHost,
} from './hosts.ts';
import { type CarbonSteps, Meter } from './meter.ts';
import { createPerfectExecution } from './perfect-execution.ts';
import { powerFunction } from './power-model.ts';
import { createResult, type OpenDcResult } from './result.ts';
import type { OpenDcWorkload } from './workload.ts';

export interface OpenDcOptions {
  readonly tasks: OpenDcWorkload;
  readonly hosts: readonly OpenDcHostGroup[];
  /** What a fragment does that gets less than it asks for: nothing (default), or last longer. */
  readonly scaling?: 'no-delay' | 'perfect';
  /** Time between two slots of the scheduler, ms; default 1000. */
  readonly quantumMs?: number;
  readonly ratios?: OvercommitRatios;
  /** Carbon intensity in wall-clock time, as the submissions are. */
  readonly carbon?: CarbonSteps;
  readonly failures?: OpenDcFailures;
  /** Only with scaling `no-delay`. */
  readonly checkpoints?: OpenDcCheckpoints;
  /** Failures after which a task is given up; default 10. */
  readonly failuresMax?: number;
  /** Time between two samples of utilization, ms; default an hour. */
  readonly sampleMs?: number;
  /** Width of the bins of `profileW`, ms; no profile by default. */
  readonly profileMs?: number;
}

/** @throws InputError when a task fits no host beside the reasons for which OpenDC gives it up. */
export function runOpenDc(options: OpenDcOptions): OpenDcResult {
  const { tasks, ratios = { cpu: 1, memory: 1 }, checkpoints, scaling = 'no-delay' } = options;
  const hosts = createHosts(options.hosts, ratios);
  if (checkpoints !== undefined) checkCheckpoints(checkpoints);
  if (checkpoints !== undefined && scaling === 'perfect') {
    throw inputError('checkpoints', 'scaling no-delay', 'scaling perfect');
  }
  const taken = tasksWithFragments(tasks);
  const originMs = taken.length === 0 ? 0 : tasks.submissionMs[taken[0]!]!;
  const meter = new Meter(hosts, {
    power: options.hosts.map((group) => powerFunction(group.power)),
    carbon: options.carbon === undefined ? undefined : relativeTo(options.carbon, originMs),
    sampleMs: options.sampleMs ?? 3_600_000,
    profileMs: options.profileMs,
  });
  const execution =
    scaling === 'perfect'
      ? createPerfectExecution(tasks, hosts, meter)
      : createFixedExecution(tasks, hosts, meter, checkpoints);
  const service = new Service(options, hosts, execution, taken, originMs);
  const failures = createFailureSource(options.failures, hosts.count);
  while (service.unfinished > 0) service.step(failures);
  execution.finish(service.endMs);
  return createResult(options, hosts, meter, service);
}

function tasksWithFragments(tasks: OpenDcWorkload): readonly number[] {
  const all = Array.from(tasks.ids.keys());
  return all.filter((task) => tasks.fragmentStart[task + 1]! > tasks.fragmentStart[task]!);
}

function relativeTo({ timestampMs, gramsPerKwh }: CarbonSteps, originMs: number): CarbonSteps {
  if (timestampMs.length === 0) throw inputError('carbon', 'at least one sample', 'none');
  return { timestampMs: timestampMs.map((time) => time - originMs), gramsPerKwh };
}

/** The compute service: the queue, the scheduler's slots, and what became of every task. */
class Service {
  /** Times since the start of the simulation, ms, NaN when it never came to that, [tasks]. */
  readonly startMs: Float64Array;
  readonly finishMs: Float64Array;
  completed = 0;
  terminated = 0;
  unfinished: number;
  endMs = 0;
  readonly #tasks: OpenDcWorkload;
  readonly #hosts: Hosts;
  readonly #execution: Execution;
  readonly #taken: readonly number[];
  readonly #originMs: number;
  readonly #quantumMs: number;
  readonly #failuresMax: number;
  readonly #failed: Uint16Array;
  /** Parents that have not ended, [tasks]. */
  readonly #blockers: Int32Array;
  readonly #children: ReadonlyMap<number, readonly number[]>;
  readonly #largest: { readonly cores: number; readonly memoryMb: number };
  #arrived = 0;
  /** Waiting tasks; what came back after a failure lies before `#head`. */
  #queue: number[] = [];
  #head = 0;
  #slotMs = Infinity;

  constructor(
    options: OpenDcOptions,
    hosts: Hosts,
    execution: Execution,
    taken: readonly number[],
    originMs: number,
  ) {
    const { tasks } = options;
    this.startMs = new Float64Array(tasks.ids.length).fill(Number.NaN);
    this.finishMs = this.startMs.slice();
    this.#tasks = tasks;
    this.#hosts = hosts;
    this.#execution = execution;
    this.#taken = taken;
    this.#originMs = originMs;
    this.#quantumMs = options.quantumMs ?? 1000;
    this.#failuresMax = options.failuresMax ?? 10;
    this.#failed = new Uint16Array(tasks.ids.length);
    this.#children = childrenOf(tasks, taken);
    this.#blockers = new Int32Array(tasks.ids.length);
    for (const children of this.#children.values()) {
      for (const child of children) this.#blockers[child]!++;
    }
    this.#largest = { cores: maximum(hosts.cores), memoryMb: maximum(hosts.memoryMb) };
    this.unfinished = taken.length;
  }

  /** Carries out everything of the next moment at which something happens. */
  step(failures: FailureSource): void {
    const execution = this.#execution;
    const arrivalMs = this.#arrivalMs();
    const nowMs = Math.min(arrivalMs, execution.nextMs(), failures.nextMs(), this.#slotMs);
    if (nowMs === Infinity) throw this.#stuck();
    if (execution.nextMs() <= nowMs) {
      for (const { task, host } of execution.advance(nowMs)) this.#complete(task, host, nowMs);
    }
    while (failures.nextMs() <= nowMs && this.unfinished > 0) this.#disturb(failures, nowMs);
    while (this.#arrivalMs() <= nowMs) this.#enqueue(this.#taken[this.#arrived++]!, nowMs, false);
    if (this.#slotMs <= nowMs) {
      this.#slotMs = Infinity;
      this.#schedule(nowMs);
    }
  }

  #arrivalMs(): number {
    const task = this.#taken[this.#arrived];
    return task === undefined ? Infinity : this.#tasks.submissionMs[task]! - this.#originMs;
  }

  #enqueue(task: number, nowMs: number, atFront: boolean): void {
    if (this.#blockers[task]! > 0 || !Number.isNaN(this.finishMs[task]!)) return;
    if (!atFront) this.#queue.push(task);
    else if (this.#head > 0) this.#queue[--this.#head] = task;
    else this.#queue.unshift(task);
    this.#requestSlot(nowMs);
  }

  /** Slots lie at multiples of the quantum since the start. */
  #requestSlot(nowMs: number): void {
    if (this.#head === this.#queue.length || this.#slotMs !== Infinity) return;
    this.#slotMs = Math.ceil(nowMs / this.#quantumMs) * this.#quantumMs;
  }

  /** Places tasks from the head of the queue until one finds no host: nobody overtakes. */
  #schedule(nowMs: number): void {
    while (this.#head < this.#queue.length) {
      const task = this.#queue[this.#head]!;
      const cores = this.#tasks.cpuCount[task]!;
      const memoryMb = this.#tasks.memoryMb[task]!;
      const host = selectHost(this.#hosts, cores, memoryMb);
      if (host >= 0) {
        this.#hosts.freeCores[host]! -= cores;
        this.#hosts.freeMemoryMb[host]! -= memoryMb;
        if (Number.isNaN(this.startMs[task]!)) this.startMs[task] = nowMs;
        this.#execution.start(task, host, nowMs);
      } else if (cores > this.#largest.cores || memoryMb > this.#largest.memoryMb) {
        this.#terminate(task, nowMs);
      } else {
        this.#checkFits(task);
        break;
      }
      this.#head++;
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
  }

  #release(task: number, host: number): void {
    this.#hosts.freeCores[host]! += this.#tasks.cpuCount[task]!;
    this.#hosts.freeMemoryMb[host]! += this.#tasks.memoryMb[task]!;
  }

  #complete(task: number, host: number, nowMs: number): void {
    this.#release(task, host);
    this.completed++;
    this.#close(task, nowMs);
    for (const child of this.#children.get(task) ?? []) {
      this.#blockers[child]!--;
      // A child whose time has not come yet is enqueued when it arrives.
      if (this.#hasArrived(child)) this.#enqueue(child, nowMs, false);
    }
    this.#requestSlot(nowMs);
  }

  #hasArrived(task: number): boolean {
    const next = this.#taken[this.#arrived];
    return next === undefined || task < next;
  }

  #terminate(task: number, nowMs: number): void {
    if (!Number.isNaN(this.finishMs[task]!)) return;
    this.terminated++;
    this.#close(task, nowMs);
    for (const child of this.#children.get(task) ?? []) this.#terminate(child, nowMs);
  }

  #close(task: number, nowMs: number): void {
    this.finishMs[task] = nowMs;
    this.unfinished--;
    this.endMs = nowMs;
  }

  #disturb(failures: FailureSource, nowMs: number): void {
    const { hosts, fail } = failures.take();
    for (const host of hosts) {
      this.#hosts.up[host] = fail ? 0 : 1;
      if (!fail) continue;
      for (const task of this.#execution.stopHost(host, nowMs)) {
        this.#release(task, host);
        this.#failed[task]!++;
        if (this.#failed[task]! >= this.#failuresMax) this.#terminate(task, nowMs);
        else this.#enqueue(task, nowMs, true);
      }
    }
    this.#requestSlot(nowMs);
  }

  #checkFits(task: number): void {
    const cores = this.#tasks.cpuCount[task]!;
    const memoryMb = this.#tasks.memoryMb[task]!;
    for (let host = 0; host < this.#hosts.count; host++) {
      if (couldHold(this.#hosts, host, cores, memoryMb)) return;
    }
    const got = `${cores} cores and ${memoryMb} MB`;
    throw inputError(`task ${this.#tasks.ids[task]}`, 'a size that some host has', got);
  }

  #stuck(): Error {
    const task = this.#queue[this.#head];
    const name = task === undefined ? 'tasks' : `task ${this.#tasks.ids[task]}`;
    return inputError(name, 'tasks that can be placed at some time', 'a task that waits for good');
  }
}

function maximum(column: Int32Array | Float64Array): number {
  let largest = 0;
  for (const value of column) largest = Math.max(largest, value);
  return largest;
}

/** Children by parent, among the tasks that are part of the simulation. */
function childrenOf(
  tasks: OpenDcWorkload,
  taken: readonly number[],
): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  if (tasks.parents === undefined) return children;
  const part = new Set(taken);
  for (const task of taken) {
    for (const parent of tasks.parents[task]!) {
      if (!part.has(parent)) continue;
      const list = children.get(parent);
      if (list === undefined) children.set(parent, [task]);
      else list.push(task);
    }
  }
  return children;
}
