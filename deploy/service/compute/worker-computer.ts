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
    idleTimeout: Number.POSITIVE_INFINITY,
    // Most of what a question needs is dead when it is answered: room for it takes 15 % off its CPU time.
    resourceLimits: { maxOldGenerationSizeMb: heapMib, maxYoungGenerationSizeMb: 96 },
    workerData,
  });
  // A thread that dies outside a call, as for a file that cannot be loaded: the calls fail by themselves.
  pool.on('error', () => undefined);
  let asked = 0;
  return {
    async ask(question, signal) {
      // Counted here: piscina's own limit lets questions through while its threads start.
      if (asked >= threads + queueMax) {
        throw new ServiceError('unavailable', 'too many questions are waiting; try again later');
      }
      asked++;
      try {
        return await answerOf(pool, question, signal);
      } finally {
        asked--;
      }
    },
    get load() {
      return { running: Math.min(asked, threads), waiting: Math.max(0, asked - threads) };
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
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
      throw new ServiceError('too_large', 'the answer would need more memory than there is');
    }
    throw error;
  }
}
