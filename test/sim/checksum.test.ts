import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checksum } from '../../sim/numbers/checksum.ts';
import { tries } from './random-cluster.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 70 });

it('depends on every bit, wherever the bytes lie in memory', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(7), fc.nat(3), (content, at, bit, shift) => {
      const moved = new Uint8Array(content.length + shift).subarray(shift);
      moved.set(content);
      expect(checksum([moved])).toBe(checksum([content]));
      moved[at % content.length]! ^= 1 << bit;
      expect(checksum([moved])).not.toBe(checksum([content]));
    }),
    tries(500),
  );
});

it('depends on lengths, on the order of parts, and on where one ends', () => {
  const of = (...parts: number[][]): string => checksum(parts.map((part) => Uint8Array.from(part)));
  const all = [
    of(),
    of([]),
    of([0]),
    of([0, 0]),
    of([0, 0, 0, 0]),
    of([0], [0]),
    of([1, 2], [3]),
    of([1], [2, 3]),
    of([3], [1, 2]),
    of([1, 2, 3, 4], [5, 6, 7, 8]),
    of([5, 6, 7, 8], [1, 2, 3, 4]),
    of([1, 2, 3, 4, 5, 6, 7, 8]),
  ];
  expect(new Set(all).size).toBe(all.length);
  for (const sum of all) expect(sum).toMatch(/^[0-9a-f]{16}$/);
});
