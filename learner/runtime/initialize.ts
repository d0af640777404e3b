/**
 * Seeded initial parameters. Each parameter draws from its own random stream, named after it, so
 * adding a layer does not change the others.
 *
 * @see He et al. 2015, "Delving Deep into Rectifiers", eq. 10; Glorot & Bengio 2010, eq. 16.
 */
import { RandomStream } from '../../sim/index.ts';
import type { Bucket, Model, Shape } from './ops.ts';
import type { Parameter } from './parameters.ts';
import type { ParameterSpec } from './primitives.ts';
import { sizeOf } from './shapes.ts';
import { describeModel } from './trace.ts';

/** Initial parameters of a model; any bucket gives the same ones. */
export function initializeParameters(model: Model, bucket: Bucket, seed: number): Parameter[] {
  return describeModel(model, bucket).parameters.map((spec) => initializeParameter(spec, seed));
}

function initializeParameter({ name, shape, initial }: ParameterSpec, seed: number): Parameter {
  const data = new Float32Array(sizeOf(shape));
  const stream = new RandomStream(seed, `parameter/${name}`);
  const [fanIn, fanOut] = fansOf(shape);
  if (initial === 'ones') {
    data.fill(1);
  } else if (initial === 'glorot') {
    // Uniform in ±limit has variance limit² / 3.
    const limit = Math.sqrt(6 / (fanIn + fanOut));
    for (let index = 0; index < data.length; index++) {
      data[index] = (2 * stream.float() - 1) * limit;
    }
  } else if (initial !== 'zeros') {
    const deviation = initial === 'he' ? Math.sqrt(2 / fanIn) : initial.normal;
    for (let index = 0; index < data.length; index++) data[index] = stream.normal() * deviation;
  }
  return { name, shape, data };
}

/** Inputs and outputs of the linear map `[…, fanIn, fanOut]`; a vector maps its length to 1. */
function fansOf(shape: Shape): [fanIn: number, fanOut: number] {
  if (shape.length < 2) return [shape[0] ?? 1, 1];
  return [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
}
