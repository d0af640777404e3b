/**
 * Loops over typed arrays, row-major. Callers have checked every length. Sums are kept in double
 * precision and rounded when stored.
 */

/** Real numbers: float32 in production, float64 where a reference needs more digits. */
export type Reals = Float32Array | Float64Array;

/** What a loop may read; int32 only as row indices. */
export type Numbers = Reals | Int32Array;

/**
 * out = a b for matrices `[rows, inner]` and `[inner, columns]` at the given offsets.
 *
 * Two rows of `a` and four of `b` a pass: each value of `b` read serves two rows, each value of
 * `out` is loaded and stored once in four products, and all inner reads are contiguous.
 */
export function multiplyMatrices(
  a: Numbers,
  aOffset: number,
  b: Numbers,
  bOffset: number,
  out: Reals,
  outOffset: number,
  rows: number,
  inner: number,
  columns: number,
): void {
  out.fill(0, outOffset, outOffset + rows * columns);
  const blockedRows = rows - (rows % 2);
  for (let row = 0; row < blockedRows; row += 2) {
    const a0 = aOffset + row * inner;
    const out0 = outOffset + row * columns;
    addTwoRows(a, a0, a0 + inner, b, bOffset, out, out0, out0 + columns, inner, columns);
  }
  if (blockedRows < rows) {
    const a0 = aOffset + blockedRows * inner;
    addOneRow(a, a0, b, bOffset, out, outOffset + blockedRows * columns, inner, columns);
  }
}

function addTwoRows(
  a: Numbers,
  a0: number,
  a1: number,
  b: Numbers,
  bOffset: number,
  out: Reals,
  out0: number,
  out1: number,
  inner: number,
  columns: number,
): void {
  const blockedInner = inner - (inner % 4);
  for (let k = 0; k < blockedInner; k += 4) {
    const p0 = a[a0 + k]!;
    const p1 = a[a0 + k + 1]!;
    const p2 = a[a0 + k + 2]!;
    const p3 = a[a0 + k + 3]!;
    const q0 = a[a1 + k]!;
    const q1 = a[a1 + k + 1]!;
    const q2 = a[a1 + k + 2]!;
    const q3 = a[a1 + k + 3]!;
    const b0 = bOffset + k * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let column = 0; column < columns; column++) {
      const v0 = b[b0 + column]!;
      const v1 = b[b1 + column]!;
      const v2 = b[b2 + column]!;
      const v3 = b[b3 + column]!;
      out[out0 + column]! += p0 * v0 + p1 * v1 + p2 * v2 + p3 * v3;
      out[out1 + column]! += q0 * v0 + q1 * v1 + q2 * v2 + q3 * v3;
    }
  }
  for (let k = blockedInner; k < inner; k++) {
    const p = a[a0 + k]!;
    const q = a[a1 + k]!;
    const b0 = bOffset + k * columns;
    for (let column = 0; column < columns; column++) {
      const v = b[b0 + column]!;
      out[out0 + column]! += p * v;
      out[out1 + column]! += q * v;
    }
  }
}

function addOneRow(
  a: Numbers,
  aOffset: number,
  b: Numbers,
  bOffset: number,
  out: Reals,
  outOffset: number,
  inner: number,
  columns: number,
): void {
  const blockedInner = inner - (inner % 4);
  for (let k = 0; k < blockedInner; k += 4) {
    const p0 = a[aOffset + k]!;
    const p1 = a[aOffset + k + 1]!;
    const p2 = a[aOffset + k + 2]!;
    const p3 = a[aOffset + k + 3]!;
    const b0 = bOffset + k * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let column = 0; column < columns; column++) {
      out[outOffset + column]! +=
        p0 * b[b0 + column]! + p1 * b[b1 + column]! + p2 * b[b2 + column]! + p3 * b[b3 + column]!;
    }
  }
  for (let k = blockedInner; k < inner; k++) {
    const p = a[aOffset + k]!;
    const b0 = bOffset + k * columns;
    for (let column = 0; column < columns; column++) {
      out[outOffset + column]! += p * b[b0 + column]!;
    }
  }
}

