/**
 * Reverse-mode differentiation that emits ONNX nodes. While the forward graph is built, every
 * operation notes how a gradient of its output becomes gradients of its inputs; `gradients` then
 * walks the notes backwards and emits the chain rule.
 *
 * @see Griewank & Walther 2008, "Evaluating Derivatives", section 3.2 (reverse mode).
 */

import type { OnnxGraph } from './onnx-writer.ts';
import type { Shape } from './ops.ts';
import { sameShape } from './shapes.ts';

/** A value of the graph. */
export interface OnnxTensor {
  /** The value's name in the graph. */
  readonly value: string;
  readonly shape: Shape;
  /** Whether a parameter takes part in it; gradients of anything else are not emitted. */
  readonly trained: boolean;
}

/** One input of an operation, and the gradient of the loss with respect to it. */
export type Pullback = readonly [
  input: OnnxTensor,
  /** From the gradient with respect to the output (a value of the output's shape). */
  pull: (gradient: string) => string,
];

interface Note {
  readonly output: OnnxTensor;
  readonly pullbacks: readonly Pullback[];
}

/** The notes of one graph. */
export class OnnxTape {
  readonly #graph: OnnxGraph;
  readonly #notes: Note[] = [];

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
  }

  /** A tensor computed from others. */
  record(value: string, shape: Shape, pullbacks: readonly Pullback[]): OnnxTensor {
    const trained = pullbacks.filter(([input]) => input.trained);
    const output = { value, shape, trained: trained.length > 0 };
    if (output.trained) this.#notes.push({ output, pullbacks: trained });
    return output;
  }

  /**
   * Emits the gradient of the scalar `loss` with respect to each of `targets`; `undefined` where
   * the loss does not depend on the target.
   */
  gradients(loss: OnnxTensor, targets: readonly OnnxTensor[]): (string | undefined)[] {
    // A tensor read by several operations collects a sum.
    const collected = new Map<OnnxTensor, string>([[loss, this.#graph.scalar(1)]]);
    for (const { output, pullbacks } of this.#notes.toReversed()) {
      const gradient = collected.get(output);
      if (gradient === undefined) continue;
      for (const [input, pull] of pullbacks) {
        const part = pull(gradient);
        const earlier = collected.get(input);
        collected.set(
          input,
          earlier === undefined ? part : this.#graph.node('Add', [earlier, part]),
        );
      }
    }
    return targets.map((target) => collected.get(target));
  }

  /** Emits the sum of `value` (of shape `from`) over the axes along which `to` was repeated. */
  unbroadcast(value: string, from: Shape, to: Shape): string {
    if (sameShape(from, to)) return value;
    const lead = from.length - to.length;
    const axes = from.flatMap((length, axis) =>
      axis < lead || (to[axis - lead] === 1 && length !== 1) ? [axis] : [],
    );
    if (axes.length === 0) return this.#graph.node('Reshape', [value, this.#graph.integers(to)]);
    const sum = this.#graph.node('ReduceSum', [value, this.#graph.integers(axes)], {
      keepdims: 0,
    });
    return this.#graph.node('Reshape', [sum, this.#graph.integers(to)]);
  }
}
