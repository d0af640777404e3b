/** What a host can do, asked of a host that is a folder. */
import { describe, expect, it } from 'vitest';
import { type HostCapabilities, openSsh, probeHost, systemClock } from '../../deploy/index.ts';
import { capabilityTable } from '../../scripts/observe/capability-table.ts';
import { type FakeHosts, fakeHosts } from './fake-ssh.ts';
import { domstatsOutput, firstMoment, hostTree } from './host-tree.ts';

async function probe(host = 'node1', sudo = false): Promise<HostCapabilities> {
  const transport = openSsh({ clock: systemClock });
  try {
    return await probeHost(host, transport, { virshUri: 'qemu:///system', sudo });
  } finally {
    await transport.close();
  }
}

/** A physical host with everything. */
function physicalHost(): FakeHosts {
  const fake = fakeHosts();
  const cpu = '/sys/devices/system/cpu';
  fake.put('node1', {
    ...hostTree(firstMoment),
    '/proc/cpuinfo': 'processor : 0\nmodel name\t: Some CPU @ 2.60GHz\nflags : fpu vmx\n',
    '/etc/os-release': 'NAME=x\nPRETTY_NAME="Debian 12"\n',
    '/sys/class/dmi/id/sys_vendor': 'Maker\n',
    '/sys/class/dmi/id/product_name': 'Box 9\x1b[31m\n',
    '/sys/power/state': 'freeze mem disk\n',
    [`${cpu}/online`]: '0-3\n',
    [`${cpu}/smt/active`]: '1\n',
    '/sys/devices/system/node/online': '0-1\n',
    ...Object.fromEntries(
      [0, 1, 2, 3].flatMap((number) => [
        [`${cpu}/cpu${number}/topology/physical_package_id`, `${number >> 1}\n`],
        [`${cpu}/cpu${number}/topology/core_id`, '0\n'],
      ]),
    ),
    ...Object.fromEntries(
      [0, 2].flatMap((policy) => [
        [`${cpu}/cpufreq/policy${policy}/scaling_min_freq`, '1300000\n'],
        [`${cpu}/cpufreq/policy${policy}/scaling_max_freq`, '2500000\n'],
      ]),
    ),
    [`${cpu}/cpufreq/boost`]: '1\n',
    [`${cpu}/amd_pstate/status`]: 'passive\n',
    [`${cpu}/cpuidle/current_driver`]: 'acpi_idle\n',
    [`${cpu}/cpuidle/current_governor`]: 'menu\n',
    [`${cpu}/cpu0/cpuidle/state1/name`]: 'C1\n',
    [`${cpu}/cpu0/cpuidle/state1/latency`]: '2\n',
    [`${cpu}/cpu0/cpuidle/state1/residency`]: '2\n',
    [`${cpu}/cpu0/cpuidle/state1/disable`]: '0\n',
    [`${cpu}/cpu0/cpuidle/state2/name`]: 'C6\n',
    [`${cpu}/cpu0/cpuidle/state2/latency`]: '133\n',
    [`${cpu}/cpu0/cpuidle/state2/disable`]: '1\n',
  });
  return fake;
}

describe('a physical host', () => {
  it('tells what it is', async () => {
    physicalHost();
    const found = await probe();
    expect(found).toMatchObject({
      os: 'Debian 12',
      cpuModel: 'Some CPU @ 2.60GHz',
      product: 'Maker Box 9\x1b[31m',
      isNested: false,
      memoryBytes: 65_536_000 * 1024,
      topology: { onlineCpus: 4, sockets: 2, cores: 2, hasSmt: true, numaNodes: 2 },
      cpufreq: { isBoostOn: true, amdPstate: 'passive' },
      cpuidle: {
        driver: 'acpi_idle',
        governor: 'menu',
        states: [
          { state: 1, name: 'C1', exitLatencyUs: 2, targetResidencyUs: 2, isDisabled: false },
          { state: 2, name: 'C6', exitLatencyUs: 133, isDisabled: true },
        ],
      },
    });
    expect(found).not.toHaveProperty('hasPasswordlessSudo');
    expect(found.cpufreq.policies).toHaveLength(2);
    expect(found.cpufreq.policies[1]).toEqual({
      policy: 2,
      cpus: [2, 3],
      driver: 'acpi-cpufreq',
      governor: 'schedutil',
      governors: ['performance', 'powersave', 'userspace', 'schedutil'],
      availableMhz: [1200, 2600],
      hardwareMinMhz: 1200,
      hardwareMaxMhz: 2600,
      limitMinMhz: 1300,
      limitMaxMhz: 2500,
    });
    expect(found.energyZones.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['package-0', 'core-0', 'dram-1', 'psys']),
    );
    expect(found.energyZones.every(({ isReadable }) => isReadable)).toBe(true);
  });

  it('shows what this user may, in a table that no text of the host can disturb', async () => {
    const fake = physicalHost();
    // The kernel gives the counters to root alone.
    fake.remove('node1', '/sys/class/powercap/intel-rapl:0/energy_uj');
    fake.virsh('node1', 'Using library: libvirt 9.0.0\nRunning hypervisor: QEMU 7.2.22\n');
    const found = await probe();
    const status = (name: string) => found.abilities.find((one) => one.name === name);
    expect(status('energy counters')).toMatchObject({ status: 'root' });
    expect(status('governor')).toMatchObject({ status: 'yes' });
    expect(status('frequency')?.how).toContain('scaling_setspeed');
    expect(status('host sleep')).toMatchObject({ status: 'yes', kind: 'act' });
    expect(status('power limit')).toMatchObject({ status: 'no' });
    // No socket in the tree: whether it may be written is not known, so root is what it takes.
    expect(status('live migration')).toMatchObject({ status: 'root' });
    const table = capabilityTable(found);
    expect(table).toContain('libvirt         qemu:///system, 9.0.0, QEMU 7.2.22');
    expect(table).toContain('Maker Box 9·[31m');
    for (const line of table.split('\n')) expect(line).not.toMatch(/\p{Cc}/u);
  });
});

