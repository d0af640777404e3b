/** Gradients by central differences in double precision. */
import { compilePlain } from '../../../learner/runtime/plain-executor.ts';
import { argumentsOf, modelOf, type OperationCase } from './operation-cases.ts';

/** (loss(x + h) − loss(x − h)) / 2h for every scalar argument, in double precision. */
export function centralDifferences(operation: OperationCase): Map<string, Float64Array> {
  const step = 1e-5;
  const program = compilePlain(modelOf(operation), {}, argumentsOf(operation), 'float64');
  const lossAt = (): number => {
    const { loss } = program.run(operation.feeds ?? {});
    return loss![0]!;
  };
  const differences = new Map<string, Float64Array>();
  for (const [name, values] of program.parameters) {
    const slopes = new Float64Array(values.length);
    values.forEach((value, index) => {
      values[index] = value + step;
      const above = lossAt();
      values[index] = value - step;
      slopes[index] = (above - lossAt()) / (2 * step);
      values[index] = value;
    });
    differences.set(name, slopes);
  }
  return differences;
}
