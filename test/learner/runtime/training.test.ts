import { describe, expect, it } from 'vitest';
import {
  type AdamConfig,
  createPlainPredictor,
  type Feeds,
  initializeParameters,
  type Model,
  openBackend,
  type Parameter,
} from '../../../learner/runtime/index.ts';
import { InputError, InvariantError, RandomStream } from '../../../sim/index.ts';

/** Regression by one hidden layer; `unused` takes no part in the loss. */
const model: Model = (ops, { rows = 1 }) => {
  const x = ops.input('x', [rows, 2]);
  const wide = ops.matmul(x, ops.parameter('hidden/kernel', [2, 16], 'he'));
  const hidden = ops.tanh(ops.add(wide, ops.parameter('hidden/bias', [16], 'zeros')));
  const y = ops.matmul(hidden, ops.parameter('output/kernel', [16, 1], 'glorot'));
  const other = ops.matmul(hidden, ops.parameter('unused', [16, 1], 'glorot'));
  const loss = ops.mse(y, ops.input('y', [rows, 1]), ops.input('weight', [rows, 1]));
  return { y, other, loss };
};

/** y = x₀ x₁ on [−1, 1]²; rows beyond `used` are padding. */
function batchOf(rows: number, used: number, seed: number): Feeds {
  const stream = new RandomStream(seed, 'batch');
  const x = Float32Array.from({ length: rows * 2 }, () => 2 * stream.float() - 1);
  const y = Float32Array.from({ length: rows }, (_, row) => x[2 * row]! * x[2 * row + 1]!);
  const weight = Float32Array.from({ length: rows }, (_, row) => (row < used ? 1 : 0));
  return { x, y, weight };
}

/** Four roundings of a parameter below 4, of at most 2⁻²³ each. */
const stepTolerance = 5e-7;

const initial = initializeParameters(model, { rows: 1 }, 5);

