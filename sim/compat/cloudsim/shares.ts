/**
 * How a host's MIPS are shared out among its VMs (`VmSchedulerTimeSharedOverSubscription.java`).
 * Requests are served in order, each capped to one core; when one does not fit any more, all
 * shares are scaled down to what the host has and rounded down.
 */

import { assert } from '../../errors.ts';
import { activeBit, type Cluster, overloadedBit } from './cluster.ts';
import { arrivingShare, migratingShare } from './constants.ts';
import { growTable, orderByTable } from './hash-order.ts';
import { powerAt } from './power.ts';

/**
 * Shares out a host's MIPS anew in list order and takes its state: used MIPS, utilization, power,
 * and what each VM that runs here got. Repeating it at the same time changes nothing.
 */
export function updateHost(cluster: Cluster, host: number): void {
  const { hostRequestedMips, hostTotalMips, hostUsedMips, hostUtilization, hostVms } = cluster;
  const { slotArriving, slotShareMips, slotVm, vmMigrating, vmRequestMips, vmShareMips } = cluster;
  shareInListOrder(cluster, host);
  const first = host * cluster.slotsPerHost;
  const end = first + hostVms[host]!;
  let usedMips = 0;
  let sharedMips = 0;
  let requestedMips = 0;
  for (let slot = first; slot < end; slot++) {
    const vm = slotVm[slot]!;
    const shareMips = slotShareMips[slot]!;
    sharedMips += shareMips;
    requestedMips += vmRequestMips[vm]!;
    if (slotArriving[slot] === 1) {
      usedMips += shareMips;
    } else {
      vmShareMips[vm] = shareMips;
      usedMips += vmMigrating[vm] === 1 ? shareMips / migratingShare : shareMips;
    }
  }
  let utilization = usedMips / hostTotalMips[host]!;
  if (utilization > 1 && utilization < 1.01) utilization = 1;
  hostUsedMips[host] = usedMips;
  hostRequestedMips[host] = requestedMips;
  hostUtilization[host] = utilization;
  cluster.hostSharedMips[host] = sharedMips;
  cluster.hostPowerW[host] = powerAt(cluster.hostType[host]!, utilization);
  cluster.hostInTableOrder[host] = end - first < 2 ? 1 : 0;
  cluster.hostState[host] =
    (usedMips > 0 ? activeBit : 0) | (usedMips < requestedMips ? overloadedBit : 0);
}

function shareInListOrder(cluster: Cluster, host: number): void {
  const { hostFreeMips, hostVms, slotArriving, slotShareMips, slotVm } = cluster;
  const { vmMigrating, vmRequestMips } = cluster;
  const coreMips = cluster.hostCoreMips[host]!;
  const first = host * cluster.slotsPerHost;
  const end = first + hostVms[host]!;
  let freeMips = cluster.hostTotalMips[host]!;
  let fits = true;
  for (let slot = first; slot < end; slot++) {
    const vm = slotVm[slot]!;
    const cappedMips = Math.min(vmRequestMips[vm]!, coreMips);
    const arriving = slotArriving[slot] === 1;
    const wantedMips = arriving ? cappedMips * arrivingShare : cappedMips;
    if (freeMips >= wantedMips) {
      const departing = !arriving && vmMigrating[vm] === 1;
      slotShareMips[slot] = departing ? cappedMips * migratingShare : wantedMips;
      freeMips -= wantedMips;
    } else {
      fits = false;
      freeMips = 0;
    }
  }
  hostFreeMips[host] = freeMips;
  if (!fits) scaleDown(cluster, host);
}

/**
 * Shares out a host's MIPS anew in table order, as happens whenever a VM leaves it. Only for hosts
 * without migrating VMs: the optimizer runs when no migration is under way.
 */
export function shareInTableOrder(cluster: Cluster, host: number): void {
  const { hostFreeMips, hostSharedMips, hostVms, orderSlot, slotShareMips, slotVm } = cluster;
  const { vmRequestMips } = cluster;
  const coreMips = cluster.hostCoreMips[host]!;
  const count = hostVms[host]!;
  let freeMips = cluster.hostTotalMips[host]!;
  let fits = true;
  orderByTable(cluster, host);
  for (let index = 0; index < count; index++) {
    const slot = orderSlot[index]!;
    const cappedMips = Math.min(vmRequestMips[slotVm[slot]!]!, coreMips);
    if (freeMips >= cappedMips) {
      slotShareMips[slot] = cappedMips;
      freeMips -= cappedMips;
    } else {
      fits = false;
      freeMips = 0;
    }
  }
  hostFreeMips[host] = freeMips;
  if (!fits) scaleDown(cluster, host);
  let sharedMips = 0;
  const first = host * cluster.slotsPerHost;
  for (let slot = first; slot < first + count; slot++) sharedMips += slotShareMips[slot]!;
  hostSharedMips[host] = sharedMips;
  cluster.hostInTableOrder[host] = 1;
}

