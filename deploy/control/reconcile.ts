/** After a controller was killed: what it had begun is looked at, and its end written down. */
import type { Executor } from '../actions/executor.ts';
import { describeOperation, type Operation } from '../actions/operation.ts';
import type { Entry } from '../journal/record.ts';
import { OperationError } from '../operation-error.ts';

export interface OpenIntent {
  readonly seq: number;
  readonly operation: Operation;
}

/**
 * Closes intents that have no end: done if the world is as wanted, else failed. Nothing is done again;
 * what each of them changed can still be undone.
 *
 * @returns One sentence per intent, for people.
 */
export async function reconcile(
  open: readonly OpenIntent[],
  executor: Executor,
  journal: { append(entry: Entry): number },
  signal?: AbortSignal,
): Promise<string[]> {
  const notes: string[] = [];
  for (const { seq: intent, operation } of open) {
    const what = describeOperation(operation);
    try {
      const { isDone } = await executor.prepare(operation, { signal });
      if (isDone) {
        journal.append({ kind: 'done', intent, effect: { elapsedMs: 0, didChange: true } });
        notes.push(`an earlier controller ended while it did this, and it is done: ${what}`);
        continue;
      }
      const message = 'the controller ended before it was done';
      journal.append({ kind: 'failed', intent, code: 'ERR_INTERRUPTED', message });
      notes.push(
        `an earlier controller ended before it could do this, and it is not done: ${what}`,
      );
    } catch (error) {
      if (!(error instanceof OperationError) || error.code === 'ERR_JOURNAL') throw error;
      const { code, message } = error;
      journal.append({ kind: 'failed', intent, code, message });
      notes.push(`an earlier controller began this and its end is not known: ${what} (${message})`);
    }
  }
  return notes;
}
