/** Columns: typed arrays over shared memory, so that workers read them without a copy. */

/** Typed arrays over shared memory, zero-filled. */
export const sharedFloat64 = (length: number): Float64Array =>
  new Float64Array(new SharedArrayBuffer(length * 8));
export const sharedInt32 = (length: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(length * 4));
export const sharedUint16 = (length: number): Uint16Array =>
  new Uint16Array(new SharedArrayBuffer(length * 2));

/** A column of `length` floats, filled by index. */
export function fillFloat64(length: number, value: (index: number) => number): Float64Array {
  const column = sharedFloat64(length);
  for (let index = 0; index < length; index++) column[index] = value(index);
  return column;
}

/** A column of `length` integers, filled by index. */
export function fillInt32(length: number, value: (index: number) => number): Int32Array {
  const column = sharedInt32(length);
  for (let index = 0; index < length; index++) column[index] = value(index);
  return column;
}
