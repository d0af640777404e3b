/**
 * Times of the ML runtimes on two small networks: one training step, and one prediction for a
 * single state (what a policy waits for) and for a batch.
 *
 * Run alone with `node dist/bench/learner-runtime.js` after `tsc -b`.
 */
import { argv, version } from 'node:process';
import { fileURLToPath } from 'node:url';
import {
  type Backend,
  type Bucket,
  backendNames,
  createPlainPredictor,
  type Feeds,
  initializeParameters,
  type Model,
  type Ops,
  openBackend,
  type Parameter,
  type SymbolicTensor,
} from '../learner/runtime/index.ts';
import { RandomStream } from '../sim/index.ts';

/** One measured line. */
export interface LearnerRuntimeTiming {
  readonly network: string;
  readonly work: 'train' | 'predict';
  readonly rows: number;
  /** Package and version, or `plain`. */
  readonly runtime: string;
  readonly medianMs: number;
  readonly minMs: number;
  /** Smallest time, divided by that of onnxruntime-node on the same line of work. */
  readonly ratio: number;
}

interface Network {
  readonly name: string;
  readonly model: Model;
  readonly trainRows: number;
  readonly predictRows: readonly number[];
}

/** 128 → 256 → 256 → 64, 115 k parameters, masked cross entropy. */
const perceptron: Network = {
  name: 'perceptron 128-256-256-64',
  trainRows: 256,
  predictRows: [1, 256],
  model(ops, { rows = 1 }) {
    const hidden = dense(ops, ops.input('x', [rows, 128]), 'hidden-1', 256);
    const deeper = dense(ops, ops.relu(hidden), 'hidden-2', 256);
    return classify(ops, dense(ops, ops.relu(deeper), 'output', 64));
  },
};

/** One row per host: 64 hosts attend to each other, then one is pointed at. */
const tokens = 64;
const width = 32;
const attention: Network = {
  name: `attention of ${tokens} hosts, width ${width}`,
  trainRows: 16,
  predictRows: [1, 16],
  model(ops, { rows = 1 }) {
    const x = ops.reshape(ops.input('x', [rows, tokens * 16]), [rows * tokens, 16]);
    const embedded = dense(ops, x, 'embed', width);
    const heads = ['query', 'key', 'value'].map((name) =>
      ops.reshape(dense(ops, normalize(ops, embedded, 'first'), name, width), [
        rows,
        tokens,
        width,
      ]),
    );
    const [query, key, value] = heads;
    const scores = ops.batchedMatmul(query!, ops.transpose(key!, [0, 2, 1]));
    const weights = ops.softmax(ops.scale(scores, 1 / Math.sqrt(width)));
    const mixed = ops.reshape(ops.batchedMatmul(weights, value!), [rows * tokens, width]);
    const residual = ops.add(embedded, mixed);
    const wide = ops.relu(dense(ops, normalize(ops, residual, 'second'), 'wide', 2 * width));
    const out = ops.add(residual, dense(ops, wide, 'narrow', width));
    return classify(ops, ops.reshape(dense(ops, out, 'point', 1), [rows, tokens]));
  },
};

function dense<T extends SymbolicTensor>(ops: Ops<T>, x: T, name: string, columns: number): T {
  const kernel = ops.parameter(`${name}/kernel`, [x.shape.at(-1) ?? 1, columns], 'he');
  return ops.add(ops.matmul(x, kernel), ops.parameter(`${name}/bias`, [columns], 'zeros'));
}

function normalize<T extends SymbolicTensor>(ops: Ops<T>, x: T, name: string): T {
  const gain = ops.parameter(`${name}/gain`, [width], 'ones');
  return ops.layerNorm(x, gain, ops.parameter(`${name}/bias`, [width], 'zeros'));
}

/** Probabilities over 64 choices, and their cross entropy. */
function classify<T extends SymbolicTensor>(ops: Ops<T>, logits: T): Record<string, T> {
  const targets = ops.input('targets', logits.shape);
  const mask = ops.input('mask', logits.shape);
  return {
    probabilities: ops.maskedSoftmax(logits, mask),
    loss: ops.crossEntropy(logits, targets, mask),
  };
}

