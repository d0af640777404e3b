/** Settings that hosts take, ignore, refuse, or take without saying so. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reachableKhz } from '../../../deploy/actions/cpufreq-state.ts';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { doIt, executorOf } from './executor-of.ts';
import { createFakeCluster, type FakeCpufreq } from './fake-cluster.ts';

const hostWith = (cpufreq: FakeCpufreq = {}) =>
  createFakeCluster({ hosts: [{ name: 'h1', cpufreq }], vms: [{ name: 'web', host: 'h1' }] });
const at = (khz: number): Operation => ({ type: 'setFrequency', host: 'h1', khz });
const onWeb = { vm: 'web', host: 'h1' } as const;

describe('a setting of a VM', () => {
  const settings: readonly (readonly [string, Operation])[] = [
    ['shares', { type: 'setShares', ...onWeb, shares: 5 }],
    ['quota', { type: 'setQuota', ...onWeb, coresPerVcpu: 0.5 }],
    ['pin', { type: 'pinVcpus', ...onWeb, cpus: ['1', '0-1'] }],
    ['vcpus', { type: 'setVcpus', ...onWeb, vcpus: 3 }],
    ['memory', { type: 'setMemory', ...onWeb, bytes: 512 * 2 ** 20 }],
  ];

  it('that is accepted and ignored is an error', async () => {
    const cluster = hostWith();
    const executor = executorOf(cluster);
    for (const [what, operation] of settings) {
      cluster.ignores('web', what);
      await expect(doIt(executor, operation), what).rejects.toMatchObject({
        code: 'ERR_NOT_APPLIED',
        message: expect.stringMatching(/^h1: could not .*: no error was reported, but (?:it|its) /),
      });
    }
  });

  it('is found by reading it when the answer was lost', async () => {
    const cluster = hostWith();
    const executor = executorOf(cluster);
    for (const [verb, [, operation]] of [
      ['virsh.*cpu_shares=5', settings[0]!],
      ['virsh.*setmem', settings[4]!],
    ] as const) {
      cluster.losesAnswer('h1', verb);
      expect(await doIt(executor, operation)).toMatchObject({ didChange: true });
    }
  });

  it('that fails for good says what libvirt said', async () => {
    const cluster = hostWith();
    cluster.libvirtFault(
      'h1',
      'case $VERB in schedinfo) writes; case "$*" in *--set*) error "Invalid value \'25000\' for \'cpu.cfs_quota_us\': Invalid argument";; esac;; esac',
    );
    await expect(doIt(executorOf(cluster), settings[1]![1])).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      message: expect.stringMatching(
        /a limit of the whole VM.*'cpu.cfs_quota_us': Invalid argument/,
      ),
    });
  });

  it('of a quota keeps what it comes to, whatever its period', async () => {
    const cluster = hostWith();
    const executor = executorOf(cluster);
    await doIt(executor, { type: 'setQuota', ...onWeb, coresPerVcpu: 0.5, periodUs: 20_000 });
    expect(cluster.state()['h1']!.vms['web']!.live).toMatchObject({
      quota: '10000',
      period: '20000',
    });
    const half: Operation = { type: 'setQuota', ...onWeb, coresPerVcpu: 0.5 };
    expect((await executor.prepare(half)).isDone).toBe(true);
    const { undo } = await executor.prepare({ type: 'setQuota', ...onWeb, coresPerVcpu: null });
    expect(undo).toEqual([{ ...half, periodUs: 20_000 }]);
  });

  it('adds vCPUs, and what takes them away is not promised', async () => {
    const cluster = hostWith();
    const prepared = await executorOf(cluster).prepare({ type: 'setVcpus', ...onWeb, vcpus: 4 });
    expect(prepared).toMatchObject({ isDone: false, undo: [] });
    await executorOf(cluster).apply(prepared);
    expect(cluster.state()['h1']!.vms['web']!.live['vcpus']).toBe('4');
  });

  it('is lost when the VM stops, and comes back with the undo', async () => {
    const cluster = createFakeCluster({
      hosts: [{ name: 'h1' }],
      vms: [{ name: 'web', host: 'h1', maxMemoryMib: 2048 }],
    });
    const executor = executorOf(cluster);
    for (const [, operation] of settings) await doIt(executor, operation);
    const before = cluster.state();
    const stop = await executor.prepare({ type: 'stopVm', ...onWeb });
    expect(stop.undo.map(({ type }) => type)).toEqual([
      'startVm',
      'setVcpus',
      'setMemory',
      'setQuota',
      'setShares',
      'pinVcpus',
    ]);
    await executor.apply(stop);
    for (const undo of stop.undo) await doIt(executor, undo);
    expect(cluster.state()).toEqual(before);
  });
});

describe('a VM that is to stop', () => {
  it('and does not hear it is asked again, and left running', async () => {
    const cluster = hostWith();
    cluster.ignores('web', 'shutdown');
    const executor = executorOf(cluster);
    await expect(doIt(executor, { type: 'stopVm', ...onWeb })).rejects.toMatchObject({
      code: 'ERR_NOT_APPLIED',
      message: 'h1: VM web did not shut down within 1 s of being asked to, and still runs',
    });
    const asked = cluster.calls().filter((call) => call.includes('shutdown'));
    expect(asked.length).toBeGreaterThan(1);
    expect(cluster.calls().some((call) => call.includes('destroy'))).toBe(false);
    expect(cluster.placesOf('web')).toEqual(['h1']);
    const force: Operation = { type: 'stopVm', ...onWeb, force: true };
    expect(await doIt(executor, force)).toMatchObject({ didChange: true, how: 'force' });
  });
});

describe('a frequency', () => {
  it.each([
    ['userspace', {}, { scaling_governor: 'userspace', scaling_setspeed: '2000000' }],
    [
      'min=max',
      { governors: ['performance', 'powersave'] },
      { scaling_governor: 'performance', scaling_min_freq: '2000000', scaling_max_freq: '2000000' },
    ],
  ])('is set by %s, to the next that there is', async (how, cpufreq, files) => {
    const cluster = hostWith(cpufreq);
    expect(await doIt(executorOf(cluster), at(1_200_001))).toMatchObject({ didChange: true, how });
    for (const policy of ['policy0', 'policy2']) {
      expect(cluster.state()['h1']!.cpufreq[policy]).toMatchObject({
        ...files,
        scaling_cur_freq: '2000000',
      });
    }
  });

  it.each([
    ['userspace is listed and ignored', 'ignored', ['scaling_governor']],
    ['userspace is listed and refused', 'einval', ['scaling_governor']],
    ['its speed is refused', 'einval', ['scaling_setspeed']],
  ] as const)('is held by its limits where %s', async (_, kind, files) => {
    const cluster = hostWith();
    cluster.cpufreqFault('h1', 2, kind, files);
    expect(await doIt(executorOf(cluster), at(1_200_000))).toMatchObject({
      how: 'min=max, userspace',
    });
    expect(cluster.state()['h1']!.cpufreq['policy2']).toMatchObject({
      scaling_min_freq: '1200000',
      scaling_max_freq: '1200000',
      scaling_cur_freq: '1200000',
    });
  });

  it.each([
    [
      'ignored',
      'ERR_NOT_APPLIED',
      /no error was reported, but policy2 is schedutil 1200000-2600000/,
    ],
    ['einval', 'ERR_REMOTE_FAILED', /Invalid argument/],
    ['readonly', 'ERR_REFUSED', /Permission denied/],
  ] as const)('that a policy does not take (%s) is an error', async (kind, code, message) => {
    const cluster = hostWith();
    cluster.cpufreqFault('h1', 2, kind, [
      'scaling_governor',
      'scaling_min_freq',
      'scaling_max_freq',
      'scaling_setspeed',
    ]);
    await expect(doIt(executorOf(cluster), at(1_200_000))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('that is held by its limits is let go by a governor', async () => {
    const cluster = hostWith({ governors: ['performance', 'schedutil'] });
    const executor = executorOf(cluster);
    await doIt(executor, at(1_200_000));
    const governor: Operation = { type: 'setGovernor', host: 'h1', governor: 'performance' };
    expect(await doIt(executor, governor)).toMatchObject({ didChange: true });
    expect(cluster.state()['h1']!.cpufreq['policy0']).toMatchObject({
      scaling_governor: 'performance',
      scaling_min_freq: '1200000',
      scaling_max_freq: '2600000',
    });
  });

  it('is the one foreseen, from any setting to any other, and comes back exactly', async () => {
    const table = [2_600_000, 2_200_000, 1_700_000, 1_200_000];
    const governors = [
      ['performance', 'schedutil'],
      ['schedutil', 'userspace'],
    ];
    const khz = fc.integer({ min: 1_000_000, max: 2_800_000 });
    const kind = fc.constantFrom(...governors);
    await fc.assert(
      fc.asyncProperty(
        kind,
        fc.boolean(),
        fc.array(khz, { minLength: 1, maxLength: 3 }),
        async (names, hidesTable, wanted) => {
          const cluster = hostWith({
            frequenciesKhz: table,
            governors: names,
            hidesTable,
            policies: 1,
          });
          const executor = executorOf(cluster);
          const before = cluster.state();
          const undos: Operation[] = [];
          for (const one of wanted) {
            const prepared = await executor.prepare(at(one));
            undos.unshift(...prepared.undo);
            await executor.apply(prepared);
            const tableKhz = hidesTable ? [] : table;
            const limits = { lowestKhz: 1_200_000, highestKhz: 2_600_000, tableKhz };
            const policy = {
              policy: 0,
              governor: '',
              minKhz: 0,
              maxKhz: 0,
              governors: [],
              ...limits,
            };
            const now = cluster.state()['h1']!.cpufreq['policy0']!['scaling_cur_freq'];
            expect(Number(now)).toBe(reachableKhz(policy, one));
          }
          for (const undo of undos) await doIt(executor, undo);
          expect(cluster.state()).toEqual(before);
        },
      ),
      { seed: 5, numRuns: 6 },
    );
  });
});
