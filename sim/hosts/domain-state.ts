/** What changes about frequency domains and their governors, as columns of the cluster's state. */

import type { ClusterModel } from '../model.ts';
import type { Cursor } from '../numbers/column-cursor.ts';

export interface DomainState {
  /** [domains] The P-state that holds and the one last asked for. */
  readonly pstate: Int32Array;
  readonly requested: Int32Array;
  /** 0, or 1 + the P-state that begins when the domain no longer stands still. */
  readonly halted: Int32Array;
  /** Next step of the domain's P-state change, ms; Infinity for none. */
  readonly dueMs: Float64Array;
  /** Water level, MIPS per weight, and load in [0, 1]; kept on hosts with several domains. */
  readonly level: Float64Array;
  readonly load: Float64Array;
  /** Kept on governed hosts: CPU used and there, MIPS, and load of the busiest vCPU, in [0, 1]. */
  readonly usedMips: Float64Array;
  readonly capacityMips: Float64Array;
  readonly peakLoad: Float64Array;
  /** Their integrals, MIPS·s and ms, and those at the grid point before the last settling. */
  readonly workMi: Float64Array;
  readonly capacityMi: Float64Array;
  readonly peakMs: Float64Array;
  readonly workBeforeMi: Float64Array;
  readonly capacityBeforeMi: Float64Array;
  readonly peakBeforeMs: Float64Array;
  /** [domains × governorSlots] What a governor remembers about a domain. */
  readonly governorMemory: Float64Array;
}

export function domainColumns(model: ClusterModel, take: Cursor): DomainState {
  const { domains } = model;
  return {
    pstate: take.i32(domains),
    requested: take.i32(domains),
    halted: take.i32(domains),
    dueMs: take.f64(domains),
    level: take.f64(domains),
    load: take.f64(domains),
    usedMips: take.f64(domains),
    capacityMips: take.f64(domains),
    peakLoad: take.f64(domains),
    workMi: take.f64(domains),
    capacityMi: take.f64(domains),
    peakMs: take.f64(domains),
    workBeforeMi: take.f64(domains),
    capacityBeforeMi: take.f64(domains),
    peakBeforeMs: take.f64(domains),
    governorMemory: take.f64(domains * model.governorSlots),
  };
}
