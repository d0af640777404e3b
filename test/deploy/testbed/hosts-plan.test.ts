/** What `up` would make, and what it takes: names, numbers, addresses, prerequisites. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClusterFile } from '../../../deploy/cluster/read-cluster-file.ts';
import { clusterText } from '../../../deploy/testbed/cluster-text.ts';
import { hardwareConfig } from '../../../deploy/testbed/hosts/hardware-files.ts';
import { hostsMax, testbedLayout, vmsMax } from '../../../deploy/testbed/layout.ts';
import { hostOf, planTestbed, type TestbedSpec } from '../../../deploy/testbed/plan.ts';
import {
  imageLacks,
  type Machine,
  readCapabilities,
  requireNothing,
  requireRoot,
  testbedLacks,
} from '../../../deploy/testbed/prerequisites.ts';
import { TestbedError } from '../../../deploy/testbed/testbed-error.ts';
import { InputError } from '../../../sim/index.ts';

const spec: TestbedSpec = {
  name: 'test',
  hosts: 2,
  vms: 3,
  redis: 1,
  disk: 'none',
  hardware: {},
};

function issuesOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.issues.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('a plan', () => {
  it('deals VMs out to the hosts in turn, the first with Redis', () => {
    const { vms } = planTestbed({ ...spec, vms: 5, redis: 2 });
    expect(vms.map(({ name, home, hasRedis }) => [name, home, hasRedis])).toEqual([
      ['vm1', 'h1', true],
      ['vm2', 'h2', true],
      ['vm3', 'h1', false],
      ['vm4', 'h2', false],
      ['vm5', 'h1', false],
    ]);
  });

  it('names everything that cannot be at once', () => {
    const wrong = { ...spec, hosts: 0, vms: 1.5, redis: -1, disk: 'tape' as 'none' };
    expect(issuesOf(() => planTestbed({ ...wrong, hardware: { cpus: 'two' } }))).toEqual([
      '--hosts',
      '--vms',
      '--redis',
      '--disk',
      '--hardware',
    ]);
    expect(issuesOf(() => planTestbed({ ...spec, redis: 4 }))).toEqual(['--redis']);
    expect(issuesOf(() => planTestbed({ ...spec, hardware: { speed: 1 } }))).toEqual([
      '--hardware',
    ]);
  });

  it('gives every host and VM its own addresses, however many there are', () => {
    const { hosts, vms, layout } = planTestbed({ ...spec, hosts: hostsMax, vms: vmsMax });
    const all = [...hosts, ...vms];
    const addresses = [layout.controlAddress, ...all.map(({ address }) => address)];
    expect(new Set(addresses).size).toBe(1 + hostsMax + vmsMax);
    for (const address of addresses) {
      const [, last] = /^10\.77\.0\.(\d+)$/.exec(address) ?? [];
      expect(Number(last)).toBeGreaterThanOrEqual(1);
      expect(Number(last)).toBeLessThanOrEqual(254);
    }
    expect(new Set(all.map(({ uuid }) => uuid)).size).toBe(all.length);
    for (const { uuid } of all) expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const macs = [...hosts.map(({ bridgeMac }) => bridgeMac), ...vms.map(({ mac }) => mac)];
    expect(new Set(macs).size).toBe(all.length);
    for (const mac of macs) expect(mac).toMatch(/^52(:[0-9a-f]{2}){5}$/);
    expect(new Set(hosts.map(({ machineId }) => machineId)).size).toBe(hostsMax);
  });

  it('knows its hosts by name, and says which there are', () => {
    const plan = planTestbed(spec);
    expect(hostOf(plan, 'h2').index).toBe(2);
    expect(() => hostOf(plan, 'h3')).toThrow('expected h1, h2, got h3');
  });
});

describe('the name of a testbed', () => {
  it.each(['a', 'default', '0', 'a-b-c', 'abcdefghijkl'])('may be %s', (name) => {
    const { directory, controlNetns, cgroup } = testbedLayout(name);
    expect(directory).toBe(`/run/wattwin/testbed/${name}`);
    expect(controlNetns).toBe(`ww-${name}-ctl`);
    expect(cgroup).toBe(`wattwin-testbed/${name}`);
  });

  it.each(['', '-a', 'A', 'a.b', 'a/b', '..', 'abcdefghijklm', 'a b', 'a\n', 'ä'])(
    'may not be %j',
    (name) => {
      expect(() => testbedLayout(name)).toThrow(InputError);
    },
  );

  it('never leads out of its directory', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const isGood = /^[a-z0-9][a-z0-9-]{0,11}$/.test(name) && !name.includes('\n');
        expect(issuesOf(() => testbedLayout(name))).toEqual(isGood ? [] : ['--name']);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

const hardware = (hosts: number, keys = {}): Record<string, unknown> =>
  hardwareConfig(planTestbed({ ...spec, hosts, hardware: keys }), 8);

it('hosts have the CPUs of this machine, so slow that all can be busy at once', () => {
  expect(hardware(1)).toMatchObject({ cpus: 8, share: 0.4 });
  expect(hardware(2)).toMatchObject({ cpus: 8, share: 0.4 });
  expect(hardware(4)).toMatchObject({ cpus: 8, share: 0.2 });
  for (const hosts of [1, 2, 3, 8, 64]) {
    expect(hosts * Number(hardware(hosts)['share'])).toBeLessThanOrEqual(0.8 + 1e-12);
  }
  expect(hardware(2, { cpus: 4, share: 0.1 })).toMatchObject({ cpus: 4, share: 0.1 });
});

it('the cluster file is one that `wattwin control` takes', () => {
  const plan = planTestbed({ ...spec, disk: 'shared' });
  const text = clusterText(plan, ['/opt/my node/bin/node', '/srv/it\'s "here": #1/wattwin.js']);
  const cluster = parseClusterFile(text, '/run/wattwin/testbed/test/cluster.yaml');
  expect(cluster.hosts.map(({ name, address, wake }) => [name, address, wake])).toEqual(
    ['h1', 'h2'].map((name, index) => [
      name,
      `10.77.0.${11 + index}`,
      [
        ...['/opt/my node/bin/node', '/srv/it\'s "here": #1/wattwin.js'],
        ...['testbed', 'start', name, '--name', 'test'],
      ],
    ]),
  );
  expect(cluster.ssh.config).toBe(plan.layout.sshConfig);
  expect(cluster).toMatchObject({ interval: 5000, horizon: 60, objective: { migration: 0.0001 } });
  expect(cluster.libvirt.globalQuota).toBe(false);
  expect(cluster.libvirt.migration).toMatchObject({
    uri: 'qemu+tcp://{address}/system',
    storage: 'shared',
    unsafe: true,
  });
});

/** A machine with everything but some things. */
function machine(missing: readonly string[], more: Partial<Machine> = {}): Machine {
  return {
    architecture: 'x64',
    platform: 'linux',
    userId: 0,
    path: ['/bin'],
    isExecutable: (path) => !missing.includes(path.slice('/bin/'.length)),
    exists: (path) => !missing.includes(path),
    fileSystems: ['nodev\toverlay', 'nodev\ttmpfs', 'nodev\tdevpts', '\tfuse', '\text4'].filter(
      (line) => !missing.includes(line.trim().split('\t').at(-1)!),
    ),
    capabilities: 0x1ffffffffffn,
    ...more,
  };
}

