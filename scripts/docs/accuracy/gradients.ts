/** Gradients of the learner's operations against central differences in float64. */
import { openBackend } from '../../../learner/runtime/index.ts';
import { centralDifferences } from '../referees/central-differences.ts';
import { argumentsOf, modelOf, operationCases } from '../referees/operation-cases.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';

export const gradients: AccuracyGroup = {
  name: 'gradients',
  kind: 'exact',
  async measure() {
    const backend = await openBackend('onnx');
    const worst = new Worst();
    for (const operation of operationCases) {
      const expected = centralDifferences(operation);
      const differentiator = backend.createDifferentiator(
        modelOf(operation),
        argumentsOf(operation),
      );
      const found = await differentiator.gradients({}, operation.feeds ?? {});
      await differentiator.dispose();
      for (const { name, data } of found.gradients) {
        const slopes = expected.get(name)!;
        const scale = Math.max(1e-3, ...slopes.map(Math.abs));
        data.forEach((slope, index) => {
          worst.add((slope - slopes[index]!) / scale);
        });
      }
    }
    return [
      {
        model: 'Gradients of the learner',
        page: '../decisions/0005-learner-runtime',
        referee: `central differences in float64, ${operationCases.length} operations; ours are float32`,
        error: `${apart(worst.value, 'of the largest entry')}`,
      },
    ];
  },
};
