import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeOnRealHosts, start, wattwin } from './real-hosts.ts';

describeOnRealHosts('a testbed', ['--hosts', '2', '--vms', '2'], (hosts) => {
  test('has hosts that are what the probe expects of real ones', async () => {
    const answer = await wattwin('probe', 'h1', 'h2', '--json', '--ssh-config', hosts.sshConfig);
    const { hosts: found, failures } = JSON.parse(answer) as {
      hosts: {
        host: string;
        cpufreq: { policies: unknown[] };
        libvirt: { isReachable: boolean };
      }[];
      failures: unknown[];
    };
    expect(failures).toEqual([]);
    expect(found.map(({ host }) => host)).toEqual(['h1', 'h2']);
    for (const { cpufreq, libvirt } of found) {
      expect(cpufreq.policies).toHaveLength(2);
      expect(libvirt.isReachable).toBe(true);
    }
  });

  test('moves a running VM between its hosts', async () => {
    await hosts.ssh(
      'h1',
      'virsh -q migrate --live --p2p --persistent --undefinesource vm1 qemu+tcp://h2/system',
    );
    expect((await hosts.ssh('h2', 'virsh -q domstate vm1')).trim()).toBe('running');
  });

  test('loses power and gets it back, with its VMs shut off', async () => {
    await hosts.testbed('kill', 'h2');
    const status = JSON.parse(await hosts.testbed('status', '--json')) as {
      hosts: { name: string; state: string }[];
    };
    expect(status.hosts.map(({ state }) => state)).toEqual(['up', 'down']);
    await hosts.testbed('start', 'h2');
    expect((await hosts.ssh('h2', 'virsh -q domstate vm2')).trim()).toBe('shut off');
  });

  test('is refused where its key is not the one that is known', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wattwin-known-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'other')]);
    const [type, key] = readFileSync(join(directory, 'other.pub'), 'utf8').split(' ');
    const known = join(directory, 'known_hosts');
    writeFileSync(known, `h1,10.77.0.11 ${type} ${key}\n`);
    const config = join(directory, 'ssh_config');
    const original = readFileSync(hosts.sshConfig, 'utf8');
    writeFileSync(
      config,
      original.replace(/UserKnownHostsFile \S+/, `UserKnownHostsFile ${known}`),
    );
    const { code, stderr } = await start('probe', 'h1', '--ssh-config', config).done;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERR_HOST_KEY_CHANGED h1: its key is not the one in known_hosts/);
  });
});