it('a driver without the userspace governor is held by equal limits', async () => {
  const fake = physicalHost();
  for (const policy of [0, 2]) {
    const base = `/sys/devices/system/cpu/cpufreq/policy${policy}`;
    fake.put('node1', { [`${base}/scaling_available_governors`]: 'performance powersave\n' });
  }
  const { abilities } = await probe();
  expect(abilities.find(({ name }) => name === 'frequency')).toMatchObject({
    status: 'yes',
    how: expect.stringContaining('equal scaling_min_freq and scaling_max_freq'),
  });
});

describe('libvirt', () => {
  it('lists its VMs', async () => {
    const fake = physicalHost();
    fake.virsh('node1', domstatsOutput({ timeNs: 1, delayNs: 1 }));
    expect((await probe()).domains).toEqual([
      { name: 'web \u{1F600}', state: 'running', vcpus: 2, memoryBytes: 1_048_576 * 1024 },
      { name: 'batch', state: 'shut-off', vcpus: 1, memoryBytes: 524_288 * 1024 },
    ]);
  });

  it('that does not answer says why', async () => {
    const fake = physicalHost();
    fake.virsh('node1', 'error: failed to connect to the hypervisor\nerror: no such file\n', 1);
    const { libvirt, domains, abilities } = await probe();
    expect(libvirt).toEqual({
      uri: 'qemu:///system',
      isReachable: false,
      problem: 'no such file',
    });
    expect(domains).toBeUndefined();
    expect(abilities.find(({ name }) => name === 'VM CPU quotas')?.status).toBe('no');
  });
});

describe('a host that is itself a virtual machine', () => {
  it('has no actuator, and says so', async () => {
    const fake = fakeHosts();
    fake.put('node1', {
      '/proc/uptime': '5.00 1.00\n',
      '/proc/cpuinfo': 'model name : x\nflags : fpu hypervisor\n',
      '/sys/power/state': 'freeze mem\n',
    });
    const { isNested, abilities } = await probe();
    expect(isNested).toBe(true);
    for (const name of ['governor', 'frequency']) {
      const ability = abilities.find((one) => one.name === name);
      expect(ability).toMatchObject({ status: 'no', how: expect.stringContaining('no actuator') });
    }
    expect(abilities.every(({ kind, status }) => kind === 'read' || status === 'no')).toBe(true);
  });

  it('that shows cpufreq all the same is warned about', async () => {
    const fake = fakeHosts();
    fake.put('node1', {
      ...hostTree(firstMoment),
      '/proc/cpuinfo': 'flags : fpu hypervisor\n',
    });
    const governor = (await probe()).abilities.find(({ name }) => name === 'governor');
    expect(governor).toMatchObject({
      status: 'yes',
      how: expect.stringContaining('measure whether'),
    });
  });
});

it('sudo is tried only when asked for', async () => {
  const fake = fakeHosts();
  fake.put('node1', hostTree(firstMoment));
  expect(await probe('node1', false)).not.toHaveProperty('hasPasswordlessSudo');
  // The tree has no sudo: trying it fails.
  expect(await probe('node1', true)).toMatchObject({ hasPasswordlessSudo: false });
});
