import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../../deploy/actions/operation.ts';
import type { ClusterSnapshot } from '../../../deploy/cluster/snapshot.ts';
import { guard } from '../../../deploy/control/guard/guard.ts';
import type { GuardLimits, Past } from '../../../deploy/control/guard/rules.ts';
import { cluster, gib, host, vm } from './small-cluster.ts';

const limits: GuardLimits = {
  migrations: 10,
  hosts: 10,
  hostsOn: 1,
  vmCooldown: 60_000,
  hostCooldown: 60_000,
  utilization: 0.9,
  confidence: 0.5,
};
const noPast: Past = { movedMs: new Map(), powerMs: new Map() };
const nowMs = 1_000_000;

const move = (name: string, from: string, to: string): Operation => ({
  type: 'migrate',
  vm: name,
  from,
  to,
  storage: 'shared',
});
const sleep = (name: string): Operation => ({ type: 'sleepHost', host: name, to: 'S5' });

/** The rule that forbids each operation, or `undefined`. */
function verdicts(
  operations: readonly Operation[],
  snapshot: ClusterSnapshot,
  change: Partial<GuardLimits> = {},
  past = noPast,
): (string | undefined)[] {
  return guard(operations, snapshot, { ...limits, ...change }, past, nowMs).map((one) => one?.rule);
}

