/** One small differentiable expression for every operation, for comparing executors and gradients. */
import {
  type Feeds,
  type Model,
  type Ops,
  type Parameter,
  parameterCount,
  type Shape,
  type SymbolicTensor,
} from '../../../learner/runtime/index.ts';
import { RandomStream } from '../../../sim/index.ts';

/** An argument's shape and the range its numbers are drawn from. */
interface Argument {
  readonly shape: Shape;
  readonly low: number;
  readonly high: number;
}

export interface OperationCase {
  readonly name: string;
  readonly arguments: Readonly<Record<string, Argument>>;
  readonly feeds?: Feeds;
  readonly apply: <T extends SymbolicTensor>(ops: Ops<T>, argument: (name: string) => T) => T;
}

const real = (...shape: number[]): Argument => ({ shape, low: -2, high: 2 });
const positive = (...shape: number[]): Argument => ({ shape, low: 0.5, high: 3 });

/** Two legal of four, all legal, one legal. */
const mask = Float32Array.of(1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1);
const targets = Float32Array.of(0.25, 0, 0.75, 0, 0.1, 0.2, 0.3, 0.4, 0, 0, 0, 1);
const weight = Float32Array.of(1, 0.5, 2);

export const operationCases: readonly OperationCase[] = [
  {
    name: 'add of equal shapes',
    arguments: { a: real(3, 4), b: real(3, 4) },
    apply: (ops, of) => ops.add(of('a'), of('b')),
  },
  {
    name: 'add of a row',
    arguments: { a: real(2, 3, 4), b: real(4) },
    apply: (ops, of) => ops.add(of('a'), of('b')),
  },
  {
    name: 'sub broadcasting both ways',
    arguments: { a: real(2, 1, 3), b: real(4, 1) },
    apply: (ops, of) => ops.sub(of('a'), of('b')),
  },
  {
    name: 'mul by a column',
    arguments: { a: real(3, 4), b: real(3, 1) },
    apply: (ops, of) => ops.mul(of('a'), of('b')),
  },
  {
    name: 'mul by a scalar',
    arguments: { a: real(3, 4), b: real() },
    apply: (ops, of) => ops.mul(of('a'), of('b')),
  },
  {
    name: 'mul of a tensor with itself',
    arguments: { a: real(3, 4) },
    apply: (ops, of) => ops.mul(of('a'), of('a')),
  },
  {
    name: 'div by a row',
    arguments: { a: real(3, 4), b: positive(1, 4) },
    apply: (ops, of) => ops.div(of('a'), of('b')),
  },
  { name: 'scale', arguments: { a: real(5) }, apply: (ops, of) => ops.scale(of('a'), -1.5) },
  { name: 'shift', arguments: { a: real(5) }, apply: (ops, of) => ops.shift(of('a'), 0.5) },
  { name: 'relu', arguments: { a: real(4, 5) }, apply: (ops, of) => ops.relu(of('a')) },
  { name: 'tanh', arguments: { a: real(4, 5) }, apply: (ops, of) => ops.tanh(of('a')) },
  { name: 'sigmoid', arguments: { a: real(4, 5) }, apply: (ops, of) => ops.sigmoid(of('a')) },
  { name: 'exp', arguments: { a: real(4, 5) }, apply: (ops, of) => ops.exp(of('a')) },
  { name: 'log', arguments: { a: positive(4, 5) }, apply: (ops, of) => ops.log(of('a')) },
  { name: 'gelu', arguments: { a: real(4, 5) }, apply: (ops, of) => ops.gelu(of('a')) },
  { name: 'clip', arguments: { a: real(4, 5) }, apply: (ops, of) => ops.clip(of('a'), -1, 0.75) },
  {
    name: 'matmul',
    arguments: { a: real(3, 5), b: real(5, 4) },
    apply: (ops, of) => ops.matmul(of('a'), of('b')),
  },
  {
    name: 'matmul of rank 3 by a matrix',
    arguments: { a: real(2, 3, 5), b: real(5, 4) },
    apply: (ops, of) => ops.matmul(of('a'), of('b')),
  },
  {
    name: 'batchedMatmul',
    arguments: { a: real(2, 3, 5), b: real(2, 5, 4) },
    apply: (ops, of) => ops.batchedMatmul(of('a'), of('b')),
  },
  {
    name: 'reshape',
    arguments: { a: real(2, 6) },
    apply: (ops, of) => ops.reshape(of('a'), [3, 4]),
  },
  {
    name: 'transpose',
    arguments: { a: real(2, 3, 4, 5) },
    apply: (ops, of) => ops.transpose(of('a'), [2, 0, 3, 1]),
  },
  {
    name: 'concat',
    arguments: { a: real(3, 2), b: real(3, 1), c: real(3, 4) },
    apply: (ops, of) => ops.concat([of('a'), of('b'), of('c'), of('a')]),
  },
  {
    name: 'slice',
    arguments: { a: real(2, 3, 5) },
    apply: (ops, of) => ops.slice(of('a'), 1, 4),
  },
  {
    name: 'gatherRows with a repeated and an unused row',
    arguments: { a: real(4, 3) },
    feeds: { index: Int32Array.of(2, 0, 2, 1, 2) },
    apply: (ops, of) => ops.gatherRows(of('a'), ops.input('index', [5], 'int32')),
  },
  {
    name: 'segmentSum with an empty segment',
    arguments: { a: real(5, 3) },
    feeds: { index: Int32Array.of(3, 0, 3, 1, 3) },
    apply: (ops, of) => ops.segmentSum(of('a'), ops.input('index', [5], 'int32'), 4),
  },
  {
    name: 'sum over the first axis',
    arguments: { a: real(3, 4) },
    apply: (ops, of) => ops.sum(of('a'), 0),
  },
  {
    name: 'sum over a middle axis, kept',
    arguments: { a: real(2, 3, 4) },
    apply: (ops, of) => ops.sum(of('a'), 1, true),
  },
  {
    name: 'sum over everything',
    arguments: { a: real(2, 3) },
    apply: (ops, of) => ops.sum(of('a'), 'all'),
  },
  {
    name: 'mean over the last axis',
    arguments: { a: real(2, 3, 4) },
    apply: (ops, of) => ops.mean(of('a'), -1),
  },
  { name: 'softmax', arguments: { a: real(3, 4) }, apply: (ops, of) => ops.softmax(of('a')) },
  { name: 'logSoftmax', arguments: { a: real(3, 4) }, apply: (ops, of) => ops.logSoftmax(of('a')) },
  {
    name: 'layerNorm',
    arguments: { a: real(2, 3, 6), gain: real(6), bias: real(6) },
    apply: (ops, of) => ops.layerNorm(of('a'), of('gain'), of('bias')),
  },
  {
    name: 'maskedSoftmax',
    arguments: { a: real(3, 4) },
    feeds: { mask },
    apply: (ops, of) => ops.maskedSoftmax(of('a'), ops.input('mask', [3, 4])),
  },
  {
    name: 'maskedLogSoftmax',
    arguments: { a: real(3, 4) },
    feeds: { mask },
    apply: (ops, of) => ops.maskedLogSoftmax(of('a'), ops.input('mask', [3, 4])),
  },
  {
    name: 'crossEntropy',
    arguments: { a: real(3, 4) },
    feeds: { mask, targets },
    apply: (ops, of) =>
      ops.crossEntropy(of('a'), ops.input('targets', [3, 4]), ops.input('mask', [3, 4])),
  },
  {
    name: 'crossEntropy with weights',
    arguments: { a: real(3, 4) },
    feeds: { mask, targets, weight },
    apply: (ops, of) =>
      ops.crossEntropy(
        of('a'),
        ops.input('targets', [3, 4]),
        ops.input('mask', [3, 4]),
        ops.input('weight', [3]),
      ),
  },
  {
    name: 'huber on both branches, with weights',
    arguments: { a: real(3, 4), b: real(3, 4) },
    feeds: { weight },
    apply: (ops, of) => ops.huber(of('a'), of('b'), 0.8, ops.input('weight', [3, 1])),
  },
  {
    name: 'mse',
    arguments: { a: real(3, 4), b: real(3, 4) },
    apply: (ops, of) => ops.mse(of('a'), of('b')),
  },
  {
    name: 'a block of masked attention and a feed-forward layer',
    arguments: {
      x: real(6, 8),
      gain: real(8),
      bias: real(8),
      query: real(8, 8),
      key: real(8, 8),
      value: real(8, 8),
      wide: real(8, 12),
      narrow: real(12, 8),
    },
    // Two sequences of three tokens; the last token of the second one is padding.
    feeds: { legal: Float32Array.of(1, 1, 1, 1, 1, 0) },
    apply: attentionBlock,
  },
];

