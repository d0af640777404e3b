/** The learner's public names. */
export { packTables, shapeOf } from './batch.ts';
export { type Example, replayEpisode } from './dataset.ts';
export { type FeatureSpec, hostFeatures, vmFeatures } from './features.ts';
export { type NeuralPolicySpec, neuralPolicy } from './neural-policy.ts';
export { defaultNetwork, type NetworkConfig, scoringModel, trainingModel } from './plan-network.ts';
export { describePlans, type PlanTable } from './plan-table.ts';
export { decodePolicy, encodePolicy, type StoredPolicy } from './policy-checkpoint.ts';
export {
  type Backend,
  type BackendName,
  backendNames,
  openBackend,
  parameterCount,
} from './runtime/index.ts';
export {
  defaultTraining,
  type EpochReport,
  type TrainedNetwork,
  type TrainOptions,
  trainNetwork,
} from './train.ts';
