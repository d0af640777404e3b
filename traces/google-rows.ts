/**
 * Rows of Google's usage tables, one callback for all of their shapes:
 *
 * - 2011 `task_usage`: CSV without a header, 19 or 20 columns (start, end, job, task index, machine,
 *   CPU rate, canonical memory, …).
 * - 2019 `instance_usage`: a JSON object per line, or CSV with a header in which the struct
 *   `average_usage` is flattened (`average_usage.cpus`, `average_usage_cpus`) or written as an object.
 *
 * Times are µs since 600 s before the trace's start. CPU and memory are fractions of the largest
 * machine's.
 *
 * @see C. Reiss, J. Wilkes, J. Hellerstein, "Google cluster-usage traces: format + schema", v2.1;
 *   J. Wilkes et al., "Google cluster-usage traces v3", and clusterdata_trace_format_v3.proto.
 */
import type { Buffer } from 'node:buffer';
import { inputError } from '../sim/index.ts';
import type { IssueList } from './issues.ts';
import { firstLineOf } from './table-files.ts';
import { numberOf, readLines, readRows, type TableRow } from './table-rows.ts';

/** One usage sample, valid only while it is handled. */
export interface UsageRow {
  place: string;
  startUs: number;
  endUs: number;
  /** Id of the machine, or of the task: `job-index`. */
  id: string;
  /** Mean CPU over the sample, NaN when missing. */
  cpu: number;
  /** Mean memory over the sample, NaN when missing. */
  memory: number;
  /** Whether it runs inside another instance, whose usage holds its own. */
  isInner: boolean;
}

/** Most issues before reading stops. */
const issuesMax = 20;

const columns2011 = { start: 0, end: 1, job: 2, index: 3, machine: 4, cpu: 5, memory: 6 } as const;

/** Columns of a CSV export of 2019, each under any of its names. */
const names2019 = {
  start: ['start_time'],
  end: ['end_time'],
  job: ['collection_id'],
  index: ['instance_index'],
  machine: ['machine_id'],
  cpu: ['average_usage.cpus', 'average_usage_cpus', 'avg_cpu', 'average_usage'],
  memory: ['average_usage.memory', 'average_usage_memory', 'avg_memory', 'average_usage'],
} as const;
const innerNames = ['alloc_collection_id'] as const;

type ColumnName = keyof typeof names2019;

/**
 * Reads one file.
 *
 * @param per Whose id rows have.
 * @returns Rows read.
 * @throws InputError when the file is of no known shape or damaged; what is wrong with rows goes to
 *   `issues`, until there are too many.
 */
export function readUsageRows(
  path: string,
  per: 'machine' | 'task',
  issues: IssueList,
  onUsage: (row: UsageRow) => void,
): number {
  const first = firstLineOf(path);
  if (first === '') throw inputError(path, 'at least one row', 'an empty first line');
  if (/^\s*\{/.test(first)) return readJsonRows(path, per, issues, onUsage);
  if (/^\s*\d+,/.test(first)) return read2011(path, per, issues, onUsage);
  if (/\bstart_time\b/.test(first)) return read2019(path, per, issues, onUsage);
  const expected = 'rows of task_usage (2011), or instance_usage (2019) as JSON lines or CSV';
  throw inputError(`${path}:1`, expected, first);
}

/** Whether a line looks like the first one of a usage table. */
export function isGoogleLine(line: string): boolean {
  if (/^\s*\{/.test(line)) return /"start_time"/.test(line) && /"average_usage"/.test(line);
  if (/\bstart_time\b/.test(line)) return /\bcollection_id\b/.test(line);
  return /^(?:\d+,){5}/.test(line) && [19, 20].includes(line.split(',').length);
}

function read2011(
  path: string,
  per: 'machine' | 'task',
  issues: IssueList,
  onUsage: (row: UsageRow) => void,
): number {
  const usage = emptyUsage();
  let rows = 0;
  readRows(path, ',', (row) => {
    rows++;
    if (row.count !== 19 && row.count !== 20) {
      addIssue(issues, row.place, '19 or 20 columns', row.summary);
      return;
    }
    fill(usage, row, columns2011, per);
    usage.isInner = false;
    if (check(usage, issues)) onUsage(usage);
  });
  return rows;
}

function read2019(
  path: string,
  per: 'machine' | 'task',
  issues: IssueList,
  onUsage: (row: UsageRow) => void,
): number {
  const usage = emptyUsage();
  let columns: Record<ColumnName, number> | undefined;
  let inner = -1;
  let width = 0;
  let rows = 0;
  readRows(path, ',', (row) => {
    if (columns === undefined) {
      columns = findColumns(row);
      inner = position(row, innerNames);
      width = row.count;
      return;
    }
    rows++;
    if (row.count !== width) {
      addIssue(issues, row.place, `${width} columns`, row.summary);
      return;
    }
    fill(usage, row, columns, per);
    if (columns.cpu === columns.memory) {
      const struct = row.text(columns.cpu);
      usage.cpu = numberIn(struct, 'cpus');
      usage.memory = numberIn(struct, 'memory');
    }
    usage.isInner = inner >= 0 && isAlloc(row.text(inner));
    if (check(usage, issues)) onUsage(usage);
  });
  return rows;
}

function readJsonRows(
  path: string,
  per: 'machine' | 'task',
  issues: IssueList,
  onUsage: (row: UsageRow) => void,
): number {
  const usage = emptyUsage();
  let rows = 0;
  readLines(path, (bytes: Buffer, start, end, line) => {
    const text = bytes.toString('utf8', start, end).trim();
    if (text === '') return;
    rows++;
    usage.place = `${path}:${line}`;
    const row = parseObject(text);
    if (row === undefined) {
      addIssue(issues, usage.place, 'a JSON object', text.slice(0, 60));
      return;
    }
    const average = row['average_usage'];
    const usageOf = (typeof average === 'object' && average !== null ? average : {}) as JsonRow;
    usage.startUs = jsonNumber(row['start_time']);
    usage.endUs = jsonNumber(row['end_time']);
    // Protocol buffers leave away what is 0.
    const task = `${row['collection_id'] ?? ''}-${row['instance_index'] ?? 0}`;
    usage.id = per === 'machine' ? String(row['machine_id'] ?? 0) : task;
    usage.cpu = jsonNumber(usageOf['cpus']);
    usage.memory = jsonNumber(usageOf['memory']);
    usage.isInner = isAlloc(String(row['alloc_collection_id'] ?? ''));
    if (check(usage, issues)) onUsage(usage);
  });
  return rows;
}

type JsonRow = Readonly<Record<string, unknown>>;

function parseObject(text: string): JsonRow | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonRow) : undefined;
  } catch {
    return undefined;
  }
}

