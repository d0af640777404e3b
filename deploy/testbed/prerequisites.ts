/** What a testbed needs of this machine: all of it is checked before anything is made. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestbedError } from './testbed-error.ts';

/** This machine as far as it matters here; tests hand in another one. */
export interface Machine {
  readonly architecture: string;
  readonly platform: string;
  readonly userId: number;
  /** Directories searched for programs. */
  readonly path: readonly string[];
  isExecutable(path: string): boolean;
  exists(path: string): boolean;
  /** Lines of /proc/filesystems. */
  readonly fileSystems: readonly string[];
  /** What this process may do: bits as in /proc/self/status. */
  readonly capabilities: bigint;
}

const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** @throws Error when /proc cannot be read. */
export function thisMachine(): Machine {
  const isExecutable = (path: string): boolean => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return false;
    }
  };
  const isLinux = process.platform === 'linux';
  const found = (process.env['PATH'] ?? '').split(':').filter((one) => one.startsWith('/'));
  return {
    architecture: process.arch,
    platform: process.platform,
    userId: process.getuid?.() ?? -1,
    path: [...new Set([...found, ...systemDirectories])],
    isExecutable,
    exists: existsSync,
    fileSystems: isLinux ? readFileSync('/proc/filesystems', 'utf8').split('\n') : [],
    capabilities: isLinux ? readCapabilities(readFileSync('/proc/self/status', 'utf8')) : 0n,
  };
}

/** The line `CapEff` of /proc/self/status. */
export function readCapabilities(status: string): bigint {
  const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return hex === undefined ? 0n : BigInt(`0x${hex}`);
}

/** Programs, each with the Debian package that has it. */
const hostTools: readonly (readonly [program: string, aptPackage: string])[] = [
  ['ip', 'iproute2'],
  ['mount', 'mount'],
  ['umount', 'mount'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['pivot_root', 'util-linux'],
  ['busybox', 'busybox-static'],
  ['ssh', 'openssh-client'],
  ['ssh-keygen', 'openssh-client'],
  ['sshd', 'openssh-server'],
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['libvirtd', 'libvirt-daemon'],
  ['virtlogd', 'libvirt-daemon'],
  ['virsh', 'libvirt-clients'],
];

const imageTools: readonly (readonly [program: string, aptPackage: string])[] = [
  ['busybox', 'busybox-static'],
  ['gcc', 'gcc libc6-dev'],
  ['lz4', 'lz4'],
  ['ldd', 'libc-bin'],
  ['dpkg-deb', 'dpkg'],
  ['apt-get', 'apt'],
  ['apt-cache', 'apt'],
];

/** One of these has libvirt's driver for QEMU. */
const qemuDrivers = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'].map((directory) =>
  join(directory, 'libvirt/connection-driver/libvirt_driver_qemu.so'),
);

/** Bits that root has, unless a container or service took them away (linux/capability.h). */
const capabilities: readonly (readonly [name: string, bit: bigint])[] = [
  ['CAP_NET_ADMIN', 12n],
  ['CAP_SYS_CHROOT', 18n],
  ['CAP_SYS_ADMIN', 21n],
  ['CAP_MKNOD', 27n],
];

const hostDevices = ['/dev/fuse', '/dev/net/tun'];
const hostFileSystems = ['overlay', 'tmpfs', 'fuse', 'devpts'];
const namespaces = ['net', 'pid', 'mnt', 'uts', 'ipc', 'cgroup'];

export interface Lacks {
  /** Each a phrase that names one thing. */
  readonly things: readonly string[];
  /** Debian packages that would bring the programs among them. */
  readonly aptPackages: readonly string[];
}

/** Where a program is, if anywhere. */
export function findProgram(machine: Machine, program: string): string | undefined {
  return machine.path
    .map((directory) => join(directory, program))
    .find((path) => machine.isExecutable(path));
}

/** What is missing to build the guests' images; they need no rights. */
export function imageLacks(machine: Machine): Lacks {
  const tools = toolLacks(machine, imageTools);
  return { ...tools, things: [...tools.things, ...systemLacks(machine)] };
}

/** What is missing to run hosts; `images` adds what building the guests' images takes. */
export function testbedLacks(machine: Machine, images: boolean): Lacks {
  const tools = toolLacks(machine, images ? [...hostTools, ...imageTools] : hostTools);
  const hasDriver = qemuDrivers.some((path) => machine.exists(path));
  const other: string[] = [];
  other.push(...missingRights(machine));
  for (const device of hostDevices) {
    if (!machine.exists(device)) other.push(`the device ${device}`);
  }
  for (const one of hostFileSystems) {
    if (!machine.fileSystems.some((line) => line.trim().split(/\s+/).at(-1) === one)) {
      other.push(`the file system ${one} in the kernel`);
    }
  }
  for (const kind of namespaces) {
    if (!machine.exists(`/proc/self/ns/${kind}`)) other.push(`${kind} namespaces in the kernel`);
  }
  if (!machine.exists('/sys/fs/cgroup')) other.push('control groups at /sys/fs/cgroup');
  const driver = hasDriver ? [] : ["libvirt's driver for QEMU"];
  return {
    things: [...tools.things, ...driver, ...systemLacks(machine), ...other],
    aptPackages: hasDriver
      ? tools.aptPackages
      : [...new Set([...tools.aptPackages, 'libvirt-daemon-driver-qemu'])].sort(),
  };
}

function missingRights({ userId, capabilities: held }: Machine): string[] {
  if (userId !== 0) return ["root's rights (run it with sudo)"];
  return capabilities
    .filter(([, bit]) => ((held >> bit) & 1n) === 0n)
    .map(
      ([name]) =>
        `the capability ${name}, which this root does not have (an unprivileged container?)`,
    );
}

function systemLacks(machine: Machine): string[] {
  const isFit = machine.platform === 'linux' && machine.architecture === 'x64';
  return isFit ? [] : ['Linux on x86-64'];
}

function toolLacks(machine: Machine, tools: typeof hostTools): Lacks {
  const missing = tools.filter(([program]) => findProgram(machine, program) === undefined);
  return {
    things: [...new Set(missing.map(([program]) => `the program \`${program}\``))],
    aptPackages: [...new Set(missing.flatMap(([, names]) => names.split(' ')))].sort(),
  };
}

/**
 * What a testbed that is there takes to be looked at or taken away.
 *
 * @throws TestbedError unless this process is root's.
 */
export function requireRoot(userId = process.getuid?.() ?? -1): void {
  if (userId === 0) return;
  throw new TestbedError('ERR_PREREQUISITES', "A testbed takes root's rights: run this with sudo");
}

/** @throws TestbedError naming all that is missing, and how to get it. */
export function requireNothing(lacks: Lacks): void {
  if (lacks.things.length === 0) return;
  const lines = ['This machine lacks what a testbed needs; nothing was made. Missing:'];
  lines.push(...lacks.things.map((thing) => `  ${thing}`));
  if (lacks.aptPackages.length > 0) {
    lines.push(
      'On Debian or Ubuntu:',
      `  apt-get install -y --no-install-recommends ${lacks.aptPackages.join(' ')}`,
    );
  }
  throw new TestbedError('ERR_PREREQUISITES', lines.join('\n'));
}
