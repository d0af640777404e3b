/** Past and expected demand of a snapshot's VMs on the twin's grid of whole intervals. */
import {
  createWorkload,
  historyMax,
  sharedUint16,
  type VmSpec,
  type Workload,
} from '../../sim/index.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';

/**
 * Demand of a VM in the next `steps` intervals, MHz.
 *
 * @param history As far back as it is known, oldest first.
 */
export type Forecast = (history: readonly number[], steps: number, vm: number) => readonly number[];

export interface DemandGrid {
  readonly workload: Workload;
  /** Rows that are over. */
  readonly pastRows: number;
}

const unitsMax = 65_535;

/**
 * The newest intervals that policies see, then the expected ones. The row of an interval is the same
 * for all VMs; those with a shorter history come later. Values are rounded to 1 / 65,535 of the
 * largest of a VM's at most, and exact where they are whole multiples of a power of two in reach.
 */
export function demandGrid(
  { vms, hosts, intervalS }: ClusterSnapshot,
  horizon: number,
  forecast: Forecast,
): DemandGrid {
  const intervalMs = Math.round(intervalS * 1000);
  let pastRows = 0;
  for (const { demandMhz } of vms) pastRows = Math.max(pastRows, demandMhz.length);
  pastRows = Math.min(pastRows, historyMax);
  const vcpuMips = nominalMips(hosts);
  const units = sharedUint16((pastRows + horizon) * vms.length);
  const specs = vms.map(({ name, vcpus, memoryBytes, demandMhz }, vm): VmSpec => {
    const seen = Math.min(demandMhz.length, pastRows);
    const future = forecast(demandMhz, horizon, vm);
    const skipped = demandMhz.length - seen;
    const unit = unitFor(Math.max(mostFrom(demandMhz, skipped), mostFrom(future, 0)));
    let cell = (pastRows - seen) * vms.length + vm;
    for (let index = skipped; index < demandMhz.length; index++, cell += vms.length) {
      units[cell] = Math.round(demandMhz[index]! / unit);
    }
    for (let step = 0; step < horizon; step++, cell += vms.length) {
      units[cell] = Math.round((future[step] ?? future.at(-1) ?? 0) / unit);
    }
    return {
      name,
      vcpus,
      vcpuMips,
      memoryBytes,
      arrivalMs: (pastRows - seen) * intervalMs,
      departureMs: Infinity,
      mipsPerUnit: unit,
    };
  });
  return { workload: createWorkload('live', intervalMs, specs, units), pastRows };
}

/**
 * Nominal speed of a vCPU, MIPS. Real VMs have none: it is the fastest frequency of the slowest
 * host, so that every VM may go to every host, and a lost vCPU·s is the same on all of them.
 */
function nominalMips(hosts: ClusterSnapshot['hosts']): number {
  let slowest = Infinity;
  for (const { frequenciesMhz } of hosts) slowest = Math.min(slowest, frequenciesMhz[0]!);
  return slowest;
}

function mostFrom(values: readonly number[], from: number): number {
  let most = 0;
  for (let index = from; index < values.length; index++) most = Math.max(most, values[index]!);
  return most;
}

/** Smallest power of two of which `unitsMax` reach `mips`; from 2^-20 on. */
function unitFor(mips: number): number {
  let unit = 2 ** -20;
  while (unit * unitsMax < mips) unit *= 2;
  return unit;
}
