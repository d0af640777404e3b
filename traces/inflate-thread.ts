/**
 * Thread that reads a gzip file and hands over what it holds, a piece at a time, to a reader that
 * sleeps on a shared word (`byte-chunks.ts`).
 *
 * Its program is text: a thread that loads a module asks the main thread for it when a TypeScript
 * loader is at work, and the main thread is asleep until the first piece comes.
 */
import { Worker } from 'node:worker_threads';

/** What the first word of `control` says; the second is the number of bytes. */
export const inflateState = { empty: 0, full: 1, ended: 2, failed: 3 } as const;

/** What the thread is given; both arrays are shared. */
export interface InflateJob {
  readonly path: string;
  readonly control: Int32Array;
  readonly bytes: Uint8Array;
}

const program = `
  const { createReadStream } = require('node:fs');
  const { pipeline } = require('node:stream');
  const { workerData } = require('node:worker_threads');
  const { createGunzip } = require('node:zlib');
  const { path, control, bytes } = workerData;
  let filled = 0;
  function handOver(state) {
    control[1] = filled;
    Atomics.store(control, 0, state);
    Atomics.notify(control, 0);
    Atomics.wait(control, 0, state);
    filled = 0;
  }
  async function take(parts) {
    for await (const part of parts) {
      for (let from = 0; from < part.length; ) {
        const taken = Math.min(part.length - from, bytes.length - filled);
        bytes.set(part.subarray(from, from + taken), filled);
        from += taken;
        filled += taken;
        if (filled === bytes.length) handOver(${inflateState.full});
      }
    }
  }
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  pipeline(file, createGunzip({ chunkSize: 1 << 18 }), take, (error) => {
    if (filled > 0) handOver(${inflateState.full});
    const reason = Buffer.from(error ? String(error.message) : '').subarray(0, 256);
    bytes.set(reason);
    filled = reason.length;
    handOver(error ? ${inflateState.failed} : ${inflateState.ended});
  });
`;

/** Starts the thread; it ends with the file, or when it is terminated. */
export function startInflating(job: InflateJob): Worker {
  const worker = new Worker(program, { eval: true, workerData: job, execArgv: [], env: {} });
  worker.unref();
  return worker;
}
