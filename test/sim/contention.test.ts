import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waterLevel } from '../../sim/contention.ts';
import { advance, deliveredMips, settleAll } from '../../sim/index.ts';
import { startTwin } from '../builders.ts';

const level = (caps: readonly number[], weights: readonly number[], capacity: number): number =>
  waterLevel(Float64Array.from(caps), Float64Array.from(weights), caps.length, capacity);

describe('the water level', () => {
  it('is infinite when everything fits, also exactly', () => {
    expect(level([1, 2, 3], [1, 1, 1], 6)).toBe(Infinity);
    expect(level([], [], 0)).toBe(Infinity);
    expect(level([0, 0], [1, 1], 0)).toBe(Infinity);
  });

  it('gives the small ones what they ask for and the others equal parts of the rest', () => {
    // 12: only the 1 is below its equal part, the others get (12 - 1) / 3 each.
    expect(level([1, 4, 6, 20], [1, 1, 1, 1], 12)).toBe(11 / 3);
    // 16: so is the 4, the others get (16 - 1 - 4) / 2 each.
    expect(level([1, 4, 6, 20], [1, 1, 1, 1], 16)).toBe(5.5);
  });

  it('counts weights: twice the weight, twice the share', () => {
    // 9 to weights 1 and 2: 3 and 6.
    expect(level([10, 10], [1, 2], 9)).toBe(3);
    // The heavy one asks for 5 only: 5, and 4 for the other.
    expect(level([10, 5], [1, 2], 9)).toBe(4);
  });

  it('is 0 without capacity', () => {
    expect(level([1, 0], [1, 1], 0)).toBe(0);
  });

  it('hands out exactly the capacity, and nobody more than the cap', () => {
    const claim = fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 8 }));
    fc.assert(
      fc.property(
        fc.array(claim, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 8000 }),
        (claims, capacity) => {
          const caps = claims.map(([cap]) => cap);
          const weights = claims.map(([, weight]) => weight);
          const found = level(caps, weights, capacity);
          const got = caps.map((cap, index) => Math.min(cap, found * weights[index]!));
          const sum = got.reduce((total, share) => total + share, 0);
          const asked = caps.reduce((total, cap) => total + cap, 0);
          expect(Math.abs(sum - Math.min(asked, capacity))).toBeLessThan(1e-9 * capacity);
        },
      ),
      { seed: 11, numRuns: 3000 },
    );
  });
});

it('VMs of 1 and 3 vCPUs on a full host of 4 × 1000 MIPS get 1000 and 3000 MIPS', () => {
  // A third VM of 4 vCPUs asks for 500 only. The rest, 3500, goes 1 : 3 to 875 and 2625.
  const twin = startTwin({
    hosts: 1,
    vms: [
      { vcpus: 1, demandMips: 1000, host: 0 },
      { vcpus: 3, demandMips: 3000, host: 0 },
      { vcpus: 4, demandMips: [0, 500], host: 0 },
    ],
  });
  const delivered = (): number[] => [0, 1, 2].map((vm) => deliveredMips(twin, vm));
  advance(twin, 0);
  expect(delivered()).toEqual([1000, 3000, 0]);
  advance(twin, 300_000);
  expect(delivered()).toEqual([875, 2625, 500]);
  advance(twin, 600_000);
  settleAll(twin);
  // 300 s with 125 and 375 MIPS too little.
  expect([...twin.state.vmShortMi]).toEqual([300 * 125, 300 * 375, 0]);
});
