/**
 * Placement rules: where one VM should go. A rule scores hosts that can take the VM; the least
 * score wins, the lowest id on a tie.
 */
import type { Draft } from './draft.ts';
import { hostUse } from './host-use.ts';

export interface PlacementRule {
  readonly name: string;
  /** Lower is better. `host` can take `demandMips` more; sleeping hosts are empty. */
  readonly score: (draft: Draft, demandMips: number, host: number) => number;
  /**
   * `last`: a host is woken only when no other can take the VM. `priced`: the score holds the price
   * of waking, in W, and decides.
   */
  readonly waking: 'last' | 'priced';
}

/** The host with the lowest id. */
export const firstFit: PlacementRule = {
  name: 'first-fit',
  score: (_draft, _demandMips, host) => host,
  waking: 'last',
};

/** The host with the least capacity left over, MIPS. */
export const bestFit: PlacementRule = {
  name: 'best-fit',
  score: (draft, demandMips, host) =>
    draft.limitMips[host]! - draft.plannedMips[host]! - demandMips,
  waking: 'last',
};

/** The host with the most capacity left over, MIPS. */
export const worstFit: PlacementRule = {
  name: 'worst-fit',
  score: (draft, demandMips, host) =>
    draft.plannedMips[host]! + demandMips - draft.limitMips[host]!,
  waking: 'last',
};

/**
 * The host whose power rises least, W: P(planned + demand) − P(planned), both in P-state 0. Waking
 * a host costs all it will draw: P(demand) − off power. Beloglazov, Abawajy & Buyya (2012), Future
 * Generation Computer Systems 28(5), algorithm 1 (power-aware best fit decreasing).
 */
export const powerAwareFit: PlacementRule = {
  name: 'power-aware-fit',
  score: (draft, demandMips, host) =>
    draft.cluster.powerW(host, 0, draft.plannedMips[host]! + demandMips) - draft.plannedW[host]!,
  waking: 'priced',
};

/** The host that `rule` gives `vm`, -1 when none can take it. */
export function chooseHost(
  draft: Draft,
  vm: number,
  rule: PlacementRule,
  mayWake: boolean,
): number {
  const awake = leastScore(draft, vm, rule, draft.awake, draft.awakeCount);
  if (!mayWake || draft.asleepCount === 0) return awake;
  if (awake < 0) return leastScore(draft, vm, rule, draft.asleep, draft.asleepCount);
  if (rule.waking === 'last') return awake;
  const demand = draft.demandMips[vm]!;
  const awakeScore = rule.score(draft, demand, awake);
  if (awakeScore <= draft.leastWakeW) return awake;
  const asleep = leastScore(draft, vm, rule, draft.asleep, draft.asleepCount);
  if (asleep < 0) return awake;
  const asleepScore = rule.score(draft, demand, asleep);
  if (asleepScore === awakeScore) return Math.min(asleep, awake);
  return asleepScore < awakeScore ? asleep : awake;
}

function leastScore(
  draft: Draft,
  vm: number,
  rule: PlacementRule,
  candidates: Int32Array,
  count: number,
): number {
  const demand = draft.demandMips[vm]!;
  const memoryBytes = draft.cluster.vmMemoryBytes(vm);
  let best = -1;
  let bestScore = Infinity;
  for (let index = 0; index < count; index++) {
    const host = candidates[index]!;
    if (!draft.fits(vm, memoryBytes, host)) continue;
    const score = rule.score(draft, demand, host);
    if (score < bestScore) {
      best = host;
      bestScore = score;
    }
  }
  return best;
}

/**
 * For a VM that fits nowhere: the host that will be least overloaded with it, relative to its
 * capacity, awake or asleep; only memory is a hard limit. -1 when no host has the memory.
 */
export function leastOverloaded(draft: Draft, vm: number): number {
  const demand = draft.demandMips[vm]!;
  const memoryBytes = draft.cluster.vmMemoryBytes(vm);
  let best = -1;
  let bestLoad = Infinity;
  for (let host = 0; host < draft.cluster.hosts; host++) {
    if (draft.use[host] === hostUse.leaving || memoryBytes > draft.freeBytes[host]!) continue;
    const load = (draft.plannedMips[host]! + demand) / draft.peakMips[host]!;
    if (load < bestLoad) {
      best = host;
      bestLoad = load;
    }
  }
  return best;
}

/** Sorts VMs by falling demand, lowest id first among equals. */
export function sortByDemand(draft: Draft, vms: Int32Array): void {
  const { demandMips } = draft;
  vms.sort((a, b) => demandMips[b]! - demandMips[a]! || a - b);
}
