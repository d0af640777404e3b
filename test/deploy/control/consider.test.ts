import { describe, expect, test } from 'vitest';
import type { ClusterSnapshot } from '../../../deploy/cluster/snapshot.ts';
import { type ConsiderOptions, consider } from '../../../deploy/control/consider.ts';
import type { GuardLimits } from '../../../deploy/control/guard/rules.ts';
import { createPolicy, type Policy } from '../../../sim/index.ts';
import { cluster, gib, host, vm } from './small-cluster.ts';

const limits: GuardLimits = {
  migrations: 5,
  hosts: 5,
  hostsOn: 1,
  vmCooldown: 0,
  hostCooldown: 0,
  utilization: 0.9,
  confidence: 0.5,
};

const packing = createPolicy({ name: 'best-fit', frequency: 'ondemand' }, 'policy');

function ask(snapshot: ClusterSnapshot, change: Partial<ConsiderOptions> = {}, rules = limits) {
  return consider(snapshot, {
    policy: packing,
    guard: { limits: rules, past: { movedMs: new Map(), powerMs: new Map() }, nowMs: 0 },
    translation: { migration: { storage: 'shared' }, sleepOf: () => 'S5' },
    ...change,
  });
}

/** Three hosts of which one would do. */
const spread = cluster(
  [host('a'), host('b'), host('c')],
  [vm('x', 'a'), vm('y', 'b'), vm('z', 'c')],
);

describe('considering a snapshot', () => {
  test('packs VMs on few hosts, switches off the rest, and foretells what that saves', () => {
    const { items, before, after, nothing } = ask(spread, { horizon: 60 });
    expect(nothing).toBeUndefined();
    const done = items.map(({ operation, state }) => `${state} ${operation.type}`);
    expect(done.filter((line) => line === 'planned migrate')).toHaveLength(2);
    expect(done.filter((line) => line === 'planned sleepHost')).toHaveLength(2);
    // Moves come before what takes away.
    expect(done.indexOf('planned sleepHost')).toBeGreaterThan(done.lastIndexOf('planned migrate'));
    // Three idle hosts of 60 W with 500 of 8000 MHz each; later one with its frequency lowered.
    expect(before.meanW).toBeCloseTo(3 * (60 + 100 / 16), 1);
    expect(after.powerW.at(-1)!).toBeLessThan(75);
    expect(after.cost).toBeLessThan(before.cost);
    const moves = items.filter(({ operation }) => operation.type === 'migrate');
    for (const { forecast } of moves) {
      // 1 GiB at 117 MiB/s.
      expect(forecast!.durationS!).toBeGreaterThan(1024 / 117);
      expect(forecast!.durationS!).toBeLessThan(3 * (1024 / 117));
    }
  });

  test('is a pure function', () => {
    expect(JSON.stringify(ask(spread))).toBe(JSON.stringify(ask(spread)));
  });

  test('leaves out what the guard forbids, and foretells the rest', () => {
    const { items, after, before } = ask(spread, { horizon: 60 }, { ...limits, migrations: 1 });
    const refused = items.filter(({ state }) => state === 'refused');
    expect(items.filter(({ state }) => state === 'planned').length).toBeGreaterThan(0);
    // The policy knows the limit of moves; what is left over is hosts that could not be emptied.
    for (const { refusal } of refused) expect(refusal!.rule).toBe('empty');
    expect(after.cost).toBeLessThan(before.cost);
  });

  test('says when the policy wants nothing', () => {
    const packed = cluster([host('a', { canSleep: false })], [vm('x', 'a')]);
    const answer = ask(packed, { policy: createPolicy('best-fit', 'policy') });
    expect(answer.items).toEqual([]);
    expect(answer.nothing).toContain('the policy leaves everything as it is');
    expect(answer.after).toEqual(answer.before);
  });

  test('says when the guard forbids everything', () => {
    const vague = cluster(
      [host('a', { confidence: 0.1 }), host('b', { confidence: 0.1 })],
      [vm('x', 'a'), vm('y', 'b')],
    );
    const { nothing, items } = ask(vague);
    expect(items.every(({ state }) => state === 'refused')).toBe(true);
    expect(nothing).toMatch(/the guard forbids all \d+ actions \(.*confidence/);
  });

  test('refuses a plan that costs more than doing nothing', () => {
    const shuffling: Policy = {
      name: 'shuffling',
      decide: (_, plan) => plan.migrate(0, 1),
    };
    const { items, nothing, before, after } = ask(spread, { policy: shuffling });
    expect(items).toHaveLength(1);
    expect(items[0]!.refusal!.rule).toBe('benefit');
    expect(nothing).toContain('no beneficial action');
    expect(after).toEqual(before);
  });

  test('asks for a gain of a given size', () => {
    const { before, after } = ask(spread, { horizon: 60 });
    const gain = (before.cost - after.cost) / before.cost;
    expect(ask(spread, { horizon: 60, benefit: gain * 0.99 }).nothing).toBeUndefined();
    expect(ask(spread, { horizon: 60, benefit: gain * 1.01 }).nothing).toContain('has to save');
  });

  test('relieves a host above the limit, though nothing is lost there and power rises', () => {
    // 3400 of 4000 MHz: 85 % at the frequency that it has.
    const busy = cluster(
      [host('a', { requestedMhz: 1000, canSleep: false })],
      ['w', 'x', 'y', 'z'].map((name) => vm(name, 'a', { demandMhz: [850, 850, 850] })),
    );
    const below = ask(busy, {}, { ...limits, utilization: 0.9 });
    expect(below.items.map(({ refusal }) => refusal?.rule)).toEqual(['benefit']);
    const { items, before, after } = ask(busy, {}, { ...limits, utilization: 0.8 });
    expect(items.map(({ state }) => state)).toEqual(['planned']);
    expect(before.lostVcpuS).toBe(0);
    expect(after.cost).toBeGreaterThan(before.cost);
  });

  test('relieves a VM that its vCPUs hold back while other cores of its host have nothing to do', () => {
    const raising: Policy = { name: 'raising', decide: (_, plan) => plan.setPstate(0, 0) };
    const asking = (demandMhz: number) =>
      ask(
        cluster([host('a', { requestedMhz: 1000 })], [vm('x', 'a', { demandMhz: [demandMhz] })]),
        { policy: raising },
      ).items.map(({ state, refusal }) => refusal?.rule ?? state);
    expect(asking(890)).toEqual(['benefit']);
    expect(asking(910)).toEqual(['planned']);
  });

  test('names what is simulated only', () => {
    const capping: Policy = {
      name: 'capping',
      decide: (_, plan) => plan.limitHostPower(0, 50),
    };
    expect(ask(spread, { policy: capping }).nothing).toContain('limitHostPower is simulated only');
  });

  test('without a guard nothing is refused', () => {
    const vague = cluster(
      [host('a', { confidence: 0 }), host('b', { confidence: 0, memoryBytes: 64 * gib })],
      [vm('x', 'a'), vm('y', 'b')],
    );
    const { items } = consider(vague, {
      policy: packing,
      translation: { migration: { storage: 'none' }, sleepOf: () => 'S5' },
      horizon: 60,
    });
    expect(items.length).toBeGreaterThan(0);
    expect(items.every(({ refusal }) => refusal?.rule !== 'confidence')).toBe(true);
  });
});
