/** Public names of the ML runtime. */
export { type AdamConfig, adamDefaults } from './adam.ts';
export { type BackendName, backendNames, openBackend } from './backend.ts';
export {
  type Checkpoint,
  checkpointVersion,
  decodeCheckpoint,
  encodeCheckpoint,
  type FeatureColumn,
  type JsonValue,
} from './checkpoint.ts';
export type {
  Backend,
  Differentiator,
  Feeds,
  Outputs,
  Predictor,
  RuntimeReport,
  SyncPredictor,
  Trainer,
  TrainStep,
} from './execution.ts';
export { initializeParameters } from './initialize.ts';
export type {
  Bucket,
  ElementType,
  Initial,
  Model,
  Ops,
  Shape,
  SymbolicTensor,
} from './ops.ts';
export { matchParameters, type Parameter, parameterCount } from './parameters.ts';
export { createPlainPredictor } from './plain-executor.ts';
export type { InputSpec, ParameterSpec } from './primitives.ts';
export { describeModel, type Trace } from './trace.ts';
