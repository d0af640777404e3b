/** Whatever was done comes undone, by what was written down before it was done. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { OperationError } from '../../../deploy/operation-error.ts';
import { doIt, executorOf } from './executor-of.ts';
import { createFakeCluster } from './fake-cluster.ts';

const hosts = ['h1', 'h2', 'h3'] as const;
const host = fc.constantFrom(...hosts);
const vm = fc.constantFrom('web', 'a b$c', '-x');

/** Anything but vCPUs, which no undo takes away. */
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('migrate'),
      vm,
      from: host,
      to: host,
      storage: fc.constantFrom('none', 'shared'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('stopVm'), vm, host, force: fc.boolean() }),
  },
  fc.record({ type: fc.constant('startVm'), vm, host }),
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('setQuota'),
      vm,
      host,
      coresPerVcpu: fc.constantFrom(null, 0.01, 0.333, 1.5),
    }),
  },
  fc.record({ type: fc.constant('setShares'), vm, host, shares: fc.constantFrom(2, 999, 262_144) }),
  fc.record({
    type: fc.constant('pinVcpus'),
    vm,
    host,
    cpus: fc.constantFrom(['0', '1'], ['0-1', '2-3']),
  }),
  fc.record({
    type: fc.constant('setMemory'),
    vm,
    host,
    bytes: fc.integer({ min: 2 ** 20, max: 2 ** 31 }),
  }),
  fc.record({
    type: fc.constant('setGovernor'),
    host,
    governor: fc.constantFrom('performance', 'powersave', 'userspace'),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('setFrequency'),
      host,
      khz: fc.integer({ min: 1e6, max: 3e6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('sleepHost'),
      host: fc.constant('h3'),
      to: fc.constantFrom('S3', 'S5'),
    }),
  },
  fc.record({ type: fc.constant('wakeHost'), host }),
);

it('operations and then their undos, last first, leave everything as it was', async () => {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 3, maxLength: 7 }), async (operations) => {
      const cluster = createFakeCluster({
        hosts: hosts.map((name) => ({ name })),
        vms: ['web', 'a b$c', '-x'].map((name, index) => ({
          name,
          host: hosts[index % 2]!,
          maxMemoryMib: 2048,
          isRunning: index < 2,
        })),
      });
      const executor = executorOf(cluster);
      const before = cluster.state();
      const undos: Operation[] = [];
      for (const one of operations) {
        try {
          const prepared = await executor.prepare(one);
          // As the journal does: on disk before anything is done.
          undos.unshift(...prepared.undo);
          if ((await executor.apply(prepared)).didChange) done++;
          expect(await executor.apply(prepared)).toMatchObject({ didChange: false });
        } catch (error) {
          // What cannot be done in this place changes nothing.
          if (!(error instanceof OperationError)) throw error;
          expect([
            'ERR_REFUSED',
            'ERR_VM_ABSENT',
            'ERR_HOST_NOT_EMPTY',
            'ERR_UNREACHABLE',
          ]).toContain(error.code);
        }
      }
      for (const undo of undos) await doIt(executor, undo);
      expect(cluster.state()).toEqual(before);
    }),
    { seed: 11, numRuns: 6 },
  );
  expect(done).toBeGreaterThan(10);
}, 240_000);