async function lossesOf(backendName: string, steps: number): Promise<number[]> {
  const backend = await openBackend(backendName);
  const trainer = backend.createTrainer(model, initial, { learningRate: 0.02 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    losses.push((await trainer.step({ rows: 32 }, batchOf(32, 32, step))).loss);
  }
  await trainer.dispose();
  return losses;
}

describe('a trainer', () => {
  it('lowers the loss of a toy problem, the same way twice', async () => {
    const losses = await lossesOf('onnx', 300);
    const early = losses.slice(0, 5).reduce((sum, loss) => sum + loss, 0);
    const late = losses.slice(-5).reduce((sum, loss) => sum + loss, 0);
    expect(late).toBeLessThan(early / 20);
    expect(await lossesOf('onnx', 300)).toEqual(losses);
  });

  it('walks the same way on TensorFlow.js', async () => {
    const onnx = await lossesOf('onnx', 20);
    const tfjs = await lossesOf('tfjs', 20);
    tfjs.forEach((loss, step) => {
      expect(Math.abs(loss / onnx[step]! - 1)).toBeLessThan(1e-4);
    });
  });

  it.each(['onnx', 'tfjs'])('on %s takes the steps of Adam written by hand', async (name) => {
    const config = {
      learningRate: 0.01,
      beta1: 0.8,
      beta2: 0.95,
      epsilon: 1e-6,
      weightDecay: 0.1,
      gradientNormMax: 0.05,
    };
    const backend = await openBackend(name);
    const trainer = backend.createTrainer(model, initial, config);
    let expected = adamByHand(initial, config);
    for (let step = 1; step <= 4; step++) {
      const feeds = batchOf(8, 6, step);
      const differentiator = backend.createDifferentiator(model, trainer.parameters());
      const { gradients, loss } = await differentiator.gradients({ rows: 8 }, feeds);
      const { parameters, norm } = expected.step(gradients, 0.01 / step);
      const found = await trainer.step({ rows: 8 }, feeds, 0.01 / step);
      expect(found.loss).toBeCloseTo(loss, 5);
      expect(found.gradientNorm).toBeCloseTo(norm, 5);
      // The limit on the norm is really in force.
      expect(norm).toBeGreaterThan(config.gradientNormMax);
      expectClose(trainer.parameters(), parameters, stepTolerance);
      await differentiator.dispose();
    }
    // Loading forgets the moments: the first step is a first step again.
    trainer.loadParameters(initial);
    expect(trainer.parameters()).toEqual(initial);
    expected = adamByHand(initial, config);
    const feeds = batchOf(8, 8, 9);
    const differentiator = backend.createDifferentiator(model, initial);
    const { gradients } = await differentiator.gradients({ rows: 8 }, feeds);
    await trainer.step({ rows: 8 }, feeds);
    expectClose(trainer.parameters(), expected.step(gradients, 0.01).parameters, stepTolerance);
    await trainer.dispose();
    await differentiator.dispose();
  });

  it.each(['onnx', 'tfjs'])('on %s shares parameters between buckets', async (name) => {
    const backend = await openBackend(name);
    const trainer = backend.createTrainer(model, initial);
    const narrow = batchOf(4, 4, 1);
    const padded = batchOf(8, 4, 1);
    const { x: narrowX } = narrow;
    const { x: paddedX } = padded;
    expect(paddedX!.subarray(0, 8)).toEqual(narrowX);
    await trainer.step({ rows: 4 }, narrow);
    // The same four rows, once exact and once padded, weigh the same.
    const predictor = backend.createPredictor(model, trainer.parameters());
    const { loss: exact } = await predictor.run({ rows: 4 }, narrow);
    const step = await trainer.step({ rows: 8 }, padded);
    expect(step.loss).toBeCloseTo(exact![0]!, 6);
    const { loss: plain } = createPlainPredictor(model, trainer.parameters()).run(
      { rows: 4 },
      narrow,
    );
    const again = await trainer.step({ rows: 4 }, narrow);
    const { y } = again.outputs;
    expect(y!.length).toBe(4);
    expect(again.loss).toBeCloseTo(plain![0]!, 6);
    await predictor.dispose();
    await trainer.dispose();
  });

  it('refuses a second step before the first has ended', async () => {
    const trainer = (await openBackend('onnx')).createTrainer(model, initial);
    const first = trainer.step({ rows: 4 }, batchOf(4, 4, 1));
    await expect(trainer.step({ rows: 4 }, batchOf(4, 4, 1))).rejects.toThrow(InvariantError);
    await first;
    await trainer.dispose();
  });

  it.each(['onnx', 'tfjs'])('on %s names parameters that do not fit the model', async (name) => {
    const [kernel, ...others] = initial;
    const wrong = { ...kernel!, shape: [1, 32] };
    const trainer = (await openBackend(name)).createTrainer(model, [wrong, ...others.slice(1)]);
    const failure = await trainer.step({ rows: 4 }, batchOf(4, 4, 1)).catch((error) => error);
    expect(failure).toBeInstanceOf(InputError);
    expect(failure.message).toBe(
      'parameters.hidden/kernel: expected shape [2, 16], got shape [1, 32]\n' +
        'parameters.hidden/bias: expected shape [16], got no such parameter',
    );
  });

  it.each(['onnx', 'tfjs'])(
    'on %s rejects feeds of the wrong name, type or length',
    async (name) => {
      const trainer = (await openBackend(name)).createTrainer(model, initial);
      const good = batchOf(4, 4, 1);
      const { x: _, ...missing } = good;
      for (const feeds of [missing, { ...good, x: new Int32Array(8) }, batchOf(5, 5, 1)]) {
        await expect(trainer.step({ rows: 4 }, feeds)).rejects.toThrow(/x/);
      }
    },
  );
});

/** Algorithm 1 of Kingma & Ba in double precision, with decoupled decay of matrices. */
function adamByHand(start: readonly Parameter[], config: AdamConfig) {
  const { beta1, beta2, epsilon, weightDecay, gradientNormMax } = config;
  const state = start.map(({ name, shape, data }) => ({
    name,
    shape,
    values: Float64Array.from(data),
    first: new Float64Array(data.length),
    second: new Float64Array(data.length),
  }));
  let product1 = 1;
  let product2 = 1;
  return {
    step(gradients: readonly Parameter[], learningRate: number) {
      product1 *= beta1;
      product2 *= beta2;
      const norm = Math.hypot(...gradients.flatMap(({ data }) => Array.from(data)));
      const shorten = Math.min(1, gradientNormMax / norm);
      state.forEach(({ shape, values, first, second }, which) => {
        gradients[which]!.data.forEach((raw, index) => {
          const slope = raw * shorten;
          first[index] = beta1 * first[index]! + (1 - beta1) * slope;
          second[index] = beta2 * second[index]! + (1 - beta2) * slope * slope;
          const unbiased = first[index]! / (1 - product1);
          const spread = Math.sqrt(second[index]! / (1 - product2)) + epsilon;
          const decay = shape.length >= 2 ? weightDecay * values[index]! : 0;
          values[index] = values[index]! - learningRate * (unbiased / spread + decay);
        });
      });
      const parameters = state.map(({ name, shape, values }) => ({
        name,
        shape,
        data: Float32Array.from(values),
      }));
      return { parameters, norm };
    },
  };
}

function expectClose(
  found: readonly Parameter[],
  expected: readonly Parameter[],
  tolerance: number,
): void {
  expect(found.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
  found.forEach(({ data }, which) => {
    data.forEach((value, index) => {
      expect(Math.abs(value - expected[which]!.data[index]!)).toBeLessThan(tolerance);
    });
  });
}
