/**
 * Google's cluster traces of 2011 and 2019: usage samples of tasks, each with a start, an end and
 * mean CPU and memory over it, as VMs.
 *
 * Per machine (the default), a VM is a whole machine and asks for what all tasks on it used: a
 * trace of demand without the tasks' comings and goings. Per task, a VM is a task with arrival,
 * departure and gaps in between (evicted, waiting) at demand 0. A row's demand is Σ usage × time in
 * the row over the time that the VM lives in it, so the work is that of the samples.
 *
 * CPU and memory of the trace are fractions of the largest machine's, whose size was never
 * published: `vcpus`, `vcpuMips` and `memoryBytes` say what to take for it.
 */
import { inputError } from '../sim/index.ts';
import { readUsageParquet } from './google-parquet.ts';
import { readUsageRows, type UsageRow } from './google-rows.ts';
import { checkWhole, IssueList } from './issues.ts';
import { placeSamples, type SampledVm } from './place-samples.ts';
import type { Trace } from './report.ts';
import { SampleGrid } from './sample-grid.ts';
import { tableFiles, tableName } from './table-files.ts';

export interface GoogleOptions {
  /** What a VM is; default `machine`. */
  readonly per?: 'machine' | 'task';
  /** Only the first so many machines or tasks to be seen; default all. */
  readonly vms?: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
  /** Step of the grid, ms; default 300,000. */
  readonly intervalMs?: number;
  /** vCPUs of a machine of capacity 1; default 32, an assumption. */
  readonly vcpus?: number;
  /** Speed of each, MIPS; default 2400, an assumption. */
  readonly vcpuMips?: number;
  /** Memory of a machine of capacity 1, bytes; default 128 GiB, an assumption. */
  readonly memoryBytes?: number;
}

const gib = 1024 * 1024 * 1024;
const mib = 1024 * 1024;

/** Names of the files of both traces. */
const files =
  /^(?:part-\d+-of-\d+\.csv|(?:task|instance)_usage.*\.(?:csv|json|parquet))(?:\.gz)?$/i;
const folders = ['task_usage', 'instance_usage'] as const;

/** Files of a Google trace at a path; none when it is something else. */
export function googleFiles(path: string): readonly string[] {
  return tableFiles(path, files, folders);
}

/** What is kept of a VM while samples pass by. */
interface VmState {
  fromMs: number;
  untilMs: number;
  cpuMax: number;
  memoryMax: number;
}

/**
 * Reads `task_usage` or `instance_usage`: a file or a directory of them, CSV or JSON lines (plain
 * or gzip), or Parquet.
 *
 * @throws InputError naming up to 20 rows that cannot be used: a wrong number of columns, times
 *   that are missing, negative or run backwards, usage that is negative or no number.
 */
export function readGoogle(path: string, options: GoogleOptions = {}): Trace {
  const { per = 'machine', intervalMs = 300_000, vcpus = 32, vcpuMips = 2400 } = options;
  const { memoryBytes = 128 * gib } = options;
  checkWhole([
    ['intervalMs', intervalMs, 1000, 86_400_000],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vms', options.vms ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vcpus', vcpus, 1, 65_535],
    ['vcpuMips', vcpuMips, 1, 1_000_000],
    ['memoryBytes', memoryBytes, 1, Number.MAX_SAFE_INTEGER],
  ]);
  const used = googleFiles(path);
  if (used.length === 0) {
    throw inputError(path, 'files of task_usage or instance_usage', 'none of them');
  }
  const collected = new UsageSums(per, intervalMs, options.vms);
  const issues = new IssueList(path);
  let rows = 0;
  const add = (row: UsageRow): void => collected.add(row);
  for (const file of used) {
    const read = /\.parquet$/i.test(file) ? readUsageParquet : readUsageRows;
    rows += read(file, per, issues, add);
  }
  issues.throwIfAny();
  const vms = collected.vms({ vcpus, vcpuMips, memoryBytes });
  const { workload, repairs } = placeSamples(
    `google:${tableName(path)}`,
    path,
    collected.cpu,
    vms,
    {
      mipsOf: () => vcpus * vcpuMips,
      rows: 'work',
      gaps: 'zero',
      holdMs: 0,
      ...(options.steps === undefined ? {} : { steps: options.steps }),
    },
  );
  return {
    workload,
    report: {
      format: 'google',
      files: used.length,
      rows,
      repairs: {
        ...collected.repairs,
        'rows above capacity, cut': repairs.cut,
        [`${per}s outside the steps, left out`]: repairs.leftOut,
      },
    },
  };
}

