/** A migration under way as a policy may see it: what `virsh domjobinfo` tells. */
import { migrationStage } from '../status.ts';
import type { Twin } from '../twin.ts';

/** Progress of one migration. */
export interface MigrationProgress {
  readonly source: number;
  readonly target: number;
  readonly stage: Exclude<keyof typeof migrationStage, 'free'>;
  readonly elapsedS: number;
  /** Transfers of memory done. */
  readonly rounds: number;
  /** Known to be left after the last transfer, bytes. */
  readonly leftBytes: number;
  /** Rate now, on the wire, bytes/s. */
  readonly bytesPerS: number;
  /** Fraction of its CPU that the VM is denied. */
  readonly throttle: number;
}

const stageNames = Object.entries(migrationStage).toSorted(([, a], [, b]) => a - b);

/** @returns `undefined` for a VM that is not migrating. */
export function migrationProgress(twin: Twin, vm: number): MigrationProgress | undefined {
  const { state } = twin;
  const flow = state.vmMigration[vm] ?? -1;
  if (flow < 0) return undefined;
  const [stage] = stageNames[state.migrationStage[flow]!]!;
  return {
    source: state.migrationSource[flow]!,
    target: state.migrationTarget[flow]!,
    stage: stage as MigrationProgress['stage'],
    elapsedS: (state.nowMs[0]! - state.migrationStartMs[flow]!) / 1000,
    rounds: state.migrationRounds[flow]!,
    leftBytes: state.migrationLeftBytes[flow]!,
    bytesPerS: state.flowBytesPerS[flow]!,
    throttle: state.migrationThrottle[flow]!,
  };
}
