/** Runs models on TensorFlow.js: its own differentiation, and Adam on flat arrays. */
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { assert } from '../../sim/index.ts';
import {
  type AdamConfig,
  type AdamState,
  adamDefaults,
  adamScalars,
  applyAdam,
  decayMask,
} from './adam.ts';
import {
  type Backend,
  type Differentiator,
  type Feeds,
  feedFor,
  lossValue,
  type Outputs,
  type Predictor,
  type Trainer,
  type TrainStep,
} from './execution.ts';
import type { Bucket, Model } from './ops.ts';
import {
  assertSameLayout,
  flattenParameters,
  matchParameters,
  type Parameter,
  unflattenParameters,
} from './parameters.ts';
import type { ParameterSpec } from './primitives.ts';
import { formatShape } from './shapes.ts';
import { tfjsKernels } from './tfjs-kernels.ts';
import { loadTfjs, type Tf } from './tfjs-library.ts';
import { describeModel, describeTraining, lossOf, type Trace, traceModel } from './trace.ts';

/** The TensorFlow.js backend, on the fastest package that works. */
export async function tfjsBackend(): Promise<Backend> {
  const { tf, runtime } = await loadTfjs();
  return {
    name: 'tfjs',
    runtime,
    createPredictor: (model, parameters) => new TfjsPredictor(tf, model, parameters),
    createTrainer: (model, parameters, config) =>
      new TfjsTrainer(tf, model, parameters, { ...adamDefaults, ...config }),
    createDifferentiator: (model, parameters) => new TfjsDifferentiator(tf, model, parameters),
  };
}

/** Runs the model on the given parameter tensors. */
function runModel(
  tf: Tf,
  model: Model,
  bucket: Bucket,
  feeds: Feeds,
  parameters: ReadonlyMap<string, Tensor>,
): Trace<Tensor> {
  const kernels = tfjsKernels(tf, {
    input: (name, shape, type) =>
      tf.tensor(feedFor({ name, shape, type }, feeds), [...shape], type),
    parameter(name) {
      const tensor = parameters.get(name);
      assert(tensor !== undefined, () => `no parameter ${name}`);
      return tensor;
    },
  });
  return traceModel(model, bucket, kernels);
}

function tensorsOf(tf: Tf, parameters: readonly Parameter[]): Map<string, Tensor> {
  return new Map(
    parameters.map(({ name, shape, data }) => [name, tf.tensor(data, [...shape], 'float32')]),
  );
}

function readOutputs(outputs: Readonly<Record<string, Tensor>>): Outputs {
  return Object.fromEntries(
    // A copy: the backend may hand out its own array.
    Object.entries(outputs).map(([name, tensor]) => [name, Float32Array.from(tensor.dataSync())]),
  );
}

/** Outputs, and the gradient of `loss` as one flat vector. */
function differentiate(
  tf: Tf,
  model: Model,
  bucket: Bucket,
  feeds: Feeds,
  parameters: readonly Parameter[],
): { readonly outputs: Outputs; readonly gradient: Float32Array } {
  return tf.tidy(() => {
    const tensors = tensorsOf(tf, parameters);
    let outputs: Outputs = {};
    const forward = (): Scalar => {
      const trace = runModel(tf, model, bucket, feeds, tensors);
      outputs = readOutputs(trace.outputs);
      return lossOf(trace) as Scalar;
    };
    // Through the engine, which leaves the gradient of an unused parameter undefined; the public
    // `grads` throws there.
    const { grads } = tf.engine().gradients(forward, [...tensors.values()], undefined, true);
    const gradients = parameters.map(({ name, shape, data }, index): Parameter => {
      const gradient: Tensor | null | undefined = grads[index];
      if (gradient === null || gradient === undefined) {
        return { name, shape, data: new Float32Array(data.length) };
      }
      const values = gradient.dataSync();
      assert(
        values.length === data.length && values instanceof Float32Array,
        () => `gradient of ${name} has shape ${formatShape(gradient.shape)}`,
      );
      return { name, shape, data: values };
    });
    return { outputs, gradient: flattenParameters(gradients) };
  });
}

