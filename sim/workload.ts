/**
 * What the VMs ask for: a cohort of VMs with their sizes, lifetimes and CPU demand on one regular
 * time grid. Readers in `traces/` produce it; the twin only reads it, from any number of threads.
 *
 * Demand is stored as whole units with a scale per VM (`demandMips = units × mipsPerUnit`): a
 * percent trace of a 2500 MIPS VM has units 0…100 and scale 25, so sums over a host are exact
 * integers and do not depend on their order. Readers of real-valued traces take as unit the smallest
 * power of two MIPS with which 65,535 units reach the VM's capacity: an error of at most 0.0016 % of
 * the capacity, and sums that stay exact.
 */

import { assert } from './errors.ts';
import { sharedFloat64, sharedInt32, sharedUint16 } from './numbers/columns.ts';

/** A cohort of VMs. All typed arrays stand on SharedArrayBuffers and are never written again. */
export interface Workload {
  /** Where it comes from, for people and manifests, e.g. `planetlab:20110303`. */
  readonly name: string;
  /** Step of the demand grid, ms. */
  readonly intervalMs: number;
  /** Rows of the grid. Row `s` holds from `s × intervalMs` until the next row. */
  readonly steps: number;
  /** Unique external name of each VM. */
  readonly vmNames: readonly string[];
  /** Virtual CPUs, [vms]. */
  readonly vcpus: Int32Array;
  /** Nominal speed of one vCPU, MIPS, [vms]. */
  readonly vcpuMips: Float64Array;
  /** Memory, bytes, [vms]. */
  readonly memoryBytes: Float64Array;
  /** When the VM is asked for, ms, [vms]. */
  readonly arrivalMs: Float64Array;
  /** When the VM ends, ms; `Infinity` when it outlives the trace, [vms]. */
  readonly departureMs: Float64Array;
  /** Demand of one unit, MIPS, [vms]. */
  readonly mipsPerUnit: Float64Array;
  /** Demand, [steps, vms], row-major, in units of `mipsPerUnit`. */
  readonly demandUnits: Uint16Array;
}

/** Plain description of one VM, as readers collect it before the columns are built. */
export interface VmSpec {
  readonly name: string;
  readonly vcpus: number;
  readonly vcpuMips: number;
  readonly memoryBytes: number;
  readonly arrivalMs: number;
  readonly departureMs: number;
  readonly mipsPerUnit: number;
}

/**
 * Builds the columns of a workload.
 *
 * @param demandUnits [steps, vms] row-major, made by `sharedUint16`; taken over, not copied.
 * @throws InvariantError when the shapes disagree.
 */
export function createWorkload(
  name: string,
  intervalMs: number,
  vms: readonly VmSpec[],
  demandUnits: Uint16Array,
): Workload {
  const steps = vms.length === 0 ? 0 : demandUnits.length / vms.length;
  assert(
    Number.isInteger(steps),
    () => `demand has ${demandUnits.length} cells, not a multiple of ${vms.length} VMs`,
  );
  const column = (pick: (vm: VmSpec) => number): Float64Array => {
    const values = sharedFloat64(vms.length);
    vms.forEach((vm, index) => {
      values[index] = pick(vm);
    });
    return values;
  };
  const vcpus = sharedInt32(vms.length);
  vms.forEach((vm, index) => {
    vcpus[index] = vm.vcpus;
  });
  return {
    name,
    intervalMs,
    steps,
    vmNames: vms.map((vm) => vm.name),
    vcpus,
    vcpuMips: column((vm) => vm.vcpuMips),
    memoryBytes: column((vm) => vm.memoryBytes),
    arrivalMs: column((vm) => vm.arrivalMs),
    departureMs: column((vm) => vm.departureMs),
    mipsPerUnit: column((vm) => vm.mipsPerUnit),
    demandUnits,
  };
}

/** The same workload restricted to rows [`fromStep`, `toStep`), its clock starting at 0 again. */
export function sliceWorkload(workload: Workload, fromStep: number, toStep: number): Workload {
  assert(
    fromStep >= 0 && fromStep < toStep && toStep <= workload.steps,
    () => `slice [${fromStep}, ${toStep}) leaves the ${workload.steps} steps of ${workload.name}`,
  );
  const vms = workload.vmNames.length;
  const demandUnits = sharedUint16((toStep - fromStep) * vms);
  demandUnits.set(workload.demandUnits.subarray(fromStep * vms, toStep * vms));
  const offsetMs = fromStep * workload.intervalMs;
  const arrivalMs = sharedFloat64(vms);
  const departureMs = sharedFloat64(vms);
  for (let vm = 0; vm < vms; vm++) {
    arrivalMs[vm] = Math.max(0, workload.arrivalMs[vm]! - offsetMs);
    departureMs[vm] = Math.max(0, workload.departureMs[vm]! - offsetMs);
  }
  return { ...workload, steps: toStep - fromStep, arrivalMs, departureMs, demandUnits };
}
