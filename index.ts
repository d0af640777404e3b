/**
 * Wattwin in a dozen names: read a scenario and its workload, simulate, search, learn, decide. Each
 * part has more of its own: `wattwin/sim`, `wattwin/traces`, `wattwin/oracle`, `wattwin/learner`.
 */
export {
  neuralPolicy,
  type TrainedNetwork,
  type TrainOptions,
  trainNetwork,
} from './learner/index.ts';
export {
  type Demonstration,
  labelEpisode,
  type OracleOptions,
  oraclePolicy,
} from './oracle/index.ts';
export {
  type Action,
  type ClusterModel,
  type ClusterView,
  createPolicy,
  InputError,
  modelOf,
  type Objective,
  Plan,
  type Policy,
  parseScenario,
  type RunResult,
  type RunSummary,
  runPolicy,
  type Scenario,
  summarize,
  Twin,
  type Workload,
} from './sim/index.ts';
export { readWorkload, type WorkloadSpec } from './traces/index.ts';
