/** Operations over the wire, as far as the hosts' programs. */
import { describe, expect, it } from 'vitest';
import { createExecutor } from '../../../deploy/actions/create-executor.ts';
import type { Effect, Executor } from '../../../deploy/actions/executor.ts';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { describeOperation } from '../../../deploy/actions/operation.ts';
import type { ExecutorOptions } from '../../../deploy/actions/site.ts';
import { systemClock } from '../../../deploy/clock.ts';
import { createFakeCluster, type FakeCluster, type FakeClusterSpec } from './fake-cluster.ts';

const timings = {
  pollMs: 20,
  settleMs: 150,
  memoryMs: 150,
  startMs: 300,
  stopMs: 400,
  askAgainMs: 150,
  offMs: 3000,
  stallMs: 400,
  placeMs: 2000,
  stillMs: 200,
};

function executorOf(cluster: FakeCluster, over: Partial<ExecutorOptions> = {}): Executor {
  const { transport } = cluster;
  return createExecutor({
    cluster: cluster.file(),
    transport,
    clock: systemClock,
    timings,
    ...over,
  });
}

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

async function doIt(executor: Executor, operation: Operation): Promise<Effect> {
  return await executor.apply(await executor.prepare(operation));
}

describe('every operation', () => {
  it.each(cases.map((operation) => [describeOperation(operation), operation] as const))(
    '%s: is done, read back, done only once, and undone',
    async (_, operation) => {
      const cluster = createFakeCluster(spec);
      const executor = executorOf(cluster);
      const before = cluster.state();
      const prepared = await executor.prepare(operation);
      expect(prepared.isDone).toBe(false);
      expect(cluster.state(), 'preparing changes nothing').toEqual(before);
      expect(await executor.apply(prepared)).toMatchObject({ didChange: true });
      const after = cluster.state();
      expect(after).not.toEqual(before);
      expect(await executor.apply(prepared)).toMatchObject({ didChange: false });
      expect(await executor.prepare(operation)).toMatchObject({ isDone: true, undo: [] });
      expect(cluster.state()).toEqual(after);
      for (const undo of prepared.undo) await doIt(executor, undo);
      expect(cluster.state()).toEqual(before);
    },
  );
});
