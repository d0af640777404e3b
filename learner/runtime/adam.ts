/**
 * Adam with bias correction, decoupled weight decay and clipping of the gradient's norm, on flat
 * vectors. The ONNX trainer emits the same arithmetic as a graph (`onnx-adam.ts`).
 *
 * @see Kingma & Ba 2015, algorithm 1 with the reordering of section 2 (step size times
 *   √(1 − β₂ᵗ) / (1 − β₁ᵗ)); Loshchilov & Hutter 2019, algorithm 2; Pascanu et al. 2013, algorithm 1.
 */
import type { Shape } from './ops.ts';
import { sizeOf } from './shapes.ts';

export interface AdamConfig {
  /** Used by steps that name none. Default 1e-3. */
  readonly learningRate: number;
  /** Decay of the first moment. Default 0.9. */
  readonly beta1: number;
  /** Decay of the second moment. Default 0.999. */
  readonly beta2: number;
  /** Added to √v̂. Default 1e-8. */
  readonly epsilon: number;
  /** Decoupled weight decay of matrices (rank ≥ 2), per unit of learning rate. Default 0. */
  readonly weightDecay: number;
  /** Longer gradients are shortened to this norm; 0 switches it off. Default 0. */
  readonly gradientNormMax: number;
}

export const adamDefaults: AdamConfig = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  gradientNormMax: 0,
};

/** The scalars that change from step to step. */
export interface AdamScalars {
  /** learningRate · √(1 − β₂ᵗ) / (1 − β₁ᵗ). */
  readonly stepSize: number;
  /** epsilon · √(1 − β₂ᵗ), the ε̂ that makes the reordered step equal the original one. */
  readonly epsilon: number;
  /** learningRate · weightDecay. */
  readonly decay: number;
}

/** Scalars of step `step`, counted from 1. */
export function adamScalars(config: AdamConfig, step: number, learningRate: number): AdamScalars {
  const correction2 = Math.sqrt(1 - integerPower(config.beta2, step));
  return {
    stepSize: (learningRate * correction2) / (1 - integerPower(config.beta1, step)),
    epsilon: config.epsilon * correction2,
    decay: learningRate * config.weightDecay,
  };
}

/** By squaring: the language leaves the last bits of its own power operator to the engine. */
function integerPower(base: number, exponent: number): number {
  let power = 1;
  let square = base;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power *= square;
    square *= square;
  }
  return power;
}

/** 1 where weight decay applies, else 0, for each scalar of the flat vector. */
export function decayMask(parameters: readonly { readonly shape: Shape }[]): Float32Array {
  const sizes = parameters.map(({ shape }) => sizeOf(shape));
  const mask = new Float32Array(sizes.reduce((total, size) => total + size, 0));
  let offset = 0;
  parameters.forEach(({ shape }, index) => {
    const end = offset + sizes[index]!;
    if (shape.length >= 2) mask.fill(1, offset, end);
    offset = end;
  });
  return mask;
}

/** Adam's state, one number per scalar parameter each. */
export interface AdamState {
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/** One step in place. Returns the gradient's norm before clipping. */
export function applyAdam(
  state: AdamState,
  gradient: Float32Array,
  mask: Float32Array,
  config: AdamConfig,
  scalars: AdamScalars,
): number {
  const { parameters, firstMoment, secondMoment } = state;
  const { stepSize, epsilon, decay } = scalars;
  const { beta1, beta2, gradientNormMax } = config;
  let squares = 0;
  for (let index = 0; index < gradient.length; index++) {
    squares += gradient[index]! * gradient[index]!;
  }
  const norm = Math.sqrt(squares);
  const shorten = gradientNormMax > 0 ? gradientNormMax / Math.max(norm, gradientNormMax) : 1;
  for (let index = 0; index < gradient.length; index++) {
    const slope = gradient[index]! * shorten;
    const first = beta1 * firstMoment[index]! + (1 - beta1) * slope;
    const second = beta2 * secondMoment[index]! + (1 - beta2) * slope * slope;
    firstMoment[index] = first;
    secondMoment[index] = second;
    const old = parameters[index]!;
    parameters[index] =
      old - (stepSize * first) / (Math.sqrt(second) + epsilon) - decay * mask[index]! * old;
  }
  return norm;
}
