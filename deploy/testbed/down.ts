/** Takes a testbed away: all that goes by its name, whether or not anything remembers making it. */
import { existsSync, rmdirSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import {
  type CgroupHierarchy,
  cgroupHierarchies,
  processesIn,
  removeCgroup,
  removeCgroupIfEmpty,
} from './hosts/control-groups.ts';
import { isAlive, killGroup, killProcess } from './hosts/life.ts';
import { netnsOf } from './hosts/network.ts';
import { type TestbedLayout, testbedLayout } from './layout.ts';
import { poll } from './polling.ts';
import { requireRoot } from './prerequisites.ts';
import type { Programs } from './programs.ts';
import { hasState, removeState, stateParents } from './state.ts';
import { TestbedError } from './testbed-error.ts';

export interface DownOptions {
  readonly programs: Programs;
  readonly clock: Clock;
}

/**
 * Ends every process of the testbed, then removes its network, files and groups. Finds them by name and
 * place alone, so it also works after an `up` that was killed, and a second time.
 *
 * @returns Whether there was anything.
 * @throws TestbedError naming what could not be removed.
 */
export async function takeDown(name: string, options: DownOptions): Promise<boolean> {
  const { programs } = options;
  const layout = testbedLayout(name);
  requireRoot();
  const hierarchies = cgroupHierarchies();
  const hadAnything =
    hasState(layout) ||
    (await netnsOf(layout, programs)).length > 0 ||
    hasGroup(layout, hierarchies);
  const tools = { ...options, hierarchies };
  await killGroup(layout.cgroup, tools);
  await removeNetwork(layout, options);
  const left = await removeState(layout, programs);
  // A group may be in use for a moment after its last process has ended.
  const groups = await poll(
    () => {
      const rest = removeCgroup(hierarchies, layout.cgroup);
      return rest.length === 0 ? rest : undefined;
    },
    { clock: options.clock, timeoutMs: 5000 },
  );
  if (groups === undefined) left.push(...removeCgroup(hierarchies, layout.cgroup));
  left.push(...(await netnsOf(layout, programs)).map((netns) => `/run/netns/${netns}`));
  if (left.length > 0) {
    throw new TestbedError('ERR_LEFTOVERS', `Could not remove ${left.join(', ')}`);
  }
  removeCgroupIfEmpty(hierarchies, 'wattwin-testbed');
  removeEmptyDirectories(stateParents);
  return hadAnything;
}

const hasGroup = (layout: TestbedLayout, hierarchies: readonly CgroupHierarchy[]): boolean =>
  hierarchies.some(({ mount }) => existsSync(`${mount}/${layout.cgroup}`)) ||
  processesIn(hierarchies, layout.cgroup).size > 0;

/** Ends what lives in the testbed's namespaces (helpers of connections, mostly), then removes them. */
async function removeNetwork(layout: TestbedLayout, options: DownOptions): Promise<void> {
  for (const netns of await netnsOf(layout, options.programs)) {
    try {
      await removeNetns(netns, options);
    } catch (error) {
      // Another `down` was faster.
      if ((await netnsOf(layout, options.programs)).includes(netns)) throw error;
    }
  }
}

async function removeNetns(netns: string, { programs, clock }: DownOptions): Promise<void> {
  await poll(
    async () => {
      const pids = (await programs.run(['ip', 'netns', 'pids', netns]))
        .split('\n')
        .map(Number)
        .filter((pid) => pid > 0 && pid !== process.pid && isAlive(pid));
      for (const pid of pids) killProcess(pid, 'SIGKILL');
      return pids.length === 0 || undefined;
    },
    { clock, timeoutMs: 5000 },
  );
  await programs.run(['ip', 'netns', 'del', netns]);
}

function removeEmptyDirectories(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      rmdirSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EBUSY') throw error;
    }
  }
}
