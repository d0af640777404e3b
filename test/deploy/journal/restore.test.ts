/** What is to be brought back, in which order, and what is said of what cannot be. */
import { describe, expect, it } from 'vitest';
import { type IntentState, type Operation, restore } from '../../../deploy/index.ts';
import { goalsOf } from '../../../deploy/journal/restore-goals.ts';
import { settled } from '../../../deploy/journal/settled.ts';
import { FakeWorld, smallCluster } from './fake-world.ts';
import { stoppedClock } from './stopped-clock.ts';

/** Intents with these undos, numbered from 1. */
const intents = (...undos: readonly (readonly Operation[])[]): IntentState[] =>
  undos.map((undo, index) => ({
    intent: {
      ...{ seq: index + 1, atMs: 0, kind: 'intent', decision: 'd', item: 0 },
      operation: { type: 'wakeHost', host: 'elsewhere' },
      undo,
    },
  }));
const policy = (number: number, governor: string) =>
  ({ policy: number, governor, minKhz: 1, maxKhz: 2 }) as const;
const cpufreq = (...settings: readonly ReturnType<typeof policy>[]): Operation => ({
  ...{ type: 'setCpufreq', host: 'a', settings },
});

describe('goals', () => {
  it('are one for each thing, as it was before the first change', () => {
    const quota = (coresPerVcpu: number | null): Operation => ({
      ...{ type: 'setQuota', vm: 'v', host: 'a', coresPerVcpu },
    });
    expect(goalsOf(intents([quota(null)], [quota(0.5)], [quota(0.25)]))).toEqual([
      { kind: 'setting', vm: 'v', operation: quota(null), resources: ['vm v quota'] },
    ]);
  });

  it('come in an order in which each can rely on those before', () => {
    const goals = goalsOf(
      intents(
        [{ type: 'sleepHost', host: 'c', to: 'S5' }],
        [cpufreq(policy(0, 'x'))],
        [{ type: 'stopVm', vm: 'u', host: 'a' }],
        [{ type: 'setShares', vm: 'v', host: 'b', shares: 7 }],
        [{ type: 'migrate', vm: 'v', from: 'b', to: 'a', storage: 'shared' }],
        [{ type: 'wakeHost', host: 'a' }],
      ),
    );
    expect(goals.map(({ kind }) => kind)).toEqual([
      ...['wake', 'place', 'place', 'setting', 'stop', 'cpufreq', 'sleep'],
    ]);
  });

  it('take each cpufreq policy from the first intent that changed it', () => {
    const [goal] = goalsOf(
      intents(
        [cpufreq(policy(0, 'first'))],
        [cpufreq(policy(0, 'second'), policy(1, 'second'))],
        [{ type: 'setGovernor', host: 'a', governor: 'third' }],
        [cpufreq(policy(2, 'fourth'))],
      ),
    );
    // The third sets every policy, so it goes before the two that are older than it.
    expect(goal).toMatchObject({
      kind: 'cpufreq',
      operations: [
        { governor: 'third' },
        { settings: [policy(1, 'second')] },
        { settings: [policy(0, 'first')] },
      ],
    });
  });

  it('send a VM home that was stopped there and started elsewhere', () => {
    const undos: Operation[][] = [
      [{ type: 'startVm', vm: 'v', host: 'a' }],
      [{ type: 'stopVm', vm: 'v', host: 'b' }],
    ];
    expect(goalsOf(intents(...undos))).toMatchObject([
      { kind: 'place', before: { vm: 'v', host: 'a', isRunning: true } },
    ]);
  });
});

describe('an intent is undone', () => {
  const quota: Operation = { type: 'setQuota', vm: 'v', host: 'a', coresPerVcpu: 1 };
  const shares: Operation = { type: 'setShares', vm: 'v', host: 'a', shares: 1 };
  const numbers = (states: readonly IntentState[]) => states.map(({ intent }) => intent.seq);

  it('newest first', () => {
    expect(numbers(settled(intents([quota], [quota]), () => true).undone)).toEqual([2, 1]);
  });

  it('only with the later ones that changed the same', () => {
    const states = intents([quota], [quota, shares], [shares]);
    const { undone, left } = settled(states, (resource) => resource !== 'vm v shares');
    expect([numbers(undone), numbers(left)]).toEqual([[], [1, 2, 3]]);
  });

  it('where a VM is only together with whether it runs', () => {
    const states = intents(
      [{ type: 'migrate', vm: 'v', from: 'b', to: 'a', storage: 'shared' }],
      [{ type: 'startVm', vm: 'v', host: 'b' }, shares],
    );
    const { undone } = settled(states, (resource) => resource !== 'vm v shares');
    expect(undone).toEqual([]);
  });
});

