import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Backend,
  createPlainPredictor,
  openBackend,
  type Parameter,
} from '../../../learner/runtime/index.ts';
import { centralDifferences } from '../../../scripts/docs/referees/central-differences.ts';
import {
  argumentsOf,
  modelOf,
  operationCases,
} from '../../../scripts/docs/referees/operation-cases.ts';

/** Values of float32 executors; sums of up to twelve products. */
const forwardToleranceRelative = 1e-5;

/** float32 against float32: rounding of a few operations (2⁻²⁴ ≈ 6e-8 each). */
const autodiffToleranceRelative = 1e-5;

/** float32 against central differences in float64, whose own error is about step² = 1e-10. */
const differencesToleranceRelative = 1e-5;

const backends: Backend[] = [];

beforeAll(async () => {
  backends.push(await openBackend('onnx'), await openBackend('tfjs'));
});

describe.each(operationCases)('$name', (operation) => {
  const model = modelOf(operation);
  const parameters = argumentsOf(operation);
  const feeds = operation.feeds ?? {};

  it('gives the same value on every executor', async () => {
    const plain = createPlainPredictor(model, parameters).run({}, feeds);
    expect(Object.keys(plain)).toEqual(['value', 'loss']);
    for (const backend of backends) {
      const predictor = backend.createPredictor(model, parameters);
      for (const [name, found] of Object.entries(await predictor.run({}, feeds))) {
        expect(deviation(found, plain[name]!)).toBeLessThan(forwardToleranceRelative);
      }
      await predictor.dispose();
    }
  });

  it('has the gradient of central differences on ONNX and TensorFlow.js', async () => {
    const expected = centralDifferences(operation);
    const [onnx, tfjs] = await Promise.all(
      backends.map(async (backend) => {
        const differentiator = backend.createDifferentiator(model, parameters);
        const { gradients } = await differentiator.gradients({}, feeds);
        await differentiator.dispose();
        return gradients;
      }),
    );
    for (const { name } of parameters) {
      const ofOnnx = dataOf(onnx!, name);
      expect(deviation(ofOnnx, dataOf(tfjs!, name))).toBeLessThan(autodiffToleranceRelative);
      expect(deviation(ofOnnx, expected.get(name)!)).toBeLessThan(differencesToleranceRelative);
    }
  });
});
/** Largest difference, relative to the largest expected number. */
function deviation(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let difference = 0;
  let scale = 1e-3;
  for (let index = 0; index < expected.length; index++) {
    difference = Math.max(difference, Math.abs(found[index]! - expected[index]!));
    scale = Math.max(scale, Math.abs(expected[index]!));
  }
  return difference / scale;
}

function dataOf(parameters: readonly Parameter[], name: string): Float32Array {
  return parameters.find((parameter) => parameter.name === name)!.data;
}
