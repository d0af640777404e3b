/** What can happen to a host of a testbed that is up: power and cable. */
import type { Clock } from '../clock.ts';
import { cgroupHierarchies } from './hosts/control-groups.ts';
import { awaitHost, isRunning, killHost, startHost } from './hosts/life.ts';
import { linkCommand } from './hosts/network.ts';
import { hostOf } from './plan.ts';
import type { Programs } from './programs.ts';
import { loadPlan } from './state.ts';
import { TestbedError } from './testbed-error.ts';

/** `kill`: power lost. `start`: power on. `cut`: cable pulled. `join`: cable plugged in. */
export const hostVerbs = ['kill', 'start', 'cut', 'join'] as const;
export type HostVerb = (typeof hostVerbs)[number];

export interface ControlOptions {
  readonly programs: Programs;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does it, and waits until it is done: `start` until the host answers. A host keeps its files and the
 * definitions of its VMs over a loss of power; the VMs are shut off then.
 *
 * @throws InputError for an unknown host; TestbedError when its state does not allow it.
 */
export async function controlHost(
  name: string,
  verb: HostVerb,
  hostName: string,
  options: ControlOptions,
): Promise<void> {
  const plan = loadPlan(name);
  const host = hostOf(plan, hostName);
  const hierarchies = cgroupHierarchies();
  const tools = { ...options, hierarchies };
  const isUp = isRunning(host, hierarchies);
  if (verb === 'start') {
    await awaitHost(await startHost(plan.layout, host, tools), tools);
    return;
  }
  if (!isUp) throw new TestbedError('ERR_HOST', `${host.name} is down`);
  if (verb === 'kill') await killHost(plan.layout, host, tools);
  else await options.programs.run(linkCommand(plan.layout, host, verb === 'cut' ? 'down' : 'up'));
}
