/** A host's control groups in memory, and a clock that a test turns, for the emulated hardware. */
import {
  type Bandwidth,
  type CgroupLayout,
  parseCpuList,
} from '../../../deploy/testbed/hardware/cgroup-layout.ts';
import type { HardwareClock } from '../../../deploy/testbed/hardware/clock.ts';
import type {
  DirectoryNode,
  FileNode,
  TreeNode,
} from '../../../deploy/testbed/hardware/file-tree.ts';

/** An error as `node:fs` throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

interface FakeGroup {
  usedS: number;
  cpus: string;
  bandwidth: Bandwidth;
}

export interface FakeCgroups extends CgroupLayout {
  readonly groups: Map<string, FakeGroup>;
  /** Makes a group and those above it. */
  add(group: string, cpus?: string): void;
  remove(group: string): void;
  /** A group runs for so long on real cores; its parents count it too. */
  run(group: string, seconds: number): void;
}

const ratio = ({ quotaUs, periodUs }: Bandwidth): number =>
  quotaUs === undefined ? Infinity : quotaUs / periodUs;

/** Groups that refuse what version 1 of the kernel refuses. */
export function fakeCgroups(): FakeCgroups {
  const groups = new Map<string, FakeGroup>();
  const isBelow = (path: string, group: string): boolean => path.startsWith(`${group}/`);
  const above = (group: string): string[] =>
    [...groups.keys()].filter((one) => isBelow(group, one));
  const bound = (group: string): number =>
    Math.min(...above(group).map((one) => ratio(groups.get(one)!.bandwidth)), Infinity);
  const children = (group: string): string[] =>
    [...groups.keys()]
      .filter((path) => isBelow(path, group) && !path.slice(group.length + 1).includes('/'))
      .map((path) => path.slice(group.length + 1));
  return {
    version: 1,
    groups,
    add(group, cpus = '0-1') {
      const parts = group.split('/');
      parts.forEach((_, index) => {
        const path = parts.slice(0, index + 1).join('/');
        if (!groups.has(path)) {
          groups.set(path, { usedS: 0, cpus, bandwidth: { periodUs: 100_000 } });
        }
      });
    },
    remove(group) {
      for (const path of [...groups.keys()]) {
        if (path === group || isBelow(path, group)) groups.delete(path);
      }
    },
    run(group, seconds) {
      for (const path of [group, ...above(group)]) groups.get(path)!.usedS += seconds;
    },
    children,
    childCount: (group) => (groups.has(group) ? children(group).length : -1),
    openUsage: (group) => ({ usedS: () => groups.get(group)?.usedS, close: () => {} }),
    realCpus: (group) => {
      const found = groups.get(group);
      return found === undefined ? undefined : parseCpuList(found.cpus);
    },
    bandwidth: (group) => groups.get(group)?.bandwidth,
    setBandwidth(group, bandwidth) {
      const found = groups.get(group);
      if (found === undefined) throw systemError('ENOENT');
      if (bandwidth.quotaUs !== undefined) {
        const below = [...groups.keys()].filter((path) => isBelow(path, group));
        const greatest = Math.max(
          0,
          ...below.map((path) => ratio(groups.get(path)!.bandwidth)).filter(Number.isFinite),
        );
        if (ratio(bandwidth) > bound(group) || greatest > ratio(bandwidth)) {
          throw systemError('EINVAL');
        }
      }
      found.bandwidth = bandwidth;
    },
  };
}

export interface TestClock extends HardwareClock {
  pass(seconds: number): void;
}

/** Time that stands still but for `pass`. */
export function testClock(): TestClock {
  let now = 100;
  return {
    pass(seconds) {
      now += seconds;
    },
    monotonicS: () => now,
    wallS: () => 1_700_000_000 + now,
    every: () => () => {},
    after: () => {},
  };
}

/** The file at a path of a tree; links are not followed. */
export function fileAt(root: DirectoryNode, path: string): FileNode {
  let node: DirectoryNode | FileNode = root;
  for (const name of path.split('/')) {
    const next: TreeNode | undefined =
      node.kind === 'directory' ? node.entries.get(name) : undefined;
    if (next === undefined || next.kind === 'link') throw new Error(`no ${path}`);
    node = next;
  }
  if (node.kind !== 'file') throw new Error(`${path} is no file`);
  return node;
}

/** The text of a file, without the last newline. */
export function textAt(root: DirectoryNode, path: string): string {
  return fileAt(root, path).read().replace(/\n$/, '');
}
