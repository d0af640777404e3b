/** Worker thread: one run of one policy on one episode. */
import { budgetOf, objectiveOf, runPolicy } from '../../sim/index.ts';
import { type EpisodeSpec, loadEpisode, startTwin } from '../episode.ts';
import { type Contestant, policyOf } from './contestant.ts';
import type { RunRecord } from './results.ts';

export interface RunJob {
  readonly episode: EpisodeSpec;
  readonly contestant: Contestant;
}

export function runJob({ episode, contestant }: RunJob): RunRecord {
  const loaded = loadEpisode(episode);
  const { scenario, untilMs } = loaded;
  const objective = objectiveOf(scenario);
  const decides = {
    decisionEveryMs: scenario.decisionEvery,
    budget: budgetOf(scenario),
    objective,
  };
  const result = runPolicy(startTwin(episode, loaded), policyOf(contestant, decides), {
    ...decides,
    untilMs,
    clock: () => performance.now(),
  });
  return {
    scenario: loaded.model.workload.name,
    policy: contestant.name,
    seed: episode.seed,
    objective: result.objective,
    cost: result.cost,
    summary: result.summary,
    decisionMs: [...result.decisionMs].sort((a, b) => a - b),
    series: result.series,
  };
}

// Piscina calls a worker file's default export.
// biome-ignore lint/style/noDefaultExport: required by the pool.
export default runJob;
