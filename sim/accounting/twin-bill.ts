/** The bill of a run whose model has accounting. */
import type { Twin } from '../twin.ts';
import { type Bill, type BillSpec, billOf } from './bill.ts';
import { unattributedEnergy, vmEnergy } from './twin-ledger.ts';

/** Everything charged so far; settle first (`settleAll`, or `summarize` at the end of a run). */
export function billOfTwin(twin: Twin, spec: BillSpec): Bill {
  const charges = twin.model.workload.vmNames.map((name, vm) => ({
    vm: name,
    ...vmEnergy(twin, vm),
  }));
  const { idleJ, hostJ, offJ, transitionJ } = unattributedEnergy(twin);
  return billOf(charges, idleJ + hostJ + offJ + transitionJ, spec);
}
