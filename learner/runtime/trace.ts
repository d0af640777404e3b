/** Runs a model's definition once on an executor's kernels, or on shapes alone. */
import { assert } from '../../sim/index.ts';
import { compositesOf } from './composites.ts';
import type { Kernels } from './kernels.ts';
import type { Bucket, Model, Shape, SymbolicTensor } from './ops.ts';
import {
  type Declarations,
  type InputSpec,
  type ParameterSpec,
  primitivesOf,
} from './primitives.ts';
import { formatShape } from './shapes.ts';

/** A model as traced for one bucket. */
export interface Trace<T extends SymbolicTensor> {
  readonly inputs: readonly InputSpec[];
  readonly parameters: readonly ParameterSpec[];
  readonly outputs: Readonly<Record<string, T>>;
}

/** Calls the model with operations over `kernels`. */
export function traceModel<T extends SymbolicTensor>(
  model: Model,
  bucket: Bucket,
  kernels: Kernels<T>,
): Trace<T> {
  const declarations: Declarations = { inputs: [], parameters: [] };
  const primitives = primitivesOf(kernels, declarations);
  const outputs = model({ ...primitives, ...compositesOf(primitives) }, bucket);
  return { ...declarations, outputs };
}

/** Inputs, parameters and outputs of a model with their shapes; computes nothing. */
export function describeModel(model: Model, bucket: Bucket): Trace<SymbolicTensor> {
  return traceModel(model, bucket, shapeKernels);
}

/** Like `describeModel`, for a model that must have something to train: parameters and a loss. */
export function describeTraining(model: Model, bucket: Bucket): Trace<SymbolicTensor> {
  const trace = describeModel(model, bucket);
  lossOf(trace);
  assert(trace.parameters.length > 0, () => 'a model to train needs parameters');
  return trace;
}

/** The output `loss` of a traced model, which must be a scalar. */
export function lossOf<T extends SymbolicTensor>(trace: Trace<T>): T {
  const { loss } = trace.outputs;
  assert(loss !== undefined, () => 'a model to train needs an output named loss');
  assert(loss.shape.length === 0, () => `loss must be a scalar, got ${formatShape(loss.shape)}`);
  return loss;
}

const ofShape = (shape: Shape): SymbolicTensor => ({ shape });
const likeFirst = (a: SymbolicTensor): SymbolicTensor => ({ shape: a.shape });

const shapeKernels: Kernels<SymbolicTensor> = {
  input: (_name, shape) => ofShape(shape),
  parameter: (_name, shape) => ofShape(shape),
  constant: (_values, shape) => ofShape(shape),
  binary: (_kind, _a, _b, shape) => ofShape(shape),
  unary: (_kind, a) => likeFirst(a),
  scale: likeFirst,
  clip: likeFirst,
  matmul: (_a, _b, shape) => ofShape(shape),
  reshape: (_a, shape) => ofShape(shape),
  transpose: (_a, _permutation, shape) => ofShape(shape),
  concat: (_parts, shape) => ofShape(shape),
  slice: (_a, _start, shape) => ofShape(shape),
  gatherRows: (_a, _index, shape) => ofShape(shape),
  segmentSum: (_a, _index, shape) => ofShape(shape),
  sum: (_a, _axis, shape) => ofShape(shape),
  softmax: likeFirst,
  logSoftmax: likeFirst,
  layerNorm: likeFirst,
};
