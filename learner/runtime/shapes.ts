/** Arithmetic of static shapes. Misfits are programming errors: `InvariantError`. */
import { assert } from '../../sim/index.ts';
import type { Shape } from './ops.ts';

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** Length of the last axis; the tensor must have one. */
export function lastOf(shape: Shape): number {
  const last = shape.at(-1);
  assert(last !== undefined, () => 'a scalar has no last axis');
  return last;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** `[2, 3]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Every length a positive integer. */
export function assertShape(shape: Shape, owner: string): void {
  assert(
    shape.every((length) => Number.isSafeInteger(length) && length > 0),
    () => `${owner}: lengths must be positive integers, got ${formatShape(shape)}`,
  );
}

/** Shape of an element-wise operation on `a` and `b`. */
export function broadcastShape(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const fromA = a[a.length - rank + axis] ?? 1;
    const fromB = b[b.length - rank + axis] ?? 1;
    assert(
      fromA === fromB || fromA === 1 || fromB === 1,
      () => `${operation}: ${formatShape(a)} and ${formatShape(b)} do not broadcast`,
    );
    shape.push(Math.max(fromA, fromB));
  }
  return shape;
}

/** Axis counted from the front, for an axis that may count from the end. */
export function resolveAxis(operation: string, shape: Shape, axis: number): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  assert(
    Number.isInteger(resolved) && resolved >= 0 && resolved < shape.length,
    () => `${operation}: no axis ${axis} in ${formatShape(shape)}`,
  );
  return resolved;
}
