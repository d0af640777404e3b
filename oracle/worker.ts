/** Worker thread: scores plans by rollouts. Keeps nothing between jobs. */
import { ClusterState, Twin } from '../sim/index.ts';
import { costColumns, writeCostRow } from './cost-row.ts';
import { rolloutSpecOf } from './options.ts';
import type { ScoreJob, ScoreReply } from './protocol.ts';
import { rollout } from './rollout.ts';

export function scorePlans(job: ScoreJob): ScoreReply {
  const parent = new Twin(job.model, new ClusterState(job.model, job.state));
  const scratch = parent.fork();
  const spec = rolloutSpecOf(job.options);
  const reply = new Float64Array(job.plans.length * costColumns);
  job.plans.forEach((actions, index) => {
    writeCostRow(reply, index, rollout(parent, scratch, actions, spec));
  });
  return reply;
}

// Piscina calls a worker file's default export.
// biome-ignore lint/style/noDefaultExport: required by the pool.
export default scorePlans;
