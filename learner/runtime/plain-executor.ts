/**
 * Runs models forward in plain JavaScript, synchronously: what a policy inside a simulation needs.
 * The first run with a bucket turns the model into a list of loops over preallocated arrays; later
 * runs only execute the list.
 */
import { assert } from '../../sim/index.ts';
import { BucketCache } from './bucket-cache.ts';
import { type Feeds, feedFor, type Outputs, type SyncPredictor } from './execution.ts';
import type { Kernels } from './kernels.ts';
import type { Bucket, Model, Shape } from './ops.ts';
import { matchParameters, type Parameter } from './parameters.ts';
import { clipInto, combine, planBroadcast, scaleInto, unaryLoops } from './plain-elementwise.ts';
import {
  copyBlock,
  gatherRows,
  multiplyMatrices,
  type Numbers,
  normalizeRows,
  permute,
  type Reals,
  segmentSum,
  softmaxRows,
  sumMiddle,
} from './plain-kernels.ts';
import { lastOf, sizeOf } from './shapes.ts';
import { describeModel, type Trace, traceModel } from './trace.ts';

/** Buckets kept; each holds every intermediate array of one run. */
const programsMax = 16;

/** Number format: `float32` to serve, `float64` as a reference for tests. */
export type PlainPrecision = 'float32' | 'float64';

/** Creates a predictor that computes in this thread and answers at once. */
export function createPlainPredictor(
  model: Model,
  parameters: readonly Parameter[],
): SyncPredictor {
  const programs = new BucketCache<PlainProgram>(programsMax, () => {});
  return {
    run(bucket, feeds) {
      const program = programs.get(bucket, () => compilePlain(model, bucket, parameters));
      const results = program.run(feeds);
      return Object.fromEntries(
        Object.entries(results).map(([name, values]) => [name, Float32Array.from(values)]),
      ) satisfies Outputs;
    },
  };
}

/** A model compiled for one bucket. */
export interface PlainProgram {
  /** Parameters by name, as the loops read them: writing here changes the next run. */
  readonly parameters: ReadonlyMap<string, Reals>;
  /** Outputs by name, overwritten by the next run. */
  run(feeds: Feeds): Readonly<Record<string, Numbers>>;
}

/** Compiles a model for one bucket. */
export function compilePlain(
  model: Model,
  bucket: Bucket,
  parameters: readonly Parameter[],
  precision: PlainPrecision = 'float32',
): PlainProgram {
  const specs = describeModel(model, bucket).parameters;
  const matched = matchParameters(specs, parameters);
  const allocate = (size: number): Reals =>
    precision === 'float32' ? new Float32Array(size) : new Float64Array(size);
  const held = new Map<string, Reals>();
  for (const { name, data } of matched) {
    const values = allocate(data.length);
    values.set(data);
    held.set(name, values);
  }
  const loops: (() => void)[] = [];
  const fed = new Map<string, Numbers>();
  const trace = traceModel(model, bucket, plainKernels({ loops, fed, held, allocate }));
  return {
    parameters: held,
    run(feeds) {
      for (const input of trace.inputs) fed.get(input.name)?.set(feedFor(input, feeds));
      for (const loop of loops) loop();
      return outputsOf(trace);
    },
  };
}

function outputsOf({ outputs }: Trace<PlainTensor>): Record<string, Numbers> {
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
}

/** An array that a loop fills at each run. */
interface PlainTensor {
  readonly shape: Shape;
  readonly data: Numbers;
}

/** What compiling collects. */
interface Assembly {
  /** In order of execution. */
  readonly loops: (() => void)[];
  readonly fed: Map<string, Numbers>;
  readonly held: ReadonlyMap<string, Reals>;
  readonly allocate: (size: number) => Reals;
}

