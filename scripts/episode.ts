/** One episode: a scenario's text with a seed, made into a model. Small enough to send to a worker. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type ClusterModel,
  endOf,
  inputError,
  modelOf,
  parseScenario,
  type Scenario,
  Twin,
} from '../sim/index.ts';
import { facilityTracesOf } from './facility.ts';
import { withHostFiles } from './host-files.ts';
import { workloadOf } from './workload.ts';

/** Plain data; two equal episodes are the same run. */
export interface EpisodeSpec {
  /** The scenario, YAML. */
  readonly text: string;
  /** Name of its file, for messages. */
  readonly file: string;
  /** Where relative paths in it start. */
  readonly directory: string;
  readonly seed: number;
}

export interface LoadedEpisode {
  readonly scenario: Scenario;
  readonly model: ClusterModel;
  /** End of the run, ms. */
  readonly untilMs: number;
}

/** @throws InputError when the file, or a file of hosts that it names, cannot be read. */
export function readEpisode(path: string, seed?: number): EpisodeSpec {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw inputError(path, 'a readable scenario', (error as NodeJS.ErrnoException).code ?? 'error');
  }
  const directory = dirname(resolve(path));
  text = withHostFiles(text, directory);
  return { text, file: path, directory, seed: seed ?? parseScenario(text, path).seed };
}

/** @throws InputError with every problem of the scenario and its workload. */
export function loadEpisode(episode: EpisodeSpec): LoadedEpisode {
  const scenario = parseScenario(episode.text, episode.file);
  const workload = workloadOf(scenario, episode.directory, episode.file, episode.seed);
  const traces = facilityTracesOf(scenario, episode.directory, episode.file);
  return {
    scenario,
    model: modelOf(scenario, workload, episode.file, traces),
    untilMs: endOf(scenario, workload),
  };
}

/** The episode's twin at time 0. */
export function startTwin(episode: EpisodeSpec, loaded: LoadedEpisode): Twin {
  return Twin.create(loaded.model, episode.seed);
}
