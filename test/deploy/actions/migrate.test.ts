/** Live migrations that go well, badly, on without us, or nowhere. */
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../deploy/actions/operation.ts';
import type { MigrationProgress } from '../../../deploy/actions/site.ts';
import { doIt, executorOf, quick } from './executor-of.ts';
import { createFakeCluster, type FakeCluster, type FakeVmSpec, sizeOf } from './fake-cluster.ts';

const mib = 2 ** 20;
const move: Extract<Operation, { type: 'migrate' }> = {
  type: 'migrate',
  vm: 'web',
  from: 'h1',
  to: 'h2',
  storage: 'none',
};
const clusterWith = (web: Partial<FakeVmSpec> = {}, others: readonly FakeVmSpec[] = []) =>
  createFakeCluster({
    hosts: [{ name: 'h1' }, { name: 'h2' }],
    vms: [{ name: 'web', host: 'h1', ...web }, ...others],
  });
const verbs = (cluster: FakeCluster): string[] =>
  cluster.calls().flatMap((call) => (call[1] === 'virsh' && call[2] === '-c' ? [call[4]!] : []));

describe('a migration', () => {
  it('tells how far it is, how long the VM stood still and what was sent', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 600);
    const seen: MigrationProgress[] = [];
    const executor = executorOf(cluster, { onProgress: (_, progress) => seen.push(progress) });
    expect(await doIt(executor, move)).toMatchObject({
      didChange: true,
      downtimeMs: 27,
      transferredBytes: 1024 * mib + mib / 2,
    });
    expect(cluster.placesOf('web')).toEqual(['h2']);
    const first = seen[0]!;
    expect(first.processedBytes! + first.remainingBytes!).toBe(1024 * mib);
    expect(seen.at(-1)!.elapsedMs).toBeGreaterThan(first.elapsedMs);
  });

  it('is asked for with what the plan and the cluster file say', () => {
    const cluster = createFakeCluster({ hosts: [{ name: 'root@h1' }, { name: 'h2' }] });
    const file = cluster.file({
      hosts: [{ name: 'root@h1' }, { name: 'h2', address: 'fd00::2' }],
      ssh: { sudo: true },
      libvirt: {
        uri: 'qemu:///session',
        migration: { uri: 'qemu+tcp://{address}/system', unsafe: true },
      },
    });
    const executor = executorOf(cluster, { cluster: file });
    const all = {
      ...move,
      from: 'root@h1',
      bandwidthMibps: 0.4,
      autoConverge: true,
      postCopy: true,
    };
    expect(executor.commands({ ...all, storage: 'shared' })).toEqual([
      "root@h1: sudo -n virsh -c qemu:///session migrate --live --p2p --persistent --undefinesource --unsafe --auto-converge --postcopy --bandwidth 1 --domain web --desturi 'qemu+tcp://[fd00::2]/system'",
    ]);
    expect(executor.commands({ ...all, storage: 'copy' })[1]).toContain('--copy-storage-all');
    expect(executor.commands({ ...all, storage: 'copy' })[1]).not.toContain('--unsafe');
  });

  it('that libvirt takes for unsafe is done only where the cluster file allows it', async () => {
    const cluster = clusterWith({ disks: [{ path: '/srv/web.raw', bytes: 4096 }] });
    const shared: Operation = { ...move, storage: 'shared' };
    const cautious = doIt(executorOf(cluster), shared);
    await expect(cautious).rejects.toMatchObject({
      code: 'ERR_MIGRATION',
      message: expect.stringMatching(/stays on h1.*Unsafe migration/),
    });
    const unsafe = { libvirt: { migration: { unsafe: true } } };
    expect(await doIt(executorOf(cluster, {}, unsafe), shared)).toMatchObject({ didChange: true });
  });

  it.each([
    [
      'fail',
      'ERR_MIGRATION',
      /stays on h1: its migration to h2 failed.*unexpectedly failed/,
      ['h1'],
    ],
    ['lose', 'ERR_VM_LOST', /runs neither on h1 nor on h2/, []],
    ['twice', 'ERR_VM_TWICE', /runs on h1 and on h2: stop one/, ['h1', 'h2']],
  ] as const)(
    'that ends badly (%s) is told by where the VM is',
    async (how, code, message, places) => {
      const cluster = clusterWith();
      cluster.migrations('web', how);
      const attempt = doIt(executorOf(cluster), move);
      await expect(attempt).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      expect(cluster.placesOf('web')).toEqual(places);
    },
  );

  it('that gets no closer is called off', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'never', 50);
    const attempt = doIt(executorOf(cluster), move);
    await expect(attempt).rejects.toMatchObject({
      code: 'ERR_NOT_CONVERGING',
      message: expect.stringMatching(/stays on h1: .*it got no closer for/),
    });
    expect(verbs(cluster)).toContain('domjobabort');
    expect(cluster.placesOf('web')).toEqual(['h1']);
  });

  it('that gets no closer goes on after copying, where that is allowed', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'never', 50);
    expect(await doIt(executorOf(cluster), { ...move, postCopy: true })).toMatchObject({
      didChange: true,
      how: 'post-copy',
    });
    expect(verbs(cluster)).not.toContain('domjobabort');
  });

  it('that takes too long is called off', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 60_000);
    const file = { libvirt: { migration: { timeout: '1 s' } } };
    await expect(doIt(executorOf(cluster, {}, file), move)).rejects.toMatchObject({
      code: 'ERR_NOT_CONVERGING',
      message: expect.stringMatching(/not done within 1 s/),
    });
    expect(cluster.placesOf('web')).toEqual(['h1']);
  });

  it('is called off when it is stopped', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 60_000);
    const stop = new AbortController();
    const executor = executorOf(cluster, { onProgress: () => stop.abort() });
    const prepared = await executor.prepare(move);
    await expect(executor.apply(prepared, { signal: stop.signal })).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
      message: expect.stringMatching(/stays on h1/),
    });
    expect(cluster.placesOf('web')).toEqual(['h1']);
  });

  it('that cannot be called off is told as what it is', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 6000);
    cluster.ignores('web', 'abort');
    const file = { libvirt: { migration: { timeout: '300 ms' } } };
    const executor = executorOf(cluster, { timings: { ...quick, placeMs: 600 } }, file);
    await expect(doIt(executor, move)).rejects.toMatchObject({
      code: 'ERR_VM_UNKNOWN',
      message: expect.stringMatching(/comes to no end/),
    });
    await expect(executor.prepare(move)).rejects.toMatchObject({
      code: 'ERR_BUSY',
      message: 'h1: VM web is busy: Outgoing migration is under way',
    });
  });

  it('is followed to its end when our connection is cut', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 1500);
    let isCut = false;
    const executor = executorOf(cluster, {
      onProgress: () => {
        if (isCut) return;
        isCut = true;
        cluster.cut('h1');
        setTimeout(() => cluster.join('h1'), 500);
      },
    });
    expect(await doIt(executor, move)).toMatchObject({ didChange: true, downtimeMs: 27 });
    expect(isCut).toBe(true);
  });

  it('whose hosts do not answer any more has an unknown end', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 1000);
    const file = { libvirt: { migration: { timeout: '300 ms' } } };
    const executor = executorOf(
      cluster,
      { onProgress: () => cluster.cut('h1'), timings: { ...quick, placeMs: 500 } },
      file,
    );
    await expect(doIt(executor, move)).rejects.toMatchObject({
      code: 'ERR_VM_UNKNOWN',
      message: 'where VM web is, on h1 or h2, could not be found out',
    });
  });

  it('to a host that dies meanwhile leaves the VM where it is, once that host is back', async () => {
    const cluster = clusterWith();
    cluster.migrations('web', 'normal', 60_000);
    let isDead = false;
    const executor = executorOf(cluster, {
      onProgress: () => {
        if (isDead) return;
        isDead = true;
        cluster.kill('h2');
        setTimeout(() => cluster.powerOn('h2'), 400);
      },
    });
    await expect(doIt(executor, move)).rejects.toMatchObject({ code: 'ERR_MIGRATION' });
    expect(cluster.placesOf('web')).toEqual(['h1']);
  });
});

