/**
 * Is a host overloaded? Four detectors (`PowerVmAllocationPolicyMigration*.java`; Beloglazov &
 * Buyya 2012, section 4): a fixed threshold, thresholds that fall as the load's spread grows
 * (interquartile range, median absolute deviation), and a line through the latest loads.
 *
 * Every live VM asked for something at every periodic update so far (otherwise it would have been
 * removed), so a host's history is as long as the time since the start, and never has gaps.
 */

import type { Cluster } from './cluster.ts';
import { fallbackThreshold, historyMax } from './constants.ts';
import { type Demand, pastPlace } from './demand.ts';
import type { CloudSimDetector } from './options.ts';
import { extrapolateLine, linePoints } from './regression.ts';

/** Samples that the spread of a host's load is computed from, at least. */
const spreadSamplesMin = 12;

export interface OverloadTest {
  readonly detector: CloudSimDetector;
  readonly parameter: number;
  /** Utilization of each host at past updates, newest first, [host × 30 + age]. */
  readonly hostPast: Float64Array;
  /** 1 while the host's row of `hostPast` belongs to its list of VMs. */
  readonly hostPastValid: Uint8Array;
  /** The history under test; reordered by the detectors. */
  readonly samples: Float64Array;
}

export function createOverloadTest(
  detector: CloudSimDetector,
  parameter: number,
  hostCount: number,
): OverloadTest {
  return {
    detector,
    parameter,
    hostPast: new Float64Array(hostCount * historyMax),
    hostPastValid: new Uint8Array(hostCount),
    samples: new Float64Array(historyMax),
  };
}

/**
 * Whether `host` is overloaded, or would be with `extraVm` at the end of its list.
 *
 * @param extraVm A VM that is not on the host, or -1.
 */
export function isOverloaded(
  test: OverloadTest,
  demand: Demand,
  cluster: Cluster,
  host: number,
  extraVm: number,
): boolean {
  const requestedMips =
    cluster.hostRequestedMips[host]! + (extraVm < 0 ? 0 : cluster.vmRequestMips[extraVm]!);
  const utilization = requestedMips / cluster.hostTotalMips[host]!;
  const remembered = cluster.hostVms[host]! > 0 || extraVm >= 0 ? demand.length : 0;
  switch (test.detector) {
    case 'iqr':
      if (remembered < spreadSamplesMin) break;
      readHistory(test, demand, cluster, host, extraVm, remembered);
      return utilization > 1 - test.parameter * interquartileRange(test.samples, remembered);
    case 'mad':
      if (remembered < spreadSamplesMin) break;
      readHistory(test, demand, cluster, host, extraVm, remembered);
      return utilization > 1 - test.parameter * medianDeviation(test.samples, remembered);
    case 'lr':
    case 'lrr':
      if (remembered < linePoints) break;
      readHistory(test, demand, cluster, host, extraVm, linePoints);
      test.samples.subarray(0, linePoints).reverse();
      // No migration takes longer than an interval, so the forecast is for the next update.
      return extrapolateLine(test.samples, linePoints + 1) * test.parameter >= 1;
    default:
      return utilization > test.parameter;
  }
  return utilization > fallbackThreshold;
}

/** Writes the host's newest `count` utilizations, newest first, to `samples`. */
function readHistory(
  test: OverloadTest,
  demand: Demand,
  cluster: Cluster,
  host: number,
  extraVm: number,
  count: number,
): void {
  const { hostPast, samples } = test;
  if (test.hostPastValid[host] === 0) sumHistory(test, demand, cluster, host);
  const past = host * historyMax;
  if (extraVm < 0) {
    for (let age = 0; age < count; age++) samples[age] = hostPast[past + age]!;
    return;
  }
  const ratios = demand.pastRatios[cluster.hostType[host]!]!;
  for (let age = 0; age < count; age++) {
    samples[age] = hostPast[past + age]! + ratios[pastPlace(demand, extraVm, age)]!;
  }
}

function sumHistory(test: OverloadTest, demand: Demand, cluster: Cluster, host: number): void {
  const { hostPast } = test;
  const past = host * historyMax;
  const ratios = demand.pastRatios[cluster.hostType[host]!]!;
  const first = host * cluster.slotsPerHost;
  const end = first + cluster.hostVms[host]!;
  hostPast.fill(0, past, past + historyMax);
  for (let slot = first; slot < end; slot++) {
    const vm = cluster.slotVm[slot]!;
    for (let age = 0; age < demand.length; age++) {
      hostPast[past + age]! += ratios[pastPlace(demand, vm, age)]!;
    }
  }
  test.hostPastValid[host] = 1;
}

/** Difference of the third and first quartile of `values[0 … count - 1]`, which it sorts. */
export function interquartileRange(values: Float64Array, count: number): number {
  sortAscending(values, count);
  const first = Math.floor(0.25 * (count + 1) + 0.5) - 1;
  const third = Math.floor(0.75 * (count + 1) + 0.5) - 1;
  return values[third]! - values[first]!;
}

/** Median distance of `values[0 … count - 1]` from their median; overwrites them. */
export function medianDeviation(values: Float64Array, count: number): number {
  const middle = median(values, count);
  for (let index = 0; index < count; index++) values[index] = Math.abs(middle - values[index]!);
  return median(values, count);
}

/** The 50th percentile as commons-math defines it by default; sorts the values. */
function median(values: Float64Array, count: number): number {
  sortAscending(values, count);
  const position = 0.5 * (count + 1);
  const below = Math.floor(position);
  const low = values[below - 1]!;
  return low + (position - below) * (values[Math.min(below, count - 1)]! - low);
}

/** Sorts `values[0 … count - 1]`; at most 30 of them, mostly in order, so by insertion. */
function sortAscending(values: Float64Array, count: number): void {
  for (let index = 1; index < count; index++) {
    const value = values[index]!;
    let place = index;
    while (place > 0 && values[place - 1]! > value) {
      values[place] = values[place - 1]!;
      place--;
    }
    values[place] = value;
  }
}
