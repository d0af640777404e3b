/**
 * Which VM is on which host: per host one stretch of a shared slot table, in order of arrival,
 * so that the demand kernel reads the VMs of a host one after the other.
 */

import { assert } from '../errors.ts';
import { homeVm } from '../hosts/domains.ts';
import { countQueue } from '../requests/queue.ts';
import type { Twin } from '../twin.ts';

/** Appends `vm` to the VMs of `host`. */
export function addResident(twin: Twin, host: number, vm: number): void {
  const { state } = twin;
  if (state.hostVms[host]! >= state.hostSlotCapacity[host]!) layOutSlots(twin);
  state.slots[state.hostSlot[host]! + state.hostVms[host]!] = vm;
  state.hostVms[host]!++;
  state.vmHost[vm] = host;
  homeVm(twin, host, vm);
  countVm(twin, host, vm, 1);
}

/** Takes `vm` off its host; the others keep their order. */
export function removeResident(twin: Twin, vm: number): void {
  const { state } = twin;
  const host = state.vmHost[vm]!;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  const slot = state.slots.indexOf(vm, start);
  assert(slot >= start && slot < end, () => `VM ${vm} is not listed on its host ${host}`);
  state.slots.copyWithin(slot, slot + 1, end);
  state.hostVms[host]!--;
  state.vmHost[vm] = -1;
  countVm(twin, host, vm, -1);
}

function countVm(twin: Twin, host: number, vm: number, by: 1 | -1): void {
  countQueue(twin, host, vm, by);
  // The fused tick knows no quotas.
  if (twin.state.vmQuota[vm]! < Infinity) twin.state.hostSpecial[host]! += by;
  // The demand of its tasks and requests is its own, not the grid's.
  if (twin.model.vmTaskDriven[vm] === 1) twin.state.hostSpecial[host]! += by;
}

/**
 * Gives every host its VMs plus an equal share of the free slots. The table has at least
 * 4 (hosts + 1) + vms rows more than VMs, so each host gets room for at least 4 more.
 */
export function layOutSlots(twin: Twin): void {
  const { model, state, scratch } = twin;
  const rows = model.hosts + 1;
  let listed = 0;
  for (let host = 0; host < rows; host++) listed += state.hostVms[host]!;
  const room = Math.floor((state.slots.length - listed) / rows);
  scratch.slots.set(state.slots);
  let next = 0;
  for (let host = 0; host < rows; host++) {
    const from = state.hostSlot[host]!;
    const count = state.hostVms[host]!;
    for (let index = 0; index < count; index++) {
      state.slots[next + index] = scratch.slots[from + index]!;
    }
    state.hostSlot[host] = next;
    state.hostSlotCapacity[host] = count + room;
    next += count + room;
  }
}
