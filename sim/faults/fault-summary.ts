/** What failures amounted to in a run. */
import { migrationOutcome } from '../status.ts';
import type { Twin } from '../twin.ts';

export interface FaultSummary {
  readonly hostFailures: number;
  /** Mean over hosts of the fraction of time that they were not failed. */
  readonly hostAvailability: number;
  readonly vmCrashes: number;
  /** From a crash until the VM ran again, all VMs together. */
  readonly vmHoursDown: number;
  /** Migrations that broke, and VMs that post-copy lost. */
  readonly migrationsFailed: number;
  readonly vmsLostInPostCopy: number;
}

/** @returns `undefined` for a model without faults. */
export function summarizeFaults(twin: Twin): FaultSummary | undefined {
  const { model, state } = twin;
  if (model.faults === undefined) return undefined;
  const { faults } = state;
  const nowMs = twin.nowMs;
  let failedMs = 0;
  let downMs = 0;
  for (let host = 0; host < model.hosts; host++) {
    failedMs += faults.hostFailedMs[host]!;
    if (faults.hostFailures[host]! > 0) failedMs += nowMs - faults.hostFailedSinceMs[host]!;
  }
  for (let vm = 0; vm < model.vms; vm++) {
    downMs += faults.vmDownMs[vm]!;
    if (faults.vmIsDown[vm] === 1) downMs += nowMs - faults.vmDownSinceMs[vm]!;
  }
  const sum = (column: Iterable<number>): number => {
    let total = 0;
    for (const value of column) total += value;
    return total;
  };
  return {
    hostFailures: sum(faults.hostCrashes),
    hostAvailability: nowMs > 0 ? 1 - failedMs / (nowMs * model.hosts) : 1,
    vmCrashes: sum(faults.vmCrashes),
    vmHoursDown: downMs / 3_600_000,
    migrationsFailed: state.migrationOutcomes[migrationOutcome.failed]!,
    vmsLostInPostCopy: state.migrationOutcomes[migrationOutcome.vmLost]!,
  };
}
