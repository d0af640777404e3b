import { describe, expect, it } from 'vitest';
import {
  type Backend,
  createPlainPredictor,
  type Model,
  openBackend,
  type Parameter,
} from '../../../learner/runtime/index.ts';

/** Logits that tempt: the illegal ones are by far the largest. Row 2 is all padding. */
const logits: Parameter = {
  name: 'logits',
  shape: [3, 4],
  data: Float32Array.of(1, 1e4, 2, 1e6, 0.5, -1, 3, 0, 7, 8, 9, 10),
};
const feeds = {
  mask: Float32Array.of(1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0),
  // The distribution of row 0 wrongly gives mass to an illegal entry, row 2 to padding.
  targets: Float32Array.of(0.5, 0.3, 0.2, 0, 0, 0, 1, 0, 1, 0, 0, 0),
};
const illegal = [1, 3, 8, 9, 10, 11];

const model: Model = (ops) => {
  const scores = ops.parameter('logits', [3, 4], 'zeros');
  const mask = ops.input('mask', [3, 4]);
  const targets = ops.input('targets', [3, 4]);
  const probabilities = ops.maskedSoftmax(scores, mask);
  // Both masked operations take part in the loss, with uneven weights on the probabilities.
  const uneven = ops.constant(
    Array.from({ length: 12 }, (_, index) => 1 + index),
    [3, 4],
  );
  const tilt = ops.sum(ops.mul(probabilities, uneven), 'all');
  return {
    probabilities,
    logarithms: ops.maskedLogSoftmax(scores, mask),
    loss: ops.add(ops.crossEntropy(scores, targets, mask), tilt),
  };
};

function checkProbabilities(probabilities: Float32Array): void {
  for (const index of illegal) expect(probabilities[index]).toBe(0);
  // Row 0 is a softmax of (1, 2): 1 / (1 + e) and e / (1 + e).
  expect(probabilities[0]).toBeCloseTo(1 / (1 + Math.E), 6);
  expect(probabilities[2]).toBeCloseTo(Math.E / (1 + Math.E), 6);
  const sums = [0, 1, 2].map((row) =>
    probabilities.slice(4 * row, 4 * row + 4).reduce((sum, value) => sum + value, 0),
  );
  expect(sums[0]).toBeCloseTo(1, 6);
  expect(sums[1]).toBeCloseTo(1, 6);
  expect(sums[2]).toBe(0);
}

describe('masked softmax', () => {
  it('gives illegal entries probability exactly 0 in plain JavaScript', () => {
    const { probabilities, logarithms } = createPlainPredictor(model, [logits]).run({}, feeds);
    checkProbabilities(probabilities!);
    for (const index of illegal) expect(logarithms![index]! + 0).toBe(0);
  });

  it.each(['onnx', 'tfjs'])(
    'gives illegal entries no probability and no gradient on %s',
    async (name) => {
      const backend: Backend = await openBackend(name);
      const { probabilities } = await backend.createPredictor(model, [logits]).run({}, feeds);
      checkProbabilities(probabilities!);
      const { gradients } = await backend
        .createDifferentiator(model, [logits])
        .gradients({}, feeds);
      const slopes = gradients[0]!.data;
      // −0 + 0 is 0: the sign of a zero does not matter.
      for (const index of illegal) expect(slopes[index]! + 0).toBe(0);
      for (const index of [0, 2, 4, 5, 6, 7])
        expect(Math.abs(slopes[index]!)).toBeGreaterThan(1e-4);
    },
  );
});

describe('losses', () => {
  /** A loss of one number as a function of its inputs. */
  const lossOf = (loss: Model, values: Record<string, number[]>): number => {
    const arrays = Object.entries(values).map(([name, list]) => [name, Float32Array.from(list)]);
    const { value } = createPlainPredictor(loss, []).run({}, Object.fromEntries(arrays));
    return value![0]!;
  };

  it('crossEntropy is −Σ target · log p, averaged by weight', () => {
    const loss: Model = (ops) => ({
      value: ops.crossEntropy(
        ops.input('logits', [2, 2]),
        ops.input('targets', [2, 2]),
        ops.input('mask', [2, 2]),
        ops.input('weight', [2]),
      ),
    });
    const values = {
      logits: [0, Math.log(3), 5, 5],
      targets: [0.5, 0.5, 1, 0],
      mask: [1, 1, 1, 1],
      weight: [1, 3],
    };
    // Row 0 has p = (1/4, 3/4), row 1 p = (1/2, 1/2).
    const expected = (-(Math.log(1 / 4) + Math.log(3 / 4)) / 2 - 3 * Math.log(1 / 2)) / (1 + 3);
    expect(lossOf(loss, values)).toBeCloseTo(expected, 6);
    // Weight 0 drops a row; nothing but padding is loss 0, not 0 / 0.
    expect(lossOf(loss, { ...values, weight: [0, 2] })).toBeCloseTo(Math.log(2), 6);
    expect(lossOf(loss, { ...values, weight: [0, 0] }) + 0).toBe(0);
  });

  it('huber is quadratic near and linear far, averaged by weight', () => {
    const loss: Model = (ops) => ({
      value: ops.huber(ops.input('a', [3]), ops.input('b', [3]), 2, ops.input('weight', [3])),
    });
    // Differences 1 (½ · 1²), −5 (2 · (5 − ½ · 2)) and 7, which weighs nothing.
    const values = { a: [1, 0, 7], b: [0, 5, 0], weight: [1, 1, 0] };
    expect(lossOf(loss, values)).toBeCloseTo((0.5 + 8) / 2, 6);
  });

  it('mse repeats weights of rows over their columns', () => {
    const loss: Model = (ops) => ({
      value: ops.mse(ops.input('a', [2, 2]), ops.input('b', [2, 2]), ops.input('weight', [2, 1])),
    });
    const values = { a: [1, 2, 3, 4], b: [0, 0, 0, 0], weight: [1, 3] };
    expect(lossOf(loss, values)).toBeCloseTo((1 + 4 + 3 * (9 + 16)) / (2 * (1 + 3)), 5);
  });
});
