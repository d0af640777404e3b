/** Carries out a decision, item by item: written down first, then done, then read back. */
import type { Effect, Executor } from '../actions/executor.ts';
import { describeOperation, hostsOf, type Operation } from '../actions/operation.ts';
import type { Decision, PlanItem } from '../decision.ts';
import type { Entry } from '../journal/record.ts';
import { OperationError } from '../operation-error.ts';

export interface CarryOutContext {
  readonly executor: Executor;
  /** Returns only when the entry is on disk. @throws OperationError when it cannot be. */
  readonly journal: { append(entry: Entry): number };
  /** Asked before every item: why nothing more may be done, if so. */
  readonly stop: () => string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of every change of an item's state. */
  readonly onItem?: (index: number, item: PlanItem) => void;
}

export interface CarriedOut {
  readonly decision: Decision;
  /** Why the controller must do nothing more until a person has looked. */
  readonly halt?: string;
}

/** Failures after which the cluster is not what the twin thinks, and nobody should act on it. */
const halting: ReadonlySet<string> = new Set(['ERR_VM_LOST', 'ERR_VM_TWICE']);

/**
 * Does the planned items in order. What fails takes with it the later items on the same hosts or VM;
 * the others go on.
 *
 * @throws OperationError `ERR_JOURNAL` when an intent cannot be written: nothing is done then.
 */
export async function carryOut(decision: Decision, context: CarryOutContext): Promise<CarriedOut> {
  const items = [...decision.items];
  const failed: Operation[] = [];
  let halt: string | undefined;
  const set = (index: number, change: Partial<PlanItem> & Pick<PlanItem, 'state'>): void => {
    items[index] = { ...items[index]!, ...change };
    context.onItem?.(index, items[index]);
  };
  for (const [index, { operation, state }] of items.entries()) {
    if (state !== 'planned') continue;
    const skip = halt ?? context.stop() ?? whyToSkip(operation, failed);
    if (skip !== undefined) {
      set(index, { state: 'skipped', refusal: { rule: 'stopped', reason: skip } });
      continue;
    }
    set(index, { state: 'running' });
    try {
      const effect = await doOne(operation, { decision: decision.id, item: index }, context);
      set(index, { state: 'done', effect });
    } catch (error) {
      if (!(error instanceof OperationError) || error.code === 'ERR_JOURNAL') throw error;
      const { code, message } = error;
      set(index, { state: 'failed', error: { code, message } });
      failed.push(operation);
      if (halting.has(code)) halt = `${message} (${describeOperation(operation)})`;
    }
  }
  const hasFailed = items.some(({ state }) => state === 'failed' || state === 'skipped');
  return {
    decision: { ...decision, items, state: hasFailed ? 'failed' : 'done' },
    ...(halt === undefined ? {} : { halt }),
  };
}

/** The write-ahead protocol of one operation: look, write down, do, write down. */
async function doOne(
  operation: Operation,
  place: { readonly decision: string; readonly item: number },
  { executor, journal, signal }: CarryOutContext,
): Promise<Effect> {
  const prepared = await executor.prepare(operation, { signal });
  if (prepared.isDone) return { elapsedMs: 0, didChange: false };
  const intent = journal.append({ kind: 'intent', ...place, operation, undo: prepared.undo });
  try {
    const effect = await executor.apply(prepared, { signal });
    journal.append({ kind: 'done', intent, effect });
    return effect;
  } catch (error) {
    if (error instanceof OperationError && error.code !== 'ERR_JOURNAL') {
      journal.append({ kind: 'failed', intent, code: error.code, message: error.message });
    }
    throw error;
  }
}

function whyToSkip(operation: Operation, failed: readonly Operation[]): string | undefined {
  const hosts = new Set(hostsOf(operation));
  const cause = failed.find(
    (other) =>
      hostsOf(other).some((host) => hosts.has(host)) ||
      ('vm' in other && 'vm' in operation && other.vm === operation.vm),
  );
  return cause === undefined ? undefined : `after the failure of: ${describeOperation(cause)}`;
}
