/** Telemetry that is old, missing or wrongly timed: what policies see, and that they stay legal. */
import { describe, expect, it } from 'vitest';
import {
  advance,
  checkInvariants,
  createPolicy,
  defaultObjective,
  type FaultsSpec,
  type LifetimeSpec,
  policyNames,
  runPolicy,
  type TelemetryFaultSpec,
  type Twin,
} from '../../sim/index.ts';
import { startTwin, threePstates, viewOf } from '../builders.ts';

const minute = 60_000;
const constant = (mean: number): LifetimeSpec => ({ type: 'constant', mean });

/** A VM that asks for 100, 200, 300, … MIPS in rows of 5 min, and one on another host. */
function rising(fault: Partial<TelemetryFaultSpec>): Twin {
  const demandMips = Array.from({ length: 20 }, (_, row) => 100 * (row + 1));
  const spell = {
    kind: 'stale',
    upMs: constant(27 * minute),
    downMs: constant(20 * minute),
  } as const;
  return startTwin({
    hosts: 2,
    vms: [
      { demandMips, host: 0 },
      { demandMips, host: 1 },
    ],
    faults: { telemetry: [{ ...spell, ...fault }] },
  });
}

/** Demand and history that are seen at a time, min. */
function seen(twin: Twin, atMin: number, vm = 0): (number | number[])[] {
  advance(twin, atMin * minute, checkInvariants);
  const view = viewOf(twin);
  const history = Array.from({ length: view.observations(vm) }, (_, lag) =>
    view.demandAt(vm, lag + 1),
  );
  return [view.demandMips(vm), history];
}

// The spell lasts from 27 to 47 min. At 30 min rows 0 to 5 are over: 600 MIPS is the newest.
describe('stale values', () => {
  it('are so many intervals old while it lasts, and new again after it', () => {
    const twin = rising({ intervals: 2 });
    expect(seen(twin, 25)).toEqual([500, [500, 400, 300, 200, 100]]);
    expect(seen(twin, 30)).toEqual([400, [400, 300, 200, 100]]);
    expect(seen(twin, 45)).toEqual([700, [700, 600, 500, 400, 300, 200, 100]]);
    expect(seen(twin, 50)[0]).toBe(1000);
  });

  it('older than the VM leave its nominal size', () => {
    expect(seen(rising({ intervals: 9 }), 30)).toEqual([2000, []]);
  });

  it('are those of one host where that is the scope', () => {
    const twin = rising({ intervals: 1, scope: 'host' });
    advance(twin, 30 * minute);
    expect([...twin.state.faults.vmStaleBy]).toEqual([1, 2]);
  });
});

describe('missing values', () => {
  it('leave what was known last, and the history begins anew with the first whole row after', () => {
    const twin = rising({ kind: 'missing' });
    expect(seen(twin, 30)).toEqual([500, [500, 400, 300, 200, 100]]);
    expect(seen(twin, 45)).toEqual([500, [500, 400, 300, 200, 100]]);
    // The row from 45 min on was not seen from its beginning; that from 50 min is over at 55.
    expect(seen(twin, 50)).toEqual([500, []]);
    expect(seen(twin, 55)).toEqual([1100, [1100]]);
    expect(seen(twin, 60)).toEqual([1200, [1200, 1100]]);
  });

  it('of a VM that follows its tasks stay what they were', () => {
    const twin = startTwin({
      hosts: 1,
      vms: [{ host: 0 }],
      taskDriven: [true],
      tasks: [
        {
          name: 'work',
          on: { vm: 0 },
          startMs: 0,
          phases: [{ type: 'work', work: 3_000_000, threads: 2 }],
        },
        { name: 'late', on: { vm: 0 }, startMs: 0, phases: [{ type: 'sleep', ms: 1 }] },
      ],
      faults: {
        telemetry: [{ kind: 'missing', upMs: constant(minute), downMs: constant(1000 * minute) }],
      },
    });
    advance(twin, 4000 * 1000, checkInvariants);
    expect(twin.state.vmAskedMips[0]).toBe(0);
    expect(viewOf(twin).demandMips(0)).toBe(2000);
  });
});

