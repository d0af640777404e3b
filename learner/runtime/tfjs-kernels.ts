/** The operations on TensorFlow.js, which differentiates them itself. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import type { Kernels } from './kernels.ts';
import type { ElementType, Shape } from './ops.ts';
import type { Tf } from './tfjs-library.ts';

/** Where the leaves of the computation come from. */
export interface TfjsLeaves {
  readonly input: (name: string, shape: Shape, type: ElementType) => Tensor;
  readonly parameter: (name: string) => Tensor;
}

/** Kernels that compute at once with `tf`. */
export function tfjsKernels(tf: Tf, leaves: TfjsLeaves): Kernels<Tensor> {
  return {
    input: leaves.input,
    parameter: (name) => leaves.parameter(name),
    constant: (values, shape) => tf.tensor(values, [...shape]),
    binary: (kind, a, b) => tf[kind](a, b),
    unary: (kind, a) => tf[kind](a),
    scale: (a, factor) => tf.mul(a, tf.scalar(factor)),
    clip: (a, low, high) => tf.clipByValue(a, low, high),
    matmul: (a, b) => tf.matMul(a, b),
    reshape: (a, shape) => tf.reshape(a, [...shape]),
    transpose: (a, permutation) => tf.transpose(a, [...permutation]),
    concat: (parts) => tf.concat([...parts], -1),
    slice(a, start, shape) {
      const begin = a.shape.map((_, axis) => (axis === a.shape.length - 1 ? start : 0));
      return tf.slice(a, begin, [...shape]);
    },
    gatherRows: (a, index) => tf.gather(a, index as Tensor1D, 0),
    segmentSum: (a, index, shape) => tf.unsortedSegmentSum(a, index as Tensor1D, shape[0] ?? 0),
    sum: (a, axis) => tf.sum(a, axis),
    softmax: (a) => tf.softmax(a),
    logSoftmax: (a) => tf.logSoftmax(a),
    layerNorm(a, gain, bias, epsilon) {
      const mean = tf.mean(a, -1, true);
      const centred = tf.sub(a, mean);
      const variance = tf.mean(tf.square(centred), -1, true);
      const standardized = tf.mul(centred, tf.rsqrt(tf.add(variance, tf.scalar(epsilon))));
      return tf.add(tf.mul(standardized, gain), bias);
    },
  };
}
