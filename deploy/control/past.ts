/** When VMs were moved and hosts switched: what cool-downs count from. */
import type { Operation } from '../actions/operation.ts';
import type { JournalRecord } from '../journal/record.ts';
import type { Past } from './guard/rules.ts';

/** Takes what has ended, from a journal or from a controller that runs. */
export class ActionMemory implements Past {
  readonly movedMs = new Map<string, number>();
  readonly powerMs = new Map<string, number>();
  /** Hosts that were switched off and not woken since. */
  readonly sleeping = new Map<string, 'off' | 'asleep'>();

  /** What a journal tells, also of controllers before this one. */
  static of(records: Iterable<JournalRecord>): ActionMemory {
    const memory = new ActionMemory();
    const begun = new Map<number, Operation>();
    for (const record of records) {
      if (record.kind === 'intent') begun.set(record.seq, record.operation);
      if (record.kind !== 'done' && record.kind !== 'failed' && record.kind !== 'undone') continue;
      const operation = begun.get(record.intent);
      if (record.kind === 'undone') {
        if (operation?.type === 'sleepHost') memory.sleeping.delete(operation.host);
        continue;
      }
      if (operation !== undefined) memory.note(operation, record.kind === 'done', record.atMs);
    }
    return memory;
  }

  /** An operation has ended, well or not. */
  note(operation: Operation, isDone: boolean, atMs: number): void {
    if (operation.type === 'migrate') this.movedMs.set(operation.vm, atMs);
    if (operation.type !== 'wakeHost' && operation.type !== 'sleepHost') return;
    const { host } = operation;
    this.powerMs.set(host, atMs);
    if (operation.type === 'wakeHost') this.sleeping.delete(host);
    else if (isDone) this.sleeping.set(host, operation.to === 'S3' ? 'asleep' : 'off');
  }
}
