/**
 * Alibaba's cluster traces of 2017 and 2018: usage of machines or containers in percent, a sample
 * every 10 s to 5 min, rows in no particular order, some missing.
 *
 * A VM is a machine (or container) of the trace. A row's demand is the mean of the samples whose
 * times lie in it. CPU that is empty, −1 or 101 is a missing sample: those two are what the trace
 * writes for values it could not measure. Sizes in bytes and MIPS were never published; the number
 * of a machine's CPUs was.
 *
 * @see Alibaba Cluster Trace Program, cluster-trace-v2017/schema.csv and
 *   cluster-trace-v2018/schema.txt; Y. Cheng et al., "Characterizing co-located datacenter
 *   workloads: an Alibaba case study", APSys 2018.
 */
import { inputError } from '../sim/index.ts';
import { checkWhole, IssueList } from './issues.ts';
import { PointSamples, tracePoints } from './point-samples.ts';
import type { Trace } from './report.ts';
import { firstLineOf, tableFiles, tableName } from './table-files.ts';
import { readRows, type TableRow } from './table-rows.ts';

export interface AlibabaOptions {
  /** Which table of a directory to read; default machines when there are any. */
  readonly per?: 'machine' | 'container';
  /** Only the first so many machines or containers to be seen; default all. */
  readonly vms?: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
  /** Step of the grid, ms; default 300,000. */
  readonly intervalMs?: number;
  /** How long a value holds when samples are missing, ms; default one hour, then 0. */
  readonly holdMs?: number;
  /** vCPUs of a VM; default 96 for machines of 2018, 64 of 2017, 4 for containers. */
  readonly vcpus?: number;
  /** Speed of each, MIPS; default 2400, an assumption. */
  readonly vcpuMips?: number;
  /** Memory of a VM at 100 %, bytes; default 256 GiB for machines, 16 GiB for containers. */
  readonly memoryBytes?: number;
}

/** Where a table keeps what is read, and what its VMs are. */
interface Layout {
  readonly columns: number;
  readonly vm: number;
  readonly time: number;
  readonly cpu: number;
  readonly memory: number;
  readonly per: 'machine' | 'container';
  readonly vcpus: number;
}

/** The four tables, told apart by their number of columns. */
const layouts: readonly Layout[] = [
  // 2018: machine_usage.csv, container_usage.csv.
  { columns: 9, vm: 0, time: 1, cpu: 2, memory: 3, per: 'machine', vcpus: 96 },
  { columns: 11, vm: 0, time: 2, cpu: 3, memory: 4, per: 'container', vcpus: 4 },
  // 2017: server_usage.csv, container_usage.csv.
  { columns: 8, vm: 1, time: 0, cpu: 2, memory: 3, per: 'machine', vcpus: 64 },
  { columns: 12, vm: 1, time: 0, cpu: 2, memory: 3, per: 'container', vcpus: 4 },
];

const gib = 1024 * 1024 * 1024;
const mib = 1024 * 1024;
const issuesMax = 20;
const fileNames = {
  machine: /^(?:machine|server)_usage.*\.csv(?:\.gz)?$/i,
  container: /^container_usage.*\.csv(?:\.gz)?$/i,
} as const;

/** Files of an Alibaba trace at a path; none when it is something else. */
export function alibabaFiles(path: string, per?: 'machine' | 'container'): readonly string[] {
  if (per !== undefined) return tableFiles(path, fileNames[per]);
  const machines = tableFiles(path, fileNames.machine);
  return machines.length > 0 ? machines : tableFiles(path, fileNames.container);
}

/** Whether a line looks like one of the tables: an id, a time and percents, no header. */
export function isAlibabaLine(line: string): boolean {
  const fields = line.split(',');
  const layout = layouts.find(({ columns }) => columns === fields.length);
  if (layout === undefined) return false;
  const { vm, time, cpu } = layout;
  return (
    /^[\w-]+$/.test(fields[vm] ?? '') &&
    /^\d+(?:\.\d+)?$/.test(fields[time] ?? '') &&
    /^-?\d*(?:\.\d+)?$/.test(fields[cpu] ?? '')
  );
}