/** Two heads over [2 sequences, 3 tokens, 8 columns], pre-normalized, with a residual. */
function attentionBlock<T extends SymbolicTensor>(ops: Ops<T>, of: (name: string) => T): T {
  const heads = (a: T): T =>
    ops.reshape(ops.transpose(ops.reshape(a, [2, 3, 2, 4]), [0, 2, 1, 3]), [4, 3, 4]);
  const z = ops.layerNorm(of('x'), of('gain'), of('bias'));
  const [q, k, v] = ['query', 'key', 'value'].map((name) => heads(ops.matmul(z, of(name))));
  const scores = ops.scale(ops.batchedMatmul(q!, ops.transpose(k!, [0, 2, 1])), 0.1);
  const legal = ops.reshape(ops.input('legal', [2, 3]), [2, 1, 1, 3]);
  const attention = ops.maskedSoftmax(ops.reshape(scores, [2, 2, 3, 3]), legal);
  const mixed = ops.batchedMatmul(ops.reshape(attention, [4, 3, 3]), v!);
  const joined = ops.reshape(ops.transpose(ops.reshape(mixed, [2, 2, 3, 4]), [0, 2, 1, 3]), [6, 8]);
  const residual = ops.add(of('x'), joined);
  return ops.add(residual, ops.matmul(ops.gelu(ops.matmul(residual, of('wide'))), of('narrow')));
}

/** The case as a model: output `value`, and `loss`, a sum with uneven weights over it. */
export function modelOf(operation: OperationCase): Model {
  return (ops) => {
    const value = operation.apply(ops, (name) =>
      ops.parameter(name, operation.arguments[name]!.shape, 'zeros'),
    );
    const stream = new RandomStream(11, operation.name);
    const weights = Array.from({ length: parameterCount([value]) }, () => 0.5 + stream.float());
    const loss = ops.sum(ops.mul(value, ops.constant(weights, value.shape)), 'all');
    return { value, loss };
  };
}

/** The case's arguments, drawn from their ranges. */
export function argumentsOf(operation: OperationCase): Parameter[] {
  return Object.entries(operation.arguments).map(([name, { shape, low, high }]) => {
    const stream = new RandomStream(3, `${operation.name}/${name}`);
    const data = Float32Array.from(
      { length: parameterCount([{ shape }]) },
      () => low + (high - low) * stream.float(),
    );
    return { name, shape, data };
  });
}
