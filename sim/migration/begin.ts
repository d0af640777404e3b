/**
 * The start of a live migration: memory held at the target, the stages ahead chosen, the first
 * transfer on its way. The caller has checked that the move is legal.
 */
import { assert } from '../errors.ts';
import { drawMigrationFaults } from '../faults/migration-faults.ts';
import { settleHost, shareHost } from '../sharing.ts';
import { migrationStage } from '../status.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { rulesOf } from './columns.ts';
import { beginMemory, beginStorage } from './transfers.ts';

/** Starts moving `vm` to `target`. */
export function beginMigration(twin: Twin, vm: number, target: number): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const source = state.vmHost[vm]!;
  assert(state.freeCount[0]! > 0, () => `more than ${model.migrationsMax} migrations in flight`);
  settleHost(twin, source, nowMs);
  const flow = state.freeMigrations[--state.freeCount[0]!]!;
  const storageBytes = model.migrationStorageBytes[vm]!;
  state.vmMigration[vm] = flow;
  state.migrationVm[flow] = vm;
  state.migrationSource[flow] = source;
  state.migrationTarget[flow] = target;
  state.migrationStage[flow] = storageBytes > 0 ? migrationStage.disk : migrationStage.memory;
  state.migrationStartMs[flow] = nowMs;
  state.migrationPauseMs[flow] = nowMs;
  state.migrationDowntimeMs[flow] = 0;
  state.migrationThrottle[flow] = 0;
  state.migrationRounds[flow] = 0;
  state.migrationTooDirty[flow] = 0;
  state.migrationStalls[flow] = 0;
  state.hostOutgoing[source]!++;
  state.hostIncoming[target]!++;
  state.hostCopied[source]!++;
  state.hostSpecial[source]!++;
  state.hostSpecial[target]!++;
  const memory = model.workload.memoryBytes[vm]!;
  state.hostReservedBytes[target]! += memory;
  const coreMips = model.pstateCoreMips[model.pstateStart[source]! + state.hostPstate[source]!]!;
  const dirtied = model.migrationBytesPerS[vm]! * model.migrationDirtyIntensity[vm]!;
  state.dirtyBytesPerMi[flow] = coreMips > 0 ? dirtied / coreMips : 1;
  state.migrationLeftBytes[flow] = memory;
  drawMigrationFaults(twin, flow, vm);
  shareHost(twin, source);
  twin.recorder?.migrationStarted?.(vm, source, target, nowMs);
  const { timeoutS, onTimeout } = rulesOf(twin, flow);
  if (timeoutS < Infinity && onTimeout !== 'goOn') {
    const deadlineMs = nowMs + timeoutS * 1000;
    schedule(state, twin.timers.deadline + flow, deadlineMs, phases.completion);
  }
  if (storageBytes > 0) beginStorage(twin, flow, storageBytes);
  else beginMemory(twin, flow);
}
