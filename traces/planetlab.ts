/**
 * PlanetLab days: a directory with one file per VM, one whole percent of CPU per line, one line
 * per 300 s (288 lines are a day).
 *
 * The files say nothing about the size of a VM. The default sizes are CloudSim's four types, dealt
 * out in blocks: VM i of N has type floor(i / ceil(N / 4)). Demand stays whole percent
 * (`mipsPerUnit` = nominal MIPS / 100), so it is exact.
 *
 * @see K. Park and V. Pai, "CoMon: a mostly-scalable monitoring system for PlanetLab", ACM SIGOPS
 *   OSR 40(1), 2006; A. Beloglazov and R. Buyya, CCPE 24(13), 2012, for the ten days and VM types.
 */
import { basename, join } from 'node:path';
import { createWorkload, inputError, sharedUint16, type VmSpec } from '../sim/index.ts';
import { listTraceFiles, readBytes } from './files.ts';
import { checkWhole, IssueList } from './issues.ts';
import type { Trace } from './report.ts';

/** Bytes of a mebibyte. CloudSim's "MB" of memory are read as MiB, as its hosts' 4096 MB are. */
const mib = 1024 * 1024;

/** Size of a VM. */
export interface VmSize {
  readonly vcpus: number;
  /** Speed of one vCPU, MIPS. */
  readonly vcpuMips: number;
  readonly memoryBytes: number;
}

/** CloudSim 4.0's VM types of its power examples (`Constants.java`), largest first. */
export const cloudsimVmSizes: readonly VmSize[] = [
  { vcpus: 1, vcpuMips: 2500, memoryBytes: 870 * mib },
  { vcpus: 1, vcpuMips: 2000, memoryBytes: 1740 * mib },
  { vcpus: 1, vcpuMips: 1000, memoryBytes: 1740 * mib },
  { vcpus: 1, vcpuMips: 500, memoryBytes: 613 * mib },
];

export interface PlanetlabOptions {
  /** Read only the first so many files (by name); default all. Blocks of sizes follow this count. */
  readonly vms?: number;
  /** VM types, dealt out in equal blocks; default `cloudsimVmSizes`. */
  readonly sizes?: readonly VmSize[];
  /** Time between two lines, ms; default 300,000. */
  readonly intervalMs?: number;
}

/**
 * Reads a directory of PlanetLab files; VM names are file names, in UTF-16 code unit order.
 *
 * @throws InputError naming every file and line that is not a percent, and every file whose number
 *   of lines differs from the others'.
 */
export function readPlanetlab(directory: string, options: PlanetlabOptions = {}): Trace {
  const sizes = options.sizes ?? cloudsimVmSizes;
  const intervalMs = options.intervalMs ?? 300_000;
  checkWhole([
    ['sizes.length', sizes.length, 1, 1_000_000],
    ['intervalMs', intervalMs, 1, 86_400_000],
  ]);
  const names = firstNames(directory, options.vms);
  const issues = new IssueList(directory);
  const columns = names.map((name) =>
    parsePercentColumn(readBytes(directory, name), join(directory, name), issues),
  );
  issues.throwIfAny();
  const steps = commonLength(directory, names, columns);

  const vms = names.map((name, vm): VmSpec => {
    const size = sizes[Math.floor(vm / Math.ceil(names.length / sizes.length))]!;
    const mipsPerUnit = (size.vcpus * size.vcpuMips) / 100;
    const { vcpus, vcpuMips, memoryBytes } = size;
    const life = { arrivalMs: 0, departureMs: Number.POSITIVE_INFINITY };
    return { name, vcpus, vcpuMips, memoryBytes, ...life, mipsPerUnit };
  });
  const demandUnits = sharedUint16(steps * names.length);
  columns.forEach((column, vm) => {
    for (let step = 0; step < steps; step++) demandUnits[step * names.length + vm] = column[step]!;
  });
  const workload = createWorkload(`planetlab:${basename(directory)}`, intervalMs, vms, demandUnits);
  const rows = steps * names.length;
  return { workload, report: { format: 'planetlab', files: names.length, rows, repairs: {} } };
}

/**
 * Parses lines of whole percents.
 *
 * @param bytes ASCII; lines end in LF or CRLF, the last one may lack its end.
 * @param file Named in issues, with the 1-based line.
 * @returns Values 0…100, [lines]; incomplete when issues were added.
 */
export function parsePercentColumn(bytes: Uint8Array, file: string, issues: IssueList): Uint8Array {
  const values = new Uint8Array(countLines(bytes));
  let line = 0;
  let start = 0;
  while (start < bytes.length) {
    let end = bytes.indexOf(0x0a, start);
    if (end < 0) end = bytes.length;
    const stop = end > start && bytes[end - 1] === 0x0d ? end - 1 : end;
    const value = parsePercent(bytes, start, stop);
    if (value < 0) {
      const got = new TextDecoder('latin1').decode(
        bytes.subarray(start, Math.min(stop, start + 80)),
      );
      issues.add(`${file}:${line + 1}`, 'a whole percent from 0 to 100', JSON.stringify(got));
      return values;
    }
    values[line++] = value;
    start = end + 1;
  }
  if (line === 0) issues.add(file, 'one percent per line', 'an empty file');
  return values;
}

function countLines(bytes: Uint8Array): number {
  let ends = 0;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] === 0x0a) ends++;
  return bytes.length > 0 && bytes[bytes.length - 1] !== 0x0a ? ends + 1 : ends;
}

/** The number 0…100 written in `bytes[start … stop)`, or -1. */
function parsePercent(bytes: Uint8Array, start: number, stop: number): number {
  if (stop <= start || stop - start > 3) return -1;
  let value = 0;
  for (let index = start; index < stop; index++) {
    const digit = bytes[index]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= 100 ? value : -1;
}

function firstNames(directory: string, vms: number | undefined): readonly string[] {
  const names = listTraceFiles(directory);
  if (vms === undefined) return names;
  checkWhole([['vms', vms, 1, Number.MAX_SAFE_INTEGER]]);
  if (vms > names.length) throw inputError(directory, `${vms} files`, `${names.length} files`);
  return names.slice(0, vms);
}

/** The length most columns have. @throws InputError naming each file of another length. */
function commonLength(
  directory: string,
  names: readonly string[],
  columns: readonly Uint8Array[],
): number {
  const counts = new Map<number, number>();
  for (const column of columns) counts.set(column.length, (counts.get(column.length) ?? 0) + 1);
  let steps = 0;
  let most = 0;
  for (const [length, count] of counts) if (count > most) [steps, most] = [length, count];
  const issues = new IssueList(directory);
  columns.forEach((column, vm) => {
    if (column.length !== steps) {
      issues.add(
        join(directory, names[vm]!),
        `${steps} lines, as ${most} of ${names.length} files have`,
        `${column.length} lines`,
      );
    }
  });
  issues.throwIfAny();
  return steps;
}
