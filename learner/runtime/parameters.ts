/** Named parameters, and their layout in one flat vector as the trainers keep them. */
import { assert, InputError, type Issue } from '../../sim/index.ts';
import type { Shape } from './ops.ts';
import type { ParameterSpec } from './primitives.ts';
import { formatShape, sameShape, sizeOf } from './shapes.ts';

/** One trained tensor, row-major. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  /** As many numbers as the shape holds. */
  readonly data: Float32Array;
}

/** Number of scalars in all parameters. */
export function parameterCount(parameters: readonly { readonly shape: Shape }[]): number {
  return parameters.reduce((count, { shape }) => count + sizeOf(shape), 0);
}

/**
 * The given parameters in the order the model declares them.
 *
 * @throws InputError naming every parameter that is missing, unknown or of another shape: the
 *   parameters usually come from a file written for another model.
 */
export function matchParameters(
  specs: readonly ParameterSpec[],
  parameters: readonly Parameter[],
): Parameter[] {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const issues: Issue[] = [];
  const matched: Parameter[] = [];
  for (const { name, shape } of specs) {
    const found = byName.get(name);
    byName.delete(name);
    if (found !== undefined && sameShape(found.shape, shape)) {
      assert(found.data.length === sizeOf(shape), () => `parameter ${name}: wrong data length`);
      matched.push(found);
    } else {
      const got = found === undefined ? 'no such parameter' : `shape ${formatShape(found.shape)}`;
      issues.push({ path: `parameters.${name}`, expected: `shape ${formatShape(shape)}`, got });
    }
  }
  for (const { name, shape } of byName.values()) {
    const got = `shape ${formatShape(shape)}`;
    issues.push({ path: `parameters.${name}`, expected: 'no such parameter', got });
  }
  if (issues.length > 0) throw new InputError(issues);
  return matched;
}

/** A flat vector outlives a bucket, so every bucket must declare the same parameters in order. */
export function assertSameLayout(
  known: readonly ParameterSpec[],
  declared: readonly ParameterSpec[],
): void {
  assert(
    known.length === declared.length &&
      known.every(({ name, shape }, index) => {
        const other = declared[index];
        return other?.name === name && sameShape(other.shape, shape);
      }),
    () => 'the parameters a model declares must not depend on the bucket',
  );
}

/** All parameters one after another. */
export function flattenParameters(parameters: readonly Parameter[]): Float32Array {
  const flat = new Float32Array(parameterCount(parameters));
  let offset = 0;
  for (const { data } of parameters) {
    flat.set(data, offset);
    offset += data.length;
  }
  return flat;
}

/** The inverse of `flattenParameters`; copies. */
export function unflattenParameters(
  specs: readonly { readonly name: string; readonly shape: Shape }[],
  flat: Float32Array,
): Parameter[] {
  assert(flat.length === parameterCount(specs), () => `flat vector of ${flat.length} numbers`);
  let offset = 0;
  return specs.map(({ name, shape }) => {
    const data = flat.slice(offset, offset + sizeOf(shape));
    offset += data.length;
    return { name, shape, data };
  });
}
