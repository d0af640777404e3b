/** How hosts are put together: texts and commands, none of them carried out on this machine. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../../deploy/ssh/quote.ts';
import {
  hostFiles,
  knownHosts,
  overlayFiles,
  sshConfig,
} from '../../../deploy/testbed/hosts/configuration.ts';
import {
  entryFiles,
  makeCgroup,
  processesIn,
  readHierarchies,
  removeCgroup,
  setCpuShares,
} from '../../../deploy/testbed/hosts/control-groups.ts';
import { type HostInit, hostInitScript } from '../../../deploy/testbed/hosts/init-script.ts';
import { hostCommand } from '../../../deploy/testbed/hosts/life.ts';
import { networkCommands, readCutLinks } from '../../../deploy/testbed/hosts/network.ts';
import { rootMounts } from '../../../deploy/testbed/hosts/prepare.ts';
import { hostLayout } from '../../../deploy/testbed/layout.ts';
import { planTestbed } from '../../../deploy/testbed/plan.ts';
import { directoryWith } from '../../traces/temporary-directory.ts';

const plan = planTestbed({
  name: 'abcdefghijkl',
  hosts: 3,
  vms: 0,
  redis: 0,
  disk: 'none',
  hardware: {},
});
const [host] = plan.hosts as [(typeof plan.hosts)[0]];

describe('the network', () => {
  const commands = networkCommands(plan);

  it('is made inside namespaces of its own, never in this machine’s', () => {
    const made = new Set<string>();
    for (const command of commands) {
      if (command[1] === 'netns') {
        expect(command.slice(0, 3)).toEqual(['ip', 'netns', 'add']);
        made.add(command[3]!);
      } else {
        expect(command.slice(0, 2)).toEqual(['ip', '-n']);
        expect(made, command.join(' ')).toContain(command[2]);
      }
    }
    expect(made.size).toBe(4);
  });

  it('has no interface with a longer name than the kernel takes', () => {
    const names = commands.flatMap((command) => {
      const at = command.indexOf('add');
      return command[at - 1] === 'link'
        ? [command[at + 1]!, command[command.indexOf('name') + 1]!]
        : [];
    });
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(15);
  });

  it('tells pulled cables from those that are in', () => {
    const text = [
      '3: h1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master sw state UP',
      '4: h2@if2: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue master sw state DOWN',
      '5: h10@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue master sw state DOWN',
    ].join('\n');
    expect([...readCutLinks(text)]).toEqual(['h2']);
  });
});

describe('control groups', () => {
  const version1 = [
    '25 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
    '26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '27 25 0:24 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory',
    '28 25 0:25 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,xattr,name=systemd',
    '29 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    '30 1 0:27 / /tmp/cgroup rw - cgroup cgroup rw,cpuset',
  ].join('\n');
  const version2 = '26 25 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';

  it('of version 1 are one hierarchy for each set of controllers', () => {
    expect(readHierarchies(version1)).toEqual([
      { mount: '/sys/fs/cgroup/cpu,cpuacct', version: 1, options: 'cpu,cpuacct' },
      { mount: '/sys/fs/cgroup/memory', version: 1, options: 'memory' },
      { mount: '/sys/fs/cgroup/systemd', version: 1, options: 'none,name=systemd' },
    ]);
  });

  it('of version 2 are one, which is entered by its leaf', () => {
    const hierarchies = readHierarchies(version2);
    expect(hierarchies).toEqual([{ mount: '/sys/fs/cgroup', version: 2, options: '' }]);
    expect(entryFiles(hierarchies, 'a/h1')).toEqual({
      first: ['/sys/fs/cgroup/a/h1/cgroup.procs'],
      second: ['/sys/fs/cgroup/a/h1/init/cgroup.procs'],
    });
  });

  it('say which processes a host has, and go when they are empty', () => {
    const mount = directoryWith({
      'a/h1/cgroup.procs': '12\n0\n',
      'a/h1/machine/qemu-1/vcpu0/cgroup.procs': '7\n12\n',
      'a/h2/cgroup.procs': '99\n',
    });
    const hierarchies = [{ mount, version: 1, options: 'cpu' }] as const;
    expect([...processesIn(hierarchies, 'a/h1')].sort((a, b) => a - b)).toEqual([7, 12]);
    expect(processesIn(hierarchies, 'a/h3').size).toBe(0);
    makeCgroup(hierarchies, 'b/h1/machine');
    makeCgroup(hierarchies, 'b/h1/machine');
    expect(existsSync(join(mount, 'b/h1/machine'))).toBe(true);
    expect(removeCgroup(hierarchies, 'b')).toEqual([]);
    expect(existsSync(join(mount, 'b'))).toBe(false);
    expect(removeCgroup(hierarchies, 'b')).toEqual([]);
  });
});

describe('CPU time of a group', () => {
  it.each([
    [1, 'cpu,cpuacct', 'cpu.shares', 65_536, '65536'],
    [2, '', 'cpu.weight', 65_536, '6400'],
    [2, '', 'cpu.weight', 1024, '100'],
    [2, '', 'cpu.weight', 262_144, '10000'],
    [2, '', 'cpu.weight', 2, '1'],
  ] as const)('version %i %s: %s of %i shares is %s', (version, options, file, shares, said) => {
    const mount = directoryWith({ 'a/tasks': '' });
    setCpuShares([{ mount, version, options }], 'a', shares);
    expect(readFileSync(join(mount, 'a', file), 'utf8')).toBe(said);
  });

  it('is said where it is shared out and nowhere else', () => {
    const mount = directoryWith({ 'a/tasks': '' });
    setCpuShares([{ mount, version: 1, options: 'cpuset' }], 'a', 2048);
    expect(readdirSync(join(mount, 'a'))).toEqual(['tasks']);
  });
});

describe('the files of a host', () => {
  const keys = { client: 'C', clientPublic: 'P', host: 'H', knownHosts: 'K' };
  const textOf = (path: string): string =>
    hostFiles(host, keys).find((file) => file.path === path)!.content;

  it('keep its keys to itself', () => {
    for (const { path, content, mode } of hostFiles(host, keys)) {
      if (content === 'C' || content === 'H') expect(mode, path).toBe(0o600);
    }
  });

  it('tell libvirt apart from that of every other host', () => {
    const uuids = plan.hosts.map((one) => {
      const text = hostFiles(one, keys).find(({ path }) => path.endsWith('libvirtd.conf'))!.content;
      return /^host_uuid = "(.*)"$/m.exec(text)![1];
    });
    expect(new Set(uuids).size).toBe(3);
    expect(textOf('/etc/libvirt/libvirtd.conf')).toContain('listen_addr = "10.77.0.11"\n');
    expect(textOf('/etc/libvirt/qemu.conf')).toContain('migration_host = "10.77.0.11"\n');
    expect(textOf('/etc/ssh/sshd_config')).toContain('ListenAddress 10.77.0.11\n');
  });

  it('have the account that libvirt wants, once', () => {
    const accounts = { passwd: 'root:x:0:0::/root:/bin/sh', group: 'root:x:0:\n' };
    const files = overlayFiles(plan, host, accounts);
    const passwd = files.find(({ path }) => path === '/etc/passwd')!.content;
    expect(passwd).toMatch(/^root:x:0:0::\/root:\/bin\/sh\nlibvirt-qemu:x:64055:64055:[^\n]+\n$/);
    const group = files.find(({ path }) => path === '/etc/group')!.content;
    expect(group).toBe('root:x:0:\nlibvirt-qemu:x:64055:\n');
    const again = overlayFiles(plan, host, { passwd, group });
    expect(again.find(({ path }) => path === '/etc/passwd')!.content).toBe(passwd);
    expect(again.find(({ path }) => path === '/etc/group')!.content).toBe(group);
  });

  it('turn it off by commands that need no system manager', () => {
    const files = overlayFiles(plan, host, { passwd: '', group: '' });
    const commands = files.filter(({ path }) => path.startsWith('/usr/local/sbin/'));
    expect(commands.map(({ path, content, mode }) => [path, content.split('\n')[1], mode])).toEqual(
      [
        ['/usr/local/sbin/poweroff', 'exec busybox poweroff -f', 0o755],
        ['/usr/local/sbin/halt', 'exec busybox poweroff -f', 0o755],
        ['/usr/local/sbin/shutdown', 'exec busybox poweroff -f', 0o755],
        ['/usr/local/sbin/reboot', 'exec busybox reboot -f', 0o755],
      ],
    );
  });

  it('tell node that the package it runs is of modules', () => {
    const files = overlayFiles(plan, host, { passwd: '', group: '' });
    const { content } = files.find(({ path }) => path === '/srv/wattwin/package.json')!;
    expect(JSON.parse(content)).toEqual({ type: 'module' });
  });

  it('name all hosts', () => {
    const hosts = overlayFiles(plan, host, { passwd: '', group: '' }).find(
      ({ path }) => path === '/etc/hosts',
    )!.content;
    expect(hosts.split('\n')).toEqual([
      ...['127.0.0.1 localhost', '10.77.0.1 ctl'],
      ...['10.77.0.11 h1', '10.77.0.12 h2', '10.77.0.13 h3', ''],
    ]);
  });
});

describe('the ssh configuration', () => {
  it('is for these hosts alone, with their keys and no others', () => {
    const known = knownHosts([{ host, publicKey: 'ssh-ed25519 AAAA comment\n' }]);
    expect(known).toBe('h1,10.77.0.11 ssh-ed25519 AAAA\n');
    const lines = sshConfig(plan.layout, plan.hosts, '/keys/client').split('\n');
    expect(lines.filter((line) => line.startsWith('Host '))).toEqual([
      ...['Host h1', 'Host h2', 'Host h3', 'Host h1 h2 h3'],
    ]);
    for (const line of [
      '  StrictHostKeyChecking yes',
      '  GlobalKnownHostsFile /dev/null',
      '  ProxyCommand nsenter --net=/run/netns/ww-abcdefghijkl-ctl busybox nc %h %p',
    ]) {
      expect(lines).toContain(line);
    }
  });

  const ssh = spawnSync('ssh', ['-V']);
  it.runIf(ssh.status === 0)('is what ssh understands', () => {
    const directory = directoryWith({ config: sshConfig(plan.layout, plan.hosts, '/keys/client') });
    const { stdout, status } = spawnSync('ssh', ['-G', '-F', join(directory, 'config'), 'h2'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('hostname 10.77.0.12\n');
    expect(stdout).toContain('user root\n');
    expect(stdout).toMatch(/^proxycommand nsenter .*ww-abcdefghijkl-ctl busybox nc %h %p$/m);
  });
});

const init: HostInit = {
  host,
  hierarchies: [{ mount: '/sys/fs/cgroup/cpu', version: 1, options: 'cpu' }],
  rootMounts: ['/', '/usr'],
  ownDirectories: [['/root', '/state/own/root']],
  imagesDirectory: '/cache/images',
  sharedDirectory: '/state/shared',
  packageDirectory: '/opt/wattwin/dist',
  node: '/usr/bin/node',
};

describe('the first program of a host', () => {
  const syntax = (text: string): { status: number | null; stderr: string } => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
    return { status, stderr };
  };

  it('is a shell script without a mistake in its syntax, for both versions of control groups', () => {
    expect(syntax(hostInitScript(init))).toEqual({ status: 0, stderr: '' });
    const second = { ...init, hierarchies: [{ mount: '/sys/fs/cgroup', version: 2, options: '' }] };
    expect(syntax(hostInitScript(second as HostInit))).toEqual({ status: 0, stderr: '' });
  });

  it('holds every value as one word, whatever is in it', () => {
    const hostile = fc.stringMatching(/^\/[a-z $;|&<>`'"\\(){}*?#!~\n]{1,20}$/);
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (images, shared, code, node) => {
        const text = hostInitScript({
          ...init,
          imagesDirectory: images,
          sharedDirectory: shared,
          packageDirectory: code,
          node,
        });
        expect(text).toContain(`bind_directory ${shellWord(images)} '/srv/wattwin/images'`);
        expect(text).toContain(`bind_directory ${shellWord(shared)} '/srv/wattwin/shared'`);
        expect(text).toContain(`bind_directory ${shellWord(code)} '/srv/wattwin/package'`);
        expect(text).toContain(`bind ${shellWord(node)} '/srv/wattwin/node'`);
        const values = [images, shared, code, node].map(shellWord);
        const plain = hostInitScript(init);
        const words = ['/cache/images', '/state/shared', '/opt/wattwin/dist', '/usr/bin/node'];
        // Nothing but those four words differs.
        const undone = values.reduce((script, value, index) => {
          const target = ['images', 'shared', 'package', 'node'][index]!;
          return script.replace(
            `${value} '/srv/wattwin/${target}'`,
            () => `'${words[index]}' '/srv/wattwin/${target}'`,
          );
        }, text);
        expect(undone).toBe(plain);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('keeps KVM out, so that guests are the same everywhere', () => {
    expect(hostInitScript(init)).not.toContain('kvm');
  });

  it('puts a host’s root together from all file systems that this machine’s has', () => {
    const line = (mount: string): string => `30 1 8:1 / ${mount} rw - ext4 /dev/sda1 rw`;
    expect(rootMounts([line('/'), line('/home'), line('/usr'), line('/proc')].join('\n'))).toEqual([
      '/',
      '/usr',
    ]);
    const script = hostInitScript(init);
    const first = script.indexOf("'lowerdir=/,upperdir=");
    const second = script.indexOf("'lowerdir=/usr,upperdir=");
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
  });
});

describe('the keeper of a host', () => {
  /** Runs it with programs that only write down how they are called. */
  function keep(statuses: readonly number[]): { calls: string[]; groups: string[] } {
    const directory = directoryWith({
      'bin/nsenter': `#!/bin/sh
        echo "nsenter $*" >>"$LOG"
        n=$(grep -c '^nsenter' "$LOG")
        exit $(echo ${statuses.join(' ')} | cut -d ' ' -f "$n")\n`,
      // The first becomes what follows its option.
      'bin/unshare': '#!/bin/sh\necho "unshare $1" >>"$LOG"; shift; exec "$@"\n',
      'bin/ip': '#!/bin/sh\necho "ip $*" >>"$LOG"\n',
      log: '',
      'cpu/wattwin-testbed/abcdefghijkl/h1/cgroup.procs': '',
      'memory/wattwin-testbed/abcdefghijkl/h1/cgroup.procs': '',
    });
    for (const name of ['nsenter', 'unshare', 'ip']) chmodSync(join(directory, 'bin', name), 0o755);
    const mounts = ['cpu', 'memory'].map((name) => join(directory, name));
    const hierarchies = mounts.map((mount) => ({ mount, version: 1 as const, options: '' }));
    const [program, ...args] = hostCommand(plan.layout, hostLayout(plan.layout, 1), hierarchies);
    const { pid } = spawnSync(program!, args, {
      env: { PATH: `${join(directory, 'bin')}:/usr/bin:/bin`, LOG: join(directory, 'log') },
    });
    const groups = mounts.map((mount) =>
      readFileSync(join(mount, 'wattwin-testbed/abcdefghijkl/h1/cgroup.procs'), 'utf8'),
    );
    for (const text of groups) expect(text).toBe(`${pid}\n`);
    const calls = readFileSync(join(directory, 'log'), 'utf8').trim().split('\n');
    return { calls, groups };
  }

  const run =
    'nsenter --net=/run/netns/ww-abcdefghijkl-h1 unshare --fork --kill-child=KILL --pid --mount --uts --ipc -- ' +
    `env -i TERM=dumb sh ${host.initScript}`;
  const off = 'ip -n ww-abcdefghijkl-ctl link set h1 down';

  it('enters its groups, and pulls the cable when the host is off', () => {
    expect(keep([0]).calls).toEqual(['unshare --cgroup', run, off]);
    expect(keep([137]).calls).toEqual(['unshare --cgroup', run, off]);
  });

  it('starts it again when it reboots', () => {
    expect(keep([129, 129, 130]).calls).toEqual(['unshare --cgroup', run, run, run, off]);
  });

  it('does not start a host outside of its groups', () => {
    const hierarchies = [{ mount: '/nonexistent', version: 1 as const, options: '' }];
    const [program, ...args] = hostCommand(plan.layout, host, hierarchies);
    const directory = directoryWith({ unshare: '#!/bin/sh\necho started\n' });
    chmodSync(join(directory, 'unshare'), 0o755);
    const { status, stdout } = spawnSync(program!, args, {
      env: { PATH: `${directory}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
  });
});
