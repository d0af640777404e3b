/** Element-wise loops over typed arrays, with broadcasting. */
import { assert } from '../../sim/index.ts';
import type { BinaryKind, UnaryKind } from './kernels.ts';
import type { Shape } from './ops.ts';
import type { Numbers, Reals } from './plain-kernels.ts';

/**
 * How two operands run along a result: at most four axes, each with its length and the step that
 * either operand takes along it (0 where it is repeated).
 */
export interface BroadcastPlan {
  readonly lengths: readonly number[];
  readonly stepsA: readonly number[];
  readonly stepsB: readonly number[];
}

/** Axes of a plan; neighbouring axes that both operands cross evenly are merged before. */
const planRank = 4;

/** The plan for operands of shapes `a` and `b`, which broadcast to `shape`. */
export function planBroadcast(a: Shape, b: Shape, shape: Shape): BroadcastPlan {
  const stepsOfA = stepsAlong(a, shape);
  const stepsOfB = stepsAlong(b, shape);
  // Collected from the innermost axis outwards.
  const lengths: number[] = [];
  const stepsA: number[] = [];
  const stepsB: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    if (length === 1) continue;
    const stepA = stepsOfA[axis] ?? 0;
    const stepB = stepsOfB[axis] ?? 0;
    const top = lengths.length - 1;
    const inner = lengths[top];
    if (
      inner !== undefined &&
      stepA === (stepsA[top] ?? 0) * inner &&
      stepB === (stepsB[top] ?? 0) * inner
    ) {
      lengths[top] = inner * length;
    } else {
      lengths.push(length);
      stepsA.push(stepA);
      stepsB.push(stepB);
    }
  }
  assert(lengths.length <= planRank, () => `broadcast over ${lengths.length} separate axes`);
  while (lengths.length < planRank) {
    lengths.push(1);
    stepsA.push(0);
    stepsB.push(0);
  }
  return {
    lengths: lengths.toReversed(),
    stepsA: stepsA.toReversed(),
    stepsB: stepsB.toReversed(),
  };
}

/** Elements skipped in `operand` by one step along each axis of `shape`. */
function stepsAlong(operand: Shape, shape: Shape): number[] {
  const steps = shape.map(() => 0);
  let step = 1;
  for (let axis = operand.length - 1; axis >= 0; axis--) {
    const length = operand[axis] ?? 1;
    if (length !== 1) steps[axis + shape.length - operand.length] = step;
    step *= length;
  }
  return steps;
}

/** out = a ∘ b, broadcasting as planned. */
export function combine(
  kind: BinaryKind,
  a: Numbers,
  b: Numbers,
  out: Reals,
  plan: BroadcastPlan,
): void {
  const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = plan.lengths;
  const [a0 = 0, a1 = 0, a2 = 0, a3 = 0] = plan.stepsA;
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = plan.stepsB;
  const row = rowLoops[kind];
  let target = 0;
  for (let i0 = 0; i0 < n0; i0++) {
    for (let i1 = 0; i1 < n1; i1++) {
      for (let i2 = 0; i2 < n2; i2++) {
        const startA = i0 * a0 + i1 * a1 + i2 * a2;
        const startB = i0 * b0 + i1 * b1 + i2 * b2;
        row(a, startA, a3, b, startB, b3, out, target, n3);
        target += n3;
      }
    }
  }
}

type RowLoop = (
  a: Numbers,
  startA: number,
  stepA: number,
  b: Numbers,
  startB: number,
  stepB: number,
  out: Reals,
  start: number,
  length: number,
) => void;

// One loop a kind, so that the inner loop has no branch.
const rowLoops: Readonly<Record<BinaryKind, RowLoop>> = {
  add(a, startA, stepA, b, startB, stepB, out, start, length) {
    for (let i = 0; i < length; i++)
      out[start + i] = a[startA + i * stepA]! + b[startB + i * stepB]!;
  },
  sub(a, startA, stepA, b, startB, stepB, out, start, length) {
    for (let i = 0; i < length; i++)
      out[start + i] = a[startA + i * stepA]! - b[startB + i * stepB]!;
  },
  mul(a, startA, stepA, b, startB, stepB, out, start, length) {
    for (let i = 0; i < length; i++)
      out[start + i] = a[startA + i * stepA]! * b[startB + i * stepB]!;
  },
  div(a, startA, stepA, b, startB, stepB, out, start, length) {
    for (let i = 0; i < length; i++)
      out[start + i] = a[startA + i * stepA]! / b[startB + i * stepB]!;
  },
};

/** The loop of each function of one argument: fills `out` from `a`. */
export const unaryLoops: Readonly<Record<UnaryKind, (a: Numbers, out: Reals) => void>> = {
  relu(a, out) {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! > 0 ? a[i]! : 0;
  },
  tanh(a, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.tanh(a[i]!);
  },
  sigmoid(a, out) {
    for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-a[i]!));
  },
  exp(a, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.exp(a[i]!);
  },
  log(a, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.log(a[i]!);
  },
};

/** out = a · factor. */
export function scaleInto(a: Numbers, factor: number, out: Reals): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! * factor;
}

/** `a` limited to [low, high]. */
export function clipInto(a: Numbers, low: number, high: number, out: Reals): void {
  for (let i = 0; i < out.length; i++) {
    const value = a[i]!;
    out[i] = value < low ? low : value > high ? high : value;
  }
}
