/** Twins that begin in the middle: as at time 0 where that is the middle, else as if time began there. */
import { describe, expect, it } from 'vitest';
import {
  advance,
  checkInvariants,
  costOf,
  createPolicy,
  decideOnce,
  InvariantError,
  sliceWorkload,
  Twin,
  TwinView,
  twinAt,
} from '../../sim/index.ts';
import { clusterModel, gib, threePstates, type VmOptions } from '../builders.ts';

const intervalMs = 300_000;
const vms: VmOptions[] = Array.from({ length: 9 }, (_, vm) => ({
  demandMips: Array.from({ length: 12 }, (_, row) => (vm * 331 + row * 577) % 1900),
  host: vm % 3,
}));
const model = clusterModel({
  hosts: Array.from({ length: 4 }, () => ({ pstates: threePstates })),
  vms,
});

describe('a twin that begins in the middle', () => {
  it('at time 0 is the usual one, byte for byte', () => {
    const usual = Twin.create(model, 0);
    advance(usual, 0);
    expect(twinAt(model, { nowMs: 0 }).state.equals(usual.state)).toBe(true);
  });

  it('goes on as one whose time begins there', () => {
    const later = twinAt(model, { nowMs: 5 * intervalMs });
    const { workload } = model;
    const anew = Twin.create({ ...model, workload: sliceWorkload(workload, 5, 12) }, 0);
    advance(anew, 0);
    const policy = createPolicy('best-fit', 'policy');
    // Without a past there is nothing to look back at.
    for (const twin of [later, anew]) advance(twin, twin.nowMs + 3 * intervalMs);
    expect(costOf(later)).toEqual(costOf(anew));
    expect(new TwinView(later).observations(0)).toBe(8);
    expect(new TwinView(anew).observations(0)).toBe(3);
    expect(decideOnce(later, policy).plan.actions).toEqual(decideOnce(anew, policy).plan.actions);
    for (const twin of [later, anew]) advance(twin, twin.nowMs + 4 * intervalMs);
    expect(costOf(later)).toEqual(costOf(anew));
    checkInvariants(later);
  });

  it('has hosts asleep or on their way, and migrations that have just begun', () => {
    const sleep = { suspendMs: 1, suspendW: 2, asleepW: 3, resumeMs: 90_000, resumeW: 130 };
    const host = { pstates: threePstates, initiallyOn: false };
    const hosts = [{ pstates: threePstates }, { ...host, sleep }, host, { ...host, sleep }, {}];
    const mixed = clusterModel({ hosts, vms: [{ demandMips: [500, 600, 700], host: 0 }] });
    const nowMs = intervalMs;
    const migrations = [{ vm: 0, target: 4 }];
    const twin = twinAt(mixed, { nowMs, asleep: [1], waking: [2, 3], migrations });
    checkInvariants(twin);
    const view = new TwinView(twin);
    expect([0, 1, 2, 3].map((at) => [view.isOn(at), view.isOff(at), view.isAvailable(at)])).toEqual(
      [
        [true, false, true],
        [false, true, false],
        [false, false, true],
        [false, false, true],
      ],
    );
    expect(Array.from(twin.state.hostPowerW.subarray(1, 4))).toEqual([3, 150, 130]);
    expect(view.migration(0)).toMatchObject({
      source: 0,
      target: 4,
      elapsedS: 0,
      leftBytes: 2 * gib,
    });
    advance(twin, nowMs + 60_000);
    expect([2, 3].map((at) => new TwinView(twin).isOn(at))).toEqual([true, false]);
    advance(twin, nowMs + 90_000);
    expect(new TwinView(twin).isOn(3)).toBe(true);
    expect(new TwinView(twin).hostOf(0)).toBe(4);
    checkInvariants(twin);
  });

  it('is of plain VMs, at the start of a row', () => {
    expect(() => twinAt(model, { nowMs: 100_000 })).toThrow(InvariantError);
    const tasks = clusterModel({
      hosts: 1,
      vms: [{ host: 0 }],
      taskDriven: [true],
      tasks: [{ name: 'task', on: { vm: 0 }, startMs: 0, phases: [] }],
    });
    expect(() => twinAt(tasks, { nowMs: intervalMs })).toThrow('can begin later than at time 0');
    expect(() => twinAt(tasks, { nowMs: 0 })).not.toThrow();
  });
});
