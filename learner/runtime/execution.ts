/** What executors offer: predictors, trainers and differentiators, with the values they take. */
import { assert } from '../../sim/index.ts';
import type { AdamConfig } from './adam.ts';
import type { Bucket, Model } from './ops.ts';
import type { Parameter } from './parameters.ts';
import type { InputSpec } from './primitives.ts';
import { formatShape, sizeOf } from './shapes.ts';

/** Values of inputs by name, row-major. Names the model does not declare are ignored. */
export type Feeds = Readonly<Record<string, Float32Array | Int32Array>>;

/** Values of outputs by name, row-major. */
export type Outputs = Readonly<Record<string, Float32Array>>;

/** Runs a model forward; fixed parameters. */
export interface Predictor {
  run(bucket: Bucket, feeds: Feeds): Promise<Outputs>;
  dispose(): Promise<void>;
}

/** A predictor that answers at once, for policies inside a simulation. */
export interface SyncPredictor {
  run(bucket: Bucket, feeds: Feeds): Outputs;
}

/** What one training step found, before the parameters moved. */
export interface TrainStep {
  readonly loss: number;
  /** Euclidean norm of the gradient over all parameters, before clipping. */
  readonly gradientNorm: number;
  /** The model's outputs, `loss` among them. */
  readonly outputs: Outputs;
}

/** Moves parameters down the gradient of `loss` with Adam. One step at a time. */
export interface Trainer {
  /** @param learningRate For this step; the configured one by default. */
  step(bucket: Bucket, feeds: Feeds, learningRate?: number): Promise<TrainStep>;
  /** A copy of the current parameters. */
  parameters(): Parameter[];
  /** Replaces the parameters and forgets Adam's moments and step count. */
  loadParameters(parameters: readonly Parameter[]): void;
  dispose(): Promise<void>;
}

/** The gradient of `loss` with respect to every parameter; 0 where the loss does not depend. */
export interface Differentiator {
  gradients(bucket: Bucket, feeds: Feeds): Promise<{ loss: number; gradients: Parameter[] }>;
  dispose(): Promise<void>;
}

/** Which library really computes. */
export interface RuntimeReport {
  /** Package name, e.g. `onnxruntime-node`. */
  readonly name: string;
  readonly version: string;
  /** Where the arithmetic runs, e.g. `cpu`. */
  readonly device: string;
}

/** An ML runtime behind the three ways to run a model. */
export interface Backend {
  readonly name: 'onnx' | 'tfjs';
  readonly runtime: RuntimeReport;
  createPredictor(model: Model, parameters: readonly Parameter[]): Predictor;
  createTrainer(
    model: Model,
    parameters: readonly Parameter[],
    config?: Partial<AdamConfig>,
  ): Trainer;
  createDifferentiator(model: Model, parameters: readonly Parameter[]): Differentiator;
}

/** The feed for one declared input, checked: present, of its type, of its length. */
export function feedFor(input: InputSpec, feeds: Feeds): Float32Array | Int32Array {
  const { name, shape, type } = input;
  const values = feeds[name];
  assert(values !== undefined, () => `no feed for input ${name}`);
  assert(
    (type === 'int32') === values instanceof Int32Array,
    () => `input ${name} takes ${type}, fed ${values.constructor.name}`,
  );
  assert(
    values.length === sizeOf(shape),
    () => `input ${name} of shape ${formatShape(shape)} fed ${values.length} numbers`,
  );
  return values;
}

/** The number in the output `loss`. */
export function lossValue({ loss }: Outputs): number {
  assert(loss?.length === 1, () => 'the output loss is not one number');
  return loss[0]!;
}