describe('the guard', () => {
  const pair = cluster([host('a'), host('b')], [vm('x', 'a'), vm('y', 'b')]);

  // 3000 MHz more on a host of 4 cores with 500: 3500 of 4 · 2000, 1000 or 900 MHz.
  test.each<[string, object, string | undefined]>([
    [
      'at its highest where it follows its load',
      { governor: 'schedutil', currentMhz: 1000 },
      undefined,
    ],
    ['at its highest where nobody knows', { currentMhz: 1000 }, undefined],
    ['at the lowest under powersave', { governor: 'powersave' }, 'cpu'],
    ['as measured under userspace', { governor: 'userspace', currentMhz: 900 }, 'cpu'],
    ['as told, whatever its governor', { governor: 'performance', requestedMhz: 900 }, 'cpu'],
  ])('takes a host %s', (_, change, rule) => {
    const vms = [vm('x', 'a', { vcpus: 4, demandMhz: [3000] }), vm('y', 'b')];
    const snapshot = cluster([host('a'), host('b', change)], vms);
    expect(verdicts([move('x', 'a', 'b')], snapshot, { utilization: 0.85 })).toEqual([rule]);
  });

  test('lets pass what harms nobody', () => {
    expect(verdicts([move('x', 'a', 'b'), sleep('a')], pair)).toEqual([undefined, undefined]);
  });

  test.each<[string, string, Operation, ClusterSnapshot, Partial<GuardLimits>?]>([
    ['a VM that is not there', 'known', move('z', 'a', 'b'), pair],
    ['a host that is not there', 'known', move('x', 'a', 'c'), pair],
    ['a VM that is elsewhere', 'known', move('x', 'b', 'a'), pair],
    [
      'a host of which little is known',
      'confidence',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b', { confidence: 0.4 })], [vm('x', 'a')]),
    ],
    [
      'a VM of which little is known',
      'confidence',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b')], [vm('x', 'a', { confidence: 0.3 })]),
    ],
    [
      'a VM that stays where it is',
      'movable',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b')], [vm('x', 'a', { movable: false })]),
    ],
    [
      'a host in maintenance',
      'available',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b', { acceptsVms: false })], [vm('x', 'a')]),
    ],
    [
      'a host that is off',
      'available',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b', { state: 'off' })], [vm('x', 'a')]),
    ],
    [
      'memory that is not there',
      'memory',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b', { memoryBytes: gib })], [vm('x', 'a'), vm('y', 'b')]),
    ],
    [
      'more CPU than there is',
      'cpu',
      move('x', 'a', 'b'),
      cluster(
        [host('a'), host('b')],
        [
          vm('x', 'a', { vcpus: 2, demandMhz: [4000] }),
          vm('y', 'b', { demandMhz: [3300], vcpus: 2 }),
        ],
      ),
    ],
    [
      'a frequency that is too low for the load',
      'cpu',
      { type: 'setFrequency', host: 'a', khz: 1_000_000 },
      cluster([host('a')], [vm('x', 'a', { vcpus: 2, demandMhz: [3700] })]),
    ],
    [
      'a frequency at which one VM has too little, though its host has enough',
      'cpu',
      { type: 'setFrequency', host: 'a', khz: 1_500_000 },
      cluster([host('a')], [vm('x', 'a', { vcpus: 1, demandMhz: [1400] })]),
    ],
    [
      'two VMs that must not meet',
      'affinity',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b')], [vm('x', 'a'), vm('y', 'b')], { apart: [['x', 'y']] }),
    ],
    [
      'two VMs that must stay together',
      'affinity',
      move('x', 'a', 'b'),
      cluster([host('a'), host('b')], [vm('x', 'a'), vm('y', 'a')], { together: [['y', 'x']] }),
    ],
    ['one move more than the limit', 'migrations', move('x', 'a', 'b'), pair, { migrations: 0 }],
    ['more hosts than the limit', 'blast-radius', move('x', 'a', 'b'), pair, { hosts: 1 }],
    ['a host with a VM on it', 'empty', sleep('a'), pair],
    [
      'a host that nothing can wake',
      'wakeable',
      sleep('a'),
      cluster([host('a', { canSleep: false }), host('b')], []),
    ],
    ['the last host', 'wakeable', sleep('a'), cluster([host('a')], [])],
  ])('refuses %s', (_, rule, operation, snapshot, change) => {
    expect(verdicts([operation], snapshot, change)).toEqual([rule]);
  });

  test('counts cool-downs from the past', () => {
    const past = (ageMs: number): Past => ({
      movedMs: new Map([['x', nowMs - ageMs]]),
      powerMs: new Map([['b', nowMs - ageMs]]),
    });
    const moveX = [move('x', 'a', 'b')];
    expect(verdicts(moveX, pair, {}, past(59_000))).toEqual(['cooldown']);
    expect(verdicts(moveX, pair, {}, past(60_000))).toEqual([undefined]);
    const emptyB = cluster([host('a'), host('b')], []);
    expect(verdicts([sleep('b')], emptyB, {}, past(59_000))).toEqual(['cooldown']);
  });

  test('a host whose drain is refused is not switched off', () => {
    const tight = cluster([host('a'), host('b', { memoryBytes: 0.5 * gib })], [vm('x', 'a')]);
    expect(verdicts([move('x', 'a', 'b'), sleep('a')], tight)).toEqual(['memory', 'empty']);
  });

  test('room that an earlier step makes counts for a later one, and room it takes too', () => {
    const full = cluster(
      [host('a', { memoryBytes: gib }), host('b', { memoryBytes: gib }), host('c')],
      [vm('x', 'a'), vm('y', 'b')],
    );
    expect(verdicts([move('x', 'a', 'b')], full)).toEqual(['memory']);
    expect(verdicts([move('y', 'b', 'c'), move('x', 'a', 'b')], full)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('a VM on its way holds memory at both ends', () => {
    const moving = cluster(
      [host('a', { memoryBytes: gib }), host('b', { memoryBytes: gib }), host('c')],
      [vm('x', 'a', { movingTo: 'b' }), vm('y', 'c')],
    );
    expect(verdicts([move('y', 'c', 'a')], moving)).toEqual(['memory']);
    expect(verdicts([move('y', 'c', 'b')], moving)).toEqual(['memory']);
  });

  test('a host woken in the plan can take VMs; names are any text', () => {
    const hostile = '$(reboot); `x`';
    const snapshot = cluster([host('a'), host('b', { state: 'off' })], [vm(hostile, 'a')]);
    const plan: Operation[] = [{ type: 'wakeHost', host: 'b' }, move(hostile, 'a', 'b')];
    expect(verdicts(plan, snapshot)).toEqual([undefined, undefined]);
  });
});

/** What must hold after the allowed operations, counted anew from the snapshot. */
function checkByCounting(snapshot: ClusterSnapshot, allowed: readonly Operation[]): void {
  const at = new Map(snapshot.vms.map(({ name, host: where }) => [name, where]));
  const on = new Set(snapshot.hosts.flatMap(({ name, state }) => (state === 'on' ? [name] : [])));
  const checkMemory = (name: string): void => {
    const there = snapshot.vms.filter((one) => at.get(one.name) === name);
    const held = there.reduce((sum, one) => sum + one.memoryBytes, 0);
    expect(held).toBeLessThanOrEqual(snapshot.hosts.find((one) => one.name === name)!.memoryBytes);
  };
  for (const operation of allowed) {
    if (operation.type === 'wakeHost') on.add(operation.host);
    if (operation.type === 'sleepHost') {
      expect([...at.values()]).not.toContain(operation.host);
      on.delete(operation.host);
    }
    if (operation.type !== 'migrate') continue;
    expect(on.has(operation.to)).toBe(true);
    expect(at.get(operation.vm)).toBe(operation.from);
    at.set(operation.vm, operation.to);
    checkMemory(operation.to);
    for (const set of snapshot.apart.filter((one) => one.includes(operation.vm))) {
      const shared = set.filter((other) => at.get(other) === operation.to);
      expect(shared).toEqual([operation.vm]);
    }
  }
  expect(on.size).toBeGreaterThanOrEqual(Math.min(1, snapshot.hosts.length));
  expect(allowed.filter(({ type }) => type === 'migrate').length).toBeLessThanOrEqual(3);
}

test('whatever a plan asks for, what is allowed keeps every promise', () => {
  const hostNames = ['a', 'b', 'c'];
  const vmNames = ['u', 'v', 'w', 'x', 'y'];
  const oneOf = (names: readonly string[]) => fc.constantFrom(...names);
  const operation = fc.oneof(
    fc
      .record({ name: oneOf(vmNames), from: oneOf(hostNames), to: oneOf(hostNames) })
      .map(({ name, from, to }) => move(name, from, to)),
    oneOf(hostNames).map(sleep),
    oneOf(hostNames).map((name): Operation => ({ type: 'wakeHost', host: name })),
  );
  const snapshot = fc
    .record({
      at: fc.array(oneOf(hostNames), { minLength: 5, maxLength: 5 }),
      memory: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 5, maxLength: 5 }),
      apart: fc.uniqueArray(oneOf(vmNames), { minLength: 2, maxLength: 3 }),
    })
    .map(({ at, memory, apart }) => {
      const vms = vmNames.map((name, index) =>
        vm(name, at[index]!, { memoryBytes: memory[index]! * gib }),
      );
      const held = (name: string): number =>
        vms.reduce((sum, one) => sum + (one.host === name ? one.memoryBytes : 0), 0);
      const hosts = hostNames.map((name) =>
        host(name, {
          memoryBytes: Math.max(4 * gib, held(name)),
          state: held(name) === 0 && name === 'c' ? 'off' : 'on',
        }),
      );
      return cluster(hosts, vms, { apart: [apart] });
    });
  fc.assert(
    fc.property(snapshot, fc.array(operation, { maxLength: 20 }), (start, plan) => {
      const refused = guard(plan, start, { ...limits, migrations: 3 }, noPast, nowMs);
      checkByCounting(
        start,
        plan.filter((_, index) => refused[index] === undefined),
      );
    }),
    { numRuns: 2000, seed: 4 },
  );
});
