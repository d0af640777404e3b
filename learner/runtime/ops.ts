/**
 * The tensor operations a model may use. A model is a pure function of `Ops`; an executor decides
 * what the operations do: emit an ONNX graph, call TensorFlow.js, or fill typed arrays.
 *
 * Shapes are static: they are known while the model is traced. Everything is float32, row-major;
 * index inputs are int32. "Last axis" is the fastest-varying one. Broadcasting follows NumPy: axes
 * are aligned from the right, and an axis of length 1 (or a missing one) is repeated. A shape that
 * does not fit throws `InvariantError` while tracing, never while running.
 */

/** Lengths of the axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** What every executor's tensor has: its static shape. */
export interface SymbolicTensor {
  readonly shape: Shape;
}

/** Inputs are real numbers, or integers used as row indices. */
export type ElementType = 'float32' | 'int32';

/**
 * The lengths that differ between batches, by name, e.g. `{ rows: 32, hosts: 64 }`. One session is
 * built per bucket, so the caller rounds lengths up, pads with zeros and masks the padding.
 */
export type Bucket = Readonly<Record<string, number>>;

/**
 * How a parameter is drawn before training. For shape `[…, fanIn, fanOut]`: `he` is normal with
 * variance 2 / fanIn, `glorot` uniform with variance 2 / (fanIn + fanOut), `normal` has the given
 * standard deviation.
 */
export type Initial = 'zeros' | 'ones' | 'he' | 'glorot' | { readonly normal: number };

/**
 * A model: declares its inputs and parameters through `ops` and returns named outputs. Parameter
 * shapes must not depend on the bucket. A model to train has an output `loss` of shape `[]`.
 */
export type Model = <T extends SymbolicTensor>(
  ops: Ops<T>,
  bucket: Bucket,
) => Readonly<Record<string, T>>;

/** Operations that executors implement (through `Kernels`). */
export interface PrimitiveOps<T extends SymbolicTensor> {
  /** A tensor fed at each run. The same name twice gives the same tensor. */
  input(name: string, shape: Shape, type?: ElementType): T;
  /** A trained tensor. The same name twice shares it; name, shape and initial must agree. */
  parameter(name: string, shape: Shape, initial: Initial): T;
  /** Fixed values, row-major. */
  constant(values: ArrayLike<number>, shape: Shape): T;

  /** a + b, broadcasting. */
  add(a: T, b: T): T;
  /** a − b, broadcasting. */
  sub(a: T, b: T): T;
  /** a · b element by element, broadcasting. */
  mul(a: T, b: T): T;
  /** a / b element by element, broadcasting. */
  div(a: T, b: T): T;
  /** a · factor. */
  scale(a: T, factor: number): T;
  /** max(a, 0); gradient 0 at 0. */
  relu(a: T): T;
  tanh(a: T): T;
  /** 1 / (1 + e^−a). */
  sigmoid(a: T): T;
  exp(a: T): T;
  /** Natural logarithm; `a` must be positive. */
  log(a: T): T;
  /** `a` limited to [low, high]; gradient 1 inside and on the bounds, 0 outside. */
  clip(a: T, low: number, high: number): T;

  /** `[…, m, k]` × `[k, n]` → `[…, m, n]`. */
  matmul(a: T, b: T): T;
  /** `[batch, m, k]` × `[batch, k, n]` → `[batch, m, n]`. */
  batchedMatmul(a: T, b: T): T;

  /** Same elements in the same order, other axes. */
  reshape(a: T, shape: Shape): T;
  /** Axis `i` of the result is axis `permutation[i]` of `a`; rank at most 4. */
  transpose(a: T, permutation: readonly number[]): T;
  /** Joins along the last axis; all other axes agree. */
  concat(parts: readonly T[]): T;
  /** Columns `start … end − 1` of the last axis. */
  slice(a: T, start: number, end: number): T;
  /** `[rows, …]` and int32 `[n]` → `[n, …]`: row `index[i]` of `a`. Indices must lie in range. */
  gatherRows(a: T, index: T): T;
  /** `[n, …]` and int32 `[n]` → `[segments, …]`: row `s` sums the rows with `index[i] = s`. */
  segmentSum(a: T, index: T, segments: number): T;

  /** Sum over one axis (negative counts from the end) or `'all'`; `keep` leaves length 1 behind. */
  sum(a: T, axis: number | 'all', keep?: boolean): T;
  /** e^a / Σ e^a over the last axis. */
  softmax(a: T): T;
  /** Logarithm of `softmax`, computed without underflow. */
  logSoftmax(a: T): T;
  /**
   * (a − mean) / √(variance + epsilon) · gain + bias over the last axis (Ba et al. 2016, eq. 4);
   * gain and bias have shape `[last]`; epsilon defaults to 1e-5.
   */
  layerNorm(a: T, gain: T, bias: T, epsilon?: number): T;
}

/** Operations written once, in terms of the primitive ones. */
export interface CompositeOps<T extends SymbolicTensor> {
  /** a + offset. */
  shift(a: T, offset: number): T;
  /** Mean over one axis or `'all'`. */
  mean(a: T, axis: number | 'all', keep?: boolean): T;
  /** Gaussian error linear unit, tanh form (Hendrycks & Gimpel 2016, section 2). */
  gelu(a: T): T;
  /**
   * Softmax over the entries of the last axis with mask 1. Entries with mask 0 get probability
   * exactly 0 and no gradient, also where the whole row is masked. Mask entries are 0 or 1; logits
   * must be finite, also the masked ones.
   */
  maskedSoftmax(logits: T, mask: T): T;
  /** Logarithm of `maskedSoftmax`; masked entries are 0 (not −∞), so that 0 · log 0 is 0. */
  maskedLogSoftmax(logits: T, mask: T): T;
  /**
   * −Σ target · log p over the last axis, p = maskedSoftmax(logits), then the weighted mean over
   * rows. Targets are distributions (their masked entries are ignored). `weight` has the shape
   * without the last axis; 0 drops a row. Result `[]`.
   */
  crossEntropy(logits: T, targets: T, mask: T, weight?: T): T;
  /**
   * Weighted mean of ½d² where |d| ≤ delta, else delta · (|d| − ½ delta), with d = a − b
   * (Huber 1964). `weight` broadcasts to the shape of `a`. Result `[]`.
   */
  huber(a: T, b: T, delta: number, weight?: T): T;
  /** Weighted mean of (a − b)². `weight` broadcasts to the shape of `a`. Result `[]`. */
  mse(a: T, b: T, weight?: T): T;
}

/** All operations. */
export interface Ops<T extends SymbolicTensor> extends PrimitiveOps<T>, CompositeOps<T> {}
