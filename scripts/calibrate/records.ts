/** Rows of a CSV or JSON-lines file by column name, with the place of each for messages. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { InputError, type Issue, inputError } from '../../sim/index.ts';

/** A column that a file may or must have. */
export interface ColumnSpec {
  readonly required: boolean;
  readonly kind: 'number' | 'text';
  /** Least value allowed. */
  readonly min?: number;
  /** Largest value allowed. */
  readonly max?: number;
  readonly meaning: string;
}

export interface RecordRow {
  /** `file:line`. */
  readonly place: string;
  number(column: string): number | undefined;
  text(column: string): string | undefined;
}

const issuesMax = 10;

/** The file `NAME.csv` or `NAME.jsonl` of a directory, or `undefined`. */
export function recordFile(directory: string, name: string): string | undefined {
  return [`${name}.csv`, `${name}.jsonl`]
    .map((file) => join(directory, file))
    .find((path) => existsSync(path));
}

/**
 * Reads all rows and checks every value.
 *
 * @throws InputError naming file, line and column of up to ten problems.
 */
export function readRecords(
  path: string,
  columns: Readonly<Record<string, ColumnSpec>>,
): RecordRow[] {
  const text = readFileSync(path, 'utf8');
  const rows = path.endsWith('.csv') ? csvRows(path, text) : jsonRows(path, text);
  const issues: Issue[] = [];
  const missing = Object.entries(columns).filter(
    ([name, { required }]) => required && rows.length > 0 && !(name in rows[0]!.values),
  );
  for (const [name, { meaning }] of missing) {
    issues.push({ path: rows[0]!.place, expected: `a column ${name} (${meaning})`, got: 'none' });
  }
  if (rows.length === 0) throw inputError(path, 'at least one row', 'none');
  for (const { place, values } of rows) {
    for (const [name, spec] of Object.entries(columns)) {
      const problem = missing.length > 0 ? undefined : problemOf(values[name], spec);
      if (problem === undefined) continue;
      issues.push({ path: `${place}: ${name}`, expected: problem, got: String(values[name]) });
      if (issues.length >= issuesMax) throw new InputError(issues);
    }
  }
  if (issues.length > 0) throw new InputError(issues);
  return rows.map(({ place, values }) => ({
    place,
    number: (column) => (isEmpty(values[column]) ? undefined : Number(values[column])),
    text: (column) => (isEmpty(values[column]) ? undefined : String(values[column])),
  }));
}

interface RawRow {
  readonly place: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '';

function problemOf(value: unknown, spec: ColumnSpec): string | undefined {
  if (isEmpty(value)) return spec.required ? spec.meaning : undefined;
  if (spec.kind === 'text') return undefined;
  const number =
    typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = spec;
  if (Number.isFinite(number) && number >= min && number <= max) return undefined;
  const bounds = [
    ...(spec.min === undefined ? [] : [`from ${spec.min}`]),
    ...(spec.max === undefined ? [] : [`up to ${spec.max}`]),
  ].join(' ');
  return `a number${bounds === '' ? '' : ` ${bounds}`} (${spec.meaning})`;
}

function csvRows(path: string, text: string): RawRow[] {
  try {
    const records = parse(text, {
      columns: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as {
      readonly record: Record<string, string>;
      readonly info: { lines: number };
    }[];
    return records.map(({ record, info }) => ({
      place: `${path}:${info.lines}`,
      values: record,
    }));
  } catch (error) {
    throw inputError(path, 'CSV with a header line', (error as Error).message);
  }
}

function jsonRows(path: string, text: string): RawRow[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `${path}:${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw inputError(place, 'one JSON object per line', (error as Error).message);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw inputError(place, 'one JSON object per line', line);
    }
    return [{ place, values: value as Record<string, unknown> }];
  });
}
