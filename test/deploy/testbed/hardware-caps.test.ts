/** Quotas of an emulated host's VMs: what each gets, in which order, and whose quotas stay. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bandwidthFor, CgroupCaps, coresOf } from '../../../deploy/testbed/hardware/cgroup-caps.ts';
import { openCgroups, parseCpuList } from '../../../deploy/testbed/hardware/cgroup-layout.ts';
import {
  balance,
  chooseHome,
  layTime,
  threadLimits,
} from '../../../deploy/testbed/hardware/placement.ts';
import { fakeCgroups } from './hardware-fakes.ts';

describe('a quota', () => {
  it('is of 10 ms, and of more where it would be below 1 ms', () => {
    expect(bandwidthFor(0.4)).toEqual({ quotaUs: 4000, periodUs: 10_000 });
    expect(bandwidthFor(2.5)).toEqual({ quotaUs: 25_000, periodUs: 10_000 });
    expect(bandwidthFor(0.05)).toEqual({ quotaUs: 1000, periodUs: 20_000 });
    expect(bandwidthFor(0)).toEqual({ quotaUs: 1000, periodUs: 1_000_000 });
  });

  it('is within 0.01 % of a core, and within what the kernel takes', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 64, noNaN: true }), (cores) => {
        const bandwidth = bandwidthFor(cores);
        expect(Math.abs(coresOf(bandwidth) - cores)).toBeLessThanOrEqual(1e-4);
        expect(bandwidth.quotaUs).toBeGreaterThanOrEqual(1000);
        expect(bandwidth.periodUs).toBeLessThanOrEqual(1_000_000);
      }),
      { seed: 1 },
    );
  });
});

/** A host with VMs a (two vCPUs) and b (one). */
function host() {
  const cgroups = fakeCgroups();
  for (const group of ['a/vcpu0', 'a/vcpu1', 'b/vcpu0', 'b/emulator']) {
    cgroups.add(`machine/${group}`);
  }
  const caps = new CgroupCaps(cgroups, 'machine');
  const cores = (group: string): number => coresOf(cgroups.bandwidth(`machine${group}`)!);
  const apply = (total: number, a: number, b: number): void =>
    caps.apply(
      total,
      new Map([
        ['machine/a', a],
        ['machine/b', b],
      ]),
    );
  const libvirt = (group: string, quotaUs: number): void =>
    cgroups.setBandwidth(`machine/${group}`, { quotaUs, periodUs: 100_000 });
  return { cgroups, caps, cores, apply, libvirt };
}

