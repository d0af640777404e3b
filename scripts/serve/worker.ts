/** Worker thread of `wattwin serve`: answers one question at a time. */
import { Piscina } from 'piscina';
import { type ClusterFile, commandsOf, computeWith, forkSearch } from '../../deploy/index.ts';
import { livePolicy } from '../live/live-policy.ts';

/** What a worker is told when it starts. */
export interface ServeWorkerData {
  readonly cluster?: ClusterFile;
  /** Of the policy `learned`. */
  readonly checkpoint?: string;
}

const { cluster, checkpoint } = (Piscina.workerData ?? {}) as ServeWorkerData;

// Piscina calls a worker file's default export.
// biome-ignore lint/style/noDefaultExport: required by the pool.
export default computeWith({
  policyOf: (spec, decides) =>
    livePolicy(spec, spec === 'learned' ? checkpoint : undefined, decides, 'body.policy'),
  planner: forkSearch,
  commands: commandsOf(cluster),
  ...(cluster === undefined ? {} : { cluster }),
});
