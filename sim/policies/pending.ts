/** Places every waiting VM at once, the ones that ask for most first. */
import type { Draft } from './draft.ts';
import { chooseHost, leastOverloaded, type PlacementRule, sortByDemand } from './placement.ts';

/**
 * A VM that no host can take within its limit overloads one rather than wait: half of the CPU is
 * better than none. It waits only when no host has the memory.
 */
export function placePending(draft: Draft, rule: PlacementRule): void {
  const { cluster } = draft;
  let count = 0;
  for (let index = 0; index < cluster.pendingCount(); index++) {
    const vm = cluster.pending(index);
    if (cluster.isPending(vm) && draft.at[vm]! < 0) draft.list[count++] = vm;
  }
  const waiting = draft.list.subarray(0, count);
  sortByDemand(draft, waiting);
  for (let index = 0; index < count; index++) {
    const vm = waiting[index]!;
    const fitting = chooseHost(draft, vm, rule, true);
    const host = fitting >= 0 ? fitting : leastOverloaded(draft, vm);
    if (host >= 0) draft.place(vm, host);
  }
}