describe('caps', () => {
  it('rise and fall without asking for more than a parent has', () => {
    const { cores, apply } = host();
    for (const total of [0.8, 0.2, 0.6, 0.4]) {
      apply(total, total, total / 2);
      expect([cores(''), cores('/a'), cores('/b')]).toEqual([total, total, total / 2]);
      expect(cores('/a/vcpu0')).toBe(Infinity);
    }
  });

  it('leave quotas of others alone that are not in the way', () => {
    const { cores, apply, libvirt } = host();
    apply(0.8, 0.8, 0.4);
    libvirt('b/vcpu0', 10_000);
    apply(0.4, 0.4, 0.2);
    expect(cores('/b/vcpu0')).toBe(0.1);
  });

  it('lower a quota in the way, step by step, and give it back', () => {
    const { cores, apply, libvirt } = host();
    apply(0.8, 0.8, 0.4);
    libvirt('b/vcpu0', 30_000);
    apply(0.4, 0.4, 0.2);
    expect([cores('/b'), cores('/b/vcpu0')]).toEqual([0.2, 0.2]);
    apply(0.2, 0.2, 0.1);
    expect([cores('/b'), cores('/b/vcpu0')]).toEqual([0.1, 0.1]);
    apply(0.5, 0.5, 0.25);
    expect([cores('/b'), cores('/b/vcpu0')]).toEqual([0.25, 0.25]);
    apply(0.8, 0.8, 0.4);
    expect([cores('/b'), cores('/b/vcpu0')]).toEqual([0.4, 0.3]);
  });

  it('do not give back what its owner set anew', () => {
    const { cores, apply, libvirt, cgroups } = host();
    apply(0.8, 0.8, 0.4);
    libvirt('b/vcpu0', 30_000);
    apply(0.4, 0.4, 0.2);
    libvirt('b/vcpu0', 15_000);
    apply(0.8, 0.8, 0.4);
    expect(cores('/b/vcpu0')).toBe(0.15);
    libvirt('b/vcpu0', 30_000);
    apply(0.4, 0.4, 0.2);
    cgroups.setBandwidth('machine/b/vcpu0', { periodUs: 100_000 });
    apply(0.8, 0.8, 0.4);
    expect(cores('/b/vcpu0')).toBe(Infinity);
  });

  it('come back when somebody else changed them', () => {
    const { cores, apply, caps, cgroups } = host();
    apply(0.8, 0.8, 0.4);
    cgroups.setBandwidth('machine/a', { periodUs: 100_000 });
    apply(0.8, 0.8, 0.4);
    expect(cores('/a')).toBe(Infinity);
    caps.distrust();
    apply(0.8, 0.8, 0.4);
    expect(cores('/a')).toBe(0.8);
  });

  it('do not mind VMs that are gone, or all of them', () => {
    const { cgroups, cores, apply } = host();
    cgroups.remove('machine/a');
    apply(0.8, 0.8, 0.4);
    expect(cores('/b')).toBe(0.4);
    cgroups.remove('machine');
    apply(0.4, 0.4, 0.2);
    cgroups.add('machine/b/vcpu0');
    apply(0.4, 0.4, 0.2);
    expect([cores(''), cores('/b')]).toEqual([0.4, 0.2]);
  });

  it('are gone after a release, and quotas in the way are back', () => {
    const { caps, cores, apply, libvirt } = host();
    apply(0.8, 0.8, 0.4);
    libvirt('b/vcpu0', 30_000);
    apply(0.4, 0.4, 0.2);
    caps.release();
    expect(['', '/a', '/b'].map(cores)).toEqual([Infinity, Infinity, Infinity]);
    expect(cores('/b/vcpu0')).toBe(0.3);
  });

  it('are gone after a release even if an earlier life set them', () => {
    const { cgroups, cores, apply } = host();
    apply(0.8, 0.8, 0.4);
    new CgroupCaps(cgroups, 'machine').release();
    expect(['', '/a', '/b'].map(cores)).toEqual([Infinity, Infinity, Infinity]);
  });

  it('hold for any order of frequencies and quotas', () => {
    const step = fc.tuple(
      fc.constantFrom('cap', 'a/vcpu0', 'b/vcpu0', 'b/emulator'),
      fc.integer({ min: 4, max: 80 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { cgroups, caps, cores, apply, libvirt } = host();
        let total = 0.8;
        for (const [what, value] of steps) {
          if (what === 'cap') {
            total = value / 100;
            apply(total, total, total / 2);
          } else {
            const above = cores(what.startsWith('a') ? '/a' : '/b');
            // libvirt is refused where it asks for more than there is.
            if (value / 100 <= Math.min(above, cores(''))) libvirt(what, value * 1000);
          }
          if (Number.isFinite(cores(''))) {
            const near = (cap: number): number => coresOf(bandwidthFor(cap));
            expect([cores(''), cores('/a'), cores('/b')]).toEqual([
              near(total),
              near(total),
              near(total / 2),
            ]);
          }
          for (const group of ['/a/vcpu0', '/b/vcpu0', '/b/emulator']) {
            const parent = cores(group.slice(0, 2));
            expect(cores(group) <= parent || cores(group) === Infinity).toBe(true);
          }
        }
        caps.release();
        expect(cgroups.groups.get('machine')!.bandwidth.quotaUs).toBeUndefined();
      }),
      { seed: 9, numRuns: 400 },
    );
  });
});

