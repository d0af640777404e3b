/** Trains a policy from label shards: replay, epochs, checkpoint. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BackendName,
  defaultNetwork,
  defaultTraining,
  type EpochReport,
  type Example,
  encodePolicy,
  openBackend,
  replayEpisode,
  type TrainedNetwork,
  type TrainOptions,
  trainNetwork,
} from '../learner/index.ts';
import { decodeEpisode, type Episode } from '../oracle/index.ts';
import { inputError, modelFingerprint } from '../sim/index.ts';
import { type EpisodeSpec, loadEpisode, startTwin } from './episode.ts';
import { writeAtomically } from './files.ts';

export interface TrainJob {
  readonly shards: readonly string[];
  /** Episodes at the end of the list that only judge the epochs; 0: the last fifth of each. */
  readonly heldOut: number;
  readonly backend: BackendName;
  readonly seed: number;
  readonly checkpoint: string;
  readonly training?: Partial<Omit<TrainOptions, 'seed' | 'network'>>;
  readonly signal?: AbortSignal;
  readonly onReplay?: (done: number, total: number) => void;
  readonly onEpoch?: (report: EpochReport, epochs: number) => void;
}

export interface TrainOutcome {
  readonly trained: TrainedNetwork;
  readonly runtime: string;
  readonly trainDecisions: number;
  readonly heldOutDecisions: number;
  readonly trainedOn: string;
}

/** Shards in a directory, by name. @throws InputError when there are none. */
export function listShards(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw inputError(directory, 'a directory of labels', code);
  }
  const shards = names.filter((name) => name.endsWith('.jsonl')).sort();
  if (shards.length === 0) {
    throw inputError(directory, 'label shards (episode-*.jsonl)', `${names.length} other files`);
  }
  return shards.map((name) => join(directory, name));
}

/** Trains and writes the checkpoint of the best epoch. */
export async function trainPolicy(job: TrainJob): Promise<TrainOutcome> {
  const episodes = job.shards.map((path) => readShard(path));
  const examples = episodes.map(({ path, episode }, index) => {
    job.signal?.throwIfAborted();
    const replayed = replayShard(path, episode);
    job.onReplay?.(index + 1, episodes.length);
    return replayed;
  });
  const [train, held] = split(examples, job.heldOut);
  const backend = await openBackend(job.backend);
  const options: TrainOptions = {
    ...defaultTraining,
    ...job.training,
    network: defaultNetwork,
    seed: job.seed,
  };
  const trained = await trainNetwork(backend, train, held, options, (report) => {
    job.onEpoch?.(report, options.epochs);
    return job.signal?.aborted !== true;
  });
  const runtime = `${backend.runtime.name} ${backend.runtime.version}`;
  writeAtomically(job.checkpoint, encodePolicy(trained, runtime));
  return {
    trained,
    runtime,
    trainDecisions: train.length,
    heldOutDecisions: held.length,
    trainedOn: episodes
      .map(({ episode }) => `${episode.header.workload} seed ${episode.header.seed}`)
      .join(', '),
  };
}

function readShard(path: string): { path: string; episode: Episode } {
  const episode = decodeEpisode(readFileSync(path), path);
  if (episode === undefined || episode.demonstrations.length === 0) {
    throw inputError(path, 'labelled decisions', 'an empty shard; finish `wattwin label` first');
  }
  return { path, episode };
}

function replayShard(path: string, episode: Episode): Example[] {
  const options = episode.header.options as { readonly episode?: EpisodeSpec } | undefined;
  const spec = options?.episode;
  if (spec === undefined) throw inputError(`${path}:1`, 'a header with its episode', 'none');
  const loaded = loadEpisode(spec);
  const model = modelFingerprint(loaded.model);
  if (model !== episode.header.model) {
    throw inputError(`${path}:1`, `labels of model ${model}`, `model ${episode.header.model}`);
  }
  return [...replayEpisode(startTwin(spec, loaded), episode.demonstrations)];
}

/** Whole episodes are held out; where there are too few, the last fifth of each. */
function split(examples: readonly Example[][], heldOut: number): [Example[], Example[]] {
  if (heldOut > 0 && examples.length > heldOut) {
    const cut = examples.length - heldOut;
    return [examples.slice(0, cut).flat(), examples.slice(cut).flat()];
  }
  const cut = (episode: readonly Example[]): number =>
    Math.max(1, Math.floor(episode.length * 0.8));
  return [
    examples.flatMap((episode) => episode.slice(0, cut(episode))),
    examples.flatMap((episode) => episode.slice(cut(episode))),
  ];
}
