/** The loop on real libvirt hosts: what it does when all goes well, and how it ends when something breaks. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { Journal, type JournalRecord } from '../../deploy/index.ts';
import { describeOnRealHosts, type RealHosts, start, wattwin } from './real-hosts.ts';

/** Ends where its counter starts again; the wrap comes within seconds of the start. */
const rangeUj = 262_143_328_850;
const scratch = mkdtempSync(join(tmpdir(), 'wattwin-e2e-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const hardware = join(scratch, 'hardware.json');
writeFileSync(hardware, JSON.stringify({ energyStartUj: rangeUj - 150_000_000, share: 0.4 }));

/** What a host and its VMs are like, as far as a controller may change it. */
async function stateOf(hosts: RealHosts): Promise<unknown> {
  const status = JSON.parse(await hosts.testbed('status', '--json')) as {
    hosts: { name: string; state: string; governor?: string }[];
    vms: { name: string; hosts: { name: string; state: string }[] }[];
  };
  return {
    hosts: status.hosts.map(({ name, state, governor }) => ({ name, state, governor })),
    vms: status.vms.map(({ name, hosts: places }) => ({ name, places })),
  };
}

describeOnRealHosts(
  'the live loop',
  ['--hosts', '2', '--vms', '3', '--hardware', hardware],
  (hosts) => {
    let cluster: string;
    let journal: string;
    /** The controller of this test's cluster file and journal. */
    const control = (...args: readonly string[]) =>
      start('control', '--cluster', cluster, '--journal', journal, ...args);
    const records = (): JournalRecord[] => [...Journal.openReadOnly(journal).records()];
    const restore = () =>
      wattwin('restore', '--cluster', cluster, '--journal', journal, '--execute');

    /** A cluster file of the testbed's own with other settings. */
    function write(change: Readonly<Record<string, unknown>>): void {
      const own = parse(readFileSync(hosts.clusterFile, 'utf8')) as Record<string, unknown>;
      const settings = {
        ...own,
        interval: '4 s',
        horizon: 60,
        objective: { migration: 0.0001 },
        policy: { name: 'best-fit', maxUtilization: 0.7, frequency: 'ondemand' },
        guard: { vmCooldown: '0 s', hostCooldown: '0 s', migrations: 3 },
        ...change,
      };
      // Beside the original: relative paths begin there.
      cluster = join(hosts.directory, 'test.yaml');
      writeFileSync(cluster, stringify(settings));
    }

    /** Breaks the emulated hardware of a host until the test is over. */
    function breakHardware(host: string, faults: object): void {
      const path = join(hosts.directory, 'hosts', host, 'hardware', 'faults.json');
      writeFileSync(path, JSON.stringify(faults));
      onTestFinished(() => rmSync(path, { force: true }));
    }

    let tests = 0;
    beforeEach(() => {
      journal = join(scratch, `journal-${tests++}`);
      write({});
    });

    test('looks and foretells in shadow mode, and changes nothing', async () => {
      const before = await stateOf(hosts);
      const { code, stdout } = await control('--decisions', '3').done;
      expect(code).toBe(0);
      expect(await stateOf(hosts)).toEqual(before);
      expect(records().filter(({ kind }) => kind === 'intent')).toEqual([]);
      const comparisons = records().flatMap((one) =>
        one.kind === 'comparison' ? [one.comparison] : [],
      );
      expect(comparisons).toHaveLength(2);
      // The counters of both hosts wrapped meanwhile: no interval is short of energy or has too much.
      for (const { observedW } of comparisons) {
        expect(observedW).toBeGreaterThan(20);
        expect(observedW).toBeLessThan(200);
      }
      expect(stdout).toContain('power foretold against observed over 2 intervals');
    });

    test('packs the VMs on one host, switches off the other, and restore brings all back', async () => {
      const before = await stateOf(hosts);
      const running = control('--mode', 'act', '--execute', '--decisions', '2');
      const { code, stdout, stderr } = await running.done;
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toMatch(
        /done {5}migrate vm\d from h\d to h\d in [\d.]+ s \(foretold [\d.]+ s\)/,
      );
      expect(stdout).toMatch(/done {5}power off h\d/);
      const packed = (await stateOf(hosts)) as { hosts: { state: string }[] };
      expect(packed.hosts.map(({ state }) => state).sort()).toEqual(['down', 'up']);
      await restore();
      expect(await stateOf(hosts)).toEqual(before);
      // Nothing is left to bring back.
      expect(await wattwin('restore', '--cluster', cluster, '--journal', journal)).toContain(
        'othing',
      );
    });

    test('killed in the middle of a move, restore brings all back', async () => {
      const before = await stateOf(hosts);
      const running = control('--mode', 'act', '--execute');
      const hasIntent = (): boolean => {
        try {
          return records().some(({ kind }) => kind === 'intent');
        } catch {
          return false;
        }
      };
      while (!hasIntent()) await new Promise((wake) => setTimeout(wake, 5));
      running.kill('SIGKILL');
      await running.done;
      expect(records().at(-1)!.kind).not.toBe('end');
      await restore();
      expect(await stateOf(hosts)).toEqual(before);
    });

    test('lets only one controller act', async () => {
      const first = control();
      await first.until(/waiting for two readings/);
      const { code, stderr } = await control().done;
      expect(code).toBe(1);
      expect(stderr).toMatch(/ERR_LEASE .*process \d+/);
      first.kill('SIGINT');
      await first.done;
    });

    test('a write to scaling_governor that is ignored is noticed, and another way is taken', async () => {
      const all = '/sys/devices/system/cpu/cpufreq/policy*/scaling_governor';
      const govern = async (governor: string): Promise<void> => {
        for (const host of ['h1', 'h2']) {
          await hosts.ssh(host, `for f in ${all}; do echo ${governor} > $f; done`);
        }
      };
      await govern('performance');
      for (const host of ['h1', 'h2']) breakHardware(host, { ignoreGovernorWrites: true });
      const before = await stateOf(hosts);
      write({ guard: { migrations: 0, hostsOn: 2 } });
      const { stdout } = await control('--mode', 'act', '--execute', '--decisions', '2').done;
      expect(stdout).toMatch(/done {5}set h\d to \d+ MHz/);
      expect(JSON.stringify(records())).toContain('min=max');
      expect(await stateOf(hosts)).toEqual(before);
      await restore();
      const limits = await hosts.ssh(
        'h1',
        'cat /sys/devices/system/cpu/cpufreq/policy0/scaling_min_freq /sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq',
      );
      expect(limits.trim().split('\n')).toEqual(['800000', '3200000']);
      for (const host of ['h1', 'h2']) breakHardware(host, {});
      await govern('schedutil');
    });

    test('nothing is done on telemetry that stands still', async () => {
      for (const host of ['h1', 'h2']) breakHardware(host, { frozenCounters: true });
      await control('--mode', 'act', '--execute', '--decisions', '2').done;
      const items = records().flatMap((one) => (one.kind === 'decision' ? one.decision.items : []));
      expect(items.filter(({ state }) => state !== 'refused')).toEqual([]);
      expect(records().filter(({ kind }) => kind === 'intent')).toEqual([]);
    });

    test('a host that loses its power is left alone and named, and so is its return', async () => {
      const running = control('--mode', 'act', '--execute');
      write({ guard: { migrations: 0 } });
      await running.until(/VMs/);
      await hosts.testbed('kill', 'h2');
      await running.until(/! ERR_\w+: h2/, 60_000);
      await hosts.testbed('start', 'h2');
      await running.until(/! (?:reboot|answers): h2/, 60_000);
      running.kill('SIGINT');
      await running.done;
      expect(records().at(-1)!.kind).toBe('end');
      await restore();
      for (const vm of ['vm1', 'vm2', 'vm3']) {
        for (const host of ['h1', 'h2']) {
          const known = await hosts.ssh(host, `virsh -q domstate ${vm} 2>/dev/null || true`);
          if (known.trim() === 'shut off') await hosts.ssh(host, `virsh -q start ${vm}`);
        }
      }
    });

    test('a libvirtd that is started anew costs one interval', async () => {
      const running = control();
      await running.until(/VMs/);
      await hosts.ssh('h1', 'kill $(cat /run/libvirtd.pid); sleep 1; libvirtd -d --listen');
      const seen = running.said().length;
      while (!/\d VMs/.test(running.said().slice(seen + 200))) {
        await new Promise((wake) => setTimeout(wake, 100));
      }
      running.kill('SIGINT');
      expect((await running.done).code).not.toBe(1);
      expect(records().some((one) => one.kind === 'event' && one.code === 'vm-gone')).toBe(false);
    });

    test('a VM that dies is named', async () => {
      const place = (
        (await stateOf(hosts)) as { vms: { name: string; places: { name: string }[] }[] }
      ).vms.find(({ name }) => name === 'vm3')!.places[0]!.name;
      const running = control();
      await running.until(/3 VMs/);
      await hosts.ssh(place, 'kill -9 $(cat /run/libvirt/qemu/vm3.pid)');
      await running.until(/! vm-gone: .*vm3 no longer runs/);
      running.kill('SIGINT');
      await running.done;
      await hosts.ssh(place, 'virsh -q start vm3');
    });

    describe('moves', () => {
      const slowly = {
        libvirt: {
          migration: {
            uri: 'qemu+tcp://{address}/system',
            storage: 'none',
            bandwidth: '2 MB/s',
            timeout: '15 s',
          },
        },
      };

      /** Where a VM runs, by asking both hosts. */
      async function runsOn(vm: string): Promise<string[]> {
        const found = [];
        for (const host of ['h1', 'h2']) {
          const state = await hosts.ssh(host, `virsh -q domstate ${vm} 2>/dev/null || true`);
          if (state.trim() === 'running') found.push(host);
        }
        return found;
      }

      test('one that takes too long is called off, and the VM stays', async () => {
        write(slowly);
        const before = await stateOf(hosts);
        const { stdout } = await control('--mode', 'act', '--execute', '--decisions', '1').done;
        expect(stdout).toMatch(/failed {3}migrate vm\d .*ERR_\w+/);
        expect(stdout).not.toMatch(/done {5}power off/);
        await restore();
        expect(await stateOf(hosts)).toEqual(before);
      });

      test('one whose cable is cut in the middle leaves the VM running once', async () => {
        write(slowly);
        const running = control('--mode', 'act', '--execute', '--decisions', '1');
        await running.until(/planned {2}migrate/);
        await new Promise((wake) => setTimeout(wake, 2000));
        await hosts.testbed('cut', 'h2');
        await new Promise((wake) => setTimeout(wake, 3000));
        await hosts.testbed('join', 'h2');
        await running.done;
        const intents = records().filter(({ kind }) => kind === 'intent').length;
        const ends = records().filter(({ kind }) => kind === 'done' || kind === 'failed').length;
        expect(ends).toBe(intents);
        await restore();
        for (const vm of ['vm1', 'vm2', 'vm3']) expect(await runsOn(vm)).toHaveLength(1);
      });
    });

    test('a journal without room ends the controller; with room, restore brings all back', async () => {
      mkdirSync(journal);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24k,mode=700', 'small', journal]);
      onTestFinished(() => {
        execFileSync('umount', [journal]);
      });
      const before = await stateOf(hosts);
      const { code, stderr } = await control('--mode', 'act', '--execute').done;
      expect(code).toBe(1);
      expect(stderr).toContain('ERR_JOURNAL');
      execFileSync('mount', ['-o', 'remount,size=1m', journal]);
      await restore();
      expect(await stateOf(hosts)).toEqual(before);
    });
  },
);