/** Scales all shares to the host's MIPS and rounds them down; nothing is left over. */
function scaleDown(cluster: Cluster, host: number): void {
  const { hostVms, orderSlot, slotArriving, slotShareMips, slotVm } = cluster;
  const { vmMigrating, vmRequestMips } = cluster;
  const coreMips = cluster.hostCoreMips[host]!;
  const count = hostVms[host]!;
  orderByTable(cluster, host);
  let wantedMips = 0;
  for (let index = 0; index < count; index++) {
    const slot = orderSlot[index]!;
    const cappedMips = Math.min(vmRequestMips[slotVm[slot]!]!, coreMips);
    wantedMips += slotArriving[slot] === 1 ? cappedMips * arrivingShare : cappedMips;
  }
  const scale = cluster.hostTotalMips[host]! / wantedMips;
  const first = host * cluster.slotsPerHost;
  for (let slot = first; slot < first + count; slot++) {
    const vm = slotVm[slot]!;
    const cappedMips = Math.min(vmRequestMips[vm]!, coreMips);
    let shareMips = cappedMips * scale;
    if (slotArriving[slot] === 1) shareMips = cappedMips * arrivingShare * scale;
    else if (vmMigrating[vm] === 1) shareMips *= migratingShare;
    slotShareMips[slot] = Math.floor(shareMips);
  }
}

/** Puts `vm` at the end of the host's list; shares are the caller's business. */
export function appendVm(cluster: Cluster, host: number, vm: number, arriving: number): void {
  const { hostVms, slotArriving, slotVm, slotsPerHost } = cluster;
  const count = hostVms[host]!;
  assert(
    count < slotsPerHost,
    () => `host ${host} holds ${count} VMs, its storage ${slotsPerHost}`,
  );
  growTable(cluster, host, vm);
  const slot = host * slotsPerHost + count;
  slotVm[slot] = vm;
  slotArriving[slot] = arriving;
  hostVms[host] = count + 1;
}

/** Takes `vm` out of the host's list; the others keep their order and shares. */
export function removeVm(cluster: Cluster, host: number, vm: number): void {
  const { hostVms, slotArriving, slotShareMips, slotVm, slotsPerHost } = cluster;
  const first = host * slotsPerHost;
  const last = first + hostVms[host]! - 1;
  let slot = first;
  while (slot <= last && slotVm[slot] !== vm) slot++;
  assert(slot <= last, () => `VM ${vm} is not on host ${host}`);
  for (; slot < last; slot++) {
    slotVm[slot] = slotVm[slot + 1]!;
    slotShareMips[slot] = slotShareMips[slot + 1]!;
    slotArriving[slot] = slotArriving[slot + 1]!;
  }
  hostVms[host]!--;
}

/** Adds `vm` to a host that has room for its whole request, as the last to be served. */
export function placeVm(cluster: Cluster, host: number, vm: number): void {
  const { hostFreeMips, hostSharedMips, slotShareMips, vmRequestMips } = cluster;
  const requestMips = vmRequestMips[vm]!;
  appendVm(cluster, host, vm, 0);
  slotShareMips[host * cluster.slotsPerHost + cluster.hostVms[host]! - 1] = requestMips;
  hostFreeMips[host]! -= requestMips;
  hostSharedMips[host]! += requestMips;
  cluster.hostInTableOrder[host] = cluster.hostVms[host]! < 2 ? 1 : 0;
}

/**
 * The traces a trial leaves behind: a VM that was put on the host and taken off again has made the
 * host share out anew in table order, and perhaps made its table grow.
 */
export function leaveTrialTraces(cluster: Cluster, host: number, vm: number): void {
  const grew = growTable(cluster, host, vm);
  if (grew || cluster.hostInTableOrder[host] === 0) shareInTableOrder(cluster, host);
}
