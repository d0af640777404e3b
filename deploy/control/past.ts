/** When VMs were moved and hosts switched: what cool-downs count from. */
import type { Operation } from '../actions/operation.ts';
import type { JournalRecord } from '../journal/record.ts';
import type { Past } from './guard/rules.ts';

export class ActionMemory implements Past {
  readonly movedMs = new Map<string, number>();
  readonly powerMs = new Map<string, number>();

  /** What a journal tells, also of controllers before this one. */
  static of(records: Iterable<JournalRecord>): ActionMemory {
    const memory = new ActionMemory();
    const begun = new Map<number, Operation>();
    for (const record of records) {
      if (record.kind === 'intent') begun.set(record.seq, record.operation);
      if (record.kind !== 'done' && record.kind !== 'failed') continue;
      const operation = begun.get(record.intent);
      if (operation !== undefined) memory.note(operation, record.atMs);
    }
    return memory;
  }

  /** An operation has ended, well or not. */
  note(operation: Operation, atMs: number): void {
    if (operation.type === 'migrate') this.movedMs.set(operation.vm, atMs);
    if (operation.type === 'wakeHost' || operation.type === 'sleepHost') {
      this.powerMs.set(operation.host, atMs);
    }
  }
}
