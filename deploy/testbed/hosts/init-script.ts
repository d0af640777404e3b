/**
 * The first program of a host: puts its root together, moves into it and starts its daemons.
 *
 * It runs as process 1 of namespaces of its own. All that can be prepared outside is; what is left here
 * can only be done from inside. Every value in the script is one quoted word.
 */
import { dirname } from 'node:path';
import { shellWord } from '../../ssh/quote.ts';
import {
  type HostLayout,
  hardwareFilesOnHost,
  hardwareOnHost,
  imagesOnHost,
  sharedOnHost,
} from '../layout.ts';
import type { CgroupHierarchy } from './control-groups.ts';
import { hardwareFiles } from './hardware-files.ts';

/** The compiled package and node, wherever this machine has them. */
const packageOnHost = '/srv/wattwin/package';
const nodeOnHost = '/srv/wattwin/node';

/** What the script prints last, when everything answers. */
export const readyLine = 'wattwin: the host is ready';

export interface HostInit {
  readonly host: HostLayout;
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Mount points of this machine that make up a host's root, `/` first. */
  readonly rootMounts: readonly string[];
  /** The host's own directories: path there, and where it is on this machine. */
  readonly ownDirectories: readonly (readonly [onHost: string, here: string])[];
  readonly imagesDirectory: string;
  readonly sharedDirectory: string;
  /** Of the compiled package. */
  readonly packageDirectory: string;
  readonly node: string;
}

/** Devices that a host sees. Not /dev/kvm: guests must be the same everywhere, with or without it. */
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'fuse', 'net/tun'];

/** Device numbers are copied from this machine's /dev, which the script still sees. */
export function hostInitScript(init: HostInit): string {
  const { host } = init;
  return [
    '#!/bin/sh',
    'set -eu',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH',
    'HOME=/root; export HOME',
    'umask 022',
    `root=${shellWord(host.root)}`,
    'bind() { mount --bind "$1" "$root$2"; }',
    'bind_directory() { mkdir -p "$root$2"; bind "$1" "$2"; }',
    'read_only() { mount -o remount,bind,ro "$root$1"; }',
    '',
    '# The root: this machine’s, with what the host writes kept apart.',
    'mount --make-rprivate /',
    ...init.rootMounts.map((path, index) => overlay(host, path, index)),
    ...init.ownDirectories.map(([onHost, here]) => `bind_directory ${words(here, onHost)}`),
    `bind_directory ${words(init.imagesDirectory, imagesOnHost)}`,
    `read_only ${shellWord(imagesOnHost)}`,
    `bind_directory ${words(init.sharedDirectory, sharedOnHost)}`,
    `bind_directory ${words(host.hardware, hardwareFilesOnHost)}`,
    `bind_directory ${words(init.packageDirectory, packageOnHost)}`,
    `read_only ${shellWord(packageOnHost)}`,
    `mkdir -p "$root"${shellWord(dirname(nodeOnHost))}; : >"$root"${shellWord(nodeOnHost)}`,
    `bind ${words(init.node, nodeOnHost)}`,
    '',
    '# Kernel interfaces, as this host’s namespaces show them.',
    'mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/.before"',
    'mount -t proc proc "$root/proc"',
    'mount -t sysfs sysfs "$root/sys"',
    '# What would act on this machine itself: suspending it, and what is done to a hung kernel.',
    '[ ! -d "$root/sys/power" ] || mount -t tmpfs -o ro,mode=555 power "$root/sys/power"',
    '[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"',
    ...cgroupMounts(init.hierarchies),
    'mount -t tmpfs -o mode=755 dev "$root/dev"',
    'mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net"',
    'mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"',
    'ln -s pts/ptmx "$root/dev/ptmx"',
    'mount -t tmpfs -o mode=1777 shm "$root/dev/shm"',
    `for device in ${devices.join(' ')}; do`,
    '  [ ! -e "/dev/$device" ] || cp -a "/dev/$device" "$root/dev/$device"',
    'done',
    'ln -s /proc/self/fd "$root/dev/fd"',
    'for pair in stdin:0 stdout:1 stderr:2; do',
    `  ln -s "fd/\${pair#*:}" "$root/dev/\${pair%:*}"`,
    'done',
    'mount -t tmpfs -o mode=755 run "$root/run"',
    'mount -t tmpfs -o mode=1777 tmp "$root/tmp"',
    '',
    'cd "$root"',
    'pivot_root . .before',
    'umount -l /.before',
    'rmdir /.before',
    `busybox hostname ${shellWord(host.name)}`,
    'mkdir -p /run/sshd /run/libvirt /run/lock /var/log/libvirt/qemu',
    '',
    ...daemons(),
    `echo ${shellWord(readyLine)}`,
    '',
    '# Process 1 stays, and takes leave of children that others left behind.',
    'while :; do',
    '  sleep 3600 &',
    '  wait $! || :',
    'done',
    '',
  ].join('\n');
}

