/** The oracle's public names. */
export {
  type Demonstration,
  decodeEpisode,
  type Episode,
  type EpisodeHeader,
  encodeDemonstration,
  type LabelledPlan,
} from './demonstration.ts';
export { bruteForce, type ExactResult } from './exact.ts';
export { decisionCount, type LabelSpec, labelEpisode, type Scorer } from './label.ts';
export { defaultOracle, type OracleOptions, rolloutSpecOf, searchSpecOf } from './options.ts';
export { oraclePolicy } from './oracle-policy.ts';
export { RolloutPool, WorkerPool } from './pool.ts';
export { type RolloutSpec, rollout } from './rollout.ts';
export { defaultSearch, type ScoredPlan, type SearchSpec, searchHere } from './search.ts';
