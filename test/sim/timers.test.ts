import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cancel, phaseOf, phases, schedule } from '../../sim/timers.ts';
import { startTwin } from '../builders.ts';

/** 12 VMs give a heap of more than 15 timers, so that it has three levels. */
const cluster = { hosts: 1, vms: Array.from({ length: 12 }, () => ({})) };

function popAll(state: ReturnType<typeof startTwin>['state']): number[] {
  const order: number[] = [];
  while (state.heapSize[0]! > 0) {
    const first = state.heap[0]!;
    order.push(first);
    cancel(state, first);
  }
  return order;
}

it('timers go off by date, then by phase, then in the order they were set', () => {
  const { state } = startTwin(cluster);
  popAll(state);
  schedule(state, 0, 5, phases.arrival);
  schedule(state, 1, 5, phases.departure);
  schedule(state, 2, 3, phases.governor);
  schedule(state, 3, 5, phases.arrival);
  expect(phaseOf(state, 2)).toBe(phases.governor);
  expect(popAll(state)).toEqual([2, 1, 0, 3]);
});

it('a timer that is set again moves, one that is cancelled is gone', () => {
  const { state } = startTwin(cluster);
  popAll(state);
  for (const timer of [0, 1, 2]) schedule(state, timer, 10 + timer, phases.arrival);
  schedule(state, 2, 1, phases.arrival);
  schedule(state, 0, 20, phases.arrival);
  cancel(state, 1);
  cancel(state, 1);
  expect(popAll(state)).toEqual([2, 0]);
});

it('the heap keeps its order whatever is set, moved and cancelled', () => {
  const step = fc.record({
    timer: fc.integer({ min: 0, max: 16 }),
    timeMs: fc.integer({ min: 0, max: 6 }),
    phase: fc.integer({ min: 0, max: 5 }),
    cancels: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { state } = startTwin(cluster);
      popAll(state);
      const pending = new Map<number, readonly [number, number, number]>();
      steps.forEach(({ timer, timeMs, phase, cancels }, sequence) => {
        if (cancels) {
          cancel(state, timer);
          pending.delete(timer);
        } else {
          schedule(state, timer, timeMs, phase);
          pending.set(timer, [timeMs, phase, sequence]);
        }
      });
      const sorted = [...pending].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
      expect(popAll(state)).toEqual(sorted.map(([timer]) => timer));
    }),
    { seed: 3, numRuns: 500 },
  );
});
