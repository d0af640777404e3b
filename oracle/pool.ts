/**
 * The worker pool: plans of one decision are cut into one stretch per worker, all against the same
 * shared snapshot, and put together by position. The result does not depend on the number of
 * workers or on who is faster.
 */
import { Piscina } from 'piscina';
import type { Action, CostVector, Twin } from '../sim/index.ts';
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

export class RolloutPool {
  readonly #pool: Piscina;
  readonly #workers: number;
  #failure: Error | undefined;

  constructor(workers: number) {
    this.#workers = workers;
    this.#pool = new Piscina({
      ...workerFile(import.meta.url, 'worker'),
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    // An 'error' event without a listener would end the process; the job's promise also rejects.
    this.#pool.on('error', (error: Error) => {
      this.#failure ??= error;
    });
  }

  /** Costs of the plans, in order. The twin must not change until the promise settles. */
  async score(
    twin: Twin,
    options: OracleOptions,
    plans: readonly (readonly Action[])[],
  ): Promise<CostVector[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const size = Math.ceil(plans.length / this.#workers);
    const jobs: Promise<ScoreReply>[] = [];
    for (let start = 0; start < plans.length; start += size) {
      const job: ScoreJob = {
        model: twin.model,
        state: twin.state.buffer,
        options,
        plans: plans.slice(start, start + size),
      };
      jobs.push(this.#pool.run(job) as Promise<ScoreReply>);
    }
    const replies = await Promise.all(jobs);
    return replies.flatMap((reply) => costsOf(reply));
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

function costsOf(reply: ScoreReply): CostVector[] {
  return Array.from({ length: reply.length / 3 }, (_, index) => ({
    energyKwh: reply[index * 3]!,
    lostVcpuHours: reply[index * 3 + 1]!,
    migrations: reply[index * 3 + 2]!,
  }));
}
