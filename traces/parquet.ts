/**
 * Columns of Parquet files as checked typed arrays, a row group at a time: only the pages of the
 * wanted columns are read, and one row group of one column is decoded at any moment.
 *
 * Rows in errors count from 1, as lines of text files do.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileMetaData, SchemaElement } from 'hyparquet';
import { InputError, inputError } from '../sim/index.ts';
import { systemCode } from './files.ts';
import { columnGroups, type ReadRange, readMetadata } from './parquet-pages.ts';

/** What the values of a column are. `time` is a moment or a duration in ms. */
export type ColumnKind = 'id' | 'whole' | 'time' | 'real' | 'boolean' | 'ids' | 'group';

/** Values of one row group of one column, as decoded; `null` where a row has none. */
export type ColumnPart = ArrayLike<unknown>;

/** An open file. Close it when done. */
export interface ParquetFile {
  readonly path: string;
  readonly rows: number;
  /** Whether there is a column of this name. */
  has(column: string): boolean;
  /**
   * Hands the column's row groups to `visit`, in order.
   *
   * @throws InputError when the column is missing, of a kind that does not fit, or damaged.
   */
  scan(
    column: string,
    kind: ColumnKind,
    visit: (values: ColumnPart, firstRow: number) => void,
  ): void;
  /**
   * Hands several columns to `visit`, a row group of all of them at a time.
   *
   * @throws InputError as `scan`.
   */
  scanTogether(
    columns: readonly (readonly [column: string, kind: ColumnKind])[],
    visit: (values: readonly ColumnPart[], firstRow: number) => void,
  ): void;
  /**
   * A column of numbers at least `minimum`, [rows].
   *
   * @throws InputError as `scan`, and naming the row of a missing value, NaN or a smaller number.
   */
  numbers(column: string, kind: 'whole' | 'time' | 'real', minimum: number): Float64Array;
  close(): void;
}

/** Rows of a file; its row numbers must fit an `Int32Array`. */
const rowsMax = 0x7fff_ffff;

const physicalTypes: Readonly<Record<ColumnKind, readonly string[]>> = {
  id: ['BYTE_ARRAY', 'INT32', 'INT64'],
  whole: ['INT32', 'INT64'],
  time: ['INT32', 'INT64'],
  real: ['DOUBLE', 'FLOAT', 'INT32', 'INT64'],
  boolean: ['BOOLEAN'],
  ids: ['BYTE_ARRAY', 'INT32', 'INT64'],
  group: ['DOUBLE', 'FLOAT'],
};

const kindNames: Readonly<Record<ColumnKind, string>> = {
  id: 'a column of text or whole numbers',
  whole: 'a column of whole numbers (INT32 or INT64)',
  time: 'a column of ms (INT64) or TIMESTAMP',
  real: 'a column of numbers (DOUBLE)',
  boolean: 'a column of BOOLEAN',
  ids: 'a column of lists of ids',
  group: 'a column of groups of numbers',
};

/** Timestamps of any unit become a number of ms instead of a `Date`. */
const parsers = {
  timestampFromMilliseconds: (milliseconds: bigint): number => Number(milliseconds),
  timestampFromMicroseconds: (microseconds: bigint): number => Number(microseconds) / 1e3,
  timestampFromNanoseconds: (nanoseconds: bigint): number => Number(nanoseconds) / 1e6,
};

