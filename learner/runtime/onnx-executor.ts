/** Runs models on ONNX Runtime: one session per bucket, one thread, repeatable to the bit. */
import * as ort from 'onnxruntime-node';
import { assert } from '../../sim/index.ts';
import { type AdamConfig, adamDefaults, adamScalars } from './adam.ts';
import { BucketCache } from './bucket-cache.ts';
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
import {
  type EncodedGraph,
  encodeGradient,
  encodePrediction,
  encodeTraining,
  gradientName,
  gradientNormName,
  nextSuffix,
  scalarNames,
  stateNames,
} from './onnx-training.ts';
import type { Bucket, Model } from './ops.ts';
import {
  assertSameLayout,
  flattenParameters,
  matchParameters,
  type Parameter,
  unflattenParameters,
} from './parameters.ts';
import type { InputSpec, ParameterSpec } from './primitives.ts';
import { describeModel, describeTraining } from './trace.ts';

/** Sessions kept per model; each holds its graph and scratch memory. */
const sessionsMax = 8;

/**
 * One thread: on busy cores a second one made steps slower, and sums over segments would no longer
 * be repeatable. Spinning would burn a core between runs. Warnings are silenced, errors are thrown.
 */
const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionMode: 'sequential',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
};

type Values = Readonly<Record<string, ort.Tensor>>;

interface OpenSession {
  readonly session: ort.InferenceSession;
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly string[];
}

/** The ONNX backend. */
export function onnxBackend(): Backend {
  return {
    name: 'onnx',
    runtime: {
      name: 'onnxruntime-node',
      version: ort.env.versions.node ?? 'unknown',
      device: 'cpu',
    },
    createPredictor: (model, parameters) => new OnnxPredictor(model, parameters),
    createTrainer: (model, parameters, config) =>
      new OnnxTrainer(model, parameters, { ...adamDefaults, ...config }),
    createDifferentiator: (model, parameters) => new OnnxDifferentiator(model, parameters),
  };
}

/** Sessions by bucket. */
class Sessions {
  readonly #encode: (bucket: Bucket) => EncodedGraph;
  readonly #open = new BucketCache<Promise<OpenSession>>(sessionsMax, (opening) => {
    this.#closing.push(opening.then(({ session }) => session.release()));
  });
  readonly #closing: Promise<void>[] = [];

  constructor(encode: (bucket: Bucket) => EncodedGraph) {
    this.#encode = encode;
  }

  async run(
    bucket: Bucket,
    feeds: Feeds,
    state: Values = {},
  ): Promise<{ readonly values: Values; readonly outputs: Outputs }> {
    const { session, inputs, outputs } = await this.#open.get(bucket, () => this.#create(bucket));
    const values: Record<string, ort.Tensor> = { ...state };
    for (const input of inputs) {
      const data = feedFor(input, feeds);
      values[`input/${input.name}`] = new ort.Tensor(input.type, data, input.shape);
    }
    const results = await session.run(values);
    return {
      values: results as Values,
      outputs: Object.fromEntries(
        outputs.map((name) => [name, floatsOf(results[`output/${name}`])]),
      ),
    };
  }

  async dispose(): Promise<void> {
    this.#open.clear();
    await Promise.all(this.#closing);
  }

  async #create(bucket: Bucket): Promise<OpenSession> {
    const { bytes, inputs, outputs } = this.#encode(bucket);
    const session = await ort.InferenceSession.create(bytes, sessionOptions);
    return { session, inputs, outputs };
  }
}

class OnnxPredictor implements Predictor {
  readonly #sessions: Sessions;

  constructor(model: Model, parameters: readonly Parameter[]) {
    this.#sessions = new Sessions((bucket) => {
      const { parameters: specs } = describeModel(model, bucket);
      return encodePrediction(model, bucket, matchParameters(specs, parameters));
    });
  }

  async run(bucket: Bucket, feeds: Feeds): Promise<Outputs> {
    return (await this.#sessions.run(bucket, feeds)).outputs;
  }

  dispose(): Promise<void> {
    return this.#sessions.dispose();
  }
}

class OnnxDifferentiator implements Differentiator {
  readonly #model: Model;
  readonly #parameters: readonly Parameter[];
  readonly #sessions: Sessions;

  constructor(model: Model, parameters: readonly Parameter[]) {
    this.#model = model;
    this.#parameters = parameters;
    this.#sessions = new Sessions((bucket) => encodeGradient(model, bucket));
  }

