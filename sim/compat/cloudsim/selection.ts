/**
 * Which VM leaves an overloaded host (`PowerVmSelectionPolicy*.java`): the one with least memory
 * (shortest migration), least load, highest correlation with the others, or any.
 */

import type { RandomStream } from '../../numbers/rng.ts';
import type { Cluster } from './cluster.ts';
import { historyMax } from './constants.ts';
import { type Demand, pastPlace } from './demand.ts';
import type { CloudSimSelection } from './options.ts';
import { createRegressionScratch, explainEach, type RegressionScratch } from './r-squared.ts';

export interface Selector {
  readonly selection: CloudSimSelection;
  /** Feeds `rs` only. */
  readonly random: RandomStream;
  /** Used by `mc` only. */
  readonly scratch: RegressionScratch;
}

export function createSelector(selection: CloudSimSelection, random: RandomStream): Selector {
  return { selection, random, scratch: createRegressionScratch(historyMax) };
}

/** The VM to take off `host`, or -1 when the host is empty. Ties go to the first in the list. */
export function selectVm(
  selector: Selector,
  demand: Demand,
  cluster: Cluster,
  host: number,
): number {
  const { slotVm, vmMemoryMb, vmMips, vmRequestMips } = cluster;
  const first = host * cluster.slotsPerHost;
  const count = cluster.hostVms[host]!;
  if (count === 0) return -1;
  if (selector.selection === 'rs') return slotVm[first + selector.random.integer(count)]!;
  if (selector.selection === 'mc') {
    const chosen = mostCorrelated(selector.scratch, demand, cluster, host);
    if (chosen >= 0) return chosen;
  }
  let least = Number.POSITIVE_INFINITY;
  let chosen = -1;
  for (let slot = first; slot < first + count; slot++) {
    const vm = slotVm[slot]!;
    const metric = selector.selection === 'mu' ? vmRequestMips[vm]! / vmMips[vm]! : vmMemoryMb[vm]!;
    if (metric < least) {
      least = metric;
      chosen = vm;
    }
  }
  return chosen;
}

/**
 * The VM whose load history the other VMs of the host explain best, by R² of a regression; -1 when
 * there are too few samples or VMs, or one regression has no unique solution.
 */
function mostCorrelated(
  scratch: RegressionScratch,
  demand: Demand,
  cluster: Cluster,
  host: number,
): number {
  const { slotVm } = cluster;
  const first = host * cluster.slotsPerHost;
  const count = cluster.hostVms[host]!;
  const samples = demand.length;
  if (count < 2 || count > samples) return -1;
  const { explained, series } = scratch;
  for (let index = 0; index < count; index++) {
    const vm = slotVm[first + index]!;
    for (let age = 0; age < samples; age++) {
      series[index * samples + age] = demand.pastFractions[pastPlace(demand, vm, age)]!;
    }
  }
  if (!explainEach(scratch, samples, count)) return -1;
  let highest = Number.MIN_VALUE;
  let chosen = slotVm[first]!;
  for (let index = 0; index < count; index++) {
    if (explained[index]! > highest) {
      highest = explained[index]!;
      chosen = slotVm[first + index]!;
    }
  }
  return chosen;
}