describe('disks that are copied', () => {
  const path = "/var/lib/it's $(touch pwned)/web.raw";
  const copy: Operation = { ...move, storage: 'copy' };
  const disks = [{ path, bytes: 8192 }];

  it('get a place of their size, which an undo finds again', async () => {
    const cluster = clusterWith({ disks });
    cluster.put('h2', "/var/lib/it's $(touch pwned)/README", '');
    const executor = executorOf(cluster);
    const prepared = await executor.prepare(copy);
    await executor.apply(prepared);
    expect(sizeOf(cluster, 'h2', path)).toBe(8192);
    for (const undo of prepared.undo) await doIt(executor, undo);
    expect(cluster.placesOf('web')).toEqual(['h1']);
  });

  it('leave nothing behind when the migration fails, but what was there before', async () => {
    const cluster = clusterWith({ disks });
    cluster.put('h2', "/var/lib/it's $(touch pwned)/README", '');
    cluster.migrations('web', 'fail');
    await expect(doIt(executorOf(cluster), copy)).rejects.toMatchObject({ code: 'ERR_MIGRATION' });
    expect(sizeOf(cluster, 'h2', path)).toBeUndefined();

    cluster.put('h2', path, 'x'.repeat(8192));
    await expect(doIt(executorOf(cluster), copy)).rejects.toMatchObject({ code: 'ERR_MIGRATION' });
    expect(sizeOf(cluster, 'h2', path)).toBe(8192);
  });

  it('are not written over a file of another size, nor over that of another VM', async () => {
    const cluster = clusterWith({ disks });
    cluster.put('h2', path, 'precious');
    await expect(doIt(executorOf(cluster), copy)).rejects.toMatchObject({
      message: expect.stringMatching(/a file of another size is there/),
    });
    expect(sizeOf(cluster, 'h2', path)).toBe(8);
    expect(verbs(cluster)).not.toContain('migrate');

    const other = clusterWith({ disks }, [{ name: 'db', host: 'h2', disks, isRunning: false }]);
    await expect(executorOf(other).prepare(copy)).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      message: expect.stringMatching(/belongs to VM db there/),
    });
  });

  it('of formats that cannot be made are refused', async () => {
    const cluster = clusterWith({ disks: [{ path, bytes: 8192, format: 'vmdk' }] });
    await expect(executorOf(cluster).prepare(copy)).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      message: expect.stringMatching(/format vmdk/),
    });
  });
});
