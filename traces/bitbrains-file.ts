/**
 * One file of GWA-T-12 (Bitbrains): the samples of one VM, `;`-separated with or without a tab.
 *
 * The header says "Timestamp [ms]" though the published files count seconds; which of the two is
 * decided by magnitude. A file that starts with numbers is read with the published column order.
 */
import { parse } from 'csv-parse/sync';
import type { IssueList } from './issues.ts';

/** Samples of one VM, ordered by time, each time once. */
export interface BitbrainsSamples {
  /** Unix time, ms, [samples]. */
  readonly timesMs: Float64Array;
  /** Virtual CPUs; 0 while the VM is stopped, [samples]. */
  readonly cores: Float64Array;
  /** Speed of all its CPUs together, MHz, [samples]. */
  readonly capacityMhz: Float64Array;
  /** CPU in use, MHz, as written, [samples]. */
  readonly usageMhz: Float64Array;
  /** Provisioned memory, KiB (the files' "KB": 8388608 is 8 GiB), [samples]. */
  readonly memoryKib: Float64Array;
  /** Lines of samples in the file. */
  readonly rows: number;
  readonly duplicates: number;
  readonly disordered: number;
  readonly isInSeconds: boolean;
}

/** Columns needed: what the header calls them, lower case, and their published position. */
const neededColumns = [
  ['timestamp', 0],
  ['cpu cores', 1],
  ['cpu capacity provisioned [mhz]', 2],
  ['cpu usage [mhz]', 3],
  ['memory capacity provisioned [kb]', 5],
] as const;
const publishedColumns = 11;
const coresMax = 65_535;

/** Times below this are seconds: as ms it is March 1973, as seconds the year 5138. */
const millisecondsMin = 1e11;

/** Whether a first line looks like a Bitbrains header. */
export function isBitbrainsHeader(line: string): boolean {
  return /^\W*timestamp\b.*;.*cpu cores/i.test(line);
}

/**
 * Parses one file.
 *
 * @param file Named in issues, with the 1-based line.
 * @returns The samples; only to be used when no issue was added.
 */
export function parseBitbrains(text: string, file: string, issues: IssueList): BitbrainsSamples {
  const rows: string[][] = parse(text, {
    delimiter: ';',
    quote: false,
    bom: true,
    relax_column_count: true,
    skip_empty_lines: false,
  });
  // Blank lines at the end are no samples; blank lines inside are reported like any bad line.
  while (rows.length > 0 && (rows[rows.length - 1] ?? []).join('').trim() === '') rows.pop();
  const header = rows[0];
  if (header === undefined) {
    issues.add(file, 'a header and one line per sample', 'an empty file');
    return noSamples;
  }
  const hasHeader = !Number.isFinite(numberOf(header[0]));
  const columns = hasHeader ? findColumns(header, file, issues) : publishedOrder;
  if (columns === undefined) return noSamples;
  const first = hasHeader ? 1 : 0;
  const width = hasHeader ? header.length : publishedColumns;
  if (rows.length === first) issues.add(file, 'at least one sample', 'a header only');

  const fields = columns.map(() => new Float64Array(rows.length - first));
  for (let row = first; row < rows.length; row++) {
    const texts = rows[row]!;
    if (texts.length !== width) {
      issues.add(`${file}:${row + 1}`, `${width} columns`, describeRow(texts));
      continue;
    }
    columns.forEach((column, field) => {
      const value = numberOf(texts[column]);
      const [what] = neededColumns[field]!;
      const isCount = what === 'cpu cores';
      const max = isCount ? coresMax : Number.MAX_VALUE;
      // A NaN fails the comparison as well.
      if (!(value >= 0 && value <= max) || (isCount && !Number.isInteger(value))) {
        const kind = isCount ? `a whole number from 0 to ${max}` : 'a number from 0 up';
        issues.add(`${file}:${row + 1}`, `${what}: ${kind}`, texts[column] ?? '');
      }
      fields[field]![row - first] = value;
    });
  }
  return issues.count > 0 ? noSamples : orderSamples(fields);
}

const publishedOrder: readonly number[] = neededColumns.map(([, position]) => position);

const noSamples: BitbrainsSamples = {
  timesMs: new Float64Array(0),
  cores: new Float64Array(0),
  capacityMhz: new Float64Array(0),
  usageMhz: new Float64Array(0),
  memoryKib: new Float64Array(0),
  rows: 0,
  duplicates: 0,
  disordered: 0,
  isInSeconds: false,
};

/** Reads a decimal number with white space around it; NaN for anything else. */
function numberOf(text: string | undefined): number {
  const trimmed = (text ?? '').trim();
  return trimmed === '' ? Number.NaN : Number(trimmed);
}

function describeRow(texts: readonly string[]): string {
  const joined = texts.join(';').trim();
  return joined === '' ? 'a blank line' : `${texts.length}: ${joined.slice(0, 60)}`;
}

/** Positions of the needed columns, or undefined when the header lacks one. */
function findColumns(
  header: readonly string[],
  file: string,
  issues: IssueList,
): readonly number[] | undefined {
  const names = header.map((name) => name.trim().toLowerCase());
  const positions = neededColumns.map(([needed]) =>
    names.findIndex((name) => name.startsWith(needed)),
  );
  const missing = neededColumns.filter((_, field) => positions[field]! < 0);
  for (const [needed] of missing) {
    issues.add(`${file}:1`, `a column "${needed}"`, header.join(';').slice(0, 60));
  }
  return missing.length === 0 ? positions : undefined;
}

/** Sorts samples by time (stable) and keeps the last of equal times. */
function orderSamples(fields: readonly Float64Array[]): BitbrainsSamples {
  const times = fields[0]!;
  const isInSeconds = times[0]! < millisecondsMin;
  let disordered = 0;
  for (let row = 1; row < times.length; row++) if (times[row]! < times[row - 1]!) disordered++;
  const order = Uint32Array.from(times, (_, row) => row);
  if (disordered > 0) order.sort((a, b) => times[a]! - times[b]! || a - b);
  const kept = order.filter(
    (row, index) => index + 1 === order.length || times[order[index + 1]!] !== times[row],
  );
  const take = (field: number): Float64Array =>
    Float64Array.from(kept, (row) => fields[field]![row]!);
  return {
    timesMs: take(0).map((time) => (isInSeconds ? time * 1000 : time)),
    cores: take(1),
    capacityMhz: take(2),
    usageMhz: take(3),
    memoryKib: take(4),
    rows: times.length,
    duplicates: times.length - kept.length,
    disordered,
    isInSeconds,
  };
}
