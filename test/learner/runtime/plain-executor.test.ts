import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketCache } from '../../../learner/runtime/bucket-cache.ts';
import { createPlainPredictor, type Model, openBackend } from '../../../learner/runtime/index.ts';
import { multiplyMatrices } from '../../../learner/runtime/plain-kernels.ts';
import { InvariantError } from '../../../sim/index.ts';

describe('the matrix product', () => {
  it('equals the definition for all small sizes, also with offsets', () => {
    const length = fc.integer({ min: 1, max: 11 });
    fc.assert(
      fc.property(length, length, length, fc.nat(3), (rows, inner, columns, offset) => {
        // Small integers: products and sums are exact in any order.
        const a = Float32Array.from({ length: rows * inner + offset }, (_, i) => (i % 7) - 3);
        const b = Float32Array.from({ length: inner * columns + offset }, (_, i) => (i % 5) - 2);
        const out = new Float32Array(rows * columns + offset).fill(9);
        multiplyMatrices(a, offset, b, offset, out, offset, rows, inner, columns);
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            let sum = 0;
            for (let k = 0; k < inner; k++) {
              sum += a[offset + row * inner + k]! * b[offset + k * columns + column]!;
            }
            expect(out[offset + row * columns + column]).toBe(sum);
          }
        }
        expect(out.subarray(0, offset).every((value) => value === 9)).toBe(true);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe('broadcasting', () => {
  it('equals ONNX for all pairs of shapes that broadcast', async () => {
    const backend = await openBackend('onnx');
    // Every pattern of repeated axes over [2, 3, 4], and missing leading axes.
    const patterns = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
      [2, 3, 4].map((length, axis) => ((bits >> axis) & 1 ? 1 : length)),
    );
    const shapes = [...patterns, [3, 4], [1, 4], [3, 1], [4], [1], []];
    const model: Model = (ops) =>
      Object.fromEntries(
        shapes.flatMap((a) =>
          shapes.map((b) => {
            const name = `${a.join('x')} ${b.join('x')}`;
            return [name, ops.sub(ops.constant(ramp(a, 1), a), ops.constant(ramp(b, 10), b))];
          }),
        ),
      );
    const predictor = backend.createPredictor(model, []);
    expect(await predictor.run({}, {})).toEqual(createPlainPredictor(model, []).run({}, {}));
    await predictor.dispose();
  });
});

describe('a plain predictor', () => {
  it('returns arrays that later runs leave alone', () => {
    const model: Model = (ops, { rows = 1 }) => ({ y: ops.scale(ops.input('x', [rows]), 2) });
    const predictor = createPlainPredictor(model, []);
    const first = predictor.run({ rows: 2 }, { x: Float32Array.of(1, 2) });
    predictor.run({ rows: 2 }, { x: Float32Array.of(5, 6) });
    const other = predictor.run({ rows: 3 }, { x: Float32Array.of(7, 8, 9) });
    expect(first).toEqual({ y: Float32Array.of(2, 4) });
    expect(other).toEqual({ y: Float32Array.of(14, 16, 18) });
  });

  it('rejects an index without a row', () => {
    const model: Model = (ops) => ({
      y: ops.gatherRows(ops.input('x', [2, 1]), ops.input('index', [1], 'int32')),
    });
    const predictor = createPlainPredictor(model, []);
    for (const index of [-1, 2]) {
      const feeds = { x: Float32Array.of(1, 2), index: Int32Array.of(index) };
      expect(() => predictor.run({}, feeds)).toThrow(InvariantError);
    }
  });
});

describe('a bucket cache', () => {
  it('keeps the most recently used and releases the others', () => {
    const released: number[] = [];
    const cache = new BucketCache<number>(2, (value) => released.push(value));
    let built = 0;
    const get = (rows: number, hosts: number): number => cache.get({ rows, hosts }, () => ++built);
    expect([get(1, 1), get(2, 1), get(1, 1), get(3, 1)]).toEqual([1, 2, 1, 3]);
    expect(released).toEqual([2]);
    // The order in which a bucket names its lengths does not matter.
    expect(cache.get({ hosts: 1, rows: 3 }, () => ++built)).toBe(3);
    cache.clear();
    expect(released).toEqual([2, 1, 3]);
  });
});

/** 1, 2, 3, … times `step`. */
function ramp(shape: readonly number[], step: number): number[] {
  const size = shape.reduce((product, length) => product * length, 1);
  return Array.from({ length: size }, (_, index) => (index + 1) * step);
}