/** @throws InputError when there is no such file or it is no Parquet file. */
export function openParquet(path: string): ParquetFile {
  const descriptor = openForReading(path);
  const close = (): void => closeSync(descriptor);
  try {
    const byteLength = fstatSync(descriptor).size;
    const read: ReadRange = (start, end) => readRange(descriptor, start, end);
    const metadata = readMetadata(byteLength, read);
    const rows = Number(metadata.num_rows);
    if (!(rows <= rowsMax)) throw inputError(path, `at most ${rowsMax} rows`, `${rows}`);
    return createFile(path, rows, metadata, read, close);
  } catch (error) {
    close();
    throw error instanceof InputError ? error : inputError(path, 'a Parquet file', reason(error));
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
}

/** Bytes `[start, end)`. @throws Error when the file ends before. */
function readRange(descriptor: number, start: number, end: number): ArrayBuffer {
  if (!(start >= 0 && end >= start)) throw new Error(`bytes ${start} to ${end} are asked for`);
  const bytes = new Uint8Array(Math.min(end, fstatSync(descriptor).size) - start);
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, start + done);
    if (count === 0) break;
    done += count;
  }
  if (start + done < end) throw new Error(`the file ends before byte ${end}`);
  return bytes.buffer;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function createFile(
  path: string,
  rows: number,
  metadata: FileMetaData,
  read: ReadRange,
  close: () => void,
): ParquetFile {
  const leaves = leafTypes(metadata.schema);

  const groupsOf = (column: string): ReturnType<typeof columnGroups> => {
    try {
      return columnGroups(metadata, column, read, parsers);
    } catch (error) {
      throw inputError(`${path}: column ${column}`, 'intact metadata', reason(error));
    }
  };

  const valuesOf = (column: string, group: ReturnType<typeof groupsOf>[number]): ColumnPart => {
    const { rowStart, rowEnd, read: readGroup } = group;
    let values: ColumnPart;
    try {
      values = readGroup();
    } catch (error) {
      throw inputError(at(path, column, rowStart, rowEnd), 'intact pages', reason(error));
    }
    if (values.length === rowEnd - rowStart) return values;
    const place = at(path, column, rowStart, rowEnd);
    throw inputError(place, `${rowEnd - rowStart} values`, `${values.length}`);
  };

  function scan(
    column: string,
    kind: ColumnKind,
    visit: (values: ColumnPart, firstRow: number) => void,
  ): void {
    checkType(path, column, kind, leaves);
    for (const group of groupsOf(column)) visit(valuesOf(column, group), group.rowStart);
  }

  function scanTogether(
    columns: readonly (readonly [column: string, kind: ColumnKind])[],
    visit: (values: readonly ColumnPart[], firstRow: number) => void,
  ): void {
    for (const [column, kind] of columns) checkType(path, column, kind, leaves);
    const groups = columns.map(([column]) => groupsOf(column));
    groups[0]?.forEach(({ rowStart }, index) => {
      const parts = columns.map(([column], at) => valuesOf(column, groups[at]![index]!));
      visit(parts, rowStart);
    });
  }

  function numbers(column: string, kind: 'whole' | 'time' | 'real', minimum: number): Float64Array {
    const result = new Float64Array(rows);
    scan(column, kind, (values, firstRow) => {
      copyNumbers(result, values, firstRow);
      for (let index = 0; index < values.length; index++) {
        if (!(result[firstRow + index]! >= minimum && result[firstRow + index]! < Infinity)) {
          throw badNumber(path, column, firstRow + index, minimum, values[index]);
        }
      }
    });
    return result;
  }

  return { path, rows, has: (column) => leaves.has(column), scan, scanTogether, numbers, close };
}

/** Numbers of any width into `result` from `firstRow` on; what is no number becomes NaN. */
function copyNumbers(result: Float64Array, values: ColumnPart, firstRow: number): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    result[firstRow + index] =
      typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : Number.NaN;
  }
}

/** An `InputError` about one value. `row` counts from 0 here and from 1 in its text. */
function badNumber(
  path: string,
  column: string,
  row: number,
  minimum: number,
  value: unknown,
): InputError {
  const expected = minimum === -Infinity ? 'a finite number' : `a number from ${minimum} up`;
  return badValue(path, column, row, expected, describe(value));
}

/** An `InputError` about one value. `row` counts from 0 here and from 1 in its text. */
export function badValue(
  path: string,
  column: string,
  row: number,
  expected: string,
  got: string,
): InputError {
  return inputError(`${path}: column ${column}, row ${row + 1}`, expected, got);
}

function describe(value: unknown): string {
  return value === null || value === undefined ? 'no value' : String(value);
}

function at(path: string, column: string, rowStart: number, rowEnd: number): string {
  return `${path}: column ${column}, rows ${rowStart + 1} to ${rowEnd}`;
}

interface Leaf {
  readonly type: string;
  readonly nested: boolean;
}

/** Type of the leaf of every top-level column; nested when the column is more than a leaf. */
function leafTypes(schema: readonly SchemaElement[]): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  // The schema is a tree in preorder; element 0 is its root.
  let index = 1;
  const skip = (): SchemaElement => {
    let leaf = schema[index++]!;
    for (let child = leaf.num_children ?? 0; child > 0; child--) leaf = skip();
    return leaf;
  };
  while (index < schema.length) {
    const top = schema[index]!;
    const leaf = skip();
    const nested = leaf !== top || top.repetition_type === 'REPEATED';
    leaves.set(top.name, { type: leaf.type ?? 'nothing', nested });
  }
  return leaves;
}

function checkType(
  path: string,
  column: string,
  kind: ColumnKind,
  leaves: ReadonlyMap<string, Leaf>,
): void {
  const leaf = leaves.get(column);
  if (leaf === undefined) {
    throw inputError(path, `a column ${column}`, `columns ${[...leaves.keys()].join(', ')}`);
  }
  if (
    leaf.nested !== (kind === 'ids' || kind === 'group') ||
    !physicalTypes[kind].includes(leaf.type)
  ) {
    const got = leaf.nested ? `lists of ${leaf.type}` : leaf.type;
    throw inputError(`${path}: column ${column}`, kindNames[kind], got);
  }
}