const words = (...texts: readonly string[]): string => texts.map(shellWord).join(' ');

function overlay(host: HostLayout, path: string, index: number): string {
  const directory = overlayDirectory(host, index);
  const options = `lowerdir=${path},upperdir=${directory}/upper,workdir=${directory}/work`;
  const target = path === '/' ? '"$root"' : `"$root"${shellWord(path)}`;
  return `mount -t overlay -o ${shellWord(options)} overlay ${target}`;
}

/** Where the overlay over one mount point keeps what the host writes. */
export const overlayDirectory = (host: HostLayout, index: number): string =>
  `${host.overlays}/${index}`;

/** In the host's cgroup namespace, so that its own group is the root of each. */
function cgroupMounts(hierarchies: readonly CgroupHierarchy[]): string[] {
  if (hierarchies.some(({ version }) => version === 2)) {
    return [
      'mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"',
      'for controller in $(cat "$root/sys/fs/cgroup/cgroup.controllers"); do',
      '  echo "+$controller" >"$root/sys/fs/cgroup/cgroup.subtree_control" || :',
      'done',
    ];
  }
  return [
    'mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"',
    ...hierarchies.map(({ mount, options }) => {
      const target = `"$root"${shellWord(mount)}`;
      return `mkdir -p ${target}; mount -t cgroup -o ${shellWord(options)} cgroup ${target}`;
    }),
  ];
}

function daemons(): string[] {
  return [
    '/usr/sbin/sshd -f /etc/ssh/sshd_config',
    ...hardware(),
    'virtlogd -d',
    'libvirtd -d --listen',
    'tries=0',
    'until virsh -q -c qemu:///system uri >/dev/null 2>&1; do',
    '  tries=$((tries + 1))',
    '  [ "$tries" -lt 300 ] || { echo "libvirtd does not answer"; exit 1; }',
    '  sleep 0.1',
    'done',
  ];
}

/**
 * Starts the emulated hardware and puts its files where a kernel has them. A directory of sysfs cannot get
 * new entries; an overlay of it can, read-only, and what changes is bound over that.
 */
function hardware(): string[] {
  const main = `${packageOnHost}/deploy/testbed/hardware/main.js`;
  const config = `${hardwareFilesOnHost}/${hardwareFiles.config}`;
  const mount = shellWord(hardwareOnHost);
  const cpu = '/sys/devices/system/cpu';
  return [
    `mkdir -p ${mount} /run/sysfs/cpu /run/sysfs/class/powercap`,
    'log=/var/log/wattwin-hardware.log; : >"$log"',
    `${words(nodeOnHost, main, '--mount')} ${mount} --config ${shellWord(config)} >"$log" 2>&1 </dev/null &`,
    'hardware=$!',
    'until grep -qx ready "$log"; do',
    '  kill -0 "$hardware" 2>/dev/null || { cat "$log"; exit 1; }',
    '  sleep 0.05',
    'done',
    `for policy in ${mount}/cpufreq/policy*; do`,
    '  for cpu in $(cat "$policy/related_cpus"); do',
    '    mkdir -p "/run/sysfs/cpu/cpu$cpu"',
    `    ln -sfn "../cpufreq/\${policy##*/}" "/run/sysfs/cpu/cpu$cpu/cpufreq"`,
    '  done',
    'done',
    // A kernel without cpufreq has no directory to bind over.
    'mkdir -p /run/sysfs/cpu/cpufreq',
    `mount -t overlay -o lowerdir=/run/sysfs/cpu:${cpu} cpu ${cpu}`,
    'mount -t overlay -o lowerdir=/run/sysfs/class:/sys/class class /sys/class',
    `mount --bind ${mount}/cpufreq ${cpu}/cpufreq`,
    `mount --bind ${mount}/powercap /sys/class/powercap`,
    ...['stat', 'uptime', 'cpuinfo'].map(
      (file) => `mount --bind ${mount}/proc/${file} /proc/${file}`,
    ),
    `mount --bind ${mount}/proc/boot_id /proc/sys/kernel/random/boot_id`,
  ];
}
