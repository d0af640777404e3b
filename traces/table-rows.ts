/**
 * Delimited text, read in one pass: lines cut into fields where they lie, numbers read from bytes.
 *
 * Fields may be quoted (`"a,b"`, a doubled quote stands for one); a line break inside quotes is not
 * read. A last line may lack its end, CRLF is fine, blank lines at the end of the file are no rows.
 */
import { Buffer } from 'node:buffer';
import { inputError } from '../sim/index.ts';
import { byteChunks } from './byte-chunks.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
/** Longest line read, bytes; text without line ends is no table. */
const lineBytesMax = 1 << 20;
const fieldsMax = 65_536;

/** One line of a table, valid only while it is handled. */
export class TableRow {
  /** Name of the file. */
  readonly path: string;
  /** 1-based. */
  line = 0;
  /** Fields in the line. */
  count = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #starts = new Int32Array(64);
  #ends = new Int32Array(64);
  /** Fields of a line with quotes, else undefined. */
  #quoted: readonly string[] | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** `file:line`, for messages. */
  get place(): string {
    return `${this.path}:${this.line}`;
  }

  /** The field without white space around it; empty when there is no such field. */
  text(column: number): string {
    if (column >= this.count) return '';
    if (this.#quoted !== undefined) return this.#quoted[column]!.trim();
    return this.#bytes.toString('utf8', this.#starts[column]!, this.#ends[column]!).trim();
  }

  /** Whether a field holds nothing but white space. */
  isEmpty(column: number): boolean {
    if (this.#quoted !== undefined || column >= this.count) return this.text(column) === '';
    for (let at = this.#starts[column]!; at < this.#ends[column]!; at++) {
      if (this.#bytes[at]! > 0x20) return false;
    }
    return true;
  }

  /** Whether the bytes of a field are those; spares most readers most strings. */
  isBytes(column: number, other: Uint8Array): boolean {
    if (this.#quoted !== undefined || column >= this.count) return false;
    const start = this.#starts[column]!;
    if (this.#ends[column]! - start !== other.length) return false;
    for (let at = 0; at < other.length; at++) {
      if (this.#bytes[start + at] !== other[at]) return false;
    }
    return true;
  }

  /** The decimal number in a field; NaN when it is empty or no finite number. */
  number(column: number): number {
    if (this.#quoted !== undefined || column >= this.count) return numberOf(this.text(column));
    const bytes = this.#bytes;
    const end = this.#ends[column]!;
    let at = this.#starts[column]!;
    const isNegative = bytes[at] === 0x2d;
    if (isNegative) at++;
    let digits = 0;
    let mantissa = 0;
    let divisor = 1;
    let isFraction = false;
    for (; at < end; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        if (isFraction) divisor *= 10;
        digits++;
      } else if (digit === -2 && !isFraction) isFraction = true;
      else return numberOf(this.text(column));
    }
    // Both are whole and below 2^53, so the one division rounds as the decimal number does.
    if (digits > 15) return Number(bytes.toString('latin1', this.#starts[column]!, end));
    if (digits === 0) return Number.NaN;
    return (isNegative ? -mantissa : mantissa) / divisor;
  }

  /** The whole line, shortened, for messages. */
  get summary(): string {
    const fields = Array.from({ length: Math.min(this.count, 12) }, (_, column) =>
      this.text(column),
    );
    const joined = fields.join(',');
    return joined === '' ? 'a blank line' : `${this.count}: ${joined.slice(0, 60)}`;
  }

  /**
   * Cuts the bytes of a line into fields.
   *
   * @throws InputError when the line holds a NUL byte, or a quote that does not end.
   */
  cut(bytes: Buffer, start: number, end: number, line: number, delimiter: number): void {
    this.line = line;
    this.#bytes = bytes;
    this.#quoted = undefined;
    const stop = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
    let count = 0;
    let from = start;
    for (let at = start; at < stop; at++) {
      const byte = bytes[at]!;
      if (byte === delimiter) {
        if (count + 1 >= this.#starts.length) this.#grow();
        this.#starts[count] = from;
        this.#ends[count++] = at;
        from = at + 1;
      } else if (byte === 0) throw inputError(this.place, 'text', `a NUL byte`);
      else if (byte === quote) {
        this.#quoted = splitQuoted(bytes.toString('utf8', start, stop), delimiter, this.place);
        this.count = this.#quoted.length;
        return;
      }
    }
    this.#starts[count] = from;
    this.#ends[count++] = stop;
    this.count = count;
  }

  #grow(): void {
    if (this.#starts.length >= fieldsMax) {
      throw inputError(this.place, `at most ${fieldsMax} columns`, 'more');
    }
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(old.length * 4);
      larger.set(old);
      return larger;
    };
    this.#starts = grown(this.#starts);
    this.#ends = grown(this.#ends);
  }
}

/** Reads a decimal number with white space around it; NaN for anything else. */
export function numberOf(text: string): number {
  const trimmed = text.trim();
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(trimmed)) return Number.NaN;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : Number.NaN;
}

function splitQuoted(line: string, delimiter: number, place: string): string[] {
  const separator = String.fromCharCode(delimiter);
  const fields: string[] = [];
  let field = '';
  let isInside = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    if (character === '"') {
      if (isInside && line[at + 1] === '"') {
        field += '"';
        at++;
      } else isInside = !isInside;
    } else if (character === separator && !isInside) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  if (isInside) throw inputError(place, 'quotes that end on their line', line.slice(0, 60));
  fields.push(field);
  return fields;
}

/**
 * Calls `onRow` for every line of a file, plain or gzip.
 *
 * @param delimiter One ASCII character.
 * @returns Lines read.
 * @throws InputError when the file cannot be read, is no text, or a line is longer than 1 MiB.
 */
export function readRows(path: string, delimiter: string, onRow: (row: TableRow) => void): number {
  const row = new TableRow(path);
  const separator = delimiter.charCodeAt(0);
  let blanks = 0;
  return readLines(path, (bytes, start, end, line) => {
    row.cut(bytes, start, end, line, separator);
    if (row.count === 1 && row.isEmpty(0)) {
      blanks++;
      return;
    }
    // A blank line between rows is a row that lacks everything.
    if (blanks > 0) throw inputError(`${path}:${line - 1}`, 'a row', 'a blank line');
    onRow(row);
  });
}

/**
 * Calls `onLine` with the bytes of every line, without its line feed, and its 1-based number.
 *
 * @returns Lines read.
 * @throws InputError when the file cannot be read or a line is longer than 1 MiB.
 */
export function readLines(
  path: string,
  onLine: (bytes: Buffer, start: number, end: number, line: number) => void,
): number {
  let line = 0;
  let rest: Buffer = Buffer.alloc(0);
  let isStart = true;
  for (const chunk of byteChunks(path)) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    // A byte order mark is no text.
    let start = isStart && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    isStart = false;
    let end = bytes.indexOf(lineFeed, start);
    if (rest.length > 0 && end >= 0) {
      const whole = Buffer.concat([rest, bytes.subarray(start, end)]);
      rest = Buffer.alloc(0);
      onLine(whole, 0, whole.length, ++line);
      start = end + 1;
      end = bytes.indexOf(lineFeed, start);
    }
    while (end >= 0) {
      onLine(bytes, start, end, ++line);
      start = end + 1;
      end = bytes.indexOf(lineFeed, start);
    }
    if (start < bytes.length) rest = Buffer.concat([rest, bytes.subarray(start)]);
    if (rest.length > lineBytesMax) {
      throw inputError(`${path}:${line + 1}`, 'lines of at most 1 MiB', 'a longer one');
    }
  }
  if (rest.length > 0) onLine(rest, 0, rest.length, ++line);
  return line;
}
