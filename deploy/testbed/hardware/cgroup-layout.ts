/** Control groups of either version as one interface. Groups are paths below the mount, `machine/vm1`. */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemCode } from './errno.ts';

/** CPU bandwidth of a group: `quotaUs` of each `periodUs`; no quota means no bound. */
export interface Bandwidth {
  readonly quotaUs?: number;
  readonly periodUs: number;
}

/** A group's counter of CPU time, held open since it is read many times a second. */
export interface UsageCounter {
  /** CPU time used, s of real cores; `undefined` when the group is gone. */
  usedS(): number | undefined;
  close(): void;
}

export interface CgroupLayout {
  readonly version: 1 | 2;
  /** Groups right below one; none when it is gone. */
  children(group: string): string[];
  /** How many groups are right below one, counted without listing them; -1 when it is gone. */
  childCount(group: string): number;
  openUsage(group: string): UsageCounter;
  /** Real CPUs that its threads may run on; `undefined` when nothing says so. */
  realCpus(group: string): readonly number[] | undefined;
  bandwidth(group: string): Bandwidth | undefined;
  /** @throws the system's error, such as EINVAL where version 1 sees a contradiction. */
  setBandwidth(group: string, bandwidth: Bandwidth): void;
}

/** Errors that say that a group went away. */
const goneCodes: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENODEV', 'ENOTDIR']);

/** Whether an error says that a group went away. */
export function isGone(error: unknown): boolean {
  return goneCodes.has(systemCode(error));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function folders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** A directory has a link of its own, one from its parent, and one from each directory in it. */
function folderCount(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined ? -1 : status.nlink - 2;
}

/** A file of one counter, which `parse` finds in its text. */
function openCounter(path: string, parse: (text: string) => number | undefined): UsageCounter {
  const buffer = Buffer.alloc(4096);
  let file: number | undefined;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    usedS: () => {
      try {
        file ??= openSync(path, 'r');
        return parse(buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0)));
      } catch (error) {
        if (!isGone(error)) throw error;
        close();
        return undefined;
      }
    },
    close,
  };
}

/** `0-2,5` → 0, 1, 2, 5; `undefined` for anything else, and for no CPU at all. */
export function parseCpuList(text: string): number[] | undefined {
  const cpus: number[] = [];
  for (const part of text.trim().split(',')) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) return undefined;
    for (let cpu = Number(first); cpu <= Number(last ?? first); cpu++) cpus.push(cpu);
  }
  return cpus;
}

function cpuListFile(path: string): number[] | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseCpuList(text);
}

/** Version 1: a tree per controller. */
function layoutOfVersion1(root: string): CgroupLayout {
  // Some systems mount both controllers together.
  const tree = (name: string): string =>
    [name, 'cpu,cpuacct'].map((mount) => join(root, mount)).find((path) => existsSync(path)) ??
    join(root, name);
  const cpu = tree('cpu');
  const accounting = tree('cpuacct');
  const sets = join(root, 'cpuset');
  const number = (path: string): number | undefined => {
    const text = readText(path);
    return text === undefined ? undefined : Number(text);
  };
  return {
    version: 1,
    children: (group) => folders(join(cpu, group)),
    childCount: (group) => folderCount(join(cpu, group)),
    openUsage: (group) =>
      openCounter(join(accounting, group, 'cpuacct.usage'), (text) => Number(text) / 1e9),
    realCpus: (group) => cpuListFile(join(sets, group, 'cpuset.cpus')),
    bandwidth: (group) => {
      const quotaUs = number(join(cpu, group, 'cpu.cfs_quota_us'));
      const periodUs = number(join(cpu, group, 'cpu.cfs_period_us'));
      if (quotaUs === undefined || periodUs === undefined) return undefined;
      return quotaUs < 0 ? { periodUs } : { quotaUs, periodUs };
    },
    setBandwidth: (group, { quotaUs, periodUs }) => {
      const quotaFile = join(cpu, group, 'cpu.cfs_quota_us');
      const periodFile = join(cpu, group, 'cpu.cfs_period_us');
      if (number(periodFile) !== periodUs) {
        // The old quota of the new period could be more than a parent has.
        writeFileSync(quotaFile, '-1');
        writeFileSync(periodFile, String(periodUs));
      }
      writeFileSync(quotaFile, String(quotaUs ?? -1));
    },
  };
}

/** Version 2: one tree. */
function layoutOfVersion2(root: string): CgroupLayout {
  return {
    version: 2,
    children: (group) => folders(join(root, group)),
    childCount: (group) => folderCount(join(root, group)),
    openUsage: (group) =>
      openCounter(join(root, group, 'cpu.stat'), (text) => {
        const us = /^usage_usec (\d+)$/m.exec(text)?.[1];
        return us === undefined ? undefined : Number(us) / 1e6;
      }),
    realCpus: (group) =>
      cpuListFile(join(root, group, 'cpuset.cpus')) ??
      cpuListFile(join(root, group, 'cpuset.cpus.effective')),
    bandwidth: (group) => {
      const [quota, period] = (readText(join(root, group, 'cpu.max')) ?? '').split(' ');
      if (period === undefined) return undefined;
      const periodUs = Number(period);
      return quota === 'max' ? { periodUs } : { quotaUs: Number(quota), periodUs };
    },
    setBandwidth: (group, { quotaUs, periodUs }) => {
      writeFileSync(join(root, group, 'cpu.max'), `${quotaUs ?? 'max'} ${periodUs}`);
    },
  };
}

/** The control groups mounted below a directory; version 2 where the CPU controller is there. */
export function openCgroups(root: string): CgroupLayout {
  const controllers = readText(join(root, 'cgroup.controllers'))?.trim().split(' ') ?? [];
  return controllers.includes('cpu') ? layoutOfVersion2(root) : layoutOfVersion1(root);
}
