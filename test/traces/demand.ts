/** A workload's demand as plain numbers, for comparisons. */
import type { Workload } from '../../sim/index.ts';

/** Demand of a VM in every row, MIPS. */
export function demandOf(workload: Workload, name: string): number[] {
  const vm = workload.vmNames.indexOf(name);
  const vms = workload.vmNames.length;
  return Array.from(
    { length: workload.steps },
    (_, step) => workload.demandUnits[step * vms + vm]! * workload.mipsPerUnit[vm]!,
  );
}

/** Work of a VM: Σ demand × time that it lives in the row, MIPS × ms. */
export function workOf(workload: Workload, name: string): number {
  const vm = workload.vmNames.indexOf(name);
  const { intervalMs } = workload;
  return demandOf(workload, name).reduce((sum, mips, step) => {
    const from = Math.max(workload.arrivalMs[vm]!, step * intervalMs);
    const until = Math.min(workload.departureMs[vm]!, (step + 1) * intervalMs);
    return sum + mips * Math.max(0, until - from);
  }, 0);
}

/** Largest error of a cell by its 16-bit units, MIPS: half a unit. */
export function unitError(workload: Workload, name: string): number {
  return workload.mipsPerUnit[workload.vmNames.indexOf(name)]! / 2 + 1e-9;
}
