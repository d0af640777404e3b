import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type OpenDcTasks, readOpenDcTasksSync } from '../../traces/opendc.ts';
import { placeOpenDcTasks, readOpenDcWorkload } from '../../traces/opendc-workload.ts';
import { detectFormat } from '../../traces/read.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { demandOf, unitError, workOf } from './demand.ts';

type Task = {
  readonly submitMs: number;
  readonly parts: readonly (readonly [ms: number, mhz: number])[];
};

/** Tasks of 2 cores of 1000 MHz each and 100 MB. */
function tasksOf(list: readonly Task[]): OpenDcTasks {
  const sorted = list.toSorted((a, b) => a.submitMs - b.submitMs);
  const parts = sorted.flatMap((task) => task.parts);
  let next = 0;
  return {
    ids: sorted.map((_, index) => `t${index}`),
    submissionMs: Float64Array.from(sorted, ({ submitMs }) => submitMs),
    durationMs: Float64Array.from(sorted, (task) => task.parts.reduce((sum, [ms]) => sum + ms, 0)),
    cpuCount: Int32Array.from(sorted, () => 2),
    cpuCapacityMhz: Float64Array.from(sorted, () => 2000),
    memoryMb: Float64Array.from(sorted, () => 100),
    fragmentStart: Int32Array.from([0, ...sorted.map((task) => (next += task.parts.length))]),
    fragmentMs: Float64Array.from(parts, ([ms]) => ms),
    fragmentMhz: Float64Array.from(parts, ([, mhz]) => mhz),
  };
}

it('a task arrives, asks and leaves as its fragments say', () => {
  const tasks = tasksOf([
    { submitMs: 5000, parts: [[10_000, 1000]] },
    // From 12 s on the trace's clock: 3 s at 500, 2 s at 2000, over by 17 s.
    {
      submitMs: 17_000,
      parts: [
        [3000, 500],
        [2000, 2000],
      ],
    },
    { submitMs: 6000, parts: [] },
  ]);
  const { workload, report } = placeOpenDcTasks(tasks, 'dir', { intervalMs: 10_000 });
  expect(workload.vmNames).toEqual(['t0', 't2']);
  expect([...workload.arrivalMs]).toEqual([0, 12_000]);
  expect([...workload.departureMs]).toEqual([10_000, 17_000]);
  expect(demandOf(workload, 't0')).toEqual([1000, 0]);
  // (3 × 500 + 2 × 2000) / 5 s of life.
  expect(Math.abs(demandOf(workload, 't2')[1]! - 1100)).toBeLessThan(0.02);
  expect([workload.vcpus[0], workload.vcpuMips[0], workload.memoryBytes[0]]).toEqual([
    2, 1000, 1e8,
  ]);
  expect(report.repairs).toMatchObject({
    'tasks without fragments, left out': 1,
    'tasks outside the steps, left out': 0,
  });
});

it('conserves the work of random tasks, task by task', () => {
  const task = fc.record({
    submitMs: fc.integer({ min: 0, max: 100_000 }),
    parts: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 0, max: 2000 })),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
  });
  fc.assert(
    fc.property(
      fc.array(task, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 500, max: 70_000 }),
      (list, intervalMs) => {
        const tasks = tasksOf(list as readonly Task[]);
        const { workload, report } = placeOpenDcTasks(tasks, 'dir', { intervalMs });
        expect(report.repairs['rows above capacity, cut']).toBe(0);
        tasks.ids.forEach((id, index) => {
          let work = 0;
          for (
            let part = tasks.fragmentStart[index]!;
            part < tasks.fragmentStart[index + 1]!;
            part++
          ) {
            work += tasks.fragmentMs[part]! * tasks.fragmentMhz[part]!;
          }
          const error = unitError(workload, id) * tasks.durationMs[index]!;
          expect(Math.abs(workOf(workload, id) - work)).toBeLessThanOrEqual(error + work * 1e-12);
        });
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

describeWithReference('SURF, October 2022', () => {
  it.each([30_000, 300_000])(
    'keeps the work of 2,907 tasks on rows of %s ms',
    (intervalMs) => {
      const path = referencePath('data', 'surf-2022-10');
      expect(detectFormat(path)).toBe('opendc');
      const { workload, report } = readOpenDcWorkload(path, { intervalMs });
      const tasks = readOpenDcTasksSync(path);
      expect(report).toMatchObject({ format: 'opendc', rows: 2907 + 1_627_523 });
      expect(report.repairs['rows above capacity, cut']).toBe(0);
      let expected = 0;
      let lives = 0;
      tasks.fragmentMs.forEach((ms, part) => {
        expected += ms * tasks.fragmentMhz[part]!;
        lives += ms;
      });
      const vms = workload.vmNames.length;
      let work = 0;
      for (let vm = 0; vm < vms; vm++) {
        const from = workload.arrivalMs[vm]!;
        const until = workload.departureMs[vm]!;
        for (let step = Math.floor(from / intervalMs); step * intervalMs < until; step++) {
          const start = Math.max(from, step * intervalMs);
          const end = Math.min(until, (step + 1) * intervalMs);
          work +=
            workload.demandUnits[step * vms + vm]! * workload.mipsPerUnit[vm]! * (end - start);
        }
      }
      // Half a 16-bit unit of 33.6 GHz at most, all the time.
      expect(Math.abs(work - expected)).toBeLessThan((lives * 33_600) / 65_535);
      expect(Math.abs(work / expected - 1)).toBeLessThan(2e-6);
    },
    120_000,
  );
});
