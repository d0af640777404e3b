/** Empties the least-used hosts when all their VMs fit elsewhere, and switches off empty hosts. */
import type { Draft } from './draft.ts';
import { hostUse } from './host-use.ts';
import { chooseHost, type PlacementRule, sortByDemand } from './placement.ts';

/** Scratch of one drain: VMs of the host, where they go, and what was there before. */
interface Trial {
  vms: Int32Array;
  target: Int32Array;
  plannedMips: Float64Array;
  expecting: Uint8Array;
  order: Int32Array;
}

export interface Drainer {
  /** Plans to empty hosts, least utilization first. No host is woken for it. */
  readonly drain: (draft: Draft, rule: PlacementRule) => void;
}

export function createDrainer(): Drainer {
  const trial: Trial = {
    vms: new Int32Array(0),
    target: new Int32Array(0),
    plannedMips: new Float64Array(0),
    expecting: new Uint8Array(0),
    order: new Int32Array(0),
  };
  return { drain: (draft, rule) => drainHosts(draft, rule, trial) };
}

function drainHosts(draft: Draft, rule: PlacementRule, trial: Trial): void {
  const { cluster, plannedMips, peakMips } = draft;
  if (trial.vms.length !== cluster.vms) {
    trial.vms = new Int32Array(cluster.vms);
    trial.target = new Int32Array(cluster.vms);
    trial.plannedMips = new Float64Array(cluster.vms);
    trial.expecting = new Uint8Array(cluster.vms);
  }
  if (trial.order.length !== cluster.hosts) trial.order = new Int32Array(cluster.hosts);
  let count = 0;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    // Nothing is drained onto an empty host: the same load, elsewhere.
    if (draft.guests[host] === 0) {
      if (cluster.maySwitch(host)) draft.closed[host] = 1;
    } else if (canDrain(draft, host)) trial.order[count++] = host;
  }
  const order = trial.order.subarray(0, count);
  order.sort((a, b) => plannedMips[a]! / peakMips[a]! - plannedMips[b]! / peakMips[b]! || a - b);
  const room = mostRoom(draft);
  for (let index = 0; index < count && draft.plan.canMigrate; index++) {
    const host = order[index]!;
    // Hosts that took VMs in this plan keep them: nothing moves twice.
    if (draft.expecting[host] === 0) tryDrain(draft, rule, trial, host, room);
  }
}

/** A host that may be switched off, whose VMs can all move, and that nothing is on its way to. */
function canDrain(draft: Draft, host: number): boolean {
  const { cluster } = draft;
  if (!cluster.isOn(host) || !cluster.maySwitch(host) || draft.closed[host] === 1) return false;
  if (draft.expecting[host] === 1) return false;
  for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
    if (draft.movable[vm] === 0) return false;
  }
  return true;
}

/** Most memory that any host has free, bytes: what needs more can be refused without a search. */
function mostRoom(draft: Draft): number {
  let most = 0;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    if (draft.closed[host] === 0) most = Math.max(most, draft.freeBytes[host]!);
  }
  return most;
}

function tryDrain(
  draft: Draft,
  rule: PlacementRule,
  trial: Trial,
  host: number,
  roomBytes: number,
): void {
  const { cluster, plan } = draft;
  const count = draft.guests[host]!;
  if (plan.migrations + count > plan.budget.migrations) return;
  let index = 0;
  for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
    if (cluster.vmMemoryBytes(vm) > roomBytes) return;
    trial.vms[index++] = vm;
  }
  const vms = trial.vms.subarray(0, count);
  sortByDemand(draft, vms);
  const hostMips = draft.plannedMips[host]!;
  draft.closed[host] = 1;
  let moved = 0;
  while (moved < count) {
    const vm = vms[moved]!;
    const target = chooseHost(draft, vm, rule, false);
    if (target < 0) break;
    trial.target[moved] = target;
    trial.plannedMips[moved] = draft.plannedMips[target]!;
    trial.expecting[moved] = draft.expecting[target]!;
    draft.put(vm, target);
    moved++;
  }
  if (moved === count) {
    for (let done = 0; done < count; done++) plan.migrate(vms[done]!, trial.target[done]!);
    for (let done = 0; done < count; done++) draft.movable[vms[done]!] = 0;
    return;
  }
  for (let done = moved - 1; done >= 0; done--) {
    const vm = vms[done]!;
    draft.takeBack(vm, trial.target[done]!, trial.plannedMips[done]!, trial.expecting[done]!);
  }
  for (let done = 0; done < moved; done++) draft.putBack(vms[done]!, host);
  draft.plannedMips[host] = hostMips;
  draft.closed[host] = 0;
}

/**
 * Plans to switch off running hosts that will be empty. One stays on while there are VMs, so that
 * there is always somewhere to go.
 */
export function switchOffEmpty(draft: Draft): void {
  const { cluster } = draft;
  let hasVms = cluster.pendingCount() > 0;
  for (let vm = 0; vm < cluster.vms && !hasVms; vm++) hasVms = draft.at[vm]! >= 0;
  const least = hasVms ? 1 : 0;
  // Downwards: the lowest id stays.
  for (let index = draft.awakeCount - 1; index >= 0 && draft.awakeCount > least; index--) {
    const host = draft.awake[index]!;
    if (draft.guests[host]! > 0 || draft.expecting[host] === 1) continue;
    if (!cluster.isOn(host) || !cluster.maySwitch(host)) continue;
    if (draft.use[host] === hostUse.awake) draft.retire(host);
  }
}
