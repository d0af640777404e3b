/**
 * Control groups of a testbed: one group per host in every hierarchy, which the host sees as its root.
 *
 * Everything a host runs is in its group and nothing else is, so the group also says what has to end.
 * Version 1 is what this was written and tried with. Version 2 follows its rule of "no internal
 * processes" (the host's first processes are in a leaf), but is untried.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../../sim/index.ts';

export interface CgroupHierarchy {
  readonly mount: string;
  readonly version: 1 | 2;
  /** What to mount it with again: `cpu,cpuacct`, `name=systemd`; empty for version 2. */
  readonly options: string;
}

/** Version 1 settings that a new group lacks until they are copied from the one above. */
const cpusetFiles = ['cpuset.cpus', 'cpuset.mems'];
/** The group below a host's in version 2 where its first processes are. */
const leaf = 'init';

/**
 * The hierarchies of this machine, from /proc/self/mountinfo. On a machine with version 1 an additional
 * version 2 hierarchy has no controllers and is left out.
 */
export function readHierarchies(mountInfo: string): CgroupHierarchy[] {
  const found: CgroupHierarchy[] = [];
  for (const line of mountInfo.split('\n')) {
    // ID PARENT DEVICE ROOT MOUNT OPTIONS [FIELDS] - TYPE SOURCE SUPER_OPTIONS
    const [left, right] = line.split(' - ');
    const [, , , , mount] = (left ?? '').split(' ');
    const [type, , options = ''] = (right ?? '').split(' ');
    if (mount === undefined || !mount.startsWith('/sys/fs/cgroup')) continue;
    if (type === 'cgroup2') found.push({ mount, version: 2, options: '' });
    if (type === 'cgroup') found.push({ mount, version: 1, options: mountOptions(options) });
  }
  const first = found.filter(({ version }) => version === 1);
  return first.length > 0 ? first : found;
}

/** Without what belongs to any mount. A named hierarchy has no controller, which must be said. */
function mountOptions(text: string): string {
  const general = new Set(['rw', 'ro', 'seclabel', 'xattr', 'clone_children']);
  const options = text
    .split(',')
    .filter((option) => !general.has(option) && !option.startsWith('release_agent='));
  return (options[0]?.startsWith('name=') ? ['none', ...options] : options).join(',');
}

/** The hierarchies of this machine. */
export const cgroupHierarchies = (): CgroupHierarchy[] =>
  readHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));

/**
 * Makes a group with all above it. Another testbed that ends may remove a common group that is empty just
 * then, so what has gone is made once more.
 */
export function makeCgroup(hierarchies: readonly CgroupHierarchy[], path: string): void {
  for (const hierarchy of hierarchies) {
    for (let tries = 0; !tryMake(hierarchy, path); tries++) {
      assert(tries < 10, () => `${path} vanishes as often as it is made in ${hierarchy.mount}`);
    }
  }
}

/** @returns Whether all of it was there to the end. */
function tryMake({ mount, version }: CgroupHierarchy, path: string): boolean {
  try {
    let directory = mount;
    for (const part of path.split('/')) {
      const above = directory;
      directory = join(directory, part);
      if (version === 2) passControllers(above);
      makeDirectory(directory);
      if (version === 1) copyCpuset(above, directory);
    }
    if (version === 2) makeDirectory(join(directory, leaf));
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Version 2: lets the groups below have all controllers that this one has. */
function passControllers(directory: string): void {
  for (const controller of words(join(directory, 'cgroup.controllers'))) {
    writeFileSync(join(directory, 'cgroup.subtree_control'), `+${controller}`);
  }
}

function copyCpuset(from: string, to: string): void {
  if (!readdirSync(to).includes('cpuset.cpus')) return;
  for (const name of cpusetFiles) {
    writeFileSync(join(to, name), readFileSync(join(from, name), 'utf8'));
  }
}

/** `cpu.shares` of a group that nobody has touched, and the most and least there is. */
const sharesUsual = 1024;
export const sharesMin = 2;
export const sharesMax = 262_144;
/** Of version 2, which has weights from 1 to 10,000 and 100 for a group that nobody has touched. */
const weightUsual = 100;
const weightMax = 10_000;

/**
 * Says how much CPU time a group gets where others want it too, in `cpu.shares` of version 1; version 2
 * gets the weight with the same ratio to the usual one. The group must be there.
 */
export function setCpuShares(
  hierarchies: readonly CgroupHierarchy[],
  path: string,
  shares: number,
): void {
  for (const { mount, version } of cpuHierarchies(hierarchies)) {
    if (version === 1) {
      writeFileSync(join(mount, path, 'cpu.shares'), String(shares));
    } else {
      const weight = Math.round((shares * weightUsual) / sharesUsual);
      const bounded = Math.min(weightMax, Math.max(1, weight));
      writeFileSync(join(mount, path, 'cpu.weight'), String(bounded));
    }
  }
}

/** Those that share out CPU time. */
export const cpuHierarchies = (hierarchies: readonly CgroupHierarchy[]): CgroupHierarchy[] =>
  hierarchies.filter(({ version, options }) => version === 2 || options.split(',').includes('cpu'));

const words = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split(/\s+/)
    .filter((word) => word !== '');

/**
 * Files to which a process writes its number to enter the group: `first` those of the group itself,
 * `second`, after it has made a cgroup namespace of its own, `then` those of the leaf.
 */
export function entryFiles(
  hierarchies: readonly CgroupHierarchy[],
  path: string,
): { readonly first: readonly string[]; readonly second: readonly string[] } {
  return {
    first: hierarchies.map(({ mount }) => join(mount, path, 'cgroup.procs')),
    second: hierarchies
      .filter(({ version }) => version === 2)
      .map(({ mount }) => join(mount, path, leaf, 'cgroup.procs')),
  };
}

/** Numbers of all processes in a group and below it, in any hierarchy. */
export function processesIn(hierarchies: readonly CgroupHierarchy[], path: string): Set<number> {
  const directories = hierarchies.flatMap(({ mount }) => directoriesFrom(join(mount, path)));
  return new Set(
    directories.flatMap((directory) =>
      (readIfThere(join(directory, 'cgroup.procs')) ?? '')
        .split('\n')
        .map(Number)
        // 0 stands for a process of a namespace that cannot be seen from here.
        .filter((pid) => pid > 0),
    ),
  );
}

/** Removes a group with all below it. @returns What could not be removed. */
export function removeCgroup(hierarchies: readonly CgroupHierarchy[], path: string): string[] {
  const left: string[] = [];
  for (const { mount } of hierarchies) {
    for (const directory of directoriesFrom(join(mount, path)).reverse()) {
      try {
        rmdirSync(directory);
      } catch (error) {
        if (!isGone(error)) left.push(directory);
      }
    }
  }
  return left;
}

/** Removes a group if nothing is below it, so that the last testbed takes the common one along. */
export function removeCgroupIfEmpty(hierarchies: readonly CgroupHierarchy[], path: string): void {
  for (const { mount } of hierarchies) {
    try {
      rmdirSync(join(mount, path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!isGone(error) && code !== 'EBUSY' && code !== 'ENOTEMPTY') throw error;
    }
  }
}

/** The directory and all below it, each after the one it is in; none when it is not there. */
function directoriesFrom(directory: string): string[] {
  try {
    const below = readdirSync(directory, { withFileTypes: true });
    return [
      directory,
      ...below
        .filter((entry) => entry.isDirectory())
        .flatMap((entry) => directoriesFrom(join(directory, entry.name))),
    ];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The file or its group is gone, also while it was open. */
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '');