describe('restore', () => {
  const migrateV: Operation = { type: 'migrate', vm: 'v', from: 'a', to: 'b', storage: 'shared' };
  const run = async (world: FakeWorld, states: readonly IntentState[], keepPlacement = false) => {
    const undone: number[] = [];
    const report = await restore({
      journal: {
        toUndo: () => [...states],
        append: (entry) => (entry.kind === 'undone' ? undone.push(entry.intent) : 0),
      },
      ...{ executor: world.executor, finder: world.finder, clock: stoppedClock(0) },
      ...{ execute: true, keepPlacement },
    });
    return { undone, report };
  };
  const acted = async (world: FakeWorld, ...operations: readonly Operation[]) => {
    const states: IntentState[] = [];
    for (const [index, operation] of operations.entries()) {
      const prepared = await world.executor.prepare(operation);
      await world.executor.apply(prepared);
      const place = { atMs: 0, decision: 'd', item: 0 } as const;
      const { undo } = prepared;
      states.push({ intent: { seq: index + 1, kind: 'intent', operation, undo, ...place } });
    }
    return states;
  };

  it('does not let a host that fails keep the others', async () => {
    const world = new FakeWorld(smallCluster());
    const states = await acted(
      world,
      { type: 'setGovernor', host: 'a', governor: 'powersave' },
      { type: 'setGovernor', host: 'b', governor: 'powersave' },
      migrateV,
    );
    world.unreachable.add('a');
    const { undone, report } = await run(world, states);
    expect(report.goals.map(({ what, state }) => `${what}: ${state}`)).toEqual([
      'v runs on a: failed',
      'put back cpufreq settings of a: failed',
      'put back cpufreq settings of b: restored',
    ]);
    expect(undone).toEqual([2]);
    expect(report.left).toEqual([1, 3]);
  });

  it('does not take a VM for gone while a host that had it cannot be asked', async () => {
    const world = new FakeWorld(smallCluster());
    const states = await acted(world, migrateV);
    world.unreachable.add('b');
    const { undone, report } = await run(world, states);
    expect(report.goals[0]!.note).toBe(
      'ERR_VM_UNKNOWN: v is nowhere that can be seen, and b cannot be asked',
    );
    expect(undone).toEqual([]);
  });

  it('notes what is gone', async () => {
    const world = new FakeWorld(smallCluster());
    const states = await acted(world, migrateV);
    delete world.state.vms['v'];
    const { undone, report } = await run(world, states);
    expect(report.goals).toMatchObject([{ state: 'gone', note: 'v is on no host any more' }]);
    expect(undone).toEqual([1]);
  });

  it('moves a VM back from where a person has taken it since', async () => {
    const world = new FakeWorld(smallCluster());
    const states = await acted(world, { type: 'wakeHost', host: 'c' }, migrateV);
    world.state.vms['v']!.host = 'c';
    expect((await run(world, states)).report.left).toEqual([]);
    expect(world.state).toEqual(smallCluster());
  });

  it('keeps VMs where they are if asked to, and the hosts on which they run awake', async () => {
    const world = new FakeWorld(smallCluster());
    const toC = { ...migrateV, to: 'c' } as Operation;
    const states = await acted(world, { type: 'wakeHost', host: 'c' }, toC);
    const { report } = await run(world, states, true);
    expect(report.goals.map(({ state, note }) => [state, note])).toEqual([
      ['kept', 'it stays on c'],
      ['kept', 'it stays on: 1 VM(s) run there'],
    ]);
    expect(report.left).toEqual([1, 2]);
    expect(world.state.vms['v']!.host).toBe('c');
  });

  it('ends where it is told to stop, and marks nothing that it did not reach', async () => {
    const world = new FakeWorld(smallCluster());
    const states = await acted(world, migrateV);
    const report = await restore({
      journal: { toUndo: () => states, append: () => expect.fail('nothing is to be written') },
      ...{ executor: world.executor, finder: world.finder, clock: stoppedClock(0) },
      ...{ execute: true, signal: AbortSignal.abort() },
    });
    expect(report.goals.map(({ state }) => state)).toEqual(['stopped']);
    expect(report.left).toEqual([1]);
  });
});
