/**
 * The worker pool: plans of one decision are cut into one stretch per worker, all against the same
 * shared snapshot, and put together by position. The result does not depend on the number of
 * workers or on who is faster.
 */
import { Piscina } from 'piscina';
import type { Action, CostVector, Twin } from '../sim/index.ts';
import { readCostRows } from './cost-row.ts';
import type { OracleOptions } from './options.ts';
import type { ScoreJob, ScoreReply } from './protocol.ts';

/** Worker files run as built; under a TypeScript loader they run as written. */
export function workerFile(from: string, name: string): { filename: string; execArgv: string[] } {
  const asWritten = from.endsWith('.ts');
  return {
    filename: new URL(`./${name}${asWritten ? '.ts' : '.js'}`, from).href,
    execArgv: asWritten ? ['--import', 'tsx'] : [],
  };
}

/** Worker threads that run one function each call. A thread that dies fails every call under way. */
export class WorkerPool<Job, Reply> {
  readonly workers: number;
  readonly #pool: Piscina;
  /** Rejects when a thread dies outside a call, e.g. because its file cannot be loaded. */
  readonly #death: Promise<never>;

  /** @param from `import.meta.url` of the caller; `name`: its worker file without extension. */
  constructor(from: string, name: string, workers: number) {
    this.workers = workers;
    this.#pool = new Piscina({
      ...workerFile(from, name),
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    this.#death = new Promise((_, reject) => {
      this.#pool.on('error', reject);
    });
    // Nobody may be waiting when it happens; the next call is told.
    this.#death.catch(() => undefined);
  }

  run(job: Job): Promise<Reply> {
    return Promise.race([this.#pool.run(job) as Promise<Reply>, this.#death]);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** Worker threads that score plans; `close` it when done. */
export class RolloutPool {
  readonly #pool: WorkerPool<ScoreJob, ScoreReply>;

  constructor(workers: number) {
    this.#pool = new WorkerPool(import.meta.url, 'worker', workers);
  }

  /** Costs of the plans, in order. The twin must not change until the promise settles. */
  async score(
    twin: Twin,
    options: OracleOptions,
    plans: readonly (readonly Action[])[],
  ): Promise<CostVector[]> {
    const size = Math.ceil(plans.length / this.#pool.workers);
    const jobs: Promise<ScoreReply>[] = [];
    for (let start = 0; start < plans.length; start += size) {
      jobs.push(
        this.#pool.run({
          model: twin.model,
          state: twin.state.buffer,
          options,
          plans: plans.slice(start, start + size),
        }),
      );
    }
    const replies = await Promise.all(jobs);
    return replies.flatMap((reply) => readCostRows(reply));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
