/**
 * Training as one ordinary inference graph: forward pass, gradient and Adam. Parameters and Adam's
 * moments are flat vectors, inputs and outputs of the graph; the trainer feeds the outputs of one
 * step into the next.
 */
import { type AdamConfig, decayMask } from './adam.ts';
import { onnxKernels } from './onnx-kernels.ts';
import { OnnxTape, type OnnxTensor } from './onnx-tape.ts';
import { OnnxGraph } from './onnx-writer.ts';
import type { Bucket, Model } from './ops.ts';
import { type Parameter, parameterCount } from './parameters.ts';
import type { InputSpec } from './primitives.ts';
import { sizeOf } from './shapes.ts';
import { describeTraining, lossOf, traceModel } from './trace.ts';

/** Names of a graph's inputs and outputs that are not the model's own. */
export const stateNames = {
  parameters: 'adam/parameters',
  firstMoment: 'adam/first-moment',
  secondMoment: 'adam/second-moment',
} as const;

/** Scalars fed at each step, see `AdamScalars`. */
export const scalarNames = {
  stepSize: 'adam/step-size',
  epsilon: 'adam/epsilon',
  decay: 'adam/decay',
} as const;

/** Outputs; the state's new values are called like the state with this suffix. */
export const nextSuffix = '/next';
export const gradientName = 'adam/gradient';
export const gradientNormName = 'adam/gradient-norm';

/** A graph ready for a session, and what it takes. */
export interface EncodedGraph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly string[];
}

/** Forward pass with the parameters as constants; outputs are called `output/<name>`. */
export function encodePrediction(
  model: Model,
  bucket: Bucket,
  parameters: readonly Parameter[],
): EncodedGraph {
  const graph = new OnnxGraph();
  const values = new Map(parameters.map(({ name, data }) => [name, data]));
  const kernels = onnxKernels(graph, new OnnxTape(graph), (name, shape) =>
    graph.floats(values.get(name) ?? new Float32Array(sizeOf(shape)), shape),
  );
  const trace = traceModel(model, bucket, kernels);
  emitOutputs(graph, trace.outputs);
  return { bytes: graph.encode(), inputs: trace.inputs, outputs: Object.keys(trace.outputs) };
}

/** Forward pass and gradient of `loss` as one flat vector; parameters are fed. */
export function encodeGradient(model: Model, bucket: Bucket): EncodedGraph {
  const { graph, gradient, count, encoded } = differentiate(model, bucket);
  graph.output(gradientName, gradient, [count]);
  return encoded();
}

/** Forward pass, gradient and one Adam step. */
export function encodeTraining(model: Model, bucket: Bucket, config: AdamConfig): EncodedGraph {
  const { graph, gradient, count, mask, encoded } = differentiate(model, bucket);
  const norm = graph.node('ReduceL2', [gradient], { keepdims: 0 });
  graph.output(gradientNormName, norm, []);
  emitAdam(graph, shorten(graph, gradient, norm, config.gradientNormMax), count, mask, config);
  return encoded();
}

/** The gradient with its norm limited to `normMax`, if that is positive. */
function shorten(graph: OnnxGraph, gradient: string, norm: string, normMax: number): string {
  if (normMax === 0) return gradient;
  const limit = graph.scalar(normMax);
  const factor = graph.node('Div', [limit, graph.node('Max', [norm, limit])]);
  return graph.node('Mul', [gradient, factor]);
}

/** The same arithmetic as `applyAdam`. */
function emitAdam(
  graph: OnnxGraph,
  gradient: string,
  count: number,
  mask: Float32Array,
  config: AdamConfig,
): void {
  const op = (operator: string, a: string, b: string): string => graph.node(operator, [a, b]);
  const { beta1, beta2, weightDecay } = config;
  const state = (name: string): string => graph.input(name, [count], 'float32');
  const scalar = (name: string): string => graph.input(name, [], 'float32');
  const blend = (old: string, beta: number, fresh: string): string =>
    op('Add', op('Mul', old, graph.scalar(beta)), op('Mul', fresh, graph.scalar(1 - beta)));

  const first = blend(state(stateNames.firstMoment), beta1, gradient);
  const second = blend(state(stateNames.secondMoment), beta2, op('Mul', gradient, gradient));
  const spread = op('Add', graph.node('Sqrt', [second]), scalar(scalarNames.epsilon));
  const descent = op('Div', op('Mul', first, scalar(scalarNames.stepSize)), spread);
  let next = op('Sub', stateNames.parameters, descent);
  if (weightDecay > 0) {
    const decay = op('Mul', graph.floats(mask, [count]), scalar(scalarNames.decay));
    next = op('Sub', next, op('Mul', stateNames.parameters, decay));
  }
  graph.output(stateNames.parameters + nextSuffix, next, [count]);
  graph.output(stateNames.firstMoment + nextSuffix, first, [count]);
  graph.output(stateNames.secondMoment + nextSuffix, second, [count]);
}

interface Differentiated {
  readonly graph: OnnxGraph;
  /** The flat gradient, `[count]`. */
  readonly gradient: string;
  readonly count: number;
  readonly mask: Float32Array;
  readonly encoded: () => EncodedGraph;
}

/** Emits the forward pass with fed parameters, and the flat gradient of its loss. */
function differentiate(model: Model, bucket: Bucket): Differentiated {
  const specs = describeTraining(model, bucket).parameters;
  const count = parameterCount(specs);
  const graph = new OnnxGraph();
  const tape = new OnnxTape(graph);

  // One node cuts the flat vector into the parameters.
  const flat = graph.input(stateNames.parameters, [count], 'float32');
  const sizes = specs.map(({ shape }) => sizeOf(shape));
  const pieces = graph.nodes('Split', [flat, graph.integers(sizes)], specs.length, { axis: 0 });
  const pieceOf = new Map(specs.map(({ name }, index) => [name, pieces[index] ?? '']));

  const leaves: OnnxTensor[] = [];
  const kernels = onnxKernels(graph, tape, (name, shape) =>
    graph.node('Reshape', [pieceOf.get(name) ?? '', graph.integers(shape)]),
  );
  const trace = traceModel(model, bucket, {
    ...kernels,
    parameter(name, shape) {
      const leaf = kernels.parameter(name, shape);
      leaves.push(leaf);
      return leaf;
    },
  });
  emitOutputs(graph, trace.outputs);

  const parts = tape.gradients(lossOf(trace), leaves).map((gradient, index) => {
    const size = [sizes[index] ?? 0];
    return gradient === undefined
      ? graph.node('Expand', [graph.scalar(0), graph.integers(size)])
      : graph.node('Reshape', [gradient, graph.integers(size)]);
  });
  return {
    graph,
    gradient: graph.node('Concat', parts, { axis: 0 }),
    count,
    mask: decayMask(specs),
    encoded: () => ({
      bytes: graph.encode(),
      inputs: trace.inputs,
      outputs: Object.keys(trace.outputs),
    }),
  };
}

function emitOutputs(graph: OnnxGraph, outputs: Readonly<Record<string, OnnxTensor>>): void {
  for (const [name, tensor] of Object.entries(outputs)) {
    graph.output(`output/${name}`, tensor.value, tensor.shape);
  }
}
