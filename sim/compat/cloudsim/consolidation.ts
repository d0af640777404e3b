/**
 * One round of the optimizer (`PowerVmAllocationPolicyMigrationAbstract.optimizeAllocation`): take
 * VMs off overloaded hosts and place them elsewhere, then try to empty the other hosts, least used
 * first. Both work on the real lists; afterwards all lists are put back, and what remains is the
 * plan. A VM placed in the first step may be moved on in the second: it is then planned twice.
 */

import type { Cluster } from './cluster.ts';
import type { Demand } from './demand.ts';
import { isOverloaded, type OverloadTest } from './overload.ts';
import { findHost, findSleeping, type HostFinder, placeOnFound } from './placement.ts';
import { type Selector, selectVm } from './selection.ts';
import { removeVm, shareInTableOrder, updateHost } from './shares.ts';

/** Migrations in the order decided. A VM occurs at most twice. */
export interface MigrationPlan {
  readonly vms: Int32Array;
  readonly targets: Int32Array;
  count: number;
}

export interface Consolidator {
  readonly cluster: Cluster;
  readonly demand: Demand;
  readonly test: OverloadTest;
  readonly selector: Selector;
  readonly finder: HostFinder;
  readonly plan: MigrationPlan;
  /** 1 for the hosts found overloaded this round. */
  readonly overloaded: Uint8Array;
  /** 1 for hosts that are not to be emptied this round. */
  readonly kept: Uint8Array;
  /** VMs on the move in one step, hosts in the order to empty them. */
  readonly moving: Int32Array;
  readonly emptying: Int32Array;
  /** The lists to put back: their lengths, and those of overloaded hosts one behind the other. */
  readonly listLengths: Int32Array;
  readonly overloadedLists: Int32Array;
}

export function createConsolidator(finder: HostFinder, selector: Selector): Consolidator {
  const { cluster, demand, test } = finder;
  const { hostCount, vmCount } = cluster;
  return {
    cluster,
    demand,
    test,
    selector,
    finder,
    plan: {
      vms: new Int32Array(2 * vmCount),
      targets: new Int32Array(2 * vmCount),
      count: 0,
    },
    overloaded: new Uint8Array(hostCount),
    kept: new Uint8Array(hostCount),
    moving: new Int32Array(vmCount),
    emptying: new Int32Array(hostCount),
    listLengths: new Int32Array(hostCount),
    overloadedLists: new Int32Array(vmCount),
  };
}

/** Fills `plan` with the migrations to start now; the cluster's lists are as before. */
export function planRound(consolidator: Consolidator): void {
  const { cluster, plan, test } = consolidator;
  plan.count = 0;
  consolidator.listLengths.set(cluster.hostVms);
  test.hostPastValid.fill(0);
  const movingCount = takeFromOverloaded(consolidator);
  allowAllButOverloaded(consolidator);
  sortByRequest(consolidator, movingCount);
  for (let index = 0; index < movingCount; index++) move(consolidator, consolidator.moving[index]!);
  emptyUnderused(consolidator);
  restoreLists(consolidator);
}

/** Lets overloaded hosts give up VMs until they no longer are; returns how many now move. */
function takeFromOverloaded(consolidator: Consolidator): number {
  const { cluster, demand, moving, overloaded, overloadedLists, selector, test } = consolidator;
  const { hostVms, slotVm, slotsPerHost } = cluster;
  let movingCount = 0;
  let savedCount = 0;
  for (let host = 0; host < cluster.hostCount; host++) {
    overloaded[host] = 0;
    const count = hostVms[host]!;
    if (count === 0 || !isOverloaded(test, demand, cluster, host, -1)) continue;
    overloaded[host] = 1;
    const first = host * slotsPerHost;
    for (let slot = first; slot < first + count; slot++) {
      overloadedLists[savedCount++] = slotVm[slot]!;
    }
    do {
      const vm = selectVm(selector, demand, cluster, host);
      if (vm < 0) break;
      moving[movingCount++] = vm;
      removeVm(cluster, host, vm);
      sumRequests(consolidator, host);
    } while (isOverloaded(test, demand, cluster, host, -1));
  }
  return movingCount;
}

/** Takes the host's sum of requests anew after its list changed. */
function sumRequests(consolidator: Consolidator, host: number): void {
  const { hostRequestedMips, hostVms, slotVm, slotsPerHost, vmRequestMips } = consolidator.cluster;
  const first = host * slotsPerHost;
  const end = first + hostVms[host]!;
  let requestedMips = 0;
  for (let slot = first; slot < end; slot++) requestedMips += vmRequestMips[slotVm[slot]!]!;
  hostRequestedMips[host] = requestedMips;
  consolidator.test.hostPastValid[host] = 0;
}

