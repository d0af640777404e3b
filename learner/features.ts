/**
 * What the network sees: one row per host as it would stand after a plan (or as it stands now),
 * and one row per VM on it. Everything is computed from a `ClusterView`, that is from measurements
 * that were over when the decision was made, and is relative to the host's own size, so that
 * neither the number of hosts nor their kind enters the network's shape.
 */
import type { ClusterView } from '../sim/index.ts';

/** Newest measurements that enter the features, intervals. */
export const historyLength = 12;

/** A host as a plan would leave it. */
export interface HostCase {
  readonly host: number;
  /** Taking VMs, or on its way to. */
  readonly on: boolean;
  readonly pstate: number;
  /** VMs it would have, by id. */
  readonly residents: readonly number[];
  /** Of those, the ones that move there with the plan. */
  readonly arriving: readonly number[];
  /** VMs that leave with the plan. */
  readonly leaving: readonly number[];
}

/** One column of a table. */
export interface FeatureSpec {
  readonly name: string;
  readonly unit: string;
}

const spec = (name: string, unit: string): FeatureSpec => ({ name, unit });

/** Columns of the host table; "capacity" is all cores at the case's P-state. */
export const hostFeatures: readonly FeatureSpec[] = [
  spec('on', '0 or 1'),
  spec('wakes', '0 or 1'),
  spec('switchesOff', '0 or 1'),
  spec('utilizationNow', 'fraction of capacity'),
  spec('utilizationMean3', 'fraction of capacity'),
  spec('utilizationMean12', 'fraction of capacity'),
  spec('utilizationMax12', 'fraction of capacity'),
  spec('utilizationDeviation12', 'fraction of capacity'),
  spec('utilizationStep12', 'fraction of capacity, mean absolute change per interval'),
  spec('utilizationTrend', 'fraction of capacity, newest 3 minus the 9 before'),
  spec('excess12', 'fraction of capacity, mean demand above capacity'),
  spec('excessNow', 'fraction of capacity'),
  spec('excessShare12', 'fraction of the last 12 intervals with demand above capacity'),
  spec('slowCores', 'fraction of capacity, peak demand above what vCPUs can run'),
  spec('relativeSpeed', 'capacity / capacity in P-state 0'),
  spec('size', 'capacity in P-state 0 / 40,000 MIPS'),
  spec('idlePower', 'kW'),
  spec('fullPower', 'kW'),
  spec('powerNow', 'kW at utilizationNow'),
  spec('powerMean12', 'kW at utilizationMean12'),
  spec('overcommit', 'nominal size of VMs / capacity'),
  spec('vms', 'tens'),
  spec('memory', 'fraction in use'),
  spec('arriving', 'VMs'),
  spec('arrivingDemand', 'fraction of capacity'),
  spec('leaving', 'VMs'),
  spec('copySeconds', 'memory to copy / transfer rate, 100 s'),
  spec('unmeasured', 'fraction of VMs with no measurement'),
  spec('clusterUtilization', 'fraction of the capacity of hosts that are on'),
  spec('clusterOn', 'fraction of hosts'),
  spec('daySine', 'time of day'),
  spec('dayCosine', 'time of day'),
];

/** Columns of the VM table. */
export const vmFeatures: readonly FeatureSpec[] = [
  spec('demandNow', 'fraction of its nominal size'),
  spec('demandMean12', 'fraction of its nominal size'),
  spec('demandMax12', 'fraction of its nominal size'),
  spec('demandDeviation12', 'fraction of its nominal size'),
  spec('share', 'newest demand / capacity of the host'),
  spec('peakShare', 'largest of 12 demands / capacity of the host'),
  spec('size', 'nominal size / capacity of the host'),
  spec('arriving', '0 or 1'),
];

const dayMs = 86_400_000;

