/**
 * A file of any size as a sequence of pieces, unpacked when it is a gzip file. Readers pull the
 * pieces one after the other, so memory does not grow with the file; no event loop is needed.
 *
 * Inflating has no synchronous interface that takes pieces, so a thread does it and hands them over
 * through shared memory; the reader sleeps on a shared word until one is there.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { inputError } from '../sim/index.ts';
import { systemCode } from './files.ts';
import { inflateState, startInflating } from './inflate-thread.ts';

const chunkBytes = 1 << 20;
/** A thread that neither delivers nor fails for so long is taken for dead, ms. */
const patienceMs = 60_000;

/**
 * @returns Pieces in order; each is overwritten by the next.
 * @throws InputError when the file cannot be read, or its gzip data are damaged or cut short.
 */
export function* byteChunks(path: string): Generator<Uint8Array> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
  try {
    const bytes = new Uint8Array(chunkBytes);
    for (let isFirst = true; ; isFirst = false) {
      const length = readPiece(file, bytes, path);
      if (length === 0) return;
      if (isFirst && bytes[0] === 0x1f && bytes[1] === 0x8b) {
        yield* inflated(path);
        return;
      }
      yield bytes.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

function readPiece(file: number, bytes: Uint8Array, path: string): number {
  try {
    return readSync(file, bytes);
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
}

function* inflated(path: string): Generator<Uint8Array> {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const bytes = new Uint8Array(new SharedArrayBuffer(chunkBytes));
  const worker = startInflating({ path, control, bytes });
  try {
    for (;;) {
      if (Atomics.wait(control, 0, inflateState.empty, patienceMs) === 'timed-out') {
        throw inputError(path, 'a gzip file that can be read', `nothing for ${patienceMs} ms`);
      }
      const piece = bytes.subarray(0, control[1]);
      const state = Atomics.load(control, 0);
      if (state === inflateState.ended) return;
      if (state === inflateState.failed) {
        // A decoder takes no shared memory.
        const reason = new TextDecoder().decode(Uint8Array.from(piece));
        throw inputError(path, 'a whole gzip file', reason);
      }
      yield piece;
      Atomics.store(control, 0, inflateState.empty);
      Atomics.notify(control, 0);
    }
  } finally {
    void worker.terminate();
  }
}
