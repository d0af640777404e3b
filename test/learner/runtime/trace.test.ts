import { describe, expect, it } from 'vitest';
import { describeModel, type Ops, type SymbolicTensor } from '../../../learner/runtime/index.ts';
import { InvariantError } from '../../../sim/index.ts';

/** Traces one expression. */
function traced<T>(build: (ops: Ops<SymbolicTensor>) => T): T {
  let result: { readonly value: T } | undefined;
  describeModel((ops) => {
    result = { value: build(ops) };
    return {};
  }, {});
  return result!.value;
}

describe('tracing a model', () => {
  it('lists inputs, parameters and outputs with their shapes for a bucket', () => {
    const trace = describeModel(
      (ops, { rows = 1 }) => {
        const x = ops.input('x', [rows, 3]);
        const index = ops.input('index', [5], 'int32');
        const y = ops.matmul(x, ops.parameter('w', [3, 4], 'he'));
        return { y, picked: ops.gatherRows(y, index), x: ops.input('x', [rows, 3]) };
      },
      { rows: 7 },
    );
    expect(trace.inputs).toEqual([
      { name: 'x', shape: [7, 3], type: 'float32' },
      { name: 'index', shape: [5], type: 'int32' },
    ]);
    expect(trace.parameters).toEqual([{ name: 'w', shape: [3, 4], initial: 'he' }]);
    const shapes = Object.entries(trace.outputs).map(([name, { shape }]) => [name, shape]);
    expect(shapes).toEqual([
      ['y', [7, 4]],
      ['picked', [5, 4]],
      ['x', [7, 3]],
    ]);
  });

  it('shares a parameter that is named twice, and rejects two meanings of one name', () => {
    traced((ops) => {
      expect(ops.parameter('w', [2], 'ones')).toBe(ops.parameter('w', [2], 'ones'));
      expect(() => ops.parameter('w', [3], 'ones')).toThrow(InvariantError);
      expect(() => ops.parameter('w', [2], 'zeros')).toThrow(/"ones" \[2\] and as "zeros" \[2\]/);
    });
  });

  it('rejects shapes that do not fit, with both in the message', () => {
    traced((ops) => {
      const a = ops.input('a', [2, 3]);
      const b = ops.input('b', [2, 4]);
      const index = ops.input('index', [3], 'int32');
      expect(() => ops.add(a, b)).toThrow('add: [2, 3] and [2, 4] do not broadcast');
      expect(() => ops.matmul(a, b)).toThrow('matmul: [2, 3] × [2, 4]');
      expect(() => ops.batchedMatmul(a, b)).toThrow(InvariantError);
      expect(() => ops.reshape(a, [4, 2])).toThrow('reshape: [2, 3] to [4, 2]');
      expect(() => ops.transpose(a, [0, 0])).toThrow(InvariantError);
      expect(() => ops.concat([a, ops.input('c', [3, 3])])).toThrow(InvariantError);
      expect(() => ops.slice(a, 1, 4)).toThrow('slice: end 4 beyond [2, 3]');
      expect(() => ops.sum(a, 2)).toThrow('sum: no axis 2 in [2, 3]');
      expect(() => ops.gatherRows(a, b)).toThrow(InvariantError);
      expect(() => ops.segmentSum(a, index, 2)).toThrow(InvariantError);
      expect(() => ops.layerNorm(a, b, b)).toThrow(InvariantError);
      expect(() => ops.constant([1, 2], [3])).toThrow(InvariantError);
      expect(() => ops.input('d', [0])).toThrow(InvariantError);
    });
  });
});
