/**
 * What the VMs ask for over time (`UtilizationModelPlanetLabInMemory.java`): the trace's samples,
 * joined by straight lines, with the last sample repeated at the end of the day.
 */

import type { Cluster } from './cluster.ts';
import {
  historyMax,
  hostTypeCount,
  hostTypeTotalMips,
  intervalS,
  samplesPerDay,
} from './constants.ts';

/** Samples of one VM in `Demand.fractions`: a day's and the repeated last one. */
const row = samplesPerDay + 1;
/** Places in a ring of history; a power of two above `historyMax`. */
const ring = 32;

export interface Demand {
  /** CPU load as a fraction, [vm × 289 + sample]. */
  readonly fractions: Float64Array;
  /** Load at the latest periodic updates, [vm × 32 + place]. */
  readonly pastFractions: Float64Array;
  /** Requested MIPS over a host's total at those updates, one column a host type. */
  readonly pastRatios: readonly Float64Array[];
  /** Place of the latest update in the rings. */
  newest: number;
  /** Updates remembered, at most `historyMax`. */
  length: number;
}

/** Reads the traces (percent) into fractions; nothing is remembered yet. */
export function createDemand(traces: readonly Uint8Array[]): Demand {
  const fractions = new Float64Array(traces.length * row);
  traces.forEach((trace, vm) => {
    for (let sample = 0; sample < samplesPerDay; sample++) {
      fractions[vm * row + sample] = trace[sample]! / 100;
    }
    fractions[vm * row + samplesPerDay] = fractions[vm * row + samplesPerDay - 1]!;
  });
  return {
    fractions,
    pastFractions: new Float64Array(traces.length * ring),
    pastRatios: Array.from({ length: hostTypeCount }, () => new Float64Array(traces.length * ring)),
    newest: -1,
    length: 0,
  };
}

/** Sets the request of every live VM to that of `timeS`, which is no whole number of intervals. */
export function updateRequests(demand: Demand, cluster: Cluster, timeS: number): void {
  const { fractions } = demand;
  const { vmHost, vmMips, vmRequestMips } = cluster;
  const sample = Math.floor(timeS / intervalS);
  const elapsedS = timeS - sample * intervalS;
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    if (vmHost[vm]! < 0) continue;
    const from = fractions[vm * row + sample]!;
    const slope = (fractions[vm * row + sample + 1]! - from) / intervalS;
    vmRequestMips[vm] = (from + slope * elapsedS) * vmMips[vm]!;
  }
}

/** Remembers the loads of `timeS`, a periodic update whose requests are already set. */
export function remember(demand: Demand, cluster: Cluster, timeS: number): void {
  const { fractions, pastFractions, pastRatios } = demand;
  const { vmHost, vmRequestMips } = cluster;
  const sample = Math.floor(timeS / intervalS);
  const elapsedS = timeS - sample * intervalS;
  demand.newest = (demand.newest + 1) % ring;
  demand.length = Math.min(demand.length + 1, historyMax);
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    if (vmHost[vm]! < 0) continue;
    const from = fractions[vm * row + sample]!;
    const slope = (fractions[vm * row + sample + 1]! - from) / intervalS;
    const place = vm * ring + demand.newest;
    pastFractions[place] = from + slope * elapsedS;
    for (let type = 0; type < hostTypeCount; type++) {
      pastRatios[type]![place] = vmRequestMips[vm]! / hostTypeTotalMips[type]!;
    }
  }
}

/** Place in a ring of the value `age` updates before the newest, for `vm`. */
export function pastPlace(demand: Demand, vm: number, age: number): number {
  return vm * ring + ((demand.newest - age) & (ring - 1));
}
