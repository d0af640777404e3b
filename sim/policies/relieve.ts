/** Moves VMs away from hosts that are asked for more than they should give. */
import type { Chance } from '../policy.ts';
import type { Draft } from './draft.ts';
import { hostUse } from './host-use.ts';
import { chooseHost, type PlacementRule, sortByDemand } from './placement.ts';
import type { Selection } from './selections/index.ts';

/** A number of MIPS for each host, given the VMs the draft has on it. */
export type HostLimit = (draft: Draft, host: number) => number;

/**
 * Hosts above `trigger` give up VMs until they are within `limit`; hosts that are leaving and still
 * have VMs give up all. The VMs then look for a new host, largest demand first; the ones that find
 * none stay. Relieved hosts are closed for the rest of the plan.
 */
export function relieve(
  draft: Draft,
  rule: PlacementRule,
  selection: Selection,
  trigger: HostLimit,
  limit: HostLimit,
  chance: Chance,
): void {
  const { cluster, plan } = draft;
  const lifted = draft.list;
  let count = 0;
  for (let host = 0; host < cluster.hosts && plan.canMigrate; host++) {
    if (draft.guests[host] === 0) continue;
    const leaving = draft.use[host] === hostUse.leaving;
    if (!leaving && draft.plannedMips[host]! <= trigger(draft, host)) continue;
    draft.closed[host] = 1;
    while (draft.guests[host]! > 0) {
      if (!leaving && draft.plannedMips[host]! <= limit(draft, host)) break;
      const vm = selection.choose(draft, host, chance);
      if (vm < 0) break;
      draft.lift(vm);
      lifted[count++] = vm;
    }
  }
  const searching = lifted.subarray(0, count);
  sortByDemand(draft, searching);
  for (let index = 0; index < count; index++) {
    const vm = searching[index]!;
    const target = plan.canMigrate ? chooseHost(draft, vm, rule, true) : -1;
    if (target >= 0) draft.migrate(vm, target);
    else draft.putBack(vm, cluster.hostOf(vm));
  }
}
