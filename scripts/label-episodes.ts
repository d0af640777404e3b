/**
 * Labels episodes into shards, one append-only file each. A shard grows by whole lines; being
 * stopped at any moment loses at most the decision in work, and the next run goes on after it.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { decodePolicy, neuralPolicy } from '../learner/index.ts';
import {
  type Demonstration,
  decisionCount,
  decodeEpisode,
  type EpisodeHeader,
  encodeDemonstration,
  labelEpisode,
  type OracleOptions,
  RolloutPool,
} from '../oracle/index.ts';
import {
  budgetOf,
  fingerprint,
  inputError,
  modelFingerprint,
  objectiveOf,
  type Policy,
} from '../sim/index.ts';
import { type EpisodeSpec, loadEpisode, startTwin } from './episode.ts';
import { lockDirectory } from './lock.ts';

export interface LabelJob {
  readonly episodes: readonly EpisodeSpec[];
  readonly directory: string;
  readonly oracle: Pick<OracleOptions, 'horizonDecisions' | 'base' | 'search'>;
  readonly exploration: number;
  /** Lets a trained policy carry out its own plans at this share of the decisions. */
  readonly learner?: { readonly checkpoint: string; readonly share: number };
  readonly workers: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, note: string) => void;
}

/** Share of decisions that a trained policy carries out where it takes part. */
export const learnerShare = 0.7;

/** Path of an episode's shard. */
export function shardPath(directory: string, index: number, episode: EpisodeSpec): string {
  return join(directory, `episode-${String(index).padStart(3, '0')}-seed-${episode.seed}.jsonl`);
}

/**
 * Labels what is not labelled yet.
 *
 * @returns Paths of the shards, in the order of the episodes.
 * @throws InputError when a shard in the directory belongs to something else.
 */
export async function labelEpisodes(job: LabelJob): Promise<string[]> {
  mkdirSync(job.directory, { recursive: true });
  const unlock = lockDirectory(job.directory);
  const pool = new RolloutPool(job.workers);
  const paths: string[] = [];
  try {
    let before = 0;
    const counts = job.episodes.map((episode) => {
      const { scenario, untilMs } = loadEpisode(episode);
      return decisionCount(untilMs, scenario.decisionEvery);
    });
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (const [index, episode] of job.episodes.entries()) {
      const path = shardPath(job.directory, index, episode);
      const note = `episode ${index + 1} of ${job.episodes.length}`;
      await labelOne(job, episode, path, pool, (done) => {
        job.onProgress?.(before + done, total, note);
      });
      before += counts[index]!;
      paths.push(path);
    }
  } finally {
    await pool.close();
    unlock();
  }
  return paths;
}

async function labelOne(
  job: LabelJob,
  episode: EpisodeSpec,
  path: string,
  pool: RolloutPool,
  onDecision: (done: number) => void,
): Promise<void> {
  const loaded = loadEpisode(episode);
  const { scenario, model, untilMs } = loaded;
  const options: OracleOptions = {
    ...job.oracle,
    decisionEveryMs: scenario.decisionEvery,
    budget: budgetOf(scenario),
    objective: objectiveOf(scenario),
  };
  const decisions = decisionCount(untilMs, scenario.decisionEvery);
  const header: EpisodeHeader = {
    format: 'wattwin-demonstrations',
    version: 1,
    model: modelFingerprint(model),
    workload: model.workload.name,
    seed: episode.seed,
    decisions,
    options: { oracle: options, exploration: job.exploration, learner: learnerOf(job), episode },
  };
  const done = openShard(path, header);
  onDecision(done.length);
  if (done.length === decisions) return;
  const file = openSync(path, 'a');
  try {
    const twin = startTwin(episode, loaded);
    const scorer = (at: typeof twin, plans: Parameters<RolloutPool['score']>[2]) =>
      pool.score(at, options, plans);
    const { exploration } = job;
    const seed = episode.seed;
    const learner =
      job.learner === undefined
        ? {}
        : { learner: { policy: learnedPolicy(job.learner.checkpoint), share: job.learner.share } };
    const spec = { options, untilMs, seed, exploration, done, ...learner };
    for await (const demonstration of labelEpisode(twin, scorer, spec)) {
      writeSync(file, `${encodeDemonstration(demonstration)}\n`);
      onDecision(demonstration.decision + 1);
      if (demonstration.decision % 16 === 15) fsyncSync(file);
      job.signal?.throwIfAborted();
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The learner's part in a shard's header: which weights, so that a resumed shard has the same. */
function learnerOf({ learner }: LabelJob): object | null {
  if (learner === undefined) return null;
  return { share: learner.share, checkpoint: fingerprint([readFileSync(learner.checkpoint)]) };
}

function learnedPolicy(checkpoint: string): Policy {
  return neuralPolicy('learned', decodePolicy(readFileSync(checkpoint), checkpoint));
}

/** Decisions that a shard holds already; a new shard gets its header. */
function openShard(path: string, header: EpisodeHeader): readonly Demonstration[] {
  const episode = existsSync(path) ? decodeEpisode(readFileSync(path), path) : undefined;
  if (episode === undefined) {
    const file = openSync(path, 'w');
    try {
      writeSync(file, `${JSON.stringify(header)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return [];
  }
  const expected = JSON.stringify(header);
  const found = JSON.stringify(episode.header);
  if (found !== expected) {
    const what = (text: EpisodeHeader): string => `${text.workload}, model ${text.model}`;
    throw inputError(
      `${path}:1`,
      `labels of ${what(header)} with the same options`,
      `labels of ${what(episode.header)}; use another directory or remove this one`,
    );
  }
  if (episode.demonstrations.length > header.decisions) {
    throw inputError(
      path,
      `at most ${header.decisions} decisions`,
      `${episode.demonstrations.length}`,
    );
  }
  // A line cut off in the middle goes, so that the next one starts on a line of its own.
  truncateSync(path, episode.wholeBytes);
  return episode.demonstrations;
}
