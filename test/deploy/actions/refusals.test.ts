/** What is not done, and why; nothing is changed then. */
import { describe, expect, it } from 'vitest';
import { describeOperation, type Operation } from '../../../deploy/actions/operation.ts';
import { doIt, executorOf } from './executor-of.ts';
import { createFakeCluster, type FakeClusterSpec, type FakeVmSpec } from './fake-cluster.ts';

const mib = 2 ** 20;
const spec: FakeClusterSpec = {
  hosts: [
    { name: 'h1' },
    { name: 'small', memoryMib: 1024 },
    { name: 'guest', cpufreq: null },
    { name: 'empty', canWake: false },
  ],
  vms: [
    { name: 'web', host: 'h1', maxMemoryMib: 2048, usableMib: 300 },
    { name: 'big', host: 'h1', memoryMib: 2048 },
    { name: 'off', host: 'h1', isRunning: false },
    { name: 'twin', host: 'h1', isRunning: false },
    { name: 'twin', host: 'guest' },
    { name: 'passing', host: 'h1', isTransient: true },
    { name: 'large', host: 'small', memoryMib: 2048, isRunning: false },
    { name: 'small', host: 'small', memoryMib: 512, maxMemoryMib: 2048 },
    { name: '42', host: 'h1' },
  ],
};
const onH1 = { vm: 'web', host: 'h1' } as const;
const move = { type: 'migrate', from: 'h1', to: 'small', storage: 'shared' } as const;

const refusals: readonly (readonly [Operation, code: string, message: RegExp])[] = [
  [{ ...move, vm: 'nobody' }, 'ERR_VM_ABSENT', /h1: VM nobody is not there/],
  [{ ...move, vm: 'off' }, 'ERR_VM_ABSENT', /does not run there: it is shut off/],
  [{ ...move, vm: 'big' }, 'ERR_REFUSED', /small: it lacks memory.*512 MiB left, 2048 MiB needed/],
  [{ ...move, vm: 'passing' }, 'ERR_REFUSED', /transient/],
  [{ ...move, vm: 'web', to: 'h1' }, 'ERR_REFUSED', /cannot be moved to where it is/],
  [
    { ...move, vm: 'web', to: 'elsewhere' },
    'ERR_REFUSED',
    /the cluster file has no host elsewhere/,
  ],
  [{ ...move, vm: '42' }, 'ERR_REFUSED', /takes a number for an id/],
  [{ type: 'startVm', vm: 'nobody', host: 'h1' }, 'ERR_VM_ABSENT', /is not there/],
  [{ type: 'startVm', vm: 'twin', host: 'h1' }, 'ERR_REFUSED', /is active on guest/],
  [{ type: 'startVm', vm: 'large', host: 'small' }, 'ERR_REFUSED', /512 MiB left, 2048 MiB needed/],
  [{ type: 'stopVm', vm: 'passing', host: 'h1' }, 'ERR_REFUSED', /stopping it would delete it/],
  [{ type: 'setVcpus', ...onH1, vcpus: 1 }, 'ERR_REFUSED', /Use a quota/],
  [{ type: 'setVcpus', ...onH1, vcpus: 5 }, 'ERR_REFUSED', /1 to 4 vCPUs, not 5/],
  [{ type: 'setVcpus', ...onH1, vcpus: 2.5 }, 'ERR_REFUSED', /not 2.5/],
  [{ type: 'setVcpus', vm: 'off', host: 'h1', vcpus: 3 }, 'ERR_VM_ABSENT', /shut off/],
  [{ type: 'setQuota', ...onH1, coresPerVcpu: 0.005 }, 'ERR_REFUSED', /at least 0.01/],
  [{ type: 'setQuota', ...onH1, coresPerVcpu: Number.NaN }, 'ERR_REFUSED', /too few/],
  [{ type: 'setQuota', ...onH1, coresPerVcpu: 1, periodUs: 5 }, 'ERR_REFUSED', /period/],
  [{ type: 'setShares', ...onH1, shares: 1 }, 'ERR_REFUSED', /2 to 262144 there \(cgroup v1\)/],
  [{ type: 'setShares', ...onH1, shares: 300_000 }, 'ERR_REFUSED', /not 300000/],
  [{ type: 'setShares', ...onH1, shares: 2.5 }, 'ERR_REFUSED', /not 2.5/],
  [{ type: 'pinVcpus', ...onH1, cpus: ['0'] }, 'ERR_REFUSED', /1 lists of CPUs for 2 vCPUs/],
  [{ type: 'pinVcpus', ...onH1, cpus: ['0', '3-9'] }, 'ERR_REFUSED', /no CPU 4/],
  [{ type: 'pinVcpus', ...onH1, cpus: ['0', '; reboot'] }, 'ERR_REFUSED', /no list of CPUs/],
  [{ type: 'setMemory', ...onH1, bytes: 4096 * mib }, 'ERR_REFUSED', /at most 2048 MiB/],
  [{ type: 'setMemory', ...onH1, bytes: 700 * mib }, 'ERR_REFUSED', /its guest uses 724 MiB/],
  [{ type: 'setMemory', ...onH1, bytes: -1 }, 'ERR_REFUSED', /at most/],
  [
    { type: 'setMemory', vm: 'small', host: 'small', bytes: 1500 * mib },
    'ERR_REFUSED',
    /512 MiB left for VMs, not 988 MiB/,
  ],
  [{ type: 'setGovernor', host: 'h1', governor: 'warp' }, 'ERR_REFUSED', /it has performance, pow/],
  [
    { type: 'setGovernor', host: 'guest', governor: 'powersave' },
    'ERR_REFUSED',
    /no cpufreq policy/,
  ],
  [{ type: 'setFrequency', host: 'h1', khz: Number.NaN }, 'ERR_REFUSED', /no frequency/],
  [
    { type: 'setFrequency', host: 'h1', khz: 1e6, policies: [1] },
    'ERR_REFUSED',
    /policy 1 on-line/,
  ],
  [{ type: 'setFrequency', host: 'h1', khz: 1e6, policies: [-1] }, 'ERR_REFUSED', /from 0 up/],
  [
    {
      type: 'setCpufreq',
      host: 'h1',
      settings: [{ policy: 0, governor: 'performance', minKhz: 2e6, maxKhz: 1e6 }],
    },
    'ERR_REFUSED',
    /no range of frequencies/,
  ],
  [{ type: 'sleepHost', host: 'h1', to: 'S5' }, 'ERR_HOST_NOT_EMPTY', /4 VMs are active there/],
  [{ type: 'sleepHost', host: 'empty', to: 'S5' }, 'ERR_REFUSED', /no `wake`/],
  [{ type: 'wakeHost', host: 'empty' }, 'ERR_REFUSED', /no `wake`/],
  [{ type: 'wakeHost', host: 'nowhere' }, 'ERR_REFUSED', /no host nowhere/],
];