  async gradients(bucket: Bucket, feeds: Feeds): Promise<{ loss: number; gradients: Parameter[] }> {
    const { parameters: specs } = describeTraining(this.#model, bucket);
    const flat = flattenParameters(matchParameters(specs, this.#parameters));
    const state = { [stateNames.parameters]: vector(flat) };
    const { values, outputs } = await this.#sessions.run(bucket, feeds, state);
    return {
      loss: lossValue(outputs),
      gradients: unflattenParameters(specs, floatsOf(values[gradientName])),
    };
  }

  dispose(): Promise<void> {
    return this.#sessions.dispose();
  }
}

/** Fed back from step to step. */
interface State {
  readonly parameters: ort.Tensor;
  readonly firstMoment: ort.Tensor;
  readonly secondMoment: ort.Tensor;
}

class OnnxTrainer implements Trainer {
  readonly #config: AdamConfig;
  readonly #sessions: Sessions;
  readonly #model: Model;
  /** As given; superseded by the state once there is one. */
  #parameters: readonly Parameter[];
  /** Layout of the state, from the first bucket. */
  #specs: readonly ParameterSpec[] | undefined;
  #state: State | undefined;
  #step = 0;
  #busy = false;

  constructor(model: Model, parameters: readonly Parameter[], config: AdamConfig) {
    this.#model = model;
    this.#parameters = parameters;
    this.#config = config;
    this.#sessions = new Sessions((bucket) => {
      assertSameLayout(this.#specs ?? [], describeTraining(model, bucket).parameters);
      return encodeTraining(model, bucket, config);
    });
  }

  async step(bucket: Bucket, feeds: Feeds, learningRate?: number): Promise<TrainStep> {
    assert(!this.#busy, () => 'a training step is still running: await it before the next');
    this.#busy = true;
    try {
      return await this.#run(bucket, feeds, learningRate ?? this.#config.learningRate);
    } finally {
      this.#busy = false;
    }
  }

  parameters(): Parameter[] {
    if (this.#state === undefined || this.#specs === undefined) {
      return this.#parameters.map(({ name, shape, data }) => ({ name, shape, data: data.slice() }));
    }
    return unflattenParameters(this.#specs, floatsOf(this.#state.parameters));
  }

  loadParameters(parameters: readonly Parameter[]): void {
    assert(!this.#busy, () => 'a training step is still running: await it before loading');
    this.#parameters = parameters;
    this.#state = undefined;
    this.#step = 0;
  }

  dispose(): Promise<void> {
    return this.#sessions.dispose();
  }

  async #run(bucket: Bucket, feeds: Feeds, learningRate: number): Promise<TrainStep> {
    const state = this.#stateFor(bucket);
    const scalars = adamScalars(this.#config, this.#step + 1, learningRate);
    const { values, outputs } = await this.#sessions.run(bucket, feeds, {
      [stateNames.parameters]: state.parameters,
      [stateNames.firstMoment]: state.firstMoment,
      [stateNames.secondMoment]: state.secondMoment,
      [scalarNames.stepSize]: scalar(scalars.stepSize),
      [scalarNames.epsilon]: scalar(scalars.epsilon),
      ...(this.#config.weightDecay > 0 ? { [scalarNames.decay]: scalar(scalars.decay) } : {}),
    });
    this.#state = {
      parameters: resultOf(values, stateNames.parameters),
      firstMoment: resultOf(values, stateNames.firstMoment),
      secondMoment: resultOf(values, stateNames.secondMoment),
    };
    this.#step += 1;
    return {
      loss: lossValue(outputs),
      gradientNorm: floatsOf(values[gradientNormName])[0] ?? Number.NaN,
      outputs,
    };
  }

  #stateFor(bucket: Bucket): State {
    if (this.#state !== undefined) return this.#state;
    this.#specs = describeTraining(this.#model, bucket).parameters;
    const flat = flattenParameters(matchParameters(this.#specs, this.#parameters));
    return {
      parameters: vector(flat),
      firstMoment: vector(new Float32Array(flat.length)),
      secondMoment: vector(new Float32Array(flat.length)),
    };
  }
}

function resultOf(values: Values, name: string): ort.Tensor {
  const result = values[name + nextSuffix];
  assert(result !== undefined, () => `no value for ${name}`);
  return result;
}

function vector(data: Float32Array): ort.Tensor {
  return new ort.Tensor('float32', data, [data.length]);
}

function scalar(value: number): ort.Tensor {
  return new ort.Tensor('float32', Float32Array.of(value), []);
}

function floatsOf(tensor: ort.OnnxValue | undefined): Float32Array {
  assert(tensor?.data instanceof Float32Array, () => 'not a float32 tensor');
  return tensor.data;
}