/**
 * Reads `machine_usage.csv`, `server_usage.csv` or `container_usage.csv`, plain or gzip: a file, or
 * a directory with the files.
 *
 * @throws InputError naming up to 20 rows that cannot be used: a wrong number of columns, a time
 *   that is no number or negative, a percent that is no number, negative or (of a machine) above 100.
 */
export function readAlibaba(path: string, options: AlibabaOptions = {}): Trace {
  const { intervalMs = 300_000, holdMs = 3_600_000, vcpuMips = 2400 } = options;
  checkWhole([
    ['intervalMs', intervalMs, 1000, 86_400_000],
    ['holdMs', holdMs, 0, Number.MAX_SAFE_INTEGER],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vms', options.vms ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vcpus', options.vcpus ?? 1, 1, 65_535],
    ['vcpuMips', vcpuMips, 1, 1_000_000],
    ['memoryBytes', options.memoryBytes ?? 1, 1, Number.MAX_SAFE_INTEGER],
  ]);
  const files = alibabaFiles(path, options.per);
  if (files.length === 0) {
    throw inputError(path, `files of ${options.per ?? 'machine or container'} usage`, 'none');
  }
  const layout = layoutOf(files[0]!);
  const samples = new PointSamples(intervalMs, options.vms);
  const missing = { count: 0 };
  const issues = new IssueList(path);
  let rows = 0;
  for (const file of files) {
    const add = (row: TableRow): void => addRow(row, layout, samples, missing, issues);
    rows += readRows(file, ',', add);
  }
  issues.throwIfAny();
  const vcpus = options.vcpus ?? layout.vcpus;
  const memoryBytes = options.memoryBytes ?? (layout.per === 'machine' ? 256 : 16) * gib;
  return tracePoints(samples, {
    format: 'alibaba',
    name: `alibaba:${tableName(path)}`,
    path,
    files: files.length,
    rows,
    repairs: { 'samples without CPU, left out': missing.count },
    sizeOf: ({ memoryMax }) => ({
      vcpus,
      vcpuMips,
      memoryBytes: Math.max(mib, Math.ceil((Math.min(100, memoryMax) / 100) * memoryBytes)),
    }),
    mipsOf: () => (vcpus * vcpuMips) / 100,
    gaps: 'hold',
    holdMs,
    steps: options.steps,
  });
}

function layoutOf(file: string): Layout {
  const line = firstLineOf(file);
  const layout = layouts.find(({ columns }) => columns === line.split(',').length);
  if (layout !== undefined) return layout;
  const expected = '8, 9, 11 or 12 columns of server, machine or container usage';
  throw inputError(`${file}:1`, expected, line === '' ? 'an empty line' : line);
}

function addRow(
  row: TableRow,
  layout: Layout,
  samples: PointSamples,
  missing: { count: number },
  issues: IssueList,
): void {
  if (issues.count >= issuesMax) issues.throwIfAny();
  if (row.count !== layout.columns) {
    issues.add(row.place, `${layout.columns} columns`, row.summary);
    return;
  }
  const timeS = row.number(layout.time);
  if (!(timeS >= 0)) issues.add(row.place, 'a time from 0 up, s', row.text(layout.time));
  if (row.isEmpty(layout.vm)) issues.add(row.place, `the id of a ${layout.per}`, 'nothing');
  const cpu = percentOf(row, layout.cpu, 'CPU', layout, issues);
  const memory = percentOf(row, layout.memory, 'memory', layout, issues);
  if (issues.count > 0) return;
  if (Number.isNaN(cpu)) {
    missing.count++;
    return;
  }
  const vm = samples.vmAt(row, layout.vm);
  if (vm >= 0) samples.add(vm, timeS * 1000, cpu, memory, () => row.place);
}

/** A percent; NaN when the trace has none (empty, −1 or 101). */
function percentOf(
  row: TableRow,
  column: number,
  what: string,
  { per }: Layout,
  issues: IssueList,
): number {
  if (row.isEmpty(column)) return Number.NaN;
  const value = row.number(column);
  if (value === -1 || value === 101) return Number.NaN;
  // A container may use more than it asked for.
  const max = per === 'machine' ? 100 : Number.MAX_VALUE;
  if (value >= 0 && value <= max) return value;
  const range = per === 'machine' ? 'a percent from 0 to 100' : 'a percent from 0 up';
  issues.add(row.place, `${what}: ${range}`, row.text(column));
  return Number.NaN;
}
