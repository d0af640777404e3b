/**
 * One file of a journal. Its first line is a header that says how many records of earlier segments it
 * repeats, because they were still open when it began; new records follow, numbered without a gap.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { OperationError } from '../operation-error.ts';
import { decodeLine } from './line.ts';
import type { JournalRecord } from './record.ts';
import { whyNoRecord } from './record-form.ts';

/** First line of every segment. */
export interface SegmentHeader {
  /** Version of the format. */
  readonly journal: 1;
  readonly segment: number;
  /** Number of the first record that is new here. */
  readonly next: number;
  /** Records of earlier segments that follow first; what else was open is open no longer. */
  readonly carried: number;
}

/** Where reading had to stop. Lines count from 1. */
export interface Damage {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

/** How far a segment has been read. */
export interface SegmentPosition {
  /** Length of all whole lines, bytes. */
  readonly bytes: number;
  /** How many lines that is. */
  readonly lines: number;
  /** Number that the next record has. */
  readonly next: number;
}

/** What the readable part of a segment ends with. */
export interface SegmentEnd extends SegmentPosition {
  /** A last line that was never written to its end, length in bytes. */
  readonly tornBytes?: number;
  readonly damage?: Damage;
}

/** A header, or a record and whether an earlier segment had it first. */
export type SegmentItem =
  | { readonly header: SegmentHeader }
  | { readonly record: JournalRecord; readonly isCarried: boolean };

/** Error of this machine's files: there is no host to name. */
export const journalError = (message: string, cause?: unknown): OperationError =>
  new OperationError('ERR_JOURNAL', 'localhost', message, { cause });

const namePattern = /^journal-(\d{6,})\.jsonl$/;

/** Path of a segment, numbers from 1. */
export const segmentPath = (directory: string, segment: number): string =>
  join(directory, `journal-${String(segment).padStart(6, '0')}.jsonl`);

/** Numbers of the segments there are, rising; none where there is no directory. */
export function segmentsIn(directory: string): number[] {
  try {
    return readdirSync(directory)
      .flatMap((name) => namePattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw journalError(`${directory}: it cannot be read: ${(error as Error).message}`, error);
  }
}

/**
 * Reads a segment as far as it can be read; a writer may go on meanwhile.
 *
 * @param isLast Only the last line of the last segment can be torn: each record is on disk before
 *   the next one is begun.
 * @param from Where an earlier reading ended, past the segment's beginning.
 */
export function* readSegment(
  path: string,
  segment: number,
  isLast: boolean,
  from?: SegmentPosition,
): Generator<SegmentItem, SegmentEnd> {
  let { bytes, lines, next } = from ?? { bytes: 0, lines: 0, next: 0 };
  const order = from === undefined ? new Order(segment) : new Order(segment, from.next);
  const source = linesOf(path, bytes);
  const damaged = (reason: string): SegmentEnd => ({
    bytes,
    lines,
    next,
    damage: { file: path, line: lines + 1, reason },
  });
  let step = source.next();
  for (; !step.done; step = source.next()) {
    const text = step.value;
    const decoded = decodeLine(text);
    if ('wrong' in decoded) {
      // After a power failure a file may be as long as it was to become, with holes in it.
      const after = source.next();
      const isHole = isLast && order.isBegun && after.done && text.includes(0);
      if (isHole) return { bytes, lines, next, tornBytes: text.length + 1 + after.value };
      source.return(0);
      return damaged(decoded.wrong);
    }
    const item = order.take(decoded.value);
    if (typeof item === 'string') {
      source.return(0);
      return damaged(item);
    }
    bytes += text.length + 1;
    lines++;
    ({ next } = order);
    yield item;
  }
  if (!order.isBegun) return damaged('the file ends within its beginning');
  if (step.value === 0) return { bytes, lines, next };
  return isLast ? { bytes, lines, next, tornBytes: step.value } : damaged('the line has no end');
}

/** What may come next in a segment: the header, so many carried records, then one by one. */
class Order {
  readonly #segment: number;
  #hasHeader: boolean;
  #carriedLeft = 0;
  #carriedSeq = 0;
  /** Number of the next new record. */
  next: number;

  constructor(segment: number, next?: number) {
    this.#segment = segment;
    this.#hasHeader = next !== undefined;
    this.next = next ?? 0;
  }

  get isBegun(): boolean {
    return this.#hasHeader && this.#carriedLeft === 0;
  }

  /** @returns What the value is, or why it cannot stand here. */
  take(value: object): SegmentItem | string {
    if (!this.#hasHeader) return this.#begin(value as Partial<SegmentHeader>);
    const record = value as JournalRecord;
    const why = whyNoRecord(record);
    if (why !== undefined) return why;
    if (this.#carriedLeft === 0) {
      if (record.seq !== this.next) {
        return `it is record ${record.seq} where ${this.next} was to come`;
      }
      this.next++;
      return { record, isCarried: false };
    }
    if (!(record.seq > this.#carriedSeq && record.seq < this.next)) {
      return `it repeats record ${record.seq} after ${this.#carriedSeq}`;
    }
    this.#carriedSeq = record.seq;
    this.#carriedLeft--;
    return { record, isCarried: true };
  }

  #begin(header: Partial<SegmentHeader>): SegmentItem | string {
    const { journal, segment, next, carried } = header;
    if (journal !== 1) return `it is no header of a journal of version 1`;
    if (segment !== this.#segment) return `it is the header of segment ${segment}`;
    if (!Number.isSafeInteger(next) || !Number.isSafeInteger(carried)) {
      return 'the header lacks numbers';
    }
    this.#hasHeader = true;
    this.next = next!;
    this.#carriedLeft = carried!;
    return { header: { journal, segment, next: next!, carried: carried! } };
  }
}

/** Lines from `offset` on, without their ends. @returns Bytes after the last line end. */
function* linesOf(path: string, offset: number): Generator<Buffer, number> {
  const file = openToRead(path);
  try {
    const chunk = Buffer.alloc(1 << 18);
    let pending: Buffer[] = [];
    let position = offset;
    for (;;) {
      const part = chunk.subarray(0, readSync(file, chunk, 0, chunk.length, position));
      if (part.length === 0) break;
      position += part.length;
      let start = 0;
      for (let end = part.indexOf(10); end >= 0; end = part.indexOf(10, start)) {
        yield Buffer.concat([...pending, part.subarray(start, end)]);
        pending = [];
        start = end + 1;
      }
      if (start < part.length) pending.push(Buffer.from(part.subarray(start)));
    }
    return pending.reduce((sum, part) => sum + part.length, 0);
  } finally {
    closeSync(file);
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw journalError(`${path}: it cannot be read: ${(error as Error).message}`, error);
  }
}
