/** Texts of the files that a host has for itself: sshd, libvirt, names. Pure. */
import type { HostLayout, TestbedLayout } from '../layout.ts';
import type { TestbedPlan } from '../plan.ts';

/**
 * Accounts that libvirt's driver for QEMU wants to exist even where everything runs as root; on an
 * installed host another package makes them.
 */
const qemuAccount = 'libvirt-qemu';
const qemuAccountId = 64055;

/** Commands that ask process 1 of a usual system; here they ask the kernel, which ends the namespace. */
const powerCommands = {
  poweroff: 'poweroff',
  halt: 'poweroff',
  shutdown: 'poweroff',
  reboot: 'reboot',
};

export interface HostFile {
  /** On the host. */
  readonly path: string;
  readonly content: string;
  readonly mode?: number;
}

/** The host's own directories: what this machine has there is not seen on it. */
export const ownDirectories: readonly string[] = [
  '/root',
  '/etc/ssh',
  '/etc/libvirt',
  '/var/lib/libvirt',
  '/var/cache/libvirt',
  '/var/log/libvirt',
];

/** Keys by path, as they are on this machine. */
export interface KeyTexts {
  /** The one key by which the testbed's owner and all hosts come in. */
  readonly client: string;
  readonly clientPublic: string;
  readonly host: string;
  readonly knownHosts: string;
}

/** Files below the host's own directories. */
export function hostFiles(host: HostLayout, keys: KeyTexts): HostFile[] {
  return [
    { path: '/root/.ssh/authorized_keys', content: keys.clientPublic, mode: 0o600 },
    { path: '/root/.ssh/id_ed25519', content: keys.client, mode: 0o600 },
    { path: '/root/.ssh/known_hosts', content: keys.knownHosts },
    { path: '/etc/ssh/host_key', content: keys.host, mode: 0o600 },
    { path: '/etc/ssh/sshd_config', content: sshdConfig(host) },
    { path: '/etc/libvirt/libvirtd.conf', content: libvirtdConfig(host) },
    { path: '/etc/libvirt/qemu.conf', content: qemuConfig(host) },
  ];
}

/** Files that the host has in place of this machine's: put into the overlay before it is mounted. */
export function overlayFiles(
  { layout, hosts }: Pick<TestbedPlan, 'layout' | 'hosts'>,
  host: HostLayout,
  accounts: { readonly passwd: string; readonly group: string },
): HostFile[] {
  const names = [
    '127.0.0.1 localhost',
    `${layout.controlAddress} ctl`,
    ...hosts.map(({ address, name }) => `${address} ${name}`),
  ];
  return [
    { path: '/etc/hostname', content: `${host.name}\n` },
    { path: '/etc/hosts', content: lines(names) },
    { path: '/etc/machine-id', content: `${host.machineId}\n` },
    { path: '/etc/passwd', content: withQemuUser(accounts.passwd) },
    { path: '/etc/group', content: withQemuGroup(accounts.group) },
    // Above the compiled package, whose own is not compiled.
    { path: '/srv/wattwin/package.json', content: '{ "type": "module" }\n' },
    ...Object.entries(powerCommands).map(([name, verb]) => ({
      path: `/usr/local/sbin/${name}`,
      content: `#!/bin/sh\nexec busybox ${verb} -f\n`,
      mode: 0o755,
    })),
  ];
}

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;

function withQemuUser(passwd: string): string {
  if (new RegExp(`^${qemuAccount}:`, 'm').test(passwd)) return passwd;
  const id = `${qemuAccountId}:${qemuAccountId}`;
  return `${ended(passwd)}${qemuAccount}:x:${id}::/var/lib/libvirt:/usr/sbin/nologin\n`;
}

function withQemuGroup(group: string): string {
  if (new RegExp(`^${qemuAccount}:`, 'm').test(group)) return group;
  return `${ended(group)}${qemuAccount}:x:${qemuAccountId}:\n`;
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

function sshdConfig({ address }: HostLayout): string {
  return lines([
    'Port 22',
    `ListenAddress ${address}`,
    'HostKey /etc/ssh/host_key',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'UseDNS no',
    'PidFile /run/sshd.pid',
    'Subsystem sftp internal-sftp',
    // A controller may open many at once.
    'MaxStartups 100',
    'MaxSessions 100',
  ]);
}

/** Without TLS and passwords: only this testbed's namespaces reach it. */
function libvirtdConfig({ address, uuid }: HostLayout): string {
  return lines([
    `host_uuid = "${uuid}"`,
    'listen_tls = 0',
    'listen_tcp = 1',
    `listen_addr = "${address}"`,
    'auth_tcp = "none"',
    'auth_unix_ro = "none"',
    'auth_unix_rw = "none"',
    'unix_sock_ro_perms = "0777"',
    'unix_sock_rw_perms = "0700"',
    'log_outputs = "3:file:/var/log/libvirt/libvirtd.log"',
  ]);
}

function qemuConfig({ address }: HostLayout): string {
  return lines([
    'user = "root"',
    'group = "root"',
    'dynamic_ownership = 0',
    'security_driver = "none"',
    'stdio_handler = "file"',
    `migration_address = "${address}"`,
    `migration_host = "${address}"`,
  ]);
}

/** `known_hosts` of everyone in the testbed, from the hosts' public keys. */
export function knownHosts(
  hosts: readonly { readonly host: HostLayout; readonly publicKey: string }[],
): string {
  return lines(
    hosts.map(({ host, publicKey }) => {
      const [type, key] = publicKey.trim().split(' ');
      return `${host.name},${host.address} ${type} ${key}`;
    }),
  );
}

/**
 * An ssh configuration that reaches the hosts from this machine, through the control namespace.
 *
 * @param client Path of the private key.
 */
export function sshConfig(
  layout: TestbedLayout,
  hosts: readonly HostLayout[],
  client: string,
): string {
  const proxy = `nsenter --net=/run/netns/${layout.controlNetns} busybox nc %h %p`;
  return lines([
    ...hosts.flatMap(({ name, address }) => [`Host ${name}`, `  HostName ${address}`]),
    `Host ${hosts.map(({ name }) => name).join(' ')}`,
    '  User root',
    `  ProxyCommand ${proxy}`,
    `  IdentityFile ${client}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${layout.knownHosts}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
  ]);
}
