/** Names, addresses and paths of a testbed: all that follows from its name and two numbers. */
import { join } from 'node:path';
import { inputError } from '../../sim/index.ts';

/** Where state directories are. */
export const stateRoot = '/run/wattwin/testbed';

/** Most hosts and VMs that the addresses have room for. */
export const hostsMax = 64;
export const vmsMax = 150;

/** The /24 network that a testbed has inside its own network namespaces. */
const network = '10.77.0';
export const networkBits = 24;

/** The agent's port in every VM. */
export const agentPort = 7070;
export const redisPort = 6379;

/** Where the VMs' images and shared disks are on every host. */
export const imagesOnHost = '/srv/wattwin/images';
export const sharedOnHost = '/srv/wattwin/shared';
/** Where the emulated hardware is mounted on every host, and where its own files are. */
export const hardwareOnHost = '/run/hw';
export const hardwareFilesOnHost = '/srv/wattwin/hardware';

export interface TestbedLayout {
  readonly name: string;
  /** The state directory; a tmpfs is mounted there. */
  readonly directory: string;
  readonly keysDirectory: string;
  readonly sharedDirectory: string;
  readonly sshConfig: string;
  readonly knownHosts: string;
  readonly clusterFile: string;
  /** What was started, as JSON. */
  readonly manifest: string;
  /** Network namespace that holds the switch; 10.77.0.1 is there. */
  readonly controlNetns: string;
  readonly controlAddress: string;
  /** Below every cgroup hierarchy. */
  readonly cgroup: string;
}

/** @throws InputError when the name is none of 1 to 12 of `a-z0-9-`, or starts with `-`. */
export function testbedLayout(name: string): TestbedLayout {
  if (!/^[a-z0-9][a-z0-9-]{0,11}$/.test(name)) {
    throw inputError('--name', '1 to 12 of a-z, 0-9 and -, not first -', name);
  }
  const directory = join(stateRoot, name);
  return {
    name,
    directory,
    keysDirectory: join(directory, 'keys'),
    sharedDirectory: join(directory, 'shared'),
    sshConfig: join(directory, 'ssh_config'),
    knownHosts: join(directory, 'keys', 'known_hosts'),
    clusterFile: join(directory, 'cluster.yaml'),
    manifest: join(directory, 'testbed.json'),
    controlNetns: `ww-${name}-ctl`,
    controlAddress: `${network}.1`,
    cgroup: join('wattwin-testbed', name),
  };
}

export interface HostLayout {
  /** From 1. */
  readonly index: number;
  /** `h1`; also the name of its link on the switch. */
  readonly name: string;
  readonly address: string;
  readonly netns: string;
  readonly bridgeMac: string;
  /** libvirt tells hosts apart by it: two with the same one refuse to migrate. */
  readonly uuid: string;
  readonly machineId: string;
  /** Below every cgroup hierarchy. */
  readonly cgroup: string;
  readonly directory: string;
  /** Where the host's root is put together, seen by itself alone. */
  readonly root: string;
  /** Upper and work directories of the overlays. */
  readonly overlays: string;
  /** Directories that the host has for itself, by their path there. */
  readonly own: string;
  readonly initScript: string;
  /** What pid 1 and its daemons print. */
  readonly console: string;
  /** Configuration, faults and meter of its emulated hardware. */
  readonly hardware: string;
  readonly key: string;
}

/** @param index From 1. */
export function hostLayout(testbed: TestbedLayout, index: number): HostLayout {
  const name = `h${index}`;
  const directory = join(testbed.directory, 'hosts', name);
  return {
    index,
    name,
    address: `${network}.${10 + index}`,
    netns: `ww-${testbed.name}-${name}`,
    bridgeMac: `52:54:00:77:00:${hexByte(index)}`,
    uuid: `7eb0a000-0000-4000-8000-${hex(index, 12)}`,
    machineId: hex(0xbeef00 + index, 32),
    cgroup: join(testbed.cgroup, name),
    directory,
    root: join(directory, 'root'),
    overlays: join(directory, 'overlays'),
    own: join(directory, 'own'),
    initScript: join(directory, 'init.sh'),
    console: join(directory, 'console.log'),
    hardware: join(directory, 'hardware'),
    key: join(testbed.keysDirectory, `${name}_ed25519`),
  };
}

export interface VmLayout {
  /** From 1. */
  readonly index: number;
  readonly name: string;
  readonly address: string;
  readonly mac: string;
  readonly uuid: string;
  /** The serial console's file on whichever host runs it. */
  readonly consoleOnHost: string;
}

/** @param index From 1. */
export function vmLayout(index: number): VmLayout {
  const name = `vm${index}`;
  return {
    index,
    name,
    address: `${network}.${100 + index}`,
    mac: `52:54:00:77:01:${hexByte(index)}`,
    uuid: `7eb0b000-0000-4000-8000-${hex(index, 12)}`,
    consoleOnHost: `/var/log/libvirt/qemu/${name}-serial.log`,
  };
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const hexByte = (value: number): string => hex(value, 2);
