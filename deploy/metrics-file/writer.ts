/** Appends to `metrics.jsonl` so that being killed at any time costs at most the line in hand. */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { HostSample } from '../telemetry/sample.ts';
import { type LineBefore, metricsLine } from './line.ts';

export interface MetricsWriterOptions {
  /** A file of more bytes is put aside as `PATH.1`, what was that as `PATH.2`, and so on. */
  readonly rotateBytes?: number | undefined;
  /** Files put aside that are kept. Default 5. */
  readonly keep?: number | undefined;
}

/** Writes the samples of one host to one file. */
export class MetricsWriter {
  readonly path: string;
  readonly #options: MetricsWriterOptions;
  #file: number;
  #bytes: number;
  #before: LineBefore;

  /** Opens the file for appending; a line that was cut off is closed, so that the next one is whole. */
  constructor(path: string, options: MetricsWriterOptions = {}) {
    this.path = path;
    this.#options = options;
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a+');
    this.#bytes = fstatSync(this.#file).size;
    this.#before = this.#bytes === 0 ? 'none' : 'unknown';
    if (this.#bytes > 0 && this.#lastByte() !== 0x0a) this.#write('\n');
  }

  /** Writes one line with one call to the operating system. */
  write(sample: HostSample): void {
    const { rotateBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#bytes >= rotateBytes) this.#rotate();
    // Another process writes here too: the line before is not ours.
    const bytes = fstatSync(this.#file).size;
    if (bytes !== this.#bytes) this.#before = 'unknown';
    this.#bytes = bytes;
    const { line, timestampMs } = metricsLine(sample, this.#before);
    this.#write(`${JSON.stringify(line)}\n`);
    this.#before = timestampMs;
  }

  /** After this what was written survives the loss of power; a file without a line is taken away. */
  close(): void {
    fdatasyncSync(this.#file);
    const { size } = fstatSync(this.#file);
    closeSync(this.#file);
    if (size === 0) rmSync(this.path, { force: true });
  }

  #write(text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#file, bytes, written);
    }
    this.#bytes += bytes.length;
  }

  #lastByte(): number {
    const byte = Buffer.alloc(1);
    readSync(this.#file, byte, 0, 1, this.#bytes - 1);
    return byte[0]!;
  }

  #rotate(): void {
    const { keep = 5 } = this.#options;
    this.close();
    rmSync(`${this.path}.${keep}`, { force: true });
    for (let number = keep - 1; number >= 1; number--) {
      const from = `${this.path}.${number}`;
      if (existsSync(from)) renameSync(from, `${this.path}.${number + 1}`);
    }
    if (keep > 0) renameSync(this.path, `${this.path}.1`);
    else rmSync(this.path);
    this.#file = openSync(this.path, 'a+');
    this.#bytes = 0;
    // Each file is read by itself.
    this.#before = 'none';
  }
}
