/**
 * CSV files of any make, by a mapping that says what their columns mean (`csv-mapping.ts`): long
 * form (a row per VM and time; without a column of VMs, a file per VM) or wide form (a column per
 * VM).
 *
 * A row's demand is the mean of the samples whose times lie in it; rows in between without a sample
 * hold the last value for a while or are 0.
 */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inputError } from '../sim/index.ts';
import {
  type CsvMapping,
  checkMapping,
  type LongMapping,
  memoryUnits,
  parseMapping,
  speedUnits,
  timeUnits,
  type WideMapping,
} from './csv-mapping.ts';
import { listDirectory, readText } from './files.ts';
import { isoMs } from './iso-time.ts';
import { checkWhole, IssueList } from './issues.ts';
import { PointSamples, tracePoints } from './point-samples.ts';
import type { Trace } from './report.ts';
import { tableFiles, tableName } from './table-files.ts';
import { numberOf, readRows, type TableRow } from './table-rows.ts';

export interface CsvOptions {
  /** Mapping: a YAML file, or its content as data; default `mapping.yaml` beside the files. */
  readonly mapping?: string | object;
  /** Only the first so many VMs to be seen; default all. */
  readonly vms?: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
}

/** Name of a mapping that is found by itself. */
export const mappingName = 'mapping.yaml';
const fileNames = /\.(?:csv|tsv|txt)(?:\.gz)?$/i;
const issuesMax = 20;
const gib = 1024 * 1024 * 1024;
const vcpusMax = 65_535;