describe('refused', () => {
  it('is what cannot be done, before anything is changed', async () => {
    const cluster = createFakeCluster(spec);
    const executor = executorOf(cluster);
    const before = cluster.state();
    for (const [operation, code, message] of refusals) {
      const error = await executor.prepare(operation).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error, describeOperation(operation)).toMatchObject({ name: 'OperationError', code });
      expect((error as Error).message).toMatch(message);
    }
    // The world may have changed since it was prepared.
    const [operation] = refusals[0]!;
    await expect(executor.apply({ operation, isDone: false, undo: [] })).rejects.toMatchObject({
      code: refusals[0]![1],
    });
    expect(cluster.state()).toEqual(before);
    // Not one call of a virsh that could have changed something.
    const writing = cluster.calls().filter((call) => call[1] === 'virsh' && call[2] !== '-r');
    expect(writing).toEqual([]);
  });

  it('is a suspension that the host does not know', async () => {
    const cluster = createFakeCluster({ hosts: [{ name: 'h1' }] });
    cluster.put('h1', '/sys/power/state', 'freeze disk\n');
    const sleep = { type: 'sleepHost', host: 'h1', to: 'S3' } as const;
    await expect(doIt(executorOf(cluster), sleep)).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      message: 'h1: it cannot be suspended to memory (/sys/power/state has no mem)',
    });
  });

  it('are more shares than cgroup v2 takes', async () => {
    const cluster = createFakeCluster(spec);
    cluster.put('h1', '/sys/fs/cgroup/cgroup.controllers', 'cpu io memory\n');
    const executor = executorOf(cluster);
    const shares = (number: number) =>
      executor.prepare({ type: 'setShares', ...onH1, shares: number });
    await expect(shares(10_001)).rejects.toMatchObject({ code: 'ERR_REFUSED' });
    expect(await shares(1)).toMatchObject({ isDone: false });
  });

  it.each([
    [
      'error: failed to connect to the hypervisor\nerror: authentication unavailable: no polkit agent',
      'ERR_REFUSED',
    ],
    [
      'error: failed to connect to the hypervisor\nerror: Failed to connect socket',
      'ERR_REMOTE_FAILED',
    ],
  ])('is what libvirt does not let us read: %s', async (text, code) => {
    const cluster = createFakeCluster(spec);
    cluster.libvirtFault('h1', `printf '%s\\n' '${text}' >&2; exit 1`);
    const quota: Operation = { type: 'setQuota', ...onH1, coresPerVcpu: 1 };
    await expect(executorOf(cluster).prepare(quota)).rejects.toMatchObject({ code });
  });
});

