/**
 * Hosts and VMs as columns. A host's VMs lie in list order in its own run of slots; the share a VM
 * has of a host belongs to the slot, because a migrating VM has shares on two or three hosts.
 */

import {
  hostMemoryMb,
  hostTypeCoreMips,
  hostTypeCount,
  hostTypeTotalMips,
  vmsPerHostMax,
  vmTypeMemoryMb,
  vmTypeMips,
} from './constants.ts';
import { smallestTable, spreadHash } from './hash-order.ts';
import { powerAt } from './power.ts';

/** Bit of `hostState`: the host gives MIPS to a VM. */
export const activeBit = 1;
/** Bit of `hostState`: the host gives less than its VMs ask for. */
export const overloadedBit = 2;

export interface Cluster {
  readonly hostCount: number;
  readonly vmCount: number;
  /** Slots of one host; host `h` owns slots `h × slotsPerHost …`. */
  readonly slotsPerHost: number;

  readonly hostType: Uint8Array;
  readonly hostCoreMips: Float64Array;
  readonly hostTotalMips: Float64Array;
  /** Free memory while VMs are first placed, MB; later nothing asks for memory. */
  readonly hostFreeMb: Float64Array;
  /** VMs in the host's list. */
  readonly hostVms: Int32Array;
  /** MIPS not handed out yet, as left by the last sequence of subtractions. */
  readonly hostFreeMips: Float64Array;
  /** Sum of the slots' shares in list order, MIPS. */
  readonly hostSharedMips: Float64Array;
  /** Sum of the VMs' requests in list order, MIPS. */
  readonly hostRequestedMips: Float64Array;
  /** Used MIPS at the last update, losses of departing VMs added back. */
  readonly hostUsedMips: Float64Array;
  /** `hostUsedMips` as a fraction of the total. */
  readonly hostUtilization: Float64Array;
  /** Power at `hostUtilization`, W. */
  readonly hostPowerW: Float64Array;
  /** `activeBit` and `overloadedBit` of the last update. */
  readonly hostState: Uint8Array;
  /** Buckets of the host's table of requests. Grows, never shrinks. */
  readonly hostTable: Int32Array;
  /** 1 when the shares are those of a run through the table rather than through the list. */
  readonly hostInTableOrder: Uint8Array;

  readonly slotVm: Int32Array;
  readonly slotShareMips: Float64Array;
  /** 1 while the VM in this slot is on its way to this host. */
  readonly slotArriving: Uint8Array;

  readonly vmMips: Float64Array;
  readonly vmMemoryMb: Float64Array;
  readonly vmHash: Int32Array;
  /** Host that runs the VM, or -1. */
  readonly vmHost: Int32Array;
  /** MIPS the VM asks for now. */
  readonly vmRequestMips: Float64Array;
  /** MIPS the VM got at the last update of the host that runs it. */
  readonly vmShareMips: Float64Array;
  readonly vmMigrating: Uint8Array;

  /** Slots of one host in table order. */
  readonly orderSlot: Int32Array;
  readonly orderBucket: Int32Array;
}

/** An empty cluster of `hostCount` hosts, and `vmCount` VMs that run nowhere. */
export function createCluster(hostCount: number, vmCount: number): Cluster {
  const slotsPerHost = Math.max(1, Math.min(vmCount, vmsPerHostMax));
  const slots = hostCount * slotsPerHost;
  const cluster: Cluster = {
    hostCount,
    vmCount,
    slotsPerHost,
    hostType: new Uint8Array(hostCount),
    hostCoreMips: new Float64Array(hostCount),
    hostTotalMips: new Float64Array(hostCount),
    hostFreeMb: new Float64Array(hostCount).fill(hostMemoryMb),
    hostVms: new Int32Array(hostCount),
    hostFreeMips: new Float64Array(hostCount),
    hostSharedMips: new Float64Array(hostCount),
    hostRequestedMips: new Float64Array(hostCount),
    hostUsedMips: new Float64Array(hostCount),
    hostUtilization: new Float64Array(hostCount),
    hostPowerW: new Float64Array(hostCount),
    hostState: new Uint8Array(hostCount),
    hostTable: new Int32Array(hostCount).fill(smallestTable),
    hostInTableOrder: new Uint8Array(hostCount),
    slotVm: new Int32Array(slots),
    slotShareMips: new Float64Array(slots),
    slotArriving: new Uint8Array(slots),
    vmMips: new Float64Array(vmCount),
    vmMemoryMb: new Float64Array(vmCount),
    vmHash: new Int32Array(vmCount),
    vmHost: new Int32Array(vmCount).fill(-1),
    vmRequestMips: new Float64Array(vmCount),
    vmShareMips: new Float64Array(vmCount),
    vmMigrating: new Uint8Array(vmCount),
    orderSlot: new Int32Array(slotsPerHost),
    orderBucket: new Int32Array(slotsPerHost),
  };
  fillHostTypes(cluster);
  fillVmTypes(cluster);
  return cluster;
}

function fillHostTypes(cluster: Cluster): void {
  for (let host = 0; host < cluster.hostCount; host++) {
    const type = host % hostTypeCount;
    cluster.hostType[host] = type;
    cluster.hostCoreMips[host] = hostTypeCoreMips[type]!;
    cluster.hostTotalMips[host] = hostTypeTotalMips[type]!;
    cluster.hostFreeMips[host] = hostTypeTotalMips[type]!;
    cluster.hostPowerW[host] = powerAt(type, 0);
  }
}

function fillVmTypes(cluster: Cluster): void {
  const block = Math.ceil(cluster.vmCount / vmTypeMips.length);
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    const type = Math.floor(vm / block);
    cluster.vmMips[vm] = vmTypeMips[type]!;
    cluster.vmMemoryMb[vm] = vmTypeMemoryMb[type]!;
    cluster.vmHash[vm] = spreadHash(`2-${vm}`);
  }
}
