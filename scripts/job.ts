/**
 * The main job: label → train → label what the trained policy gets into → train again → evaluate →
 * report, each stage leaving its result on disk so that a stopped job goes on where it was.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendName, TrainedNetwork } from '../learner/index.ts';
import { defaultOracle } from '../oracle/index.ts';
import { fingerprint, objectiveOf } from '../sim/index.ts';
import { type EpisodeSpec, loadEpisode } from './episode.ts';
import type { Contestant } from './evaluate/contestant.ts';
import { runGrid } from './evaluate/grid.ts';
import type { Evaluation } from './evaluate/results.ts';
import { writeAtomically } from './files.ts';
import { labelEpisodes, learnerShare } from './label-episodes.ts';
import { measureGap } from './optimality-gap.ts';
import { startProgress } from './progress.ts';
import { writeReport } from './report/write.ts';
import { trainPolicy } from './train-policy.ts';

export interface Job {
  readonly title: string;
  readonly train: readonly EpisodeSpec[];
  /** Episodes in which the policy of the first training decides, labelled by the oracle (DAgger). */
  readonly retrain: readonly EpisodeSpec[];
  readonly test: readonly EpisodeSpec[];
  readonly testedOn: string;
  /** Episodes at the end of `train` that only judge the epochs; 0: the last fifth of each. */
  readonly heldOut: number;
  readonly heuristics: readonly Contestant[];
  readonly directory: string;
  readonly backend: BackendName;
  readonly workers: number;
  readonly seed: number;
  readonly epochs: number;
  readonly exploration: number;
  readonly png: boolean;
  readonly quiet: boolean;
  readonly signal: AbortSignal;
}

export interface JobResult {
  readonly evaluation: Evaluation;
  readonly report: string;
}

export async function runJob(job: Job): Promise<JobResult> {
  const first = await label(job, job.train, 'labels');
  const draft = join(job.directory, 'draft.ckpt');
  await train(job, 'train', first, draft);
  const second = await label(job, job.retrain, 'labels-own', draft);
  const checkpoint = join(job.directory, 'policy.ckpt');
  // Held-out episodes stand at the end: those of the first round judge both.
  const outcome = await train(job, 'retrain', [...second, ...first], checkpoint);
  const records = await evaluate(job, checkpoint);
  const gap = measureGap(20, job.seed);
  const { scenario, model } = loadEpisode(job.test[0]!);
  const evaluation: Evaluation = {
    format: 'wattwin-evaluation',
    version: 1,
    title: job.title,
    objective: objectiveOf(scenario),
    workload: model.workload.name,
    trainedOn: outcome.trainedOn,
    testedOn: job.testedOn,
    hosts: model.hosts,
    vms: model.vms,
    decisionEveryMs: scenario.decisionEvery,
    records,
    learning: {
      curve: outcome.trained.curve,
      bestFixed: outcome.trained.bestFixed,
    },
    optimalityGap: gap,
  };
  const written = await writeReport(evaluation, job.directory, { png: job.png });
  return { evaluation, report: written.html };
}

async function label(
  job: Job,
  episodes: readonly EpisodeSpec[],
  folder: string,
  checkpoint?: string,
): Promise<string[]> {
  const name = checkpoint === undefined ? 'label' : 'label own';
  const progress = startProgress(name, 1, job.quiet);
  try {
    return await labelEpisodes({
      episodes,
      directory: join(job.directory, folder),
      ...(checkpoint === undefined ? {} : { learner: { checkpoint, share: learnerShare } }),
      oracle: defaultOracle,
      exploration: job.exploration,
      workers: job.workers,
      signal: job.signal,
      onProgress: (done, total, note) => progress.update(done, note, total),
    });
  } finally {
    progress.stop();
  }
}

/** What the report needs to know of a training. */
interface TrainNotes {
  readonly trained: Pick<TrainedNetwork, 'curve' | 'bestFixed'>;
  readonly trainedOn: string;
}

/** What a checkpoint was made from; an unchanged key means there is nothing to train. */
function trainingKey(job: Job, shards: readonly string[]): string {
  const settings = JSON.stringify([job.seed, job.epochs, job.backend, job.heldOut]);
  return fingerprint([
    new TextEncoder().encode(settings),
    ...shards.map((path) => new Uint8Array(readFileSync(path))),
  ]);
}

async function train(
  job: Job,
  name: string,
  shards: readonly string[],
  checkpoint: string,
): Promise<TrainNotes> {
  const notes = `${checkpoint}.json`;
  const key = trainingKey(job, shards);
  if (existsSync(notes) && existsSync(checkpoint)) {
    const stored = JSON.parse(readFileSync(notes, 'utf8')) as {
      key: string;
      outcome: TrainNotes;
    };
    if (stored.key === key) return stored.outcome;
  }
  const progress = startProgress(name, job.epochs, job.quiet);
  try {
    const outcome = await trainPolicy({
      shards,
      heldOut: job.heldOut,
      backend: job.backend,
      seed: job.seed,
      checkpoint,
      training: { epochs: job.epochs },
      signal: job.signal,
      onReplay: (done, total) => progress.update(0, `replaying episode ${done} of ${total}`),
      onEpoch: ({ epoch, heldOutRegret }) =>
        progress.update(epoch + 1, `held-out regret ${heldOutRegret.toFixed(4)} kWh`),
    });
    job.signal.throwIfAborted();
    const { curve, bestFixed } = outcome.trained;
    const kept: TrainNotes = { trained: { curve, bestFixed }, trainedOn: outcome.trainedOn };
    writeAtomically(notes, JSON.stringify({ key, outcome: kept }));
    return kept;
  } finally {
    progress.stop();
  }
}

async function evaluate(job: Job, checkpoint: string): Promise<Evaluation['records']> {
  const contestants: Contestant[] = [
    { type: 'oracle', name: 'oracle' },
    { type: 'learned', name: 'learned', checkpoint },
    ...job.heuristics,
  ];
  const total = contestants.length * job.test.length;
  const progress = startProgress('evaluate', total, job.quiet);
  try {
    return await runGrid({
      episodes: job.test,
      contestants,
      workers: job.workers,
      signal: job.signal,
      onProgress: (done, of, note) => progress.update(done, note, of),
    });
  } finally {
    progress.stop();
  }
}
