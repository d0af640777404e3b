/**
 * Checks the arguments of every primitive operation and infers the shape of its result, once for
 * all executors; the arithmetic is left to the executor's `Kernels`.
 */
import { assert } from '../../sim/index.ts';
import type { BinaryKind, Kernels, UnaryKind } from './kernels.ts';
import type { ElementType, Initial, PrimitiveOps, Shape, SymbolicTensor } from './ops.ts';
import {
  assertShape,
  broadcastShape,
  formatShape,
  lastOf,
  resolveAxis,
  sameShape,
  sizeOf,
} from './shapes.ts';

/** An input as declared by the model. */
export interface InputSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** A parameter as declared by the model. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initial: Initial;
}

/** What a model declared while it was traced, in order. */
export interface Declarations {
  readonly inputs: InputSpec[];
  readonly parameters: ParameterSpec[];
}

/** The primitive operations over `kernels`; declared names are appended to `declarations`. */
export function primitivesOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
  declarations: Declarations,
): PrimitiveOps<T> {
  return {
    ...leavesOf(kernels, declarations),
    ...elementwiseOf(kernels),
    ...productsOf(kernels),
    ...layoutOf(kernels),
    ...rowsOf(kernels),
    ...reductionsOf(kernels),
  };
}

function leavesOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
  { inputs, parameters }: Declarations,
): Pick<PrimitiveOps<T>, 'input' | 'parameter' | 'constant'> {
  const known = new Map<string, { readonly signature: string; readonly tensor: T }>();
  const declare = (key: string, signature: string, create: () => T): T => {
    const earlier = known.get(key);
    if (earlier !== undefined) {
      assert(
        earlier.signature === signature,
        () => `${key} declared as ${earlier.signature} and as ${signature}`,
      );
      return earlier.tensor;
    }
    const tensor = create();
    known.set(key, { signature, tensor });
    return tensor;
  };
  return {
    input(name, shape, type = 'float32') {
      assertShape(shape, `input ${name}`);
      return declare(`input ${name}`, `${type} ${formatShape(shape)}`, () => {
        inputs.push({ name, shape, type });
        return kernels.input(name, shape, type);
      });
    },
    parameter(name, shape, initial) {
      assertShape(shape, `parameter ${name}`);
      const signature = `${JSON.stringify(initial)} ${formatShape(shape)}`;
      return declare(`parameter ${name}`, signature, () => {
        parameters.push({ name, shape, initial });
        return kernels.parameter(name, shape);
      });
    },
    constant(values, shape) {
      assertShape(shape, 'constant');
      assert(
        values.length === sizeOf(shape),
        () => `constant: ${values.length} values for shape ${formatShape(shape)}`,
      );
      return kernels.constant(Float32Array.from(values), shape);
    },
  };
}

function elementwiseOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
): Pick<PrimitiveOps<T>, BinaryKind | UnaryKind | 'scale' | 'clip'> {
  const binary = (kind: BinaryKind) => (a: T, b: T) =>
    kernels.binary(kind, a, b, broadcastShape(kind, a.shape, b.shape));
  const unary = (kind: UnaryKind) => (a: T) => kernels.unary(kind, a);
  return {
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    div: binary('div'),
    relu: unary('relu'),
    tanh: unary('tanh'),
    sigmoid: unary('sigmoid'),
    exp: unary('exp'),
    log: unary('log'),
    scale(a, factor) {
      assert(Number.isFinite(factor), () => `scale: factor ${factor}`);
      return kernels.scale(a, factor);
    },
    clip(a, low, high) {
      assert(low <= high, () => `clip: low ${low} above high ${high}`);
      return kernels.clip(a, low, high);
    },
  };
}

function productsOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
): Pick<PrimitiveOps<T>, 'matmul' | 'batchedMatmul'> {
  return {
    matmul(a, b) {
      const [inner, columns] = b.shape;
      assert(
        a.shape.length >= 2 &&
          inner !== undefined &&
          columns !== undefined &&
          b.shape.length === 2 &&
          a.shape.at(-1) === inner,
        () => `matmul: ${formatShape(a.shape)} × ${formatShape(b.shape)}`,
      );
      if (a.shape.length === 2) return kernels.matmul(a, b, [a.shape[0] ?? 1, columns]);
      const rows = sizeOf(a.shape) / inner;
      const flat = kernels.matmul(kernels.reshape(a, [rows, inner]), b, [rows, columns]);
      return kernels.reshape(flat, [...a.shape.slice(0, -1), columns]);
    },
    batchedMatmul(a, b) {
      const [batch = 0, rows = 0, inner = 0] = a.shape;
      const [batchB, innerB, columns = 0] = b.shape;
      assert(
        a.shape.length === 3 && b.shape.length === 3 && batch === batchB && inner === innerB,
        () => `batchedMatmul: ${formatShape(a.shape)} × ${formatShape(b.shape)}`,
      );
      return kernels.matmul(a, b, [batch, rows, columns]);
    },
  };
}

function layoutOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
): Pick<PrimitiveOps<T>, 'reshape' | 'transpose' | 'concat' | 'slice'> {
  return {
    reshape(a, shape) {
      assertShape(shape, 'reshape');
      assert(
        sizeOf(a.shape) === sizeOf(shape),
        () => `reshape: ${formatShape(a.shape)} to ${formatShape(shape)}`,
      );
      return sameShape(a.shape, shape) ? a : kernels.reshape(a, shape);
    },
    transpose(a, permutation) {
      const rank = a.shape.length;
      assert(
        rank <= 4 && permutation.length === rank && new Set(permutation).size === rank,
        () => `transpose: permutation ${formatShape(permutation)} of ${formatShape(a.shape)}`,
      );
      const shape = permutation.map((axis) => a.shape[resolveAxis('transpose', a.shape, axis)]!);
      return kernels.transpose(a, permutation, shape);
    },
    concat(parts) {
      const first = parts[0];
      assert(first !== undefined, () => 'concat: no parts');
      const lead = first.shape.slice(0, -1);
      let width = 0;
      for (const { shape } of parts) {
        assert(
          sameShape(shape.slice(0, -1), lead),
          () => `concat: ${formatShape(shape)} beside ${formatShape(first.shape)}`,
        );
        width += lastOf(shape);
      }
      return parts.length === 1 ? first : kernels.concat(parts, [...lead, width]);
    },
    slice(a, start, end) {
      const width = lastOf(a.shape);
      assert(
        Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end,
        () => `slice: ${start} … ${end}`,
      );
      assert(end <= width, () => `slice: end ${end} beyond ${formatShape(a.shape)}`);
      return kernels.slice(a, start, [...a.shape.slice(0, -1), end - start]);
    },
  };
}

function rowsOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
): Pick<PrimitiveOps<T>, 'gatherRows' | 'segmentSum'> {
  return {
    gatherRows(a, index) {
      const [count] = index.shape;
      assert(
        a.shape.length >= 1 && index.shape.length === 1 && count !== undefined,
        () => `gatherRows: ${formatShape(a.shape)} by index ${formatShape(index.shape)}`,
      );
      return kernels.gatherRows(a, index, [count, ...a.shape.slice(1)]);
    },
    segmentSum(a, index, segments) {
      assert(
        index.shape.length === 1 && a.shape[0] === index.shape[0] && segments > 0,
        () => `segmentSum: ${formatShape(a.shape)} by ${formatShape(index.shape)} to ${segments}`,
      );
      return kernels.segmentSum(a, index, [segments, ...a.shape.slice(1)]);
    },
  };
}

function reductionsOf<T extends SymbolicTensor>(
  kernels: Kernels<T>,
): Pick<PrimitiveOps<T>, 'sum' | 'softmax' | 'logSoftmax' | 'layerNorm'> {
  return {
    sum(a, axis, keep = false) {
      if (axis === 'all') {
        const total = kernels.sum(kernels.reshape(a, [sizeOf(a.shape)]), 0, []);
        return keep
          ? kernels.reshape(
              total,
              a.shape.map(() => 1),
            )
          : total;
      }
      const resolved = resolveAxis('sum', a.shape, axis);
      const total = kernels.sum(a, resolved, a.shape.toSpliced(resolved, 1));
      return keep ? kernels.reshape(total, a.shape.with(resolved, 1)) : total;
    },
    softmax(a) {
      lastOf(a.shape);
      return kernels.softmax(a);
    },
    logSoftmax(a) {
      lastOf(a.shape);
      return kernels.logSoftmax(a);
    },
    layerNorm(a, gain, bias, epsilon = 1e-5) {
      const width = [lastOf(a.shape)];
      assert(
        sameShape(gain.shape, width) && sameShape(bias.shape, width) && epsilon > 0,
        () => `layerNorm: ${formatShape(a.shape)}, gain ${formatShape(gain.shape)}`,
      );
      return kernels.layerNorm(a, gain, bias, epsilon);
    },
  };
}
