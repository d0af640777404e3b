/**
 * Service levels as CloudSim's `examples/power/Helper.java` computes them from state histories. A
 * state holds from its time until the next; the last one has no weight.
 *
 * VM totals are taken as time passes. Host totals and the mean of violations run through all
 * states of one host (or VM) before the next, which the last bits depend on: host states are kept
 * as a byte a time, violations as a list that is sorted by VM in the end.
 */

import { activeBit, type Cluster, overloadedBit } from './cluster.ts';
import { intervalS, limitS } from './constants.ts';
import { migrationDelaysS } from './migrations.ts';

export interface Metrics {
  /** Times of updates, s, `[0 … timeCount)`. */
  readonly timesS: Float64Array;
  timeCount: number;
  /** `hostState` at each of the times, [time × hosts + host]. */
  readonly states: Uint8Array;
  readonly vmAskedMipsS: Float64Array;
  readonly vmGivenMipsS: Float64Array;
  readonly vmLostMipsS: Float64Array;
  /** Fractions not given, and the VM each belongs to, in order of time. */
  missing: Float64Array;
  missingVms: Int32Array;
  missingCount: number;
}

export interface ServiceLevels {
  readonly slaOverall: number;
  readonly slatah: number;
  readonly pdm: number;
  readonly slaAverage: number;
  readonly shutdowns: number;
}

export function createMetrics(hostCount: number, vmCount: number, migrating: boolean): Metrics {
  const timesMax = (limitS / intervalS) * (migrating ? 1 + migrationDelaysS.length : 1);
  return {
    timesS: new Float64Array(timesMax),
    timeCount: 0,
    states: new Uint8Array(timesMax * hostCount),
    vmAskedMipsS: new Float64Array(vmCount),
    vmGivenMipsS: new Float64Array(vmCount),
    vmLostMipsS: new Float64Array(vmCount),
    missing: new Float64Array(1024),
    missingVms: new Int32Array(1024),
    missingCount: 0,
  };
}

/** Weighs the states of the last time with the time until `timeS`, before anything changes. */
export function passTime(metrics: Metrics, cluster: Cluster, timeS: number): void {
  closeTime(metrics, cluster);
  if (metrics.timeCount > 0) weighVms(metrics, cluster, timeS);
  metrics.timesS[metrics.timeCount++] = timeS;
}

/** Notes the host states of the last time; they do not change any more. */
export function closeTime(metrics: Metrics, cluster: Cluster): void {
  if (metrics.timeCount === 0) return;
  metrics.states.set(cluster.hostState, (metrics.timeCount - 1) * cluster.hostCount);
}

function weighVms(metrics: Metrics, cluster: Cluster, timeS: number): void {
  const { vmAskedMipsS, vmGivenMipsS, vmLostMipsS } = metrics;
  const { vmHost, vmMigrating, vmRequestMips, vmShareMips } = cluster;
  const elapsedS = timeS - metrics.timesS[metrics.timeCount - 1]!;
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    if (vmHost[vm]! < 0) continue;
    const askedMips = vmRequestMips[vm]!;
    const givenMips = vmShareMips[vm]!;
    vmAskedMipsS[vm]! += askedMips * elapsedS;
    vmGivenMipsS[vm]! += givenMips * elapsedS;
    if (givenMips >= askedMips) continue;
    noteMissing(metrics, vm, (askedMips - givenMips) / askedMips);
    if (vmMigrating[vm] === 1) vmLostMipsS[vm]! += (askedMips - givenMips) * elapsedS;
  }
}

function noteMissing(metrics: Metrics, vm: number, fraction: number): void {
  if (metrics.missingCount === metrics.missing.length) {
    const missing = new Float64Array(2 * metrics.missingCount);
    const missingVms = new Int32Array(2 * metrics.missingCount);
    missing.set(metrics.missing);
    missingVms.set(metrics.missingVms);
    metrics.missing = missing;
    metrics.missingVms = missingVms;
  }
  metrics.missing[metrics.missingCount] = fraction;
  metrics.missingVms[metrics.missingCount] = vm;
  metrics.missingCount++;
}

/** The run's service levels; NaN where nothing was asked for or no host was active. */
export function serviceLevels(metrics: Metrics, hostCount: number): ServiceLevels {
  let askedMipsS = 0;
  let givenMipsS = 0;
  let lostMipsS = 0;
  for (let vm = 0; vm < metrics.vmAskedMipsS.length; vm++) {
    askedMipsS += metrics.vmAskedMipsS[vm]!;
    givenMipsS += metrics.vmGivenMipsS[vm]!;
    lostMipsS += metrics.vmLostMipsS[vm]!;
  }
  return {
    slaOverall: (askedMipsS - givenMipsS) / askedMipsS,
    pdm: lostMipsS / askedMipsS,
    slaAverage: meanMissing(metrics),
    ...hostLevels(metrics, hostCount),
  };
}

function hostLevels(
  metrics: Metrics,
  hostCount: number,
): Pick<ServiceLevels, 'slatah' | 'shutdowns'> {
  const { states, timeCount, timesS } = metrics;
  let overloadedS = 0;
  let activeS = 0;
  let shutdowns = 0;
  for (let host = 0; host < hostCount; host++) {
    let before = activeBit;
    for (let time = 0; time < timeCount; time++) {
      const state = states[time * hostCount + host]!;
      if ((before & activeBit) !== 0) {
        if ((state & activeBit) === 0) shutdowns++;
        if (time > 0) {
          const elapsedS = timesS[time]! - timesS[time - 1]!;
          activeS += elapsedS;
          if ((before & overloadedBit) !== 0) overloadedS += elapsedS;
        }
      }
      before = state;
    }
  }
  return { slatah: overloadedS / activeS, shutdowns };
}

function meanMissing(metrics: Metrics): number {
  const { missing, missingCount, missingVms } = metrics;
  if (missingCount === 0) return 0;
  const vmCount = metrics.vmAskedMipsS.length;
  const next = new Int32Array(vmCount + 1);
  for (let index = 0; index < missingCount; index++) next[missingVms[index]! + 1]!++;
  for (let vm = 0; vm < vmCount; vm++) next[vm + 1]! += next[vm]!;
  const byVm = new Float64Array(missingCount);
  for (let index = 0; index < missingCount; index++) {
    byVm[next[missingVms[index]!]!++] = missing[index]!;
  }
  let sum = 0;
  for (let index = 0; index < missingCount; index++) sum += byVm[index]!;
  return sum / missingCount;
}
