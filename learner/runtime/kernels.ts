/**
 * What an executor implements. Arguments have been checked and the shape of the result is known
 * (`primitives.ts`), so a kernel only does or emits the arithmetic.
 */
import type { ElementType, Shape, SymbolicTensor } from './ops.ts';

export type BinaryKind = 'add' | 'sub' | 'mul' | 'div';
export type UnaryKind = 'relu' | 'tanh' | 'sigmoid' | 'exp' | 'log';

/** One executor's arithmetic. `shape` is always the shape of the result. */
export interface Kernels<T extends SymbolicTensor> {
  input(name: string, shape: Shape, type: ElementType): T;
  parameter(name: string, shape: Shape): T;
  constant(values: Float32Array, shape: Shape): T;
  /** Broadcasting. */
  binary(kind: BinaryKind, a: T, b: T, shape: Shape): T;
  unary(kind: UnaryKind, a: T): T;
  scale(a: T, factor: number): T;
  clip(a: T, low: number, high: number): T;
  /** Two matrices, or two equally long batches of matrices. */
  matmul(a: T, b: T, shape: Shape): T;
  reshape(a: T, shape: Shape): T;
  transpose(a: T, permutation: readonly number[], shape: Shape): T;
  /** Along the last axis. */
  concat(parts: readonly T[], shape: Shape): T;
  /** Of the last axis, from `start`, as long as `shape` says. */
  slice(a: T, start: number, shape: Shape): T;
  gatherRows(a: T, index: T, shape: Shape): T;
  segmentSum(a: T, index: T, shape: Shape): T;
  /** Over one axis, which `shape` no longer has. */
  sum(a: T, axis: number, shape: Shape): T;
  softmax(a: T): T;
  logSoftmax(a: T): T;
  layerNorm(a: T, gain: T, bias: T, epsilon: number): T;
}