/** Softmax of each row of `width`; `logarithm` leaves its logarithm. */
export function softmaxRows(a: Numbers, out: Reals, width: number, logarithm: boolean): void {
  for (let start = 0; start < out.length; start += width) {
    const end = start + width;
    // The largest logit is subtracted first, so that no power overflows.
    let largest = a[start]!;
    for (let index = start + 1; index < end; index++) {
      if (a[index]! > largest) largest = a[index]!;
    }
    let total = 0;
    for (let index = start; index < end; index++) {
      const power = Math.exp(a[index]! - largest);
      out[index] = power;
      total += power;
    }
    if (logarithm) {
      const shift = largest + Math.log(total);
      for (let index = start; index < end; index++) out[index] = a[index]! - shift;
    } else {
      const inverse = 1 / total;
      for (let index = start; index < end; index++) out[index]! *= inverse;
    }
  }
}

/** Layer normalization of each row of `gain.length`. */
export function normalizeRows(
  a: Numbers,
  gain: Numbers,
  bias: Numbers,
  epsilon: number,
  out: Reals,
): void {
  const width = gain.length;
  for (let start = 0; start < out.length; start += width) {
    let sum = 0;
    for (let column = 0; column < width; column++) sum += a[start + column]!;
    const mean = sum / width;
    let squares = 0;
    for (let column = 0; column < width; column++) {
      const centred = a[start + column]! - mean;
      squares += centred * centred;
    }
    const inverse = 1 / Math.sqrt(squares / width + epsilon);
    for (let column = 0; column < width; column++) {
      out[start + column] = (a[start + column]! - mean) * inverse * gain[column]! + bias[column]!;
    }
  }
}

/** Sums `[outer, length, inner]` over its middle axis into `[outer, inner]`. */
export function sumMiddle(a: Numbers, out: Reals, length: number, inner: number): void {
  if (inner === 1) {
    for (let row = 0; row < out.length; row++) {
      let total = 0;
      for (let index = row * length; index < (row + 1) * length; index++) total += a[index]!;
      out[row] = total;
    }
    return;
  }
  out.fill(0);
  for (let outStart = 0, start = 0; outStart < out.length; outStart += inner) {
    for (let step = 0; step < length; step++, start += inner) {
      for (let column = 0; column < inner; column++) out[outStart + column]! += a[start + column]!;
    }
  }
}

/** Row `index[i]` of `a`, rows of `width`; false if an index has no row. */
export function gatherRows(a: Numbers, index: Numbers, width: number, out: Reals): boolean {
  const rows = a.length / width;
  for (let position = 0; position < index.length; position++) {
    const row = index[position]!;
    if (row < 0 || row >= rows) return false;
    const source = row * width;
    const target = position * width;
    for (let column = 0; column < width; column++) out[target + column] = a[source + column]!;
  }
  return true;
}

/** Adds row `i` of `a` to row `index[i]` of `out`; false if an index has no row. */
export function segmentSum(a: Numbers, index: Numbers, width: number, out: Reals): boolean {
  out.fill(0);
  const rows = out.length / width;
  for (let position = 0; position < index.length; position++) {
    const row = index[position]!;
    if (row < 0 || row >= rows) return false;
    const source = position * width;
    const target = row * width;
    for (let column = 0; column < width; column++) out[target + column]! += a[source + column]!;
  }
  return true;
}

/** Copies a block `[rows, width]` between arrays whose rows are further apart. */
export function copyBlock(
  from: Numbers,
  fromStart: number,
  fromStride: number,
  out: Reals,
  outStart: number,
  outStride: number,
  rows: number,
  width: number,
): void {
  for (let row = 0; row < rows; row++) {
    const source = fromStart + row * fromStride;
    const target = outStart + row * outStride;
    for (let column = 0; column < width; column++) out[target + column] = from[source + column]!;
  }
}

/** Fills `out`, of up to four axes, from `a` read with the given stride for each axis. */
export function permute(
  a: Numbers,
  out: Reals,
  lengths: readonly [number, number, number, number],
  strides: readonly [number, number, number, number],
): void {
  const [n0, n1, n2, n3] = lengths;
  const [s0, s1, s2, s3] = strides;
  let target = 0;
  for (let i0 = 0; i0 < n0; i0++) {
    for (let i1 = 0; i1 < n1; i1++) {
      for (let i2 = 0; i2 < n2; i2++) {
        let source = i0 * s0 + i1 * s1 + i2 * s2;
        for (let i3 = 0; i3 < n3; i3++) {
          out[target] = a[source]!;
          target += 1;
          source += s3;
        }
      }
    }
  }
}
