/** Migrations that break: a host or the connection is gone. */
import { migrationOutcome, migrationStage } from '../status.ts';
import type { Twin } from '../twin.ts';
import { departVm } from '../vms/vm-lifecycle.ts';
import { dropMigration } from './end.ts';

/** What is done with a VM whose host or memory is gone. */
export type EndVm = (twin: Twin, vm: number) => void;

/**
 * The connection of a migration breaks. The VM runs on at the source; if it had switched to
 * post-copy, its memory is spread over two hosts and it is lost.
 *
 * @param endVm Ends a VM that is lost.
 */
export function failMigration(twin: Twin, flow: number, endVm: EndVm = departVm): void {
  const { state } = twin;
  const stage = state.migrationStage[flow]!;
  if (stage === migrationStage.free) return;
  const vm = state.migrationVm[flow]!;
  if (stage === migrationStage.postCopy) {
    state.migrationOutcomes[migrationOutcome.vmLost]!++;
    endVm(twin, vm);
    return;
  }
  state.migrationOutcomes[migrationOutcome.failed]!++;
  dropMigration(twin, flow);
}

/** Migrations that cannot go on without `host`: all to it, and those that pull memory from it. */
export function migrationsEndingWith(twin: Twin, host: number): number[] {
  const { model, state } = twin;
  const found: number[] = [];
  if (state.hostIncoming[host]! + state.hostOutgoing[host]! === 0) return found;
  for (let flow = 0; flow < model.migrationsMax; flow++) {
    const stage = state.migrationStage[flow]!;
    if (stage === migrationStage.free) continue;
    const pulls = stage === migrationStage.postCopy && state.migrationSource[flow] === host;
    if (pulls || state.migrationTarget[flow] === host) found.push(flow);
  }
  return found;
}
