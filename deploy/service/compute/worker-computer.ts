/** Answers in worker threads, so that the thread that speaks HTTP is always free. */
import { Piscina } from 'piscina';
import { ServiceError } from '../service-error.ts';
import type { Computer, Question, Reply } from './compute.ts';

export interface WorkerComputerOptions {
  /** The worker's file, whose default export is a `Compute`. */
  readonly filename: string;
  readonly execArgv?: readonly string[];
  /** Handed to the worker as `workerData`. */
  readonly workerData?: unknown;
  readonly threads: number;
  /** Questions that may wait; more are turned away. */
  readonly queueMax: number;
  /** Memory of a thread's JavaScript heap, MiB: one huge request takes its thread, not the service. */
  readonly heapMib: number;
}

/** Starts the threads. */
export function computerInWorkers(options: WorkerComputerOptions): Computer {
  const { filename, execArgv = [], workerData, threads, queueMax, heapMib } = options;
  const pool = new Piscina({
    filename,
    execArgv: [...execArgv],
    minThreads: threads,
    maxThreads: threads,
    maxQueue: queueMax,
    idleTimeout: Number.POSITIVE_INFINITY,
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
    workerData,
  });
  // A thread that dies outside a call, as for a file that cannot be loaded: the calls fail by themselves.
  pool.on('error', () => undefined);
  let running = 0;
  return {
    async ask(question, signal) {
      running++;
      try {
        return await answerOf(pool, question, signal);
      } finally {
        running--;
      }
    },
    get load() {
      const waiting = pool.queueSize;
      return { waiting, running: Math.max(0, running - waiting) };
    },
    close: () => pool.destroy(),
  };
}

async function answerOf(pool: Piscina, question: Question, signal: AbortSignal): Promise<Reply> {
  // A copy of its own, which goes over without another one.
  const body = new Uint8Array(question.body);
  try {
    return (await pool.run(
      { ...question, body },
      { signal, transferList: [body.buffer] },
    )) as Reply;
  } catch (error) {
    if (signal.aborted) {
      throw new ServiceError('unavailable', 'the answer took too long and was given up');
    }
    if (/queue/i.test((error as Error).message)) {
      throw new ServiceError('unavailable', 'too many questions are waiting; try again later');
    }
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
      throw new ServiceError('too_large', 'the answer would need more memory than there is');
    }
    throw error;
  }
}