/** A number, one of 64 bits, or one in quotes as 64-bit integers are written; NaN for anything else. */
export function jsonNumber(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' ? numberOf(value) : Number.NaN;
}

/** Whether an id is that of a collection whose instances others run in. */
export function isAlloc(collection: string): boolean {
  return collection !== '' && Number(collection) !== 0;
}

/** The number after a key in an object written by JSON or Python; NaN when there is none. */
function numberIn(struct: string, key: string): number {
  const [, value] = new RegExp(`['"]${key}['"]\\s*:\\s*['"]?([-+.\\deE]+)`).exec(struct) ?? [];
  return value === undefined ? Number.NaN : numberOf(value);
}

function findColumns(header: TableRow): Record<ColumnName, number> {
  const found = Object.fromEntries(
    Object.entries(names2019).map(([name, other]) => [name, position(header, other)]),
  ) as Record<ColumnName, number>;
  const missing = (Object.keys(names2019) as ColumnName[]).filter((name) => found[name] < 0);
  if (missing.length === 0) return found;
  const expected = missing.map((name) => `a column ${names2019[name][0]}`).join(', ');
  throw inputError(header.place, expected, header.summary);
}

/** Column with one of the names; −1 when there is none. */
function position(header: TableRow, names: readonly string[]): number {
  for (const name of names) {
    for (let column = 0; column < header.count; column++) {
      if (header.text(column) === name) return column;
    }
  }
  return -1;
}

/** A row to be filled. */
export function emptyUsage(): UsageRow {
  const none = { place: '', id: '', isInner: false };
  return { ...none, startUs: 0, endUs: 0, cpu: 0, memory: 0 };
}

function fill(
  usage: UsageRow,
  row: TableRow,
  columns: Readonly<Record<ColumnName, number>>,
  per: 'machine' | 'task',
): void {
  usage.place = row.place;
  usage.startUs = row.number(columns.start);
  usage.endUs = row.number(columns.end);
  usage.id =
    per === 'machine'
      ? row.text(columns.machine)
      : `${row.text(columns.job)}-${row.text(columns.index)}`;
  usage.cpu = row.isEmpty(columns.cpu) ? Number.NaN : notMissing(row.number(columns.cpu));
  usage.memory = row.isEmpty(columns.memory) ? Number.NaN : notMissing(row.number(columns.memory));
}

/** A field that is there and no number must not pass for a missing one. */
function notMissing(value: number): number {
  return Number.isNaN(value) ? -1 : value;
}

/** Whether a row can be used; what is wrong with it goes to `issues`. */
export function check(usage: UsageRow, issues: IssueList): boolean {
  const { place, startUs, endUs, cpu, memory } = usage;
  const before = issues.count;
  if (!(startUs >= 0)) addIssue(issues, place, 'a start time from 0 up, µs', String(startUs));
  else if (!(endUs >= startUs)) {
    addIssue(issues, place, `an end from ${startUs} up, µs`, String(endUs));
  }
  if (cpu < 0 || cpu === Infinity) addIssue(issues, place, 'CPU from 0 up', String(cpu));
  if (memory < 0 || memory === Infinity)
    addIssue(issues, place, 'memory from 0 up', String(memory));
  return issues.count === before;
}

function addIssue(issues: IssueList, place: string, expected: string, got: string): void {
  issues.add(place, expected, got);
  if (issues.count >= issuesMax) issues.throwIfAny();
}
