/** The operations as ONNX nodes, each with its gradient noted on the tape. */
import type { BinaryKind, Kernels, UnaryKind } from './kernels.ts';
import type { OnnxTape, OnnxTensor, Pullback } from './onnx-tape.ts';
import { type OnnxGraph, onnxTypes } from './onnx-writer.ts';
import type { Shape } from './ops.ts';
import { lastOf } from './shapes.ts';

const binaryOperators = { add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div' } as const;

const unaryOperators = {
  relu: 'Relu',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  exp: 'Exp',
  log: 'Log',
} as const;

/**
 * Kernels that append to `graph`.
 *
 * @param parameterValue Gives the graph value of a parameter: a constant when predicting, part of
 *   the fed state when training.
 */
export function onnxKernels(
  graph: OnnxGraph,
  tape: OnnxTape,
  parameterValue: (name: string, shape: Shape) => string,
): Kernels<OnnxTensor> {
  return {
    input: (name, shape, type) => ({
      value: graph.input(`input/${name}`, shape, type),
      shape,
      trained: false,
    }),
    parameter: (name, shape) => ({ value: parameterValue(name, shape), shape, trained: true }),
    constant: (values, shape) => ({ value: graph.floats(values, shape), shape, trained: false }),
    ...elementwise(graph, tape),
    ...products(graph, tape),
    ...layout(graph, tape),
    ...rows(graph, tape),
    ...normalizations(graph, tape),
  };
}

function elementwise(
  graph: OnnxGraph,
  tape: OnnxTape,
): Pick<Kernels<OnnxTensor>, 'binary' | 'unary' | 'scale' | 'clip'> {
  const mul = (a: string, b: string): string => graph.node('Mul', [a, b]);
  const negate = (a: string): string => graph.node('Neg', [a]);

  /** Gradients before the sum over broadcast axes. */
  const binaryPulls = (
    kind: BinaryKind,
    a: string,
    b: string,
    y: string,
  ): [(g: string) => string, (g: string) => string] => {
    switch (kind) {
      case 'add':
        return [(g) => g, (g) => g];
      case 'sub':
        return [(g) => g, negate];
      case 'mul':
        return [(g) => mul(g, b), (g) => mul(g, a)];
      case 'div':
        // d(a/b)/db = −y / b.
        return [(g) => graph.node('Div', [g, b]), (g) => negate(graph.node('Div', [mul(g, y), b]))];
    }
  };

  /** The derivative times `g`, mostly from the output `y`, which exists anyway. */
  const pullUnary = (kind: UnaryKind, x: string, y: string, g: string): string => {
    const one = graph.scalar(1);
    switch (kind) {
      case 'relu':
        // The sign of max(x, 0) is 1 where x > 0, else 0.
        return mul(g, graph.node('Sign', [y]));
      case 'tanh':
        return mul(g, graph.node('Sub', [one, mul(y, y)]));
      case 'sigmoid':
        return mul(g, mul(y, graph.node('Sub', [one, y])));
      case 'exp':
        return mul(g, y);
      case 'log':
        return graph.node('Div', [g, x]);
    }
  };

  return {
    binary(kind, a, b, shape) {
      const y = graph.node(binaryOperators[kind], [a.value, b.value]);
      const [pullA, pullB] = binaryPulls(kind, a.value, b.value, y);
      return tape.record(y, shape, [
        [a, (g) => tape.unbroadcast(pullA(g), shape, a.shape)],
        [b, (g) => tape.unbroadcast(pullB(g), shape, b.shape)],
      ]);
    },
    unary(kind, a) {
      const y = graph.node(unaryOperators[kind], [a.value]);
      return tape.record(y, a.shape, [[a, (g) => pullUnary(kind, a.value, y, g)]]);
    },
    scale(a, factor) {
      const constant = graph.scalar(factor);
      return tape.record(mul(a.value, constant), a.shape, [[a, (g) => mul(g, constant)]]);
    },
    clip(a, low, high) {
      const y = graph.node('Clip', [a.value, graph.scalar(low), graph.scalar(high)]);
      const pull = (g: string): string => {
        const inside = graph.node('Equal', [a.value, y]);
        return mul(g, graph.node('Cast', [inside], { to: onnxTypes.float32 }));
      };
      return tape.record(y, a.shape, [[a, pull]]);
    },
  };
}

function products(graph: OnnxGraph, tape: OnnxTape): Pick<Kernels<OnnxTensor>, 'matmul'> {
  /** Gradients of y = a b are g bᵀ and aᵀ g; `Gemm` transposes without a copy. */
  const matrixPulls = (a: OnnxTensor, b: OnnxTensor): Pullback[] => [
    [a, (g) => graph.node('Gemm', [g, b.value], { transB: 1 })],
    [b, (g) => graph.node('Gemm', [a.value, g], { transA: 1 })],
  ];
  const swap = (value: string): string => graph.node('Transpose', [value], { perm: [0, 2, 1] });
  const batchPulls = (a: OnnxTensor, b: OnnxTensor): Pullback[] => [
    [a, (g) => graph.node('MatMul', [g, swap(b.value)])],
    [b, (g) => graph.node('MatMul', [swap(a.value), g])],
  ];
  return {
    matmul(a, b, shape) {
      const pullbacks = shape.length === 2 ? matrixPulls(a, b) : batchPulls(a, b);
      return tape.record(graph.node('MatMul', [a.value, b.value]), shape, pullbacks);
    },
  };
}

function layout(
  graph: OnnxGraph,
  tape: OnnxTape,
): Pick<Kernels<OnnxTensor>, 'reshape' | 'transpose' | 'concat' | 'slice'> {
  const reshape = (value: string, shape: Shape): string =>
    graph.node('Reshape', [value, graph.integers(shape)]);
  /** Columns `start … end − 1` of the last axis. */
  const columns = (value: string, start: number, end: number): string =>
    graph.node('Slice', [value, ...[start, end, -1].map((bound) => graph.integers([bound]))]);
  return {
    reshape: (a, shape) =>
      tape.record(reshape(a.value, shape), shape, [[a, (g) => reshape(g, a.shape)]]),
    transpose(a, permutation, shape) {
      const perm = [...permutation];
      const inverse = perm.map((_, axis) => perm.indexOf(axis));
      return tape.record(graph.node('Transpose', [a.value], { perm }), shape, [
        [a, (g) => graph.node('Transpose', [g], { perm: inverse })],
      ]);
    },
    concat(parts, shape) {
      const values = parts.map(({ value }) => value);
      let end = 0;
      const pullbacks = parts.map((part): Pullback => {
        const start = end;
        end += lastOf(part.shape);
        const stop = end;
        return [part, (g) => columns(g, start, stop)];
      });
      return tape.record(graph.node('Concat', values, { axis: -1 }), shape, pullbacks);
    },
    slice(a, start, shape) {
      const end = start + lastOf(shape);
      const before = a.shape.map((_, axis) => (axis === a.shape.length - 1 ? start : 0));
      const after = a.shape.map((_, axis) =>
        axis === a.shape.length - 1 ? lastOf(a.shape) - end : 0,
      );
      return tape.record(columns(a.value, start, end), shape, [
        [a, (g) => graph.node('Pad', [g, graph.integers([...before, ...after])])],
      ]);
    },
  };
}

function rows(
  graph: OnnxGraph,
  tape: OnnxTape,
): Pick<Kernels<OnnxTensor>, 'gatherRows' | 'segmentSum'> {
  const gather = (value: string, index: string): string =>
    graph.node('Gather', [value, index], { axis: 0 });
  /**
   * Sums rows into zeros of `shape`. With more than one thread the order of additions, and with it
   * the last bits, would be left to chance: sessions run on one thread.
   */
  const scatterAdd = (value: string, index: string, shape: Shape): string => {
    const wide = graph.node('Cast', [index], { to: onnxTypes.int64 });
    const column = graph.node('Unsqueeze', [wide, graph.integers([1])]);
    const zeros = graph.node('Expand', [graph.scalar(0), graph.integers(shape)]);
    return graph.node('ScatterND', [zeros, column, value], { reduction: 'add' });
  };
  return {
    gatherRows: (a, index, shape) =>
      tape.record(gather(a.value, index.value), shape, [
        [a, (g) => scatterAdd(g, index.value, a.shape)],
      ]),
    segmentSum: (a, index, shape) =>
      tape.record(scatterAdd(a.value, index.value, shape), shape, [
        [a, (g) => gather(g, index.value)],
      ]),
  };
}

function normalizations(
  graph: OnnxGraph,
  tape: OnnxTape,
): Pick<Kernels<OnnxTensor>, 'sum' | 'softmax' | 'logSoftmax' | 'layerNorm'> {
  const binary = (operator: 'Add' | 'Sub' | 'Mul', a: string, b: string): string =>
    graph.node(operator, [a, b]);
  /** Sum over the last axis, which stays with length 1. */
  const sumLast = (value: string): string =>
    graph.node('ReduceSum', [value, graph.integers([-1])], { keepdims: 1 });

  return {
    sum(a, axis, shape) {
      const y = graph.node('ReduceSum', [a.value, graph.integers([axis])], { keepdims: 0 });
      const pull = (g: string): string => {
        const kept = graph.node('Reshape', [g, graph.integers(a.shape.with(axis, 1))]);
        return graph.node('Expand', [kept, graph.integers(a.shape)]);
      };
      return tape.record(y, shape, [[a, pull]]);
    },
    softmax(a) {
      const y = graph.node('Softmax', [a.value], { axis: -1 });
      // y · (g − Σ g y).
      const pull = (g: string): string =>
        binary('Mul', y, binary('Sub', g, sumLast(binary('Mul', g, y))));
      return tape.record(y, a.shape, [[a, pull]]);
    },
    logSoftmax(a) {
      const y = graph.node('LogSoftmax', [a.value], { axis: -1 });
      // g − softmax · Σ g.
      const pull = (g: string): string =>
        binary('Sub', g, binary('Mul', graph.node('Exp', [y]), sumLast(g)));
      return tape.record(y, a.shape, [[a, pull]]);
    },
    layerNorm(a, gain, bias, epsilon) {
      const attributes = { axis: -1, epsilon: { float: epsilon } };
      const operands = [a.value, gain.value, bias.value];
      // The second and third result are the mean and 1 / √(variance + epsilon) of each row.
      const [y = '', mean = '', inverse = ''] = graph.nodes(
        'LayerNormalization',
        operands,
        3,
        attributes,
      );
      const width = lastOf(a.shape);
      const meanLast = (value: string): string =>
        binary('Mul', sumLast(value), graph.scalar(1 / width));
      const standardized = (): string => binary('Mul', binary('Sub', a.value, mean), inverse);
      const pullInput = (g: string): string => {
        // inverse · (h − mean(h) − x̂ · mean(h x̂)) with h = g · gain, x̂ the standardized input.
        const h = binary('Mul', g, gain.value);
        const x = standardized();
        const along = binary('Mul', x, meanLast(binary('Mul', h, x)));
        return binary('Mul', inverse, binary('Sub', binary('Sub', h, meanLast(h)), along));
      };
      return tape.record(y, a.shape, [
        [a, pullInput],
        [gain, (g) => tape.unbroadcast(binary('Mul', g, standardized()), a.shape, gain.shape)],
        [bias, (g) => tape.unbroadcast(g, a.shape, bias.shape)],
      ]);
    },
  };
}
