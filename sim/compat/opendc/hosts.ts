/**
 * Hosts as OpenDC's scheduler sees them, and its default choice (policy `Mem`): among the hosts that
 * are up and have the cores and the memory free, the one with most free memory, the first on a tie.
 */
import { inputError } from '../../errors.ts';
import type { OpenDcPowerModel } from './power-model.ts';

/** Identical hosts. OpenDC merges a host's cores into one CPU of their total speed. */
export interface OpenDcHostGroup {
  readonly count: number;
  readonly cores: number;
  /** Speed of one core, MHz. */
  readonly coreMhz: number;
  readonly memoryMb: number;
  readonly power: OpenDcPowerModel;
}

/** Columns by host, [hosts]. */
export interface Hosts {
  readonly count: number;
  readonly group: Int32Array;
  /** Speed of all cores together, MHz. */
  readonly capacityMhz: Float64Array;
  readonly cores: Int32Array;
  readonly memoryMb: Float64Array;
  /** Cores that tasks may still ask for; the ratio of overcommitment is in it. */
  readonly freeCores: Float64Array;
  readonly freeMemoryMb: Float64Array;
  /** 0 while failed. */
  readonly up: Uint8Array;
}

/** Virtual per physical capacity that the scheduler may hand out; 1 by default. */
export interface OvercommitRatios {
  readonly cpu: number;
  readonly memory: number;
}

const hostsMax = 1_000_000;

/** @throws InputError when a group is impossible. */
export function createHosts(groups: readonly OpenDcHostGroup[], ratios: OvercommitRatios): Hosts {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (!(count >= 1 && count <= hostsMax)) {
    throw inputError('hosts', `from 1 to ${hostsMax} hosts`, String(count));
  }
  const hosts: Hosts = {
    count,
    group: new Int32Array(count),
    capacityMhz: new Float64Array(count),
    cores: new Int32Array(count),
    memoryMb: new Float64Array(count),
    freeCores: new Float64Array(count),
    freeMemoryMb: new Float64Array(count),
    up: new Uint8Array(count).fill(1),
  };
  let host = 0;
  groups.forEach((group, index) => {
    if (!(group.cores >= 1 && group.coreMhz > 0 && group.memoryMb >= 0)) {
      const got = `${group.cores} cores, ${group.coreMhz} MHz, ${group.memoryMb} MB`;
      throw inputError(`hosts[${index}]`, 'cores, speed and memory', got);
    }
    for (let left = group.count; left > 0; left--, host++) {
      hosts.group[host] = index;
      hosts.capacityMhz[host] = group.cores * group.coreMhz;
      hosts.cores[host] = group.cores;
      hosts.memoryMb[host] = group.memoryMb;
      hosts.freeCores[host] = group.cores * ratios.cpu;
      hosts.freeMemoryMb[host] = group.memoryMb * ratios.memory;
    }
  });
  return hosts;
}

/** Whether the host could take the task if nothing else ran; no task overcommits against itself. */
export function couldHold(hosts: Hosts, host: number, cores: number, memoryMb: number): boolean {
  return cores <= hosts.cores[host]! && memoryMb <= hosts.memoryMb[host]!;
}

/** The host that the task goes to now, or -1. */
export function selectHost(hosts: Hosts, cores: number, memoryMb: number): number {
  let best = -1;
  let most = -Infinity;
  for (let host = 0; host < hosts.count; host++) {
    const free = hosts.freeMemoryMb[host]!;
    if (free > most && free >= memoryMb && hosts.freeCores[host]! >= cores) {
      if (hosts.up[host] === 1 && couldHold(hosts, host, cores, memoryMb)) {
        best = host;
        most = free;
      }
    }
  }
  return best;
}