describe('control groups', () => {
  function tree(files: Readonly<Record<string, string>>): string {
    const root = mkdtempSync(join(tmpdir(), 'wattwin-cgroup-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  it('of version 1', () => {
    const root = tree({
      'cpu/machine/vm/cpu.cfs_quota_us': '-1\n',
      'cpu/machine/vm/cpu.cfs_period_us': '100000\n',
      'cpu/machine/vm/vcpu0/cpu.cfs_quota_us': '25000\n',
      'cpu/machine/vm/vcpu0/cpu.cfs_period_us': '50000\n',
      'cpuacct/machine/vm/cpuacct.usage': '1500000000\n',
      'cpuset/machine/vm/cpuset.cpus': '0-1,3\n',
    });
    const cgroups = openCgroups(root);
    expect(cgroups.version).toBe(1);
    expect(cgroups.children('machine')).toEqual(['vm']);
    expect(cgroups.childCount('other')).toBe(-1);
    expect(cgroups.children('other')).toEqual([]);
    expect(cgroups.openUsage('machine/vm').usedS()).toBe(1.5);
    expect(cgroups.openUsage('machine/gone').usedS()).toBeUndefined();
    expect(cgroups.realCpus('machine/vm')).toEqual([0, 1, 3]);
    expect(cgroups.bandwidth('machine/vm')).toEqual({ periodUs: 100_000 });
    expect(cgroups.bandwidth('machine/vm/vcpu0')).toEqual({ quotaUs: 25_000, periodUs: 50_000 });
    cgroups.setBandwidth('machine/vm', { quotaUs: 4000, periodUs: 10_000 });
    const text = (name: string): string => readFileSync(join(root, 'cpu/machine/vm', name), 'utf8');
    expect([text('cpu.cfs_quota_us'), text('cpu.cfs_period_us')]).toEqual(['4000', '10000']);
    cgroups.setBandwidth('machine/vm', { periodUs: 10_000 });
    expect(cgroups.bandwidth('machine/vm')).toEqual({ periodUs: 10_000 });
  });

  it('of version 1, both controllers in one', () => {
    const root = tree({ 'cpu,cpuacct/machine/vm/cpuacct.usage': '5\n' });
    expect(openCgroups(root).children('machine')).toEqual(['vm']);
    expect(openCgroups(root).openUsage('machine/vm').usedS()).toBe(5e-9);
  });

  it('of version 2', () => {
    const root = tree({
      'cgroup.controllers': 'cpuset cpu io memory\n',
      'machine/vm/cpu.max': 'max 100000\n',
      'machine/vm/cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
      'machine/vm/cpuset.cpus': '\n',
      'machine/vm/cpuset.cpus.effective': '0-1\n',
    });
    const cgroups = openCgroups(root);
    expect(cgroups.version).toBe(2);
    expect(cgroups.openUsage('machine/vm').usedS()).toBe(2.5);
    expect(cgroups.realCpus('machine/vm')).toEqual([0, 1]);
    expect(cgroups.bandwidth('machine/vm')).toEqual({ periodUs: 100_000 });
    cgroups.setBandwidth('machine/vm', { quotaUs: 4000, periodUs: 10_000 });
    expect(cgroups.bandwidth('machine/vm')).toEqual({ quotaUs: 4000, periodUs: 10_000 });
  });

  it('of both versions at once: the one that has the CPU controller', () => {
    const root = tree({ 'cgroup.controllers': '\n', 'cpu/machine/vm/x': '' });
    expect(openCgroups(root).version).toBe(1);
  });

  it('read lists of CPUs', () => {
    expect(parseCpuList('0-2,5\n')).toEqual([0, 1, 2, 5]);
    for (const text of ['', '\n', 'x', '1-', '1,,2']) expect(parseCpuList(text)).toBeUndefined();
  });
});

describe('placement', () => {
  const thread = (home: number, load: number, allowed = [0, 1], cores = 0, usedS = 0) => ({
    home,
    load,
    allowed,
    cores,
    usedS,
  });

  it('puts a new thread where least is done, then where fewest are', () => {
    expect(chooseHome([thread(0, 0.5)], [0, 1], 2)).toBe(1);
    expect(chooseHome([thread(0, 0)], [0, 1], 2)).toBe(1);
    expect(chooseHome([thread(0, 0.2), thread(1, 0.4)], [0, 1], 2)).toBe(0);
    expect(chooseHome([thread(0, 0.5)], [0], 2)).toBe(0);
  });

  it('moves a thread from a crowd, never one that is pinned, never back and forth', () => {
    const crowd = [thread(0, 1, [0]), thread(0, 1), thread(1, 0)];
    expect(balance(crowd, 2)).toEqual({ thread: 1, home: 1 });
    expect(balance([thread(0, 1), thread(1, 0)], 2)).toBeUndefined();
    expect(balance([thread(0, 1, [0]), thread(0, 1, [0])], 2)).toBeUndefined();
    expect(balance([thread(0, 0.05), thread(0, 0.05)], 2)).toBeUndefined();
  });

  it('lays time at home; what does not fit waits, and crowds spread', () => {
    const lay = (threads: ReturnType<typeof thread>[], wait: number) =>
      layTime(threads, [1, 1], wait);
    expect(lay([thread(0, 1, [0, 1], 0, 0.6)], 0.1)).toEqual({ busyS: [0.6, 0], leftS: [0] });
    expect(lay([thread(0, 1, [0, 1], 0, 1.0625)], 0.125)).toEqual({
      busyS: [1, 0],
      leftS: [0.0625],
    });
    // The second finds nothing at home and goes elsewhere.
    const two = [thread(0, 1, [0, 1], 0, 1), thread(0, 1, [0, 1], 0, 0.75)];
    expect(lay(two, 0)).toEqual({ busyS: [1, 0.75], leftS: [0, 0] });
    // Alone, it was at home all the time and so nowhere else.
    expect(lay([thread(0, 1, [0, 1], 0, 1.5)], 0.125)).toEqual({ busyS: [1, 0], leftS: [0.125] });
    // Half of the interval on a whole CPU, half on one half as fast.
    const crowd = [thread(0, 1, [0], 0, 0.5), thread(0, 1, [0, 1], 0, 2)];
    expect(layTime(crowd, [1, 0.5], 0)).toEqual({ busyS: [1, 0.25], leftS: [0, 0] });
    // More than the pinned one's CPU can do is dropped, but for what may wait.
    expect(lay([thread(0, 1, [0], 0, 3)], 0.125)).toEqual({ busyS: [1, 0], leftS: [0.125] });
  });

  it('keeps all time that fits', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    const some = fc.record({
      home: fc.nat(1),
      isPinned: fc.boolean(),
      usedS: part,
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), part, (list, wait) => {
        const threads = list.map(({ home, isPinned, usedS }) =>
          thread(home, 0, isPinned ? [home] : [0, 1], 0, usedS),
        );
        const { busyS, leftS } = layTime(threads, [1, 1], wait);
        const total = list.reduce((sum, { usedS }) => sum + usedS, 0);
        const laid = busyS[0]! + busyS[1]!;
        const left = leftS.reduce((sum, value) => sum + value, 0);
        expect(laid + left).toBeLessThanOrEqual(total + 1e-9);
        for (const busy of busyS) expect(busy).toBeLessThanOrEqual(1 + 1e-12);
        for (const value of leftS) expect(value).toBeLessThanOrEqual(wait);
        const isFull = busyS.some((busy) => busy > 1 - 1e-9);
        if (!isFull) expect(laid + left).toBeCloseTo(total, 9);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it('gives who is alone all of a CPU, and rivals on the same CPU equal shares', () => {
    const pinned = (cores: number) => thread(0, 1, [0], cores);
    const capacity = [0.4, 0.2];
    expect(threadLimits([pinned(0.4)], capacity)).toEqual([0.4]);
    expect(threadLimits([pinned(0.4), pinned(0)], capacity)).toEqual([0.4, 0.2]);
    expect(threadLimits([pinned(0.3), pinned(0.1)], capacity)).toEqual([
      expect.closeTo(0.3, 12),
      expect.closeTo(0.2, 12),
    ]);
    expect(threadLimits([pinned(0.2), pinned(0.2)], capacity)).toEqual([0.2, 0.2]);
    // Who may run everywhere is held by the group of all VMs.
    expect(threadLimits([thread(1, 1, [0, 1], 0.2), pinned(0.4)], capacity)).toEqual([0.2, 0.4]);
  });
});