function plainKernels(assembly: Assembly): Kernels<PlainTensor> {
  const { loops, fed, held, allocate } = assembly;
  /** A new tensor that `fill` computes at each run. */
  const computed = (shape: Shape, fill: (out: Reals) => void): PlainTensor => {
    const data = allocate(sizeOf(shape));
    loops.push(() => fill(data));
    return { shape, data };
  };
  return {
    input(name, shape, type) {
      const size = sizeOf(shape);
      const data = type === 'int32' ? new Int32Array(size) : allocate(size);
      fed.set(name, data);
      return { shape, data };
    },
    parameter(name, shape) {
      const data = held.get(name);
      assert(data !== undefined, () => `no parameter ${name}`);
      return { shape, data };
    },
    constant(values, shape) {
      const data = allocate(values.length);
      data.set(values);
      return { shape, data };
    },
    binary(kind, a, b, shape) {
      const plan = planBroadcast(a.shape, b.shape, shape);
      return computed(shape, (out) => combine(kind, a.data, b.data, out, plan));
    },
    unary: (kind, a) => computed(a.shape, (out) => unaryLoops[kind](a.data, out)),
    scale: (a, factor) => computed(a.shape, (out) => scaleInto(a.data, factor, out)),
    clip: (a, low, high) => computed(a.shape, (out) => clipInto(a.data, low, high, out)),
    matmul: (a, b, shape) => computed(shape, (out) => multiplyBatches(a, b, out)),
    // The same numbers in the same order: no copy.
    reshape: (a, shape) => ({ shape, data: a.data }),
    ...plainLayout(computed),
    ...plainRows(computed),
  };
}

type Compute = (shape: Shape, fill: (out: Reals) => void) => PlainTensor;

function plainLayout(
  computed: Compute,
): Pick<Kernels<PlainTensor>, 'transpose' | 'concat' | 'slice'> {
  return {
    transpose(a, permutation, shape) {
      const strides = a.shape.map((_, axis) => sizeOf(a.shape.slice(axis + 1)));
      const lengths = padLeft(shape, 1);
      const steps = padLeft(
        permutation.map((axis) => strides[axis] ?? 0),
        0,
      );
      return computed(shape, (out) => permute(a.data, out, lengths, steps));
    },
    concat(parts, shape) {
      const width = lastOf(shape);
      const rows = sizeOf(shape) / width;
      return computed(shape, (out) => {
        let start = 0;
        for (const part of parts) {
          const partWidth = lastOf(part.shape);
          copyBlock(part.data, 0, partWidth, out, start, width, rows, partWidth);
          start += partWidth;
        }
      });
    },
    slice(a, start, shape) {
      const width = lastOf(shape);
      const rows = sizeOf(shape) / width;
      const stride = lastOf(a.shape);
      return computed(shape, (out) => copyBlock(a.data, start, stride, out, 0, width, rows, width));
    },
  };
}

function plainRows(
  computed: Compute,
): Pick<
  Kernels<PlainTensor>,
  'gatherRows' | 'segmentSum' | 'sum' | 'softmax' | 'logSoftmax' | 'layerNorm'
> {
  return {
    gatherRows(a, index, shape) {
      const width = sizeOf(shape.slice(1));
      return computed(shape, (out) => {
        const inRange = gatherRows(a.data, index.data, width, out);
        assert(inRange, () => `gatherRows: an index outside 0 … ${(a.shape[0] ?? 0) - 1}`);
      });
    },
    segmentSum(a, index, shape) {
      const width = sizeOf(shape.slice(1));
      return computed(shape, (out) => {
        const inRange = segmentSum(a.data, index.data, width, out);
        assert(inRange, () => `segmentSum: an index outside 0 … ${(shape[0] ?? 0) - 1}`);
      });
    },
    sum(a, axis, shape) {
      const length = a.shape[axis] ?? 1;
      const inner = sizeOf(a.shape.slice(axis + 1));
      return computed(shape, (out) => sumMiddle(a.data, out, length, inner));
    },
    softmax: (a) => computed(a.shape, (out) => softmaxRows(a.data, out, lastOf(a.shape), false)),
    logSoftmax: (a) => computed(a.shape, (out) => softmaxRows(a.data, out, lastOf(a.shape), true)),
    layerNorm: (a, gain, bias, epsilon) =>
      computed(a.shape, (out) => normalizeRows(a.data, gain.data, bias.data, epsilon, out)),
  };
}

/** One product, or one for each matrix of the batch. */
function multiplyBatches(a: PlainTensor, b: PlainTensor, out: Reals): void {
  const rows = a.shape.at(-2) ?? 1;
  const inner = a.shape.at(-1) ?? 1;
  const columns = b.shape.at(-1) ?? 1;
  const batches = out.length / (rows * columns);
  for (let batch = 0; batch < batches; batch++) {
    const startA = batch * rows * inner;
    const startB = batch * inner * columns;
    const start = batch * rows * columns;
    multiplyMatrices(a.data, startA, b.data, startB, out, start, rows, inner, columns);
  }
}

/** Four numbers, filled up on the left. */
function padLeft(values: Shape, filler: number): [number, number, number, number] {
  const [d = filler, c = filler, b = filler, a = filler] = values.toReversed();
  return [a, b, c, d];
}
