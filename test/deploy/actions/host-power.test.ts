/** Hosts that sleep, wake, or do neither. */
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { doIt, executorOf, quick } from './executor-of.ts';
import { createFakeCluster, type FakeHostSpec } from './fake-cluster.ts';

const clusterOf = (host: Partial<FakeHostSpec> = {}) =>
  createFakeCluster({ hosts: [{ name: 'h1', ...host }] });
const off: Operation = { type: 'sleepHost', host: 'h1', to: 'S5' };
const wake: Operation = { type: 'wakeHost', host: 'h1' };

describe('a host', () => {
  it.each([
    ['S5', true, ['systemctl', 'poweroff']],
    ['S5', false, ['poweroff']],
    ['S3', true, ['systemctl', 'suspend']],
    ['S3', false, ['tee']],
  ] as const)('goes to %s (systemd: %s) by %s', async (to, systemd, words) => {
    const cluster = clusterOf({ systemd });
    const operation = { type: 'sleepHost', host: 'h1', to } as const;
    expect(await doIt(executorOf(cluster), operation)).toMatchObject({ didChange: true, how: to });
    expect(cluster.state()['h1']!.isOn).toBe(false);
    const [, ...last] = cluster.calls().at(-1)!;
    expect(last.slice(0, words.length)).toEqual(words);
  });

  it('gets its frequencies back, which a boot forgets', async () => {
    const cluster = clusterOf();
    cluster.flag('h1', 'loses-cpufreq');
    const executor = executorOf(cluster);
    await doIt(executor, { type: 'setFrequency', host: 'h1', khz: 1_200_000 });
    const before = cluster.state();
    const prepared = await executor.prepare(off);
    await executor.apply(prepared);
    expect(prepared.undo.map(({ type }) => type)).toEqual(['wakeHost', 'setCpufreq']);
    for (const undo of prepared.undo) await doIt(executor, undo);
    expect(cluster.state()).toEqual(before);
  });

  it('on which a VM has come since it was looked at stays on', async () => {
    const cluster = createFakeCluster({
      hosts: [{ name: 'h1' }],
      vms: [{ name: 'web', host: 'h1' }],
    });
    // The look finds no VM, the script that would switch it off does.
    cluster.libvirtFault('h1', 'case $VERB:$* in list:--name) exit 0;; esac');
    await expect(doIt(executorOf(cluster), off)).rejects.toMatchObject({
      code: 'ERR_HOST_NOT_EMPTY',
      message: 'h1: it is not empty: 1 VM is active there',
    });
    expect(cluster.state()['h1']!.isOn).toBe(true);
  });

  it('whose libvirt does not say what runs there stays on', async () => {
    const cluster = clusterOf();
    cluster.libvirtFault('h1', 'case $VERB:$* in list:--uuid) exit 1;; esac');
    await expect(doIt(executorOf(cluster), off)).rejects.toMatchObject({
      code: 'ERR_REMOTE_FAILED',
    });
    expect(cluster.state()['h1']!.isOn).toBe(true);
  });

  it('that goes on answering is told', async () => {
    const cluster = clusterOf();
    cluster.flag('h1', 'stays-on');
    const timings = { ...quick, offMs: 1500 };
    await expect(doIt(executorOf(cluster, { timings }), off)).rejects.toMatchObject({
      code: 'ERR_NOT_APPLIED',
      message: 'h1: it still answers 1.5 s after it was told to go to S5',
    });
  });

  it('is woken by its command, once, when it hears it', async () => {
    const cluster = clusterOf({ sleep: 'S3' });
    const executor = executorOf(cluster);
    expect((await executor.prepare(wake)).isDone).toBe(true);
    cluster.kill('h1');
    expect(executor.commands(wake)).toEqual([`here: ${cluster.directory}/wake h1`]);
    const prepared = await executor.prepare(wake);
    expect(prepared).toMatchObject({
      isDone: false,
      undo: [{ type: 'sleepHost', host: 'h1', to: 'S3' }],
    });
    expect(await executor.apply(prepared)).toMatchObject({ didChange: true });
    expect(cluster.wakes()).toEqual(['h1']);
    expect(await executor.apply(prepared)).toMatchObject({ didChange: false });
  });

  it('is awake when its libvirt is', async () => {
    const cluster = clusterOf();
    cluster.kill('h1');
    cluster.libvirtFault(
      'h1',
      '[ -e "$FAKE_ROOT/.libvirt-up" ] || { : >"$FAKE_ROOT/.libvirt-up"; exit 1; }',
    );
    expect(await doIt(executorOf(cluster), wake)).toMatchObject({ didChange: true });
    expect(cluster.calls().filter((call) => call.includes('list')).length).toBeGreaterThan(1);
  });

  it('that does not wake is called three times and given up', async () => {
    const cluster = clusterOf();
    cluster.kill('h1');
    cluster.flag('h1', 'wake-deaf');
    await expect(doIt(executorOf(cluster), wake)).rejects.toMatchObject({
      code: 'ERR_WAKE',
      message: expect.stringMatching(/^h1: not awake 3 s after it was called: it does not answer/),
    });
    expect(cluster.wakes()).toHaveLength(3);
  });

  it('whose command fails, or is not there, is not waited for', async () => {
    const cluster = clusterOf();
    cluster.kill('h1');
    cluster.flag('h1', 'wake-fails');
    await expect(doIt(executorOf(cluster), wake)).rejects.toMatchObject({
      code: 'ERR_WAKE',
      message: expect.stringMatching(/failed \(no such machine\)$/),
    });
    const file = cluster.file({ hosts: [{ name: 'h1', wake: ['no-such-program', '$(reboot)'] }] });
    await expect(doIt(executorOf(cluster, { cluster: file }), wake)).rejects.toMatchObject({
      code: 'ERR_WAKE',
      message: 'h1: no-such-program is not there',
    });
  });
});
