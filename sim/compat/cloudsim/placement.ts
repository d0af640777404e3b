/**
 * On which host does a VM go? First fit for the policies that never migrate; for the others the
 * host whose power grows least (`PowerVmAllocationPolicyMigrationAbstract.findHostForVm`, "power
 * aware best fit"), lowest id on ties.
 *
 * Three oddities of the original are kept: the growth compares a fresh sum of shares with the
 * power of the last update, a sleeping host counts as drawing idle power already, and a host is
 * tried by really putting the VM there and taking it off again.
 */

import type { Cluster } from './cluster.ts';
import { hostTypeCount, vmsPerHostMax } from './constants.ts';
import type { Demand } from './demand.ts';
import { isOverloaded, type OverloadTest } from './overload.ts';
import { powerAt } from './power.ts';
import { leaveTrialTraces, placeVm } from './shares.ts';

/** Where VMs may go. Sleeping hosts of a type are alike: only the lowest id can be the best. */
export interface HostFinder {
  readonly cluster: Cluster;
  readonly demand: Demand;
  readonly test: OverloadTest;
  /** Hosts worth looking at one by one, ascending but for woken ones, `[0 … candidateCount)`. */
  readonly candidates: Int32Array;
  candidateCount: number;
  /** 1 where no VM may go. */
  readonly excluded: Uint8Array;
  /** Lowest sleeping host of each type, or at least `hostCount` where there is none. */
  readonly sleeping: Int32Array;
}

export function createHostFinder(cluster: Cluster, demand: Demand, test: OverloadTest): HostFinder {
  return {
    cluster,
    demand,
    test,
    candidates: new Int32Array(cluster.hostCount),
    candidateCount: 0,
    excluded: new Uint8Array(cluster.hostCount),
    sleeping: new Int32Array(hostTypeCount),
  };
}

/** Points `sleeping` at the lowest sleeping hosts, or past the end when they are out of bounds. */
export function findSleeping(finder: HostFinder, allowed: boolean): void {
  for (let type = 0; type < hostTypeCount; type++) {
    finder.sleeping[type] = allowed ? type : finder.cluster.hostCount;
    skipAwake(finder, type);
  }
}

function skipAwake(finder: HostFinder, type: number): void {
  const { hostCount, hostUtilization, hostVms } = finder.cluster;
  let host = finder.sleeping[type]!;
  while (host < hostCount && (hostVms[host]! > 0 || hostUtilization[host]! > 0)) {
    host += hostTypeCount;
  }
  finder.sleeping[type] = host;
}

/**
 * The best host for `vm`, or -1. Leaves on each host tried the traces of the trial.
 *
 * @param neededMb Memory the VM asks for, MB; 0 once it runs.
 */
export function findHost(finder: HostFinder, vm: number, neededMb: number): number {
  const { candidates, cluster, demand, excluded, test } = finder;
  const { hostCoreMips, hostFreeMb, hostFreeMips, hostPowerW, hostSharedMips } = cluster;
  const requestMips = cluster.vmRequestMips[vm]!;
  let leastW = Number.MAX_VALUE;
  let best = -1;
  for (let index = 0; index < finder.candidateCount; index++) {
    const host = candidates[index]!;
    if (excluded[host] === 1 || hostFreeMips[host]! < requestMips) continue;
    if (hostCoreMips[host]! < requestMips || hostFreeMb[host]! < neededMb) continue;
    const tried = hostSharedMips[host]! !== 0;
    if (tried) {
      if (cluster.hostVms[host]! >= vmsPerHostMax) continue;
      leaveTrialTraces(cluster, host, vm);
    }
    const utilization = (hostSharedMips[host]! + requestMips) / cluster.hostTotalMips[host]!;
    const growthW = powerAt(cluster.hostType[host]!, utilization) - hostPowerW[host]!;
    if (growthW > leastW || (growthW === leastW && host > best)) continue;
    if (tried && isOverloaded(test, demand, cluster, host, vm)) continue;
    leastW = growthW;
    best = host;
  }
  return bestWithSleeping(finder, requestMips, best, leastW);
}

/** The best of `best`, which would grow by `leastW`, and the sleeping hosts, which need no trial. */
function bestWithSleeping(
  finder: HostFinder,
  requestMips: number,
  best: number,
  leastW: number,
): number {
  const { cluster, sleeping } = finder;
  let chosen = best;
  let chosenW = leastW;
  for (let type = 0; type < hostTypeCount; type++) {
    const host = sleeping[type]!;
    if (host >= cluster.hostCount || cluster.hostCoreMips[host]! < requestMips) continue;
    const utilization = requestMips / cluster.hostTotalMips[host]!;
    const growthW = powerAt(type, utilization) - cluster.hostPowerW[host]!;
    if (growthW > chosenW || (growthW === chosenW && host > chosen)) continue;
    chosenW = growthW;
    chosen = host;
  }
  return chosen;
}

/** Places `vm` on the host found; a host that slept becomes a candidate. */
export function placeOnFound(finder: HostFinder, host: number, vm: number): void {
  const { candidates, cluster, sleeping } = finder;
  const type = cluster.hostType[host]!;
  placeVm(cluster, host, vm);
  finder.test.hostPastValid[host] = 0;
  if (sleeping[type] === host) {
    candidates[finder.candidateCount++] = host;
    skipAwake(finder, type);
  }
}

/**
 * Places the VMs in order of id at time 0, each asking for all its MIPS and memory; those that fit
 * nowhere never run. A VM that is placed keeps its share but asks for nothing until the first
 * update, so hosts count as idle while the next VM looks for a place.
 *
 * @returns The number of VMs placed.
 */
export function placeAll(finder: HostFinder, consolidate: boolean): number {
  const { cluster } = finder;
  const { hostFreeMb, vmHost, vmMemoryMb, vmMips, vmRequestMips, vmShareMips } = cluster;
  let placed = 0;
  if (consolidate) findSleeping(finder, true);
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    vmRequestMips[vm] = vmMips[vm]!;
    const neededMb = vmMemoryMb[vm]!;
    const host = consolidate ? findHost(finder, vm, neededMb) : firstFit(cluster, vm, neededMb);
    if (host < 0) continue;
    if (consolidate) placeOnFound(finder, host, vm);
    else placeVm(cluster, host, vm);
    hostFreeMb[host]! -= neededMb;
    vmHost[vm] = host;
    vmShareMips[vm] = vmMips[vm]!;
    placed++;
  }
  return placed;
}

function firstFit(cluster: Cluster, vm: number, neededMb: number): number {
  const { hostCoreMips, hostFreeMb, hostFreeMips } = cluster;
  const requestMips = cluster.vmRequestMips[vm]!;
  for (let host = 0; host < cluster.hostCount; host++) {
    if (hostFreeMips[host]! < requestMips || hostCoreMips[host]! < requestMips) continue;
    if (hostFreeMb[host]! >= neededMb) return host;
  }
  return -1;
}
