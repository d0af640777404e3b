/** Operations defined once from the primitive ones; every executor therefore agrees on them. */
import type { CompositeOps, PrimitiveOps, SymbolicTensor } from './ops.ts';
import { broadcastShape, resolveAxis, sizeOf } from './shapes.ts';

/** Masked logits become −1e30: finite in float32, so no NaN, and e^(−1e30 − max) is exactly 0. */
const maskedLogit = 1e30;

/** Sums of weights below this count as this: a batch of nothing but padding has loss 0. */
const weightMin = 1e-12;

/** Largest finite float32. */
const float32Max = 3.4028234663852886e38;

/** The composite operations over `ops`. */
export function compositesOf<T extends SymbolicTensor>(ops: PrimitiveOps<T>): CompositeOps<T> {
  const shift = (a: T, offset: number): T => ops.add(a, ops.constant([offset], []));

  /**
   * Logits of illegal entries replaced by a constant: z · mask + (mask − 1) · 1e30. The product cuts
   * their gradient; a legal logit is unchanged, for z · 1 + 0 is exact.
   */
  const maskLogits = (logits: T, mask: T): T =>
    ops.add(ops.mul(logits, mask), ops.scale(shift(mask, -1), maskedLogit));

  const maskedLogSoftmax = (logits: T, mask: T): T =>
    ops.mul(ops.logSoftmax(maskLogits(logits, mask)), mask);

  const mean = (a: T, axis: number | 'all', keep = false): T => {
    const count = axis === 'all' ? sizeOf(a.shape) : a.shape[resolveAxis('mean', a.shape, axis)]!;
    return ops.scale(ops.sum(a, axis, keep), 1 / count);
  };

  /** Σ weight · a / Σ weight, with `weight` broadcast to the shape of `a`. */
  const weightedMean = (a: T, weight: T | undefined): T => {
    if (weight === undefined) return mean(a, 'all');
    const repeats = sizeOf(broadcastShape('weight', a.shape, weight.shape)) / sizeOf(weight.shape);
    const total = ops.scale(ops.sum(weight, 'all'), repeats);
    return ops.div(ops.sum(ops.mul(a, weight), 'all'), ops.clip(total, weightMin, float32Max));
  };

  return {
    shift,
    mean,
    maskedLogSoftmax,
    gelu(a) {
      // √(2/π) · (a + 0.044715 a³), written as a product to use two multiplications fewer.
      const cubic = shift(ops.scale(ops.mul(a, a), 0.044715), 1);
      const inner = ops.scale(ops.mul(a, cubic), Math.sqrt(2 / Math.PI));
      return ops.mul(ops.scale(a, 0.5), shift(ops.tanh(inner), 1));
    },
    maskedSoftmax: (logits, mask) => ops.mul(ops.softmax(maskLogits(logits, mask)), mask),
    crossEntropy(logits, targets, mask, weight) {
      const rows = ops.sum(ops.mul(targets, maskedLogSoftmax(logits, mask)), -1);
      return ops.scale(weightedMean(rows, weight), -1);
    },
    huber(a, b, delta, weight) {
      // With c = d limited to ±delta, both branches are c · (d − c / 2).
      const difference = ops.sub(a, b);
      const limited = ops.clip(difference, -delta, delta);
      const losses = ops.mul(limited, ops.sub(difference, ops.scale(limited, 0.5)));
      return weightedMean(losses, weight);
    },
    mse(a, b, weight) {
      const difference = ops.sub(a, b);
      return weightedMean(ops.mul(difference, difference), weight);
    },
  };
}
