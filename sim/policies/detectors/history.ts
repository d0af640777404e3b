/** What the VMs of a host asked for in the past, wherever they were then. */
import type { Draft } from '../draft.ts';

/**
 * Writes the summed demand of the VMs that the draft has on `host` as fractions of the host's
 * capacity, newest first.
 *
 * @returns How many intervals all of these VMs have been measured in, at most `most`.
 */
export function hostHistory(draft: Draft, host: number, most: number, out: Float64Array): number {
  const { cluster, firstVm, nextVm } = draft;
  let count = draft.guests[host] === 0 ? 0 : most;
  for (let vm = firstVm[host]!; vm >= 0 && count > 0; vm = nextVm[vm]!) {
    const observed = cluster.observations(vm);
    if (observed < count) count = observed;
  }
  out.fill(0, 0, count);
  for (let vm = firstVm[host]!; vm >= 0; vm = nextVm[vm]!) {
    for (let lag = 1; lag <= count; lag++) out[lag - 1]! += cluster.demandAt(vm, lag);
  }
  const peakMips = draft.peakMips[host]!;
  for (let index = 0; index < count; index++) out[index]! /= peakMips;
  return count;
}