/** Feature rows for the cases of one decision. Reads each VM's history once. */
export class FeatureExtractor {
  readonly #cluster: ClusterView;
  /** [vms × historyLength] MIPS, newest first; filled per VM on first use. */
  readonly #history: Float64Array;
  readonly #known: Uint8Array;
  readonly #clusterUtilization: number;
  readonly #clusterOn: number;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
    this.#history = new Float64Array(cluster.vms * historyLength);
    this.#known = new Uint8Array(cluster.vms);
    let demand = 0;
    let capacity = 0;
    let on = 0;
    for (let host = 0; host < cluster.hosts; host++) {
      if (!cluster.isAvailable(host)) continue;
      on++;
      demand += cluster.hostDemandMips(host);
      capacity += cluster.peakMips(host);
    }
    this.#clusterUtilization = capacity > 0 ? demand / capacity : 0;
    this.#clusterOn = cluster.hosts > 0 ? on / cluster.hosts : 0;
  }

  /** Writes the host row of `hostCase` to `out` from `offset` on. */
  writeHost(hostCase: HostCase, out: Float32Array, offset: number): void {
    const cluster = this.#cluster;
    const { host, pstate, residents, arriving, leaving } = hostCase;
    const peak = cluster.peakMips(host);
    const capacity = cluster.cores(host) * cluster.coreMips(host, pstate);
    const demand = new Float64Array(historyLength);
    let nominal = 0;
    let memory = 0;
    let unmeasured = 0;
    let slowCores = 0;
    for (const vm of residents) {
      const start = this.#loadHistory(vm);
      const top = cluster.vcpus(vm) * cluster.coreMips(host, pstate);
      let largest = 0;
      for (let lag = 0; lag < historyLength; lag++) {
        const mips = this.#history[start + lag]!;
        demand[lag]! += mips;
        if (mips > largest) largest = mips;
      }
      slowCores += Math.max(0, largest - top);
      nominal += cluster.vcpus(vm) * cluster.vcpuMips(vm);
      memory += cluster.vmMemoryBytes(vm);
      if (cluster.observations(vm) === 0) unmeasured++;
    }
    const load = summarizeSeries(demand, capacity);
    let arrivingDemand = 0;
    for (const vm of arriving) arrivingDemand += cluster.demandMips(vm);
    const power = (utilization: number): number =>
      hostCase.on ? cluster.powerW(host, pstate, utilization * capacity) : cluster.offW(host);
    const phase = (2 * Math.PI * (cluster.nowMs % dayMs)) / dayMs;
    const values = [
      hostCase.on ? 1 : 0,
      hostCase.on && cluster.isOff(host) ? 1 : 0,
      !hostCase.on && cluster.isAvailable(host) ? 1 : 0,
      load.now,
      load.mean3,
      load.mean,
      load.max,
      load.deviation,
      load.step,
      load.trend,
      load.excess,
      Math.max(0, load.now - 1),
      load.excessShare,
      slowCores / capacity,
      capacity / peak,
      peak / 40_000,
      power(0) / 1000,
      power(1) / 1000,
      power(Math.min(1, load.now)) / 1000,
      power(Math.min(1, load.mean)) / 1000,
      nominal / capacity,
      residents.length / 10,
      memory / cluster.memoryBytes(host),
      arriving.length,
      arrivingDemand / capacity,
      leaving.length,
      this.#copySeconds(arriving) / 100,
      residents.length > 0 ? unmeasured / residents.length : 0,
      this.#clusterUtilization,
      this.#clusterOn,
      Math.sin(phase),
      Math.cos(phase),
    ];
    out.set(values, offset);
  }

  /** Writes the row of VM `vm` on `hostCase` to `out` from `offset` on. */
  writeVm(vm: number, hostCase: HostCase, out: Float32Array, offset: number): void {
    const cluster = this.#cluster;
    const capacity =
      cluster.cores(hostCase.host) * cluster.coreMips(hostCase.host, hostCase.pstate);
    const nominal = cluster.vcpus(vm) * cluster.vcpuMips(vm);
    const start = this.#loadHistory(vm);
    const series = this.#history.subarray(start, start + historyLength);
    const load = summarizeSeries(series, nominal);
    out.set(
      [
        load.now,
        load.mean,
        load.max,
        load.deviation,
        (load.now * nominal) / capacity,
        (load.max * nominal) / capacity,
        nominal / capacity,
        hostCase.arriving.includes(vm) ? 1 : 0,
      ],
      offset,
    );
  }

  #copySeconds(arriving: readonly number[]): number {
    const cluster = this.#cluster;
    let seconds = 0;
    for (const vm of arriving) {
      if (cluster.isPending(vm)) continue;
      const rate = cluster.migrationBytesPerS(vm);
      if (rate > 0) seconds += cluster.vmMemoryBytes(vm) / rate;
    }
    return seconds;
  }

  /** History of `vm`, newest first; a VM measured for less long repeats its oldest value. */
  #loadHistory(vm: number): number {
    const start = vm * historyLength;
    if (this.#known[vm] === 1) return start;
    this.#known[vm] = 1;
    const measured = Math.min(historyLength, this.#cluster.observations(vm));
    let mips = this.#cluster.demandMips(vm);
    for (let lag = 0; lag < historyLength; lag++) {
      if (lag < measured) mips = this.#cluster.demandAt(vm, lag + 1);
      this.#history[start + lag] = mips;
    }
    return start;
  }
}

interface SeriesSummary {
  readonly now: number;
  readonly mean3: number;
  readonly mean: number;
  readonly max: number;
  readonly deviation: number;
  readonly step: number;
  readonly trend: number;
  readonly excess: number;
  readonly excessShare: number;
}

/** Statistics of a series (newest first) relative to `whole`. */
function summarizeSeries(series: Float64Array, whole: number): SeriesSummary {
  let sum = 0;
  let sumRecent = 0;
  let squares = 0;
  let max = 0;
  let steps = 0;
  let excess = 0;
  let above = 0;
  for (let lag = 0; lag < historyLength; lag++) {
    const value = series[lag]! / whole;
    sum += value;
    squares += value * value;
    if (lag < 3) sumRecent += value;
    if (lag > 0) steps += Math.abs(value - series[lag - 1]! / whole);
    if (value > max) max = value;
    if (value > 1) {
      excess += value - 1;
      above++;
    }
  }
  const mean = sum / historyLength;
  const variance = Math.max(0, squares / historyLength - mean * mean);
  return {
    now: series[0]! / whole,
    mean3: sumRecent / 3,
    mean,
    max,
    deviation: Math.sqrt(variance),
    step: steps / (historyLength - 1),
    trend: sumRecent / 3 - (sum - sumRecent) / (historyLength - 3),
    excess: excess / historyLength,
    excessShare: above / historyLength,
  };
}
