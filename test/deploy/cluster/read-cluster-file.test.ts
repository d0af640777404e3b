/** What a cluster file may say, and how it is told where it is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseClusterFile, readClusterFile } from '../../../deploy/index.ts';
import { InputError } from '../../../sim/index.ts';

/** The message of every issue. */
function problems(text: string): string[] {
  try {
    parseClusterFile(text, 'cluster.yaml');
    return [];
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n');
    throw error;
  }
}

describe('a cluster file', () => {
  it('needs only hosts; the rest has defaults', () => {
    const cluster = parseClusterFile(
      'hosts: [{ name: node1 }, { name: admin@node2 }]',
      '/a/b.yaml',
    );
    expect(cluster).toMatchObject({
      name: 'cluster',
      hosts: [{ name: 'node1', sleep: 'S5', wakeTime: 120_000 }, { name: 'admin@node2' }],
      interval: 60_000,
      ssh: { timeout: 20_000 },
      guard: { killSwitch: '/a/STOP', hostsOn: 1 },
    });
  });

  it('is in units that people write', () => {
    const cluster = parseClusterFile(
      `hosts: [{ name: node1, memory: 4 GiB, wakeTime: 2 min, wake: [wakeonlan, 'aa:bb'] }]
interval: 10 s
libvirt: { migration: { bandwidth: 100 MB/s, timeout: 1 min } }`,
      'x.yaml',
    );
    expect(cluster.hosts[0]).toMatchObject({ memory: 2 ** 32, wakeTime: 120_000 });
    expect(cluster.interval).toBe(10_000);
    expect(cluster.libvirt.migration).toMatchObject({ bandwidth: 1e8, timeout: 60_000 });
  });

  it('has paths that start beside it, or are absolute', () => {
    const text = (config: string): string =>
      `{ hosts: [{ name: a }], ssh: { config: ${config} }, guard: { killSwitch: ../STOP } }`;
    const { ssh, guard } = parseClusterFile(text('ssh/config'), '/etc/wattwin/cluster.yaml');
    expect([ssh.config, guard.killSwitch]).toEqual(['/etc/wattwin/ssh/config', '/etc/STOP']);
    expect(parseClusterFile(text('/x/y'), '/etc/cluster.yaml').ssh.config).toBe('/x/y');
  });

  it('is read from a disk, or said not to be there', () => {
    const directory = mkdtempSync(join(tmpdir(), 'wattwin-cluster-'));
    const path = join(directory, 'cluster.yaml');
    expect(() => readClusterFile(path)).toThrow(
      `${path}: expected a cluster file that can be read`,
    );
    writeFileSync(path, 'hosts: [{ name: node1 }]');
    expect(readClusterFile(path).guard.killSwitch).toBe(join(directory, 'STOP'));
    rmSync(directory, { recursive: true });
  });
});

describe('problems', () => {
  it.each<[string, string, string]>([
    ['no YAML', 'hosts:\n  - name: "a', 'cluster.yaml:2: expected valid YAML'],
    ['nothing', '', 'cluster.yaml: expected object, got null'],
    ['no hosts', 'name: x', 'cluster.yaml: hosts: expected'],
    ['an unknown key', 'hosts: [{ name: a, coers: 2 }]', 'hosts[0].coers: expected no such key'],
    ['no unit', 'hosts: [{ name: a, memory: 4 }]', 'cluster.yaml: hosts[0].memory: expected'],
    [
      'an option for ssh as a name',
      'hosts: [{ name: -oProxyCommand=x }]',
      'hosts[0].name: expected [USER@]HOST',
    ],
    [
      'an address that is none',
      'hosts: [{ name: a, address: "b c" }]',
      'hosts[0].address: expected a host',
    ],
    [
      'a host twice',
      'hosts: [{ name: a }, { name: A }]',
      'hosts[1].name: expected a host other than hosts[0]',
    ],
    [
      'a host twice, by another user',
      'hosts: [{ name: x@a }, { name: y@a }]',
      'hosts[1].name: expected',
    ],
    [
      'an address twice',
      'hosts: [{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.1 }]',
      'hosts[1].address: expected an address other than that of hosts[0], got "10.0.0.1"',
    ],
    [
      'more power idle than full',
      'hosts: [{ name: a, idlePower: 9, fullPower: 8 }]',
      'hosts[0].fullPower: expected at least idlePower, 9, got 8',
    ],
    [
      'more power off than idle',
      'hosts: [{ name: a, idlePower: 9, offPower: 10 }]',
      'hosts[0].offPower: expected at most',
    ],
    [
      'more hosts on than there are',
      '{ hosts: [{ name: a }], guard: { hostsOn: 2 } }',
      'guard.hostsOn: expected at most the number of hosts, 1, got 2',
    ],
    [
      'no place for the address',
      '{ hosts: [{ name: a }], libvirt: { migration: { uri: "qemu+ssh://b/system" } } }',
      'libvirt.migration.uri: expected a URI with {address}',
    ],
    [
      'an unknown word',
      '{ hosts: [{ name: a }], libvirt: { migration: { uri: "x://{host}" } } }',
      'libvirt.migration.uri: expected',
    ],
    [
      'a VM twice in a set',
      '{ hosts: [{ name: a }], vms: { apart: [[v, w, v]] } }',
      'vms.apart[0][2]: expected a VM not named before',
    ],
    [
      'VMs apart and together',
      '{ hosts: [{ name: a }], vms: { apart: [[u], [v, w]], together: [[v, x, w]] } }',
      'vms.together[0]: expected VMs of which no two are in vms.apart[1], got "v", "w"',
    ],
  ])('%s', (_, text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  it('are all told at once', () => {
    const text = 'hosts: [{ name: "a b" }, { name: -x }]\nguard: { hostsOn: 3 }';
    expect(problems(text)).toHaveLength(3);
  });

  it('include aliases that multiply without end', () => {
    const line = (level: number): string =>
      `a${level}: &a${level} [${Array(10)
        .fill(level === 0 ? 'x' : `*a${level - 1}`)
        .join(', ')}]`;
    const text = Array.from({ length: 9 }, (_, level) => line(level)).join('\n');
    expect(problems(text).join('\n')).toContain('expected YAML that can be expanded');
  });
});
