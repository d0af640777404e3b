/** Policies × episodes in parallel; records come back in grid order whoever is faster. */
import { WorkerPool } from '../../oracle/index.ts';
import type { EpisodeSpec } from '../episode.ts';
import type { Contestant } from './contestant.ts';
import type { RunRecord } from './results.ts';
import type { RunJob } from './worker.ts';

export interface GridJob {
  readonly episodes: readonly EpisodeSpec[];
  readonly contestants: readonly Contestant[];
  readonly workers: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, note: string) => void;
}

/** How long a run takes, roughly: the long ones start first so that the workers end together. */
const weight: Readonly<Record<Contestant['type'], number>> = {
  oracle: 2,
  learned: 1,
  heuristic: 0,
};

export async function runGrid(job: GridJob): Promise<RunRecord[]> {
  const jobs: RunJob[] = job.episodes.flatMap((episode) =>
    job.contestants.map((contestant) => ({ episode, contestant })),
  );
  const order = jobs.map((_, index) => index);
  order.sort(
    (a, b) => weight[jobs[b]!.contestant.type] - weight[jobs[a]!.contestant.type] || a - b,
  );
  const pool = new WorkerPool<RunJob, RunRecord>(import.meta.url, 'worker', job.workers);
  const records = new Array<RunRecord>(jobs.length);
  let done = 0;
  try {
    await Promise.all(
      order.map(async (index) => {
        records[index] = await pool.run(jobs[index]!);
        job.signal?.throwIfAborted();
        const { contestant, episode } = jobs[index]!;
        job.onProgress?.(++done, jobs.length, `${contestant.name}, seed ${episode.seed}`);
      }),
    );
  } finally {
    await pool.close();
  }
  return records;
}
