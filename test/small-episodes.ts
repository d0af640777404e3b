/**
 * Small scenarios for what needs whole episodes: four hosts of two kinds, eight VMs, some of which
 * come and go, six decisions. Labelling one takes a fraction of a second.
 */

import {
  type Demonstration,
  defaultOracle,
  labelEpisode,
  type OracleOptions,
  rollout,
  rolloutSpecOf,
} from '../oracle/index.ts';
import type { EpisodeSpec } from '../scripts/episode.ts';
import { loadEpisode, startTwin } from '../scripts/episode.ts';
import type { LabelJob } from '../scripts/label-episodes.ts';
import { budgetOf, objectiveOf, type Twin } from '../sim/index.ts';

/** The scenario; `rows` decisions, `extra` lines at the end. */
export function smallScenario(rows = 6, extra = ''): string {
  return `name: small
hosts:
  - { model: grid5000-stremi, count: 3, cores: 6, memory: 24 GiB, boot: { time: 60 s, power: 200 W } }
  - { model: ibm-x3550-m3-x5670, count: 1, cores: 4, memory: 24 GiB }
workload:
  type: synthetic
  vms: 8
  steps: ${rows}
  churn: 0.25
  sizes:
    - { vcpus: 1, speed: 1700 MIPS, memory: 1 GiB }
    - { vcpus: 2, speed: 1700 MIPS, memory: 2 GiB }
${extra}`;
}

export function smallEpisode(seed = 1, text = smallScenario()): EpisodeSpec {
  return { text, file: 'small.yaml', directory: '/', seed };
}

/** Few plans and a short look ahead. */
export const smallOracle: LabelJob['oracle'] = {
  ...defaultOracle,
  horizonDecisions: 3,
  search: { finalists: 2, mutationRounds: 1, mutationsMax: 3 },
};

/** The episode's twin at time 0, and how its oracle is asked. */
export function smallOracleOn(episode: EpisodeSpec): {
  readonly twin: Twin;
  readonly options: OracleOptions;
  readonly untilMs: number;
} {
  const loaded = loadEpisode(episode);
  const { scenario, untilMs } = loaded;
  const options: OracleOptions = {
    ...smallOracle,
    decisionEveryMs: scenario.decisionEvery,
    budget: budgetOf(scenario),
    objective: objectiveOf(scenario),
  };
  return { twin: startTwin(episode, loaded), options, untilMs };
}

/** All decisions of the episode, labelled on this thread. */
export async function labelHere(episode: EpisodeSpec, exploration = 0.3): Promise<Demonstration[]> {
  const { twin, options, untilMs } = smallOracleOn(episode);
  const spec = rolloutSpecOf(options);
  const scratch = twin.fork();
  const demonstrations: Demonstration[] = [];
  const episodeSpec = { options, untilMs, seed: episode.seed, exploration, done: [] };
  for await (const demonstration of labelEpisode(
    twin,
    (at, plans) => Promise.resolve(plans.map((actions) => rollout(at, scratch, actions, spec))),
    episodeSpec,
  )) {
    demonstrations.push(demonstration);
  }
  return demonstrations;
}