describe('prerequisites', () => {
  it('lack nothing where everything is there', () => {
    expect(testbedLacks(machine([]), true)).toEqual({ things: [], aptPackages: [] });
    requireNothing(testbedLacks(machine([]), true));
  });

  it('name all that is missing in one error, with the command that brings it', () => {
    const missing = ['libvirtd', 'virtlogd', 'sshd', 'gcc', '/dev/fuse', 'overlay'];
    const lacks = testbedLacks(machine(missing, { userId: 1000 }), true);
    const error = (() => {
      try {
        requireNothing(lacks);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(TestbedError);
    expect((error as TestbedError).code).toBe('ERR_PREREQUISITES');
    expect((error as TestbedError).message.split('\n')).toEqual([
      'This machine lacks what a testbed needs; nothing was made. Missing:',
      '  the program `sshd`',
      '  the program `libvirtd`',
      '  the program `virtlogd`',
      '  the program `gcc`',
      "  root's rights (run it with sudo)",
      '  the device /dev/fuse',
      '  the file system overlay in the kernel',
      'On Debian or Ubuntu:',
      '  apt-get install -y --no-install-recommends gcc libc6-dev libvirt-daemon openssh-server',
    ]);
  });

  it('count the driver for QEMU, which no program shows', () => {
    const drivers = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'].map(
      (directory) => `${directory}/libvirt/connection-driver/libvirt_driver_qemu.so`,
    );
    expect(testbedLacks(machine(drivers), false)).toEqual({
      things: ["libvirt's driver for QEMU"],
      aptPackages: ['libvirt-daemon-driver-qemu'],
    });
    expect(testbedLacks(machine(drivers.slice(1)), false).things).toEqual([]);
  });

  it('ask for what builds images only where they are to be built, and then for no rights', () => {
    const poor = machine(['gcc', 'lz4', 'sshd'], { userId: 1000 });
    expect(testbedLacks(poor, false).things).toEqual([
      'the program `sshd`',
      "root's rights (run it with sudo)",
    ]);
    expect(imageLacks(poor)).toEqual({
      things: ['the program `gcc`', 'the program `lz4`'],
      aptPackages: ['gcc', 'libc6-dev', 'lz4'],
    });
  });

  it('are not met by a root whose rights were taken away', () => {
    // What Docker leaves to root in a container.
    const status = 'Name:\tnode\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n';
    const { things } = testbedLacks(machine([], { capabilities: readCapabilities(status) }), false);
    expect(things.map((thing) => thing.split(',')[0])).toEqual([
      'the capability CAP_NET_ADMIN',
      'the capability CAP_SYS_ADMIN',
    ]);
    expect(readCapabilities('no such line')).toBe(0n);
  });

  it('are not met by another system', () => {
    const mac = machine([], { platform: 'darwin', architecture: 'arm64' });
    expect(testbedLacks(mac, false).things).toEqual(['Linux on x86-64']);
    expect(imageLacks(mac).things).toEqual(['Linux on x86-64']);
  });

  it('of a testbed that is there are root’s rights', () => {
    requireRoot(0);
    expect(() => requireRoot(1000)).toThrow('run this with sudo');
  });
});
