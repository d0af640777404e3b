/**
 * The file that a controller's journal grows in. A record counts only when it is on disk: `append`
 * returns after `fdatasync`, and what cannot be written whole is taken back.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { OperationError } from '../operation-error.ts';
import { encodeLine } from './line.ts';
import type { JournalRecord } from './record.ts';
import { journalError, type SegmentEnd, type SegmentHeader, segmentPath } from './segment.ts';

/** The newest segment of a journal, open for writing. One writer at a time: see `lease.ts`. */
export class RecordFile {
  readonly path: string;
  readonly segment: number;
  readonly #file: number;
  #bytes: number;
  /** Why nothing more can be written. */
  #broken: string | undefined;

  private constructor(path: string, segment: number, file: number, bytes: number) {
    this.path = path;
    this.segment = segment;
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Length of the segment, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Begins a segment, which is there only when all of its beginning is on disk.
   *
   * @param carried What of earlier segments is still open, in the order of its numbers.
   */
  static create(
    directory: string,
    segment: number,
    next: number,
    carried: readonly JournalRecord[],
  ): RecordFile {
    makeDirectory(directory);
    const path = segmentPath(directory, segment);
    const header: SegmentHeader = { journal: 1, segment, next, carried: carried.length };
    const beginning = Buffer.concat([header, ...carried].map(encodeLine));
    const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
    const file = attempt(path, () =>
      openSync(`${path}.new`, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600),
    );
    try {
      attempt(path, () => {
        writeAll(file, beginning);
        fsyncSync(file);
        renameSync(`${path}.new`, path);
        syncDirectory(directory);
      });
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return new RecordFile(path, segment, file, beginning.length);
  }

  /**
   * Goes on with a segment. A torn last line is put aside, to `FILE.OFFSET.torn`, and cut off.
   *
   * @param end What reading it found; without damage.
   */
  static continue(directory: string, segment: number, end: SegmentEnd): RecordFile {
    const path = segmentPath(directory, segment);
    const { O_RDWR, O_APPEND } = constants;
    const file = attempt(path, () => openSync(path, O_RDWR | O_APPEND));
    try {
      attempt(path, () => {
        if (end.tornBytes !== undefined) cutTorn(file, path, end, end.tornBytes);
        // The last record may have been read from memory, its writer killed before it was on disk.
        fsyncSync(file);
      });
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return new RecordFile(path, segment, file, end.bytes);
  }

  /**
   * Writes one record. When it returns, the record is on disk.
   *
   * @throws OperationError `ERR_JOURNAL`; the file then ends with the record before.
   */
  append(record: JournalRecord): void {
    if (this.#broken !== undefined) throw journalError(`${this.path}: ${this.#broken}`);
    this.#checkAlone();
    const line = encodeLine(record);
    try {
      writeAll(this.#file, line);
    } catch (error) {
      this.#takeBack();
      throw worded(this.path, error);
    }
    try {
      fdatasyncSync(this.#file);
    } catch (error) {
      // What a failed sync leaves on disk nobody knows, and a second sync may lie.
      this.#broken = 'an earlier record could not be synced to disk; start again';
      this.#takeBack();
      throw worded(this.path, error);
    }
    this.#bytes += line.length;
  }

  close(): void {
    this.#broken = 'it is closed';
    closeSync(this.#file);
  }

  /** A file that was removed would take records that nobody ever reads. */
  #checkAlone(): void {
    const { nlink, size } = fstatSync(this.#file);
    if (nlink === 0) this.#broken = 'the file was removed';
    else if (size !== this.#bytes) this.#broken = 'something else has written to the file';
    if (this.#broken !== undefined) throw journalError(`${this.path}: ${this.#broken}`);
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#file, this.#bytes);
    } catch (error) {
      this.#broken = `a record that was not written whole stayed (${(error as Error).message})`;
    }
  }
}

/** Where a torn last line is put. */
export const tornPath = (path: string, { bytes }: SegmentEnd): string => `${path}.${bytes}.torn`;

function cutTorn(file: number, path: string, end: SegmentEnd, tornBytes: number): void {
  const torn = Buffer.alloc(tornBytes);
  const read = readSync(file, torn, 0, tornBytes, end.bytes);
  const aside = openSync(tornPath(path, end), 'w', 0o600);
  try {
    writeAll(aside, torn.subarray(0, read));
    fsyncSync(aside);
  } finally {
    closeSync(aside);
  }
  ftruncateSync(file, end.bytes);
  syncDirectory(dirname(path));
}

/** One write as a rule; a disk that is nearly full takes less, and says why at the next. */
function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Makes the directory and what is above it, and sees that the way to it is on disk. */
function makeDirectory(directory: string): void {
  const path = resolve(directory);
  attempt(path, () => {
    const first = mkdirSync(path, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let above = dirname(path); above.length >= dirname(first).length; above = dirname(above)) {
      syncDirectory(above);
      if (above === dirname(above)) break;
    }
  });
}

function syncDirectory(directory: string): void {
  const file = openSync(directory, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw worded(path, error);
  }
}

function worded(path: string, error: unknown): OperationError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOSPC' || code === 'EDQUOT' ? 'no room is left on its disk' : message.trim();
  return journalError(`${path}: it cannot be written: ${why}`, error);
}