/** Sums of the samples per VM and row. */
class UsageSums {
  readonly cpu: SampleGrid;
  readonly repairs = {
    'samples inside another instance, left out': 0,
    'samples without CPU, left out': 0,
    'samples of no length, left out': 0,
    'samples without a machine, left out': 0,
    'samples of VMs beyond the first, left out': 0,
  };
  readonly #per: 'machine' | 'task';
  readonly #vmsMax: number;
  readonly #states: VmState[] = [];
  /** Memory of all tasks of a machine; a task's is its largest sample. */
  readonly #memory: SampleGrid;

  constructor(per: 'machine' | 'task', intervalMs: number, vmsMax: number | undefined) {
    this.#per = per;
    this.#vmsMax = vmsMax ?? Number.POSITIVE_INFINITY;
    this.cpu = new SampleGrid(intervalMs);
    this.#memory = new SampleGrid(intervalMs);
  }

  add(row: UsageRow): void {
    const { repairs } = this;
    if (row.isInner) repairs['samples inside another instance, left out']++;
    else if (Number.isNaN(row.cpu)) repairs['samples without CPU, left out']++;
    else if (row.endUs === row.startUs) repairs['samples of no length, left out']++;
    else this.#addWhole(row);
  }

  #addWhole(row: UsageRow): void {
    const isMachine = this.#per === 'machine';
    if (isMachine && (row.id === '' || row.id === '0' || row.id === '-1')) {
      this.repairs['samples without a machine, left out']++;
      return;
    }
    const vm = this.#vmOf(row.id);
    if (vm < 0) {
      this.repairs['samples of VMs beyond the first, left out']++;
      return;
    }
    const fromMs = row.startUs / 1000;
    const untilMs = row.endUs / 1000;
    const place = (): string => row.place;
    const memory = Number.isNaN(row.memory) ? 0 : row.memory;
    const state = this.#states[vm]!;
    state.fromMs = Math.min(state.fromMs, fromMs);
    state.untilMs = Math.max(state.untilMs, untilMs);
    state.cpuMax = Math.max(state.cpuMax, row.cpu);
    state.memoryMax = Math.max(state.memoryMax, memory);
    this.cpu.addSpan(vm, fromMs, untilMs, row.cpu, place);
    if (isMachine) this.#memory.addSpan(vm, fromMs, untilMs, memory, place);
  }

  /** The VM's number; −1 when it is one too many. */
  #vmOf(id: string): number {
    const { cpu } = this;
    const known = cpu.names.length;
    const vm = known < this.#vmsMax ? cpu.vm(id) : cpu.known(id);
    if (vm === known) {
      this.#memory.vm(id);
      this.#states.push({ fromMs: Infinity, untilMs: 0, cpuMax: 0, memoryMax: 0 });
    }
    return vm;
  }

  /** The VMs with sizes; `machine` is the machine of capacity 1. */
  vms(machine: {
    readonly vcpus: number;
    readonly vcpuMips: number;
    readonly memoryBytes: number;
  }): readonly SampledVm[] {
    const { vcpus, vcpuMips, memoryBytes } = machine;
    const bytes = (fraction: number): number => Math.max(mib, Math.ceil(fraction * memoryBytes));
    return this.cpu.names.map((id, vm): SampledVm => {
      const name = `${this.#per}-${id}`;
      if (this.#per === 'machine') {
        return { vm, name, vcpus, vcpuMips, memoryBytes: bytes(this.#memoryPeak(vm)) };
      }
      const { fromMs, untilMs, cpuMax, memoryMax } = this.#states[vm]!;
      const needed = Math.min(vcpus, Math.max(1, Math.ceil(cpuMax * vcpus)));
      return { vm, name, vcpus: needed, vcpuMips, memoryBytes: bytes(memoryMax), fromMs, untilMs };
    });
  }

  #memoryPeak(vm: number): number {
    let peak = 0;
    for (let row = this.#memory.firstRow(vm); row < this.#memory.endRow(vm); row++) {
      peak = Math.max(peak, this.#memory.sum(vm, row) / this.#memory.intervalMs);
    }
    return peak;
  }
}