/** Names that libvirt allows and shells and parsers could trip over. */
const hostile = [
  'a; touch pwned',
  '$(touch pwned)',
  '`touch pwned`',
  "it's",
  'say "hi"',
  '--live',
  '-c qemu:session',
  ' leading and trailing ',
  '*',
  '$IFS',
  'a|b&c>d<e',
  'ünïcødé 🦆',
  'x\\n',
];

describe('hostile names', () => {
  const vms: FakeVmSpec[] = hostile.map((name) => ({ name, host: 'h1', memoryMib: 64 }));

  it('are words like any other', async () => {
    const cluster = createFakeCluster({ hosts: [{ name: 'h1' }, { name: 'h2' }], vms });
    const executor = executorOf(cluster);
    for (const [index, vm] of hostile.entries()) {
      const shares = await doIt(executor, { type: 'setShares', vm, host: 'h1', shares: 77 });
      expect(shares, vm).toMatchObject({ didChange: true });
      if (index % 4 > 0) continue;
      const move = { type: 'migrate', vm, from: 'h1', to: 'h2', storage: 'none' } as const;
      expect(await doIt(executor, move), vm).toMatchObject({ downtimeMs: 27 });
      await doIt(executor, { type: 'stopVm', vm, host: 'h2', force: true });
    }
    const { h1, h2 } = cluster.state();
    expect([...Object.keys(h1!.vms), ...Object.keys(h2!.vms)].sort()).toEqual([...hostile].sort());
    expect(Object.keys(h2!.vms)).toHaveLength(Math.ceil(hostile.length / 4));
  });

  it('in messages control no terminal', async () => {
    const cluster = createFakeCluster({ hosts: [{ name: 'h1' }] });
    const vm = '\u202Eevil\u0085';
    const error = await executorOf(cluster)
      .prepare({ type: 'startVm', vm, host: 'h1' })
      .catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).toBe('h1: VM "·evil·" is not there');
  });

  it.each(['', 'a\nb', 'a/b', 'a\u001b[2J', '7', ' +12', '6695eb01-f6a4-8304-79aa-97f2502e193f'])(
    'that no command can carry are refused: %j',
    async (vm) => {
      const cluster = createFakeCluster({ hosts: [{ name: 'h1' }] });
      const executor = executorOf(cluster);
      for (const operation of [
        { type: 'startVm', vm, host: 'h1' },
        { type: 'stopVm', vm, host: 'h1', force: true },
        { type: 'setQuota', vm, host: 'h1', coresPerVcpu: null },
      ] as const) {
        await expect(executor.prepare(operation)).rejects.toMatchObject({ code: 'ERR_REFUSED' });
      }
      expect(cluster.calls()).toEqual([]);
    },
  );

  it('of governors in an undo are not run', async () => {
    const cluster = createFakeCluster({ hosts: [{ name: 'h1' }] });
    const governor = "x'; touch pwned; '";
    const settings = [{ policy: 0, governor, minKhz: 1_200_000, maxKhz: 2_600_000 }];
    const executor = executorOf(cluster);
    const setting = { type: 'setCpufreq', host: 'h1', settings } as const;
    await expect(doIt(executor, setting)).rejects.toMatchObject({ code: 'ERR_REMOTE_FAILED' });
    const set = cluster.calls().find((call) => call[2]?.endsWith('/scaling_governor'));
    expect(set).toBeDefined();
    expect(cluster.calls().some((call) => call.includes('pwned'))).toBe(false);
  });
});
