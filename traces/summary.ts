/** Statistics of a workload, for people. */
import type { Workload } from '../sim/index.ts';

/** What `summarize` finds. Utilizations are demand / capacity while a VM lives, fractions. */
export interface WorkloadSummary {
  readonly name: string;
  readonly vms: number;
  readonly steps: number;
  readonly intervalMs: number;
  /** Length of the grid, ms. */
  readonly durationMs: number;
  /** Sum of all VMs' capacity, MIPS, and memory, bytes. */
  readonly capacityMips: number;
  readonly memoryBytes: number;
  /** Over all cells in which a VM lives. */
  readonly utilization: Distribution;
  /** Over the VMs' own means. */
  readonly vmMeans: Distribution;
  /** Over the rows: demand of all VMs alive, MIPS. */
  readonly totalDemandMips: Distribution;
  /** VMs there from the start, arriving later, and leaving before the end. */
  readonly initialVms: number;
  readonly arrivals: number;
  readonly departures: number;
  /** Over the VMs that leave before the end, ms. */
  readonly lifetimeMs: Distribution;
  /** VMs per number of vCPUs, by number of vCPUs. */
  readonly vmsByVcpus: readonly (readonly [vcpus: number, vms: number])[];
}

/** All zero when there is nothing to describe. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly min: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
}

/** Describes a workload. Quantiles are those of the lower neighbour: value floor(p × (n − 1)). */
export function summarize(workload: Workload): WorkloadSummary {
  const vms = workload.vmNames.length;
  const durationMs = workload.steps * workload.intervalMs;
  const indices = Array.from({ length: vms }, (_, vm) => vm);
  const capacities = indices.map((vm) => workload.vcpus[vm]! * workload.vcpuMips[vm]!);
  const leaving = indices.filter((vm) => workload.departureMs[vm]! < durationMs);
  const arriving = indices.filter((vm) => workload.arrivalMs[vm]! > 0);
  const { utilization, vmMeans, totals } = utilizations(workload, capacities);
  const byVcpus = new Map<number, number>();
  for (const vcpus of workload.vcpus) byVcpus.set(vcpus, (byVcpus.get(vcpus) ?? 0) + 1);
  return {
    name: workload.name,
    vms,
    steps: workload.steps,
    intervalMs: workload.intervalMs,
    durationMs,
    capacityMips: capacities.reduce((sum, mips) => sum + mips, 0),
    memoryBytes: workload.memoryBytes.reduce((sum, bytes) => sum + bytes, 0),
    utilization: describe(utilization),
    vmMeans: describe(vmMeans),
    totalDemandMips: describe(totals),
    initialVms: vms - arriving.length,
    arrivals: arriving.length,
    departures: leaving.length,
    lifetimeMs: describe(
      Float64Array.from(leaving, (vm) => workload.departureMs[vm]! - workload.arrivalMs[vm]!),
    ),
    vmsByVcpus: [...byVcpus].sort(([a], [b]) => a - b),
  };
}

/** Cells in which each VM lives, as fractions of its capacity; their means; totals per row, MIPS. */
function utilizations(
  workload: Workload,
  capacities: readonly number[],
): { utilization: Float64Array; vmMeans: Float64Array; totals: Float64Array } {
  const { steps, intervalMs, demandUnits } = workload;
  const vms = capacities.length;
  const totals = new Float64Array(steps);
  const cells = new Float64Array(steps * vms);
  const vmMeans = new Float64Array(vms);
  let cell = 0;
  let mean = 0;
  for (let vm = 0; vm < vms; vm++) {
    const from = Math.floor(workload.arrivalMs[vm]! / intervalMs);
    const to = Math.min(steps, Math.ceil(workload.departureMs[vm]! / intervalMs));
    let sum = 0;
    for (let step = from; step < to; step++) {
      const demandMips = demandUnits[step * vms + vm]! * workload.mipsPerUnit[vm]!;
      totals[step]! += demandMips;
      const fraction = capacities[vm]! > 0 ? demandMips / capacities[vm]! : 0;
      cells[cell++] = fraction;
      sum += fraction;
    }
    if (to > from) vmMeans[mean++] = sum / (to - from);
  }
  return { utilization: cells.subarray(0, cell), vmMeans: vmMeans.subarray(0, mean), totals };
}

/** @param values Sorted in place. */
function describe(values: Float64Array): Distribution {
  const count = values.length;
  values.sort();
  const at = (p: number): number => values[Math.floor(p * (count - 1))] ?? 0;
  let sum = 0;
  for (let index = 0; index < count; index++) sum += values[index]!;
  const mean = count > 0 ? sum / count : 0;
  let squares = 0;
  for (let index = 0; index < count; index++) {
    const deviation = values[index]! - mean;
    squares += deviation * deviation;
  }
  return {
    count,
    mean,
    standardDeviation: count > 0 ? Math.sqrt(squares / count) : 0,
    min: at(0),
    p25: at(0.25),
    median: at(0.5),
    p75: at(0.75),
    p95: at(0.95),
    max: at(1),
  };
}
