/** Every message that crosses between the label maker and its workers. */
import type { Action, ClusterModel } from '../sim/index.ts';
import type { OracleOptions } from './options.ts';

/** Score these plans on forks of this state. The state is shared memory and is only read. */
export interface ScoreJob {
  readonly model: ClusterModel;
  readonly state: SharedArrayBuffer;
  readonly options: OracleOptions;
  readonly plans: readonly (readonly Action[])[];
}

/** [plans × costColumns] One row per plan, in the order of the job's plans; see `cost-row.ts`. */
export type ScoreReply = Float64Array;