function feedsFor(network: Network, rows: number): Feeds {
  const columns = network === perceptron ? 128 : tokens * 16;
  const stream = new RandomStream(1, 'bench');
  const targets = new Float32Array(rows * 64);
  for (let row = 0; row < rows; row++) targets[row * 64 + stream.integer(64)] = 1;
  return {
    x: Float32Array.from({ length: rows * columns }, () => stream.normal()),
    mask: new Float32Array(rows * 64).fill(1),
    targets,
  };
}

/** Times every runtime on every line of work; each at least seven times after warming up. */
export async function benchLearnerRuntime(): Promise<LearnerRuntimeTiming[]> {
  const backends: Backend[] = [];
  for (const name of backendNames) backends.push(await openBackend(name));
  const timings: LearnerRuntimeTiming[] = [];
  for (const network of [perceptron, attention]) {
    const { name, model, trainRows, predictRows } = network;
    const parameters = initializeParameters(model, { rows: 1 }, 1);
    const feeds = feedsFor(network, trainRows);
    const trained: Measured[] = [];
    for (const backend of backends) {
      const trainer = backend.createTrainer(model, parameters);
      const run = async (): Promise<unknown> => trainer.step({ rows: trainRows }, feeds);
      trained.push({ runtime: labelOf(backend), ...(await measure(run)) });
      await trainer.dispose();
    }
    timings.push(...compare(name, 'train', trainRows, trained));
    for (const rows of predictRows) {
      const measured = await measurePredictions(
        backends,
        model,
        parameters,
        { rows },
        feedsFor(network, rows),
      );
      timings.push(...compare(name, 'predict', rows, measured));
    }
  }
  return timings;
}

interface Measured {
  readonly runtime: string;
  readonly medianMs: number;
  readonly minMs: number;
}

async function measurePredictions(
  backends: readonly Backend[],
  model: Model,
  parameters: readonly Parameter[],
  bucket: Bucket,
  feeds: Feeds,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const backend of backends) {
    const predictor = backend.createPredictor(model, parameters);
    const times = await measure(() => predictor.run(bucket, feeds));
    measured.push({ runtime: labelOf(backend), ...times });
    await predictor.dispose();
  }
  const plain = createPlainPredictor(model, parameters);
  const times = await measure(() => plain.run(bucket, feeds));
  measured.push({ runtime: 'plain', ...times });
  return measured;
}

const labelOf = ({ runtime }: Backend): string => `${runtime.name} ${runtime.version}`;

function compare(
  network: string,
  work: 'train' | 'predict',
  rows: number,
  measured: readonly Measured[],
): LearnerRuntimeTiming[] {
  const reference = measured[0]?.minMs ?? Number.NaN;
  return measured.map((times) => ({
    network,
    work,
    rows,
    ...times,
    ratio: times.minMs / reference,
  }));
}

/** At least seven runs, more while they take less than 0.4 s together. */
async function measure(run: () => unknown): Promise<{ medianMs: number; minMs: number }> {
  for (
    let warm = 0, start = performance.now();
    warm < 20 && performance.now() - start < 200;
    warm++
  ) {
    await run();
  }
  const times: number[] = [];
  let total = 0;
  while (times.length < 7 || (total < 400 && times.length < 2000)) {
    const start = performance.now();
    await run();
    const elapsed = performance.now() - start;
    times.push(elapsed);
    total += elapsed;
  }
  times.sort((a, b) => a - b);
  return { medianMs: times[times.length >> 1]!, minMs: times[0]! };
}

/** The timings as lines of a text table. */
export function formatLearnerRuntime(timings: readonly LearnerRuntimeTiming[]): string {
  const lines = timings.map(({ network, work, rows, runtime, medianMs, minMs, ratio }) =>
    [
      network.padEnd(34),
      work.padEnd(8),
      String(rows).padStart(4),
      runtime.padEnd(26),
      medianMs.toFixed(3).padStart(11),
      minMs.toFixed(3).padStart(11),
      ratio.toFixed(1).padStart(7),
    ].join(' '),
  );
  const header = [
    'network'.padEnd(34),
    'work'.padEnd(8),
    'rows',
    'runtime'.padEnd(26),
    'median ms'.padStart(11),
    'min ms'.padStart(11),
    'ratio'.padStart(7),
  ].join(' ');
  return [`Node ${version}`, header, ...lines].join('\n');
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  console.log(formatLearnerRuntime(await benchLearnerRuntime()));
}