function allowAllButOverloaded(consolidator: Consolidator): void {
  const { cluster, finder, overloaded } = consolidator;
  const { hostUtilization, hostVms } = cluster;
  finder.candidateCount = 0;
  for (let host = 0; host < cluster.hostCount; host++) {
    finder.excluded[host] = 0;
    if (overloaded[host] === 1 || (hostVms[host] === 0 && hostUtilization[host] === 0)) continue;
    finder.candidates[finder.candidateCount++] = host;
  }
  findSleeping(finder, true);
}

/** Looks for a host for `vm`, puts it there and plans the migration; false when none is found. */
function move(consolidator: Consolidator, vm: number): boolean {
  const { cluster, finder, plan } = consolidator;
  const host = findHost(finder, vm, 0);
  if (host < 0) return false;
  placeOnFound(finder, host, vm);
  cluster.hostRequestedMips[host]! += cluster.vmRequestMips[vm]!;
  plan.vms[plan.count] = vm;
  plan.targets[plan.count] = host;
  plan.count++;
  return true;
}

/** Stable, largest request first; few at a time but in the first rounds, so by insertion. */
function sortByRequest(consolidator: Consolidator, count: number): void {
  const { moving } = consolidator;
  const { vmRequestMips } = consolidator.cluster;
  for (let index = 1; index < count; index++) {
    const vm = moving[index]!;
    const requestMips = vmRequestMips[vm]!;
    let place = index;
    while (place > 0 && vmRequestMips[moving[place - 1]!]! < requestMips) {
      moving[place] = moving[place - 1]!;
      place--;
    }
    moving[place] = vm;
  }
}

/**
 * Tries to empty hosts in order of their utilization at the last update. Hosts that slept at the
 * last update, even those woken in the first step, take no VMs; hosts that took VMs stay on.
 */
function emptyUnderused(consolidator: Consolidator): void {
  const { cluster, emptying, finder, kept, overloaded, plan } = consolidator;
  const { hostUtilization } = cluster;
  let count = 0;
  finder.candidateCount = 0;
  findSleeping(finder, false);
  for (let host = 0; host < cluster.hostCount; host++) {
    kept[host] = 0;
    if (overloaded[host] === 1 || hostUtilization[host] === 0) continue;
    finder.candidates[finder.candidateCount++] = host;
    if (hostUtilization[host]! < 1) emptying[count++] = host;
  }
  emptying.subarray(0, count).sort((a, b) => hostUtilization[a]! - hostUtilization[b]! || a - b);
  for (let index = 0; index < count; index++) {
    const host = emptying[index]!;
    if (kept[host] === 1) continue;
    finder.excluded[host] = 1;
    const before = plan.count;
    if (moveAll(consolidator, host)) {
      for (let entry = before; entry < plan.count; entry++) kept[plan.targets[entry]!] = 1;
    } else {
      undo(consolidator, before);
    }
  }
}

/** Moves all VMs off `host`; false as soon as one finds no place. */
function moveAll(consolidator: Consolidator, host: number): boolean {
  const { cluster, moving } = consolidator;
  const first = host * cluster.slotsPerHost;
  const count = cluster.hostVms[host]!;
  for (let index = 0; index < count; index++) moving[index] = cluster.slotVm[first + index]!;
  sortByRequest(consolidator, count);
  for (let index = 0; index < count; index++) {
    if (!move(consolidator, moving[index]!)) return false;
  }
  return true;
}

/** Takes the VMs of the plan's entries from `before` on off their targets again. */
function undo(consolidator: Consolidator, before: number): void {
  const { cluster, plan } = consolidator;
  for (let entry = before; entry < plan.count; entry++) {
    const host = plan.targets[entry]!;
    removeVm(cluster, host, plan.vms[entry]!);
    shareInTableOrder(cluster, host);
    sumRequests(consolidator, host);
  }
  plan.count = before;
}

/** Puts all lists back. Sums and shares of hosts in use are taken anew at the next update. */
function restoreLists(consolidator: Consolidator): void {
  const { cluster, listLengths, overloaded, overloadedLists } = consolidator;
  const { hostVms, slotVm, slotsPerHost } = cluster;
  let saved = 0;
  for (let host = 0; host < cluster.hostCount; host++) {
    const length = listLengths[host]!;
    if (overloaded[host] === 1) {
      const first = host * slotsPerHost;
      for (let slot = first; slot < first + length; slot++)
        slotVm[slot] = overloadedLists[saved++]!;
    }
    if (hostVms[host] === length) continue;
    hostVms[host] = length;
    if (length === 0) updateHost(cluster, host);
  }
}
