/** Cases of the fuzzer that once failed, and what was wrong then. */
import { expect, it } from 'vitest';
import { runCase } from '../scripts/fuzz/case.ts';

it.each([
  [64, 'tasks of a VM that waits were not counted where it was placed'],
  [161, 'the fused tick gave trace demand to a VM whose demand is that of its tasks'],
  [1001481, 'a governor with a fractional period was woken in the past'],
  [1002704, 'rates above 137 GB/s left rounding in the sum of an interface; outside the range'],
  [212, 'a task that began before its VM had come was counted on no host'],
])('case %i: %s', (seed) => {
  expect(runCase(seed).failure).toBeUndefined();
});