/** The mapping that a path is read with. @throws InputError when there is none or it is wrong. */
export function mappingOf(path: string, given: string | object | undefined): CsvMapping {
  if (typeof given === 'object') return checkMapping(given, 'mapping');
  const file = given ?? join(isDirectory(path) ? path : dirname(path), mappingName);
  return parseMapping(readText(dirname(file), basename(file)), file);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether a directory brings its own mapping. */
export function hasMapping(directory: string): boolean {
  return listDirectory(directory).files.includes(mappingName);
}

/**
 * Reads a CSV file or a directory of them, plain or gzip.
 *
 * @throws InputError with what is wrong in the mapping, or naming up to 20 rows that cannot be
 *   used: a wrong number of columns, a time that cannot be read, a value that is no number or
 *   negative.
 */
export function readCsv(path: string, options: CsvOptions = {}): Trace {
  checkWhole([
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vms', options.vms ?? 1, 1, Number.MAX_SAFE_INTEGER],
  ]);
  const mapping = mappingOf(path, options.mapping);
  const files = tableFiles(path, fileNames);
  if (files.length === 0) throw inputError(path, 'CSV files', 'none');
  const intervalMs = mapping.interval ?? 300_000;
  checkWhole([['interval', intervalMs, 1, 86_400_000]]);
  const reading: Reading = {
    samples: new PointSamples(intervalMs, options.vms),
    issues: new IssueList(path),
    missing: new Set(mapping.missing),
    missingNumbers: new Set(mapping.missing.map(numberOf).filter(Number.isFinite)),
    sizes: [],
    left: 0,
  };
  let rows = 0;
  for (const file of files) {
    rows +=
      mapping.form === 'long' ? readLong(file, mapping, reading) : readWide(file, mapping, reading);
  }
  reading.issues.throwIfAny();
  const { defaults, columns } = mapping;
  const { vcpus, speed = 2400, memory = gib } = defaults;
  const { unit } = columns.cpu;
  const bytesPerUnit = 'memory' in columns && columns.memory ? memoryUnits[columns.memory.unit] : 1;
  const sizes = new Map(reading.samples.grid.names.map((name, vm) => [name, reading.sizes[vm]]));
  return tracePoints(reading.samples, {
    format: 'csv',
    name: `csv:${tableName(path)}`,
    path,
    files: files.length,
    rows,
    repairs: { 'samples without CPU, left out': reading.left },
    sizeOf: ({ name, memoryMax }) => {
      const { vcpusMax: most = 0, speedMax = 0, startMs, endMs } = sizes.get(name) ?? {};
      return {
        vcpus: most > 0 ? most : vcpus,
        vcpuMips: speedMax > 0 ? speedMax : speed,
        memoryBytes: memoryMax > 0 ? Math.ceil(memoryMax * bytesPerUnit) : memory,
        ...(startMs === undefined ? {} : { fromMs: startMs }),
        ...(endMs === undefined ? {} : { untilMs: endMs }),
      };
    },
    mipsOf: ({ vcpus: cores, vcpuMips }) => {
      if (unit === 'percent') return (cores * vcpuMips) / 100;
      if (unit === 'fraction') return cores * vcpuMips;
      return unit === 'cores' ? vcpuMips : speedUnits[unit];
    },
    gaps: mapping.interpolation,
    holdMs: mapping.hold ?? 3_600_000,
    steps: options.steps,
  });
}

/** What is collected over all files. */
interface Reading {
  readonly samples: PointSamples;
  readonly issues: IssueList;
  readonly missing: ReadonlySet<string>;
  /** Those of them that are numbers. */
  readonly missingNumbers: ReadonlySet<number>;
  /** What rows say of a VM's size and life, [vms]. */
  readonly sizes: VmFacts[];
  /** Samples without CPU. */
  left: number;
}

interface VmFacts {
  vcpusMax?: number;
  speedMax?: number;
  startMs?: number;
  endMs?: number;
}

function readLong(file: string, mapping: LongMapping, reading: Reading): number {
  const { samples, issues } = reading;
  const { columns } = mapping;
  const fileVm = columns.vm === undefined ? samples.vmNamed(tableName(file)) : -1;
  if (columns.vm === undefined && fileVm < 0) return 0;
  return forRows(file, mapping, reading, (row, at) => {
    const vm = columns.vm === undefined ? fileVm : samples.vmAt(row, at(columns.vm.column));
    const timeMs = timeOf(row, columns.time, at, issues);
    const cpu = numberAt(row, columns.cpu, at, reading);
    const memory = numberAt(row, columns.memory, at, reading);
    if (vm < 0) return;
    addFacts(row, vm, mapping, at, reading);
    if (issues.count > 0) return;
    if (Number.isNaN(cpu)) reading.left++;
    else samples.add(vm, timeMs, cpu, memory, () => row.place);
  });
}

/** Takes over what the row says of the VM's size and life. */
function addFacts(
  row: TableRow,
  vm: number,
  mapping: LongMapping,
  at: (column: string | number) => number,
  reading: Reading,
): void {
  const { columns } = mapping;
  reading.sizes[vm] ??= {};
  const facts = reading.sizes[vm];
  const vcpus = numberAt(row, columns.vcpus, at, reading);
  if (vcpus > vcpusMax || !(Number.isNaN(vcpus) || Number.isInteger(vcpus))) {
    const expected = `${columnName(columns.vcpus!.column)}: a whole number up to ${vcpusMax}`;
    reading.issues.add(row.place, expected, String(vcpus));
  }
  if (vcpus > (facts.vcpusMax ?? 0)) facts.vcpusMax = vcpus;
  if (columns.speed !== undefined) {
    const mips = numberAt(row, columns.speed, at, reading) * speedUnits[columns.speed.unit];
    if (mips > (facts.speedMax ?? 0)) facts.speedMax = mips;
  }
  addLife(row, mapping, at, facts, reading);
}

/** Takes over the row's start and end of the VM's life; missing ones leave it as it is. */
function addLife(
  row: TableRow,
  { columns: { start, end } }: LongMapping,
  at: (column: string | number) => number,
  facts: VmFacts,
  { issues, missing }: Reading,
): void {
  if (start !== undefined && !missing.has(row.text(at(start.column)))) {
    const startMs = timeOf(row, start, at, issues);
    facts.startMs = Math.min(startMs, facts.startMs ?? startMs);
  }
  if (end !== undefined && !missing.has(row.text(at(end.column)))) {
    const endMs = timeOf(row, end, at, issues);
    facts.endMs = Math.max(endMs, facts.endMs ?? endMs);
  }
  const { startMs = 0, endMs = Number.POSITIVE_INFINITY } = facts;
  if (endMs < startMs) issues.add(row.place, `an end after ${startMs} ms`, `${endMs} ms`);
}

function readWide(file: string, mapping: WideMapping, reading: Reading): number {
  const { columns } = mapping;
  let vms: readonly (readonly [column: number, name: string])[] | undefined;
  return forRows(file, mapping, reading, (row, at, header) => {
    const timeMs = timeOf(row, columns.time, at, reading.issues);
    vms ??= wideVms(row.count, header, mapping, at);
    for (const [column, name] of vms) {
      const cpu = numberAt(row, { column: column + 1 }, at, reading);
      if (reading.issues.count > 0) continue;
      if (Number.isNaN(cpu)) {
        reading.left++;
        continue;
      }
      const vm = reading.samples.vmNamed(name);
      if (vm >= 0) reading.samples.add(vm, timeMs, cpu, Number.NaN, () => row.place);
    }
  });
}

/** The columns that are VMs: those named, or all but the time's. */
function wideVms(
  width: number,
  header: readonly string[] | undefined,
  { columns: { time, vms } }: WideMapping,
  at: (column: string | number) => number,
): readonly (readonly [column: number, name: string])[] {
  const all = vms?.map(at) ?? Array.from({ length: width }, (_, column) => column);
  return all
    .filter((column) => column !== at(time.column))
    .map((column) => [column, header?.[column] ?? `vm-${column + 1}`] as const);
}

/** Rows after the header; `at` gives the position of a column, from 0. */
function forRows(
  file: string,
  mapping: CsvMapping,
  { issues }: Reading,
  onRow: (
    row: TableRow,
    at: (column: string | number) => number,
    header: readonly string[] | undefined,
  ) => void,
): number {
  let header: readonly string[] | undefined;
  let positions = new Map<string, number>();
  let width = -1;
  let rows = 0;
  const at = (column: string | number): number =>
    typeof column === 'number' ? column - 1 : positions.get(column)!;
  readRows(file, mapping.delimiter, (row) => {
    if (issues.count >= issuesMax) issues.throwIfAny();
    if (width < 0) {
      width = row.count;
      const names = Array.from({ length: width }, (_, column) => row.text(column));
      if (mapping.header) header = names;
      positions = new Map(names.map((name, column) => [name, column]));
      checkColumns(mapping, positions, row, names);
      if (mapping.header) return;
    }
    rows++;
    if (row.count === width) onRow(row, at, header);
    else issues.add(row.place, `${width} columns`, row.summary);
  });
  if (rows === 0)
    issues.add(file, 'at least one row', width < 0 ? 'an empty file' : 'a header only');
  return rows;
}

/** @throws InputError naming every column of the mapping that the file has not. */
function checkColumns(
  mapping: CsvMapping,
  positions: ReadonlyMap<string, number>,
  row: TableRow,
  names: readonly string[],
): void {
  const wanted = Object.values(mapping.columns).flatMap((given) =>
    Array.isArray(given) ? given : [(given as { column?: string | number } | undefined)?.column],
  );
  const issues = new IssueList(row.path);
  for (const column of wanted) {
    if (column === undefined) continue;
    const isThere = typeof column === 'number' ? column <= names.length : positions.has(column);
    if (!isThere) issues.add(row.place, `a ${columnName(column)}`, names.join(mapping.delimiter));
  }
  issues.throwIfAny();
}

function columnName(column: string | number): string {
  return typeof column === 'number' ? `column ${column}` : `column "${column}"`;
}

function timeOf(
  row: TableRow,
  { column, unit }: { readonly column: string | number; readonly unit: keyof typeof timeUnits },
  at: (column: string | number) => number,
  issues: IssueList,
): number {
  const position = at(column);
  const timeMs =
    unit === 'iso' ? isoMs(row.text(position)) : row.number(position) * timeUnits[unit];
  if (timeMs >= 0) return timeMs;
  const expected = unit === 'iso' ? 'an ISO 8601 time after 1970' : `a time from 0 up, ${unit}`;
  issues.add(row.place, `${columnName(column)}: ${expected}`, row.text(position));
  return 0;
}

/** A number from 0 up; NaN when it is marked as missing or there is no such column. */
function numberAt(
  row: TableRow,
  given: { readonly column: string | number } | undefined,
  at: (column: string | number) => number,
  { issues, missing, missingNumbers }: Reading,
): number {
  if (given === undefined) return Number.NaN;
  const position = at(given.column);
  const value = row.number(position);
  // Markers may be numbers, -1 most often.
  if (missingNumbers.has(value)) return Number.NaN;
  if (value >= 0) return value;
  const text = row.text(position);
  if (!missing.has(text)) {
    issues.add(row.place, `${columnName(given.column)}: a number from 0 up`, text);
  }
  return Number.NaN;
}
