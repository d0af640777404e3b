/** What a testbed is doing now, read from this machine's side: no ssh, nothing asked of its hosts. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readDomstats } from '../telemetry/domstats.ts';
import { virsh } from './guests/virsh.ts';
import { type CgroupHierarchy, cgroupHierarchies } from './hosts/control-groups.ts';
import { hardwareFiles } from './hosts/hardware-files.ts';
import { firstProcess, isRunning } from './hosts/life.ts';
import { cutHosts } from './hosts/network.ts';
import { type HostLayout, hardwareOnHost } from './layout.ts';
import type { TestbedPlan } from './plan.ts';
import type { Programs } from './programs.ts';
import { loadPlan } from './state.ts';
import { TestbedError } from './testbed-error.ts';

export interface HostStatus {
  readonly name: string;
  readonly address: string;
  /** `cut`: it runs, but its cable is pulled. */
  readonly state: 'up' | 'down' | 'cut';
  /** Of its first CPU. */
  readonly governor?: string;
  readonly mhz?: number;
  /** What the emulated power meter shows. */
  readonly powerW?: number;
}

export interface VmStatus {
  readonly name: string;
  readonly address: string;
  /** Hosts that have a definition of it: one, or two while it moves. */
  readonly hosts: readonly { readonly name: string; readonly state: string }[];
  readonly hasRedis: boolean;
}

export interface TestbedStatus {
  readonly name: string;
  readonly directory: string;
  readonly sshConfig: string;
  readonly clusterFile?: string;
  readonly hosts: readonly HostStatus[];
  readonly vms: readonly VmStatus[];
}

/** @throws TestbedError when there is no such testbed. */
export async function readStatus(name: string, programs: Programs): Promise<TestbedStatus> {
  const plan = loadPlan(name);
  const hierarchies = cgroupHierarchies();
  const cut = await cutHosts(plan.layout, programs);
  const running = plan.hosts.filter((host) => isRunning(host, hierarchies));
  const states = new Map(
    await Promise.all(
      running.map(
        async (host) => [host.name, await domainStates(host, programs, hierarchies)] as const,
      ),
    ),
  );
  return {
    name,
    directory: plan.layout.directory,
    sshConfig: plan.layout.sshConfig,
    ...(existsSync(plan.layout.clusterFile) ? { clusterFile: plan.layout.clusterFile } : {}),
    hosts: plan.hosts.map((host) => ({
      name: host.name,
      address: host.address,
      state: !running.includes(host) ? 'down' : cut.has(host.name) ? 'cut' : 'up',
      ...hardwareStatus(host, hierarchies),
    })),
    vms: vmStates(plan, states),
  };
}

function vmStates(
  { vms, hosts }: TestbedPlan,
  states: ReadonlyMap<string, ReadonlyMap<string, string>>,
): VmStatus[] {
  return vms.map(({ name, address, hasRedis }) => ({
    name,
    address,
    hosts: hosts.flatMap((host) => {
      const state = states.get(host.name)?.get(name);
      return state === undefined ? [] : [{ name: host.name, state }];
    }),
    hasRedis,
  }));
}

/** States of a host's VMs by name; none while libvirt there does not answer. */
async function domainStates(
  host: HostLayout,
  programs: Programs,
  hierarchies: readonly CgroupHierarchy[],
): Promise<Map<string, string>> {
  const args = ['domstats', '--raw', '--nowait', '--state'];
  try {
    const options = { isReadOnly: true, timeoutMs: 10_000 };
    const text = await virsh(host, args, { programs, hierarchies }, options);
    return new Map(readDomstats(text).domains.map(({ name, state }) => [name, state ?? 'unknown']));
  } catch (error) {
    if (error instanceof TestbedError) return new Map();
    throw error;
  }
}

/** Read below the root of the host's process 1. */
function hardwareStatus(
  host: HostLayout,
  hierarchies: readonly CgroupHierarchy[],
): Pick<HostStatus, 'governor' | 'mhz' | 'powerW'> {
  const pid = firstProcess(host, hierarchies);
  if (pid === undefined) return {};
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(join(`/proc/${pid}/root`, hardwareOnHost, path), 'utf8').trim();
    } catch (error) {
      // It goes down just now, or has no hardware yet.
      if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
      throw error;
    }
  };
  const governor = read('cpufreq/policy0/scaling_governor');
  const khz = Number(read('cpufreq/policy0/scaling_cur_freq'));
  return {
    ...(governor === undefined ? {} : { governor }),
    ...(khz > 0 ? { mhz: khz / 1000 } : {}),
    ...powerStatus(host),
  };
}

/** The last reading of the meter, which is written every half second. */
function powerStatus(host: HostLayout): Pick<HostStatus, 'powerW'> {
  const path = join(host.hardware, hardwareFiles.meter);
  if (!existsSync(path)) return {};
  const { powerW } = meterSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return { powerW };
}

const meterSchema = z.looseObject({ powerW: z.number() });
