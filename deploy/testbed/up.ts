/** Brings a testbed up: network, hosts, VMs. All or nothing. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inputError } from '../../sim/index.ts';
import type { Clock } from '../clock.ts';
import { clusterText } from './cluster-text.ts';
import { takeDown } from './down.ts';
import { guestImages, hasImages } from './guests/images.ts';
import { awaitVm, startVm } from './guests/vms.ts';
import {
  cgroupHierarchies,
  makeCgroup,
  setCpuShares,
  sharesMax,
  sharesMin,
} from './hosts/control-groups.ts';
import { setUncapped } from './hosts/hardware-files.ts';
import { awaitHost, type HostTools, startHost } from './hosts/life.ts';
import { networkCommands } from './hosts/network.ts';
import { prepareHosts } from './hosts/prepare.ts';
import { compiledRoot } from './package-root.ts';
import { planTestbed, type TestbedPlan, type TestbedSpec } from './plan.ts';
import { requireNothing, testbedLacks, thisMachine } from './prerequisites.ts';
import type { Programs } from './programs.ts';
import { makeState, writeManifest } from './state.ts';

/** 64 times the usual: a host that waits for other programs shows latencies that nothing on it explains. */
export const usualCpuShares = 65_536;

export interface UpOptions {
  readonly programs: Programs;
  readonly clock: Clock;
  readonly cacheDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `cpu.shares` of all testbeds together against what else this machine does. Default 65,536. */
  readonly cpuShares?: number | undefined;
  /** Called with a line on each step. */
  readonly say: (line: string) => void;
}

/**
 * Makes a testbed and waits until every host and VM answers. When a step fails, or the signal aborts,
 * what was made is taken away again.
 *
 * @throws InputError for numbers that cannot be; TestbedError for what this machine lacks or what failed.
 */
export async function bringUp(spec: TestbedSpec, options: UpOptions): Promise<TestbedPlan> {
  const { programs, clock, signal, say, cacheDirectory, cpuShares = usualCpuShares } = options;
  const plan = planTestbed(spec);
  if (!(cpuShares >= sharesMin && cpuShares <= sharesMax)) {
    throw inputError('--cpu-shares', `from ${sharesMin} to ${sharesMax}`, String(cpuShares));
  }
  requireNothing(testbedLacks(thisMachine(), !hasImages(cacheDirectory)));
  compiledRoot();
  const images = await guestImages({ cacheDirectory, programs, signal, say });
  await makeState(plan.layout, programs);
  try {
    writeManifest(plan, { images: images.directory });
    await make(plan, images.directory, options);
    return plan;
  } catch (error) {
    say('taking down what was made');
    await takeDown(spec.name, { programs, clock });
    throw error;
  }
}

async function make(
  plan: TestbedPlan,
  imagesDirectory: string,
  { programs, clock, signal, say, cpuShares = usualCpuShares }: UpOptions,
): Promise<void> {
  const hierarchies = cgroupHierarchies();
  makeCgroup(hierarchies, plan.layout.cgroup);
  setCpuShares(hierarchies, dirname(plan.layout.cgroup), cpuShares);
  const tools: HostTools = { programs, clock, hierarchies, signal };
  const start = clock.monotonicMs();
  const seconds = (): string => `${((clock.monotonicMs() - start) / 1000).toFixed(1)} s`;
  say('network, keys and configurations');
  for (const command of networkCommands(plan)) {
    signal?.throwIfAborted();
    await programs.run(command);
  }
  await prepareHosts(plan, imagesDirectory, hierarchies, programs);
  // A boot at a host's own speed would take many times as long.
  for (const host of plan.hosts) setUncapped(host, plan.vms.length > 0);
  await inParallel(plan.hosts, async (host) => {
    await awaitHost(await startHost(plan.layout, host, tools), tools);
    say(`${host.name} is up at ${host.address} after ${seconds()}`);
  });
  await inParallel(plan.vms, (vm) => startVm(vm, plan, tools));
  if (plan.vms.length > 0) say(`${plan.vms.map(({ name }) => name).join(', ')} started to boot`);
  // One boot takes about 5 s of a core; all share this machine's, whatever else runs on it.
  const timeoutMs = 120_000 + 30_000 * plan.vms.length;
  await inParallel(plan.vms, async (vm) => {
    await awaitVm(vm, plan, tools, timeoutMs);
    say(`${vm.name} answers at ${vm.address} on ${vm.home} after ${seconds()}`);
  });
  for (const host of plan.hosts) setUncapped(host, false);
  const command = [process.execPath, join(compiledRoot(), 'scripts/wattwin.js')];
  writeFileSync(plan.layout.clusterFile, clusterText(plan, command));
}

/** All at once; the first failure counts when all have ended, so that nothing goes on behind it. */
async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const outcomes = await Promise.allSettled(items.map(work));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