describe('a clock', () => {
  it('behind shows old rows and an early time; the twin’s own clock goes on', () => {
    const twin = rising({ kind: 'clock', jumpMs: -10 * minute });
    expect(seen(twin, 30)).toEqual([400, [400, 300, 200, 100]]);
    expect(viewOf(twin).nowMs).toBe(20 * minute);
    expect(twin.nowMs).toBe(30 * minute);
    expect(seen(twin, 50)[0]).toBe(1000);
    expect(viewOf(twin).nowMs).toBe(50 * minute);
  });

  it('ahead shows nothing of the future', () => {
    const twin = rising({ kind: 'clock', jumpMs: 60 * minute });
    expect(seen(twin, 30)[0]).toBe(600);
    expect(viewOf(twin).nowMs).toBe(90 * minute);
  });

  it('never shows a time before 0', () => {
    const twin = rising({ kind: 'clock', jumpMs: -60 * minute });
    expect(seen(twin, 30)).toEqual([2000, []]);
    expect(viewOf(twin).nowMs).toBe(0);
  });
});

it('a VM that crashed has a history from when it runs again', () => {
  const demandMips = Array.from({ length: 20 }, (_, row) => 100 * (row + 1));
  const twin = startTwin({
    hosts: 1,
    vms: [{ demandMips, host: 0 }],
    faults: { vms: { upMs: constant(32 * minute) }, restartMs: 3 * minute },
  });
  advance(twin, 41 * minute);
  expect(viewOf(twin).observations(0)).toBe(0);
  runPolicy(twin, createPolicy('first-fit', 'policy'), {
    untilMs: 42 * minute,
    decisionEveryMs: 5 * minute,
    objective: defaultObjective,
  });
  // It runs from 41 min on, which is in row 8; rows 8 and 9 are over at 50 min.
  expect(seen(twin, 50)).toEqual([1000, [1000, 900]]);
});

const faults: FaultsSpec = {
  telemetry: [
    { kind: 'stale', upMs: constant(7 * minute), downMs: constant(11 * minute), intervals: 3 },
    { kind: 'missing', scope: 'vm', upMs: constant(13 * minute), downMs: constant(9 * minute) },
    { kind: 'clock', upMs: constant(17 * minute), downMs: constant(8 * minute), jumpMs: -minute },
    {
      kind: 'clock',
      upMs: constant(19 * minute),
      downMs: constant(8 * minute),
      jumpMs: 9 * minute,
    },
  ],
};
const crashes: FaultsSpec = {
  hosts: [
    {
      hosts: [0, 1, 2],
      upMs: { type: 'exponential', mean: 60 * minute },
      downMs: constant(7 * minute),
    },
  ],
  vms: { upMs: { type: 'exponential', mean: 90 * minute } },
  restartMs: 2 * minute,
};

it.each(policyNames)(
  '%s stays legal with faulty telemetry, and when hosts and VMs fail',
  (name) => {
    for (const spec of [faults, { ...faults, ...crashes }]) {
      const twin = startTwin({
        hosts: [{ pstates: threePstates }, { pstates: threePstates }, { cores: 8 }],
        vms: Array.from({ length: 9 }, (_, vm) => ({
          demandMips: Array.from({ length: 20 }, (__, row) => (vm * 700 + row * 390) % 2000),
          arrivalS: vm % 3 === 0 ? 700 * vm : 0,
        })),
        faults: spec,
      });
      const { refusedActions } = runPolicy(twin, createPolicy(name, 'policy'), {
        untilMs: 100 * minute,
        decisionEveryMs: 5 * minute,
        objective: defaultObjective,
        afterEvent: checkInvariants,
      });
      expect(refusedActions).toBe(0);
    }
  },
);
