/** Operations over the wire, as far as the hosts' programs. */
import { describe, expect, it } from 'vitest';
import { describeOperation, type Operation } from '../../../deploy/actions/operation.ts';
import { doIt, executorOf } from './executor-of.ts';
import { createFakeCluster, type FakeClusterSpec } from './fake-cluster.ts';

const spec: FakeClusterSpec = {
  hosts: [{ name: 'h1' }, { name: 'h2' }, { name: 'h3' }],
  vms: [
    { name: 'web', host: 'h1', maxMemoryMib: 2048 },
    { name: 'db', host: 'h1', memoryMib: 2048 },
    { name: 'spare', host: 'h2', isRunning: false },
  ],
};

const cases: readonly Operation[] = [
  { type: 'migrate', vm: 'web', from: 'h1', to: 'h2', storage: 'shared' },
  { type: 'startVm', vm: 'spare', host: 'h2' },
  { type: 'stopVm', vm: 'web', host: 'h1' },
  { type: 'stopVm', vm: 'web', host: 'h1', force: true },
  { type: 'setQuota', vm: 'web', host: 'h1', coresPerVcpu: 0.25 },
  { type: 'setShares', vm: 'web', host: 'h1', shares: 300 },
  { type: 'pinVcpus', vm: 'web', host: 'h1', cpus: ['0', '1-2'] },
  { type: 'setMemory', vm: 'web', host: 'h1', bytes: 1536 * 2 ** 20 },
  { type: 'setGovernor', host: 'h1', governor: 'powersave' },
  { type: 'setFrequency', host: 'h1', khz: 1_300_000 },
  { type: 'setFrequency', host: 'h1', khz: 1_200_000, policies: [2] },
  {
    type: 'setCpufreq',
    host: 'h1',
    settings: [
      { policy: 0, governor: 'userspace', minKhz: 1_200_000, maxKhz: 2_000_000, setKhz: 2_000_000 },
    ],
  },
  { type: 'sleepHost', host: 'h3', to: 'S5' },
  { type: 'sleepHost', host: 'h3', to: 'S3' },
];

describe('every operation', () => {
  it.each(cases.map((operation) => [describeOperation(operation), operation] as const))(
    '%s: is done as its dry run says, read back, done only once, and undone',
    async (_, operation) => {
      const cluster = createFakeCluster(spec);
      const executor = executorOf(cluster);
      const before = cluster.state();
      const host = operation.type === 'migrate' ? operation.from : operation.host;
      const commands = executor.commands(operation);
      expect(commands.every((line) => line.startsWith(`${host}: `))).toBe(true);
      expect(cluster.scripts(), 'a dry run asks no host').toBe('');

      const prepared = await executor.prepare(operation);
      expect(prepared.isDone).toBe(false);
      expect(cluster.state(), 'preparing changes nothing').toEqual(before);
      expect(await executor.apply(prepared)).toMatchObject({ didChange: true });
      const sent = commands.map((line) => line.slice(host.length + 2)).join('\n');
      expect(cluster.scripts()).toContain(`exec 2>&1\n${sent}\n`);

      const after = cluster.state();
      expect(after).not.toEqual(before);
      expect(await executor.apply(prepared)).toMatchObject({ didChange: false });
      expect(await executor.prepare(operation)).toMatchObject({ isDone: true, undo: [] });
      expect(cluster.state()).toEqual(after);
      for (const undo of prepared.undo) await doIt(executor, undo);
      expect(cluster.state()).toEqual(before);
    },
  );

  it('is not begun after it was stopped', async () => {
    const cluster = createFakeCluster(spec);
    const executor = executorOf(cluster);
    const before = cluster.state();
    const limits = { signal: AbortSignal.abort() };
    for (const operation of cases) {
      const isStopped = { code: 'ERR_INTERRUPTED' };
      const prepared = { operation, isDone: false, undo: [] };
      await expect(executor.prepare(operation, limits)).rejects.toMatchObject(isStopped);
      await expect(executor.apply(prepared, limits)).rejects.toMatchObject(isStopped);
    }
    expect(cluster.state()).toEqual(before);
  });

  it('runs as root only what changes something, where the cluster file says sudo', async () => {
    const cluster = createFakeCluster(spec);
    const executor = executorOf(cluster, {}, { ssh: { sudo: true } });
    const rootCalls = () => cluster.calls().filter(([, program]) => program === 'sudo');
    for (const operation of cases) await executor.prepare(operation);
    // Whether it may is asked with a command that does nothing.
    expect(rootCalls().every((call) => call.at(-1) === 'true')).toBe(true);
    for (const operation of cases.filter(({ type }) => type !== 'stopVm')) {
      const before = rootCalls().length;
      const { didChange } = await doIt(executor, operation);
      const calls = rootCalls().slice(before);
      expect(calls.some((call) => call.at(-1) !== 'true')).toBe(didChange);
      await executor.apply({ operation: undoOf(operation), isDone: false, undo: [] });
    }
  });

  it('is refused where sudo asks for a password', async () => {
    const cluster = createFakeCluster(spec);
    const executor = executorOf(cluster, {}, { ssh: { sudo: true } });
    cluster.flag('h1', 'no-sudo');
    cluster.flag('h3', 'no-sudo');
    const before = cluster.state();
    for (const operation of cases.filter(({ type }) => type !== 'startVm')) {
      await expect(doIt(executor, operation)).rejects.toMatchObject({ code: 'ERR_REFUSED' });
    }
    expect(cluster.state()).toEqual(before);
  });
});

/** What makes room for the next of the cases. */
function undoOf(operation: Operation): Operation {
  switch (operation.type) {
    case 'migrate':
      return { ...operation, from: operation.to, to: operation.from };
    case 'sleepHost':
      return { type: 'wakeHost', host: operation.host };
    default:
      return { type: 'setGovernor', host: 'h1', governor: 'schedutil' };
  }
}