class TfjsPredictor implements Predictor {
  readonly #tf: Tf;
  readonly #model: Model;
  readonly #parameters: readonly Parameter[];
  #tensors: Map<string, Tensor> | undefined;

  constructor(tf: Tf, model: Model, parameters: readonly Parameter[]) {
    this.#tf = tf;
    this.#model = model;
    this.#parameters = parameters;
  }

  async run(bucket: Bucket, feeds: Feeds): Promise<Outputs> {
    const { parameters: specs } = describeModel(this.#model, bucket);
    const matched = matchParameters(specs, this.#parameters);
    this.#tensors ??= tensorsOf(this.#tf, matched);
    const tensors = this.#tensors;
    return this.#tf.tidy(() =>
      readOutputs(runModel(this.#tf, this.#model, bucket, feeds, tensors).outputs),
    ) as Outputs;
  }

  async dispose(): Promise<void> {
    for (const tensor of this.#tensors?.values() ?? []) tensor.dispose();
    this.#tensors = undefined;
  }
}

class TfjsDifferentiator implements Differentiator {
  readonly #tf: Tf;
  readonly #model: Model;
  readonly #parameters: readonly Parameter[];

  constructor(tf: Tf, model: Model, parameters: readonly Parameter[]) {
    this.#tf = tf;
    this.#model = model;
    this.#parameters = parameters;
  }

  async gradients(bucket: Bucket, feeds: Feeds): Promise<{ loss: number; gradients: Parameter[] }> {
    const { parameters: specs } = describeTraining(this.#model, bucket);
    const matched = matchParameters(specs, this.#parameters);
    const { outputs, gradient } = differentiate(this.#tf, this.#model, bucket, feeds, matched);
    return { loss: lossValue(outputs), gradients: unflattenParameters(specs, gradient) };
  }

  /** Nothing is held between calls. */
  async dispose(): Promise<void> {}
}

class TfjsTrainer implements Trainer {
  readonly #tf: Tf;
  readonly #model: Model;
  readonly #config: AdamConfig;
  /** As given; superseded by the state once there is one. */
  #parameters: readonly Parameter[];
  #specs: readonly ParameterSpec[] | undefined;
  #state: AdamState | undefined;
  #step = 0;

  constructor(tf: Tf, model: Model, parameters: readonly Parameter[], config: AdamConfig) {
    this.#tf = tf;
    this.#model = model;
    this.#parameters = parameters;
    this.#config = config;
  }

  async step(bucket: Bucket, feeds: Feeds, learningRate?: number): Promise<TrainStep> {
    const { parameters: declared } = describeTraining(this.#model, bucket);
    const specs = this.#specs ?? declared;
    assertSameLayout(specs, declared);
    const state = this.#state ?? freshState(matchParameters(specs, this.#parameters));
    const parameters = unflattenParameters(specs, state.parameters);
    const found = differentiate(this.#tf, this.#model, bucket, feeds, parameters);
    const rate = learningRate ?? this.#config.learningRate;
    const gradientNorm = applyAdam(
      state,
      found.gradient,
      decayMask(specs),
      this.#config,
      adamScalars(this.#config, this.#step + 1, rate),
    );
    this.#specs = specs;
    this.#state = state;
    this.#step += 1;
    return { loss: lossValue(found.outputs), gradientNorm, outputs: found.outputs };
  }

  parameters(): Parameter[] {
    if (this.#state === undefined || this.#specs === undefined) {
      return this.#parameters.map(({ name, shape, data }) => ({ name, shape, data: data.slice() }));
    }
    return unflattenParameters(this.#specs, this.#state.parameters);
  }

  loadParameters(parameters: readonly Parameter[]): void {
    this.#parameters = parameters;
    this.#state = undefined;
    this.#step = 0;
  }

  /** Nothing is held between steps but arrays. */
  async dispose(): Promise<void> {}
}

function freshState(parameters: readonly Parameter[]): AdamState {
  const flat = flattenParameters(parameters);
  return {
    parameters: flat,
    firstMoment: new Float32Array(flat.length),
    secondMoment: new Float32Array(flat.length),
  };
}
