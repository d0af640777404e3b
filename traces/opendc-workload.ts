/**
 * OpenDC tasks as VMs: each arrives when it is submitted, asks for what its fragments say, one after
 * the other, and leaves when they are over.
 *
 * A row's demand is Σ MHz × time in the row over the time that the VM lives in it, so the work of
 * every task in every row is that of its fragments. Tasks do not wait for each other (`parents`) nor
 * for later (`deferrable`); a VM that gets less than it asks for leaves at the same time all the
 * same, as under OpenDC's scaling policy `NoDelay`.
 */
import { basename } from 'node:path';
import { inputError } from '../sim/index.ts';
import { listDirectory } from './files.ts';
import { checkWhole } from './issues.ts';
import { type OpenDcTasks, readOpenDcTasksSync } from './opendc.ts';
import { placeSamples, type SampledVm } from './place-samples.ts';
import type { Trace } from './report.ts';
import { SampleGrid } from './sample-grid.ts';

export interface OpenDcOptions {
  /** Only the first so many tasks by submission; default all. */
  readonly vms?: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
  /** Step of the grid, ms; default 300,000. */
  readonly intervalMs?: number;
}

const bytesPerMb = 1e6;

/** Whether a directory holds an OpenDC workload. */
export function isOpenDc(directory: string): boolean {
  const { files } = listDirectory(directory);
  return files.includes('tasks.parquet') && files.includes('fragments.parquet');
}

/**
 * Reads `tasks.parquet` and `fragments.parquet` of a directory. Time 0 is the first submission.
 *
 * @throws InputError naming file, column and row of what cannot be used.
 */
export function readOpenDcWorkload(directory: string, options: OpenDcOptions = {}): Trace {
  const { intervalMs = 300_000 } = options;
  checkWhole([
    ['intervalMs', intervalMs, 1, 86_400_000],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vms', options.vms ?? 1, 1, Number.MAX_SAFE_INTEGER],
  ]);
  const tasks = readOpenDcTasksSync(directory);
  return placeOpenDcTasks(tasks, directory, { ...options, intervalMs });
}

/**
 * The workload of tasks that are read already.
 *
 * @param directory Named in messages; its last part names the workload.
 */
export function placeOpenDcTasks(
  tasks: OpenDcTasks,
  directory: string,
  { intervalMs, vms: vmsMax, steps }: OpenDcOptions & { readonly intervalMs: number },
): Trace {
  const { ids, submissionMs, fragmentStart, fragmentMs, fragmentMhz } = tasks;
  if (ids.length === 0) throw inputError(directory, 'at least one task', 'none');
  const startMs = submissionMs[0]!;
  const grid = new SampleGrid(intervalMs);
  const vms: SampledVm[] = [];
  const used = Math.min(ids.length, vmsMax ?? ids.length);
  const repairs = { empty: 0, otherLength: 0, noCapacity: 0 };
  for (let task = 0; task < used; task++) {
    const fromMs = submissionMs[task]! - startMs;
    let untilMs = fromMs;
    let peakMhz = 0;
    const vm = grid.vm(ids[task]!);
    const place = (): string => `${directory}: task ${ids[task]!}`;
    for (let part = fragmentStart[task]!; part < fragmentStart[task + 1]!; part++) {
      const endMs = untilMs + fragmentMs[part]!;
      grid.addSpan(vm, untilMs, endMs, fragmentMhz[part]!, place);
      untilMs = endMs;
      peakMhz = Math.max(peakMhz, fragmentMhz[part]!);
    }
    if (untilMs === fromMs) repairs.empty++;
    else if (untilMs - fromMs !== tasks.durationMs[task]) repairs.otherLength++;
    const stated = tasks.cpuCapacityMhz[task]!;
    if (!(stated > 0)) repairs.noCapacity++;
    const vcpus = Math.max(1, tasks.cpuCount[task]!);
    vms.push({
      vm,
      name: ids[task]!,
      vcpus,
      vcpuMips: (stated > 0 ? stated : peakMhz) / vcpus,
      memoryBytes: tasks.memoryMb[task]! * bytesPerMb,
      fromMs,
      untilMs,
    });
  }
  const placed = placeSamples(`opendc:${basename(directory)}`, directory, grid, vms, {
    mipsOf: () => 1,
    rows: 'work',
    gaps: 'zero',
    holdMs: 0,
    lives: 'exact',
    ...(steps === undefined ? {} : { steps }),
  });
  return {
    workload: placed.workload,
    report: {
      format: 'opendc',
      files: 2,
      rows: ids.length + fragmentMs.length,
      repairs: {
        'tasks beyond the first, left out': ids.length - used,
        'tasks without fragments, left out': repairs.empty,
        'tasks whose fragments last longer or shorter than stated': repairs.otherLength,
        'tasks without CPU capacity, largest demand taken': repairs.noCapacity,
        'rows above capacity, cut': placed.repairs.cut,
        'tasks outside the steps, left out': placed.repairs.leftOut - repairs.empty,
      },
    },
  };
}
