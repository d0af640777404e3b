/** Brings back what was before a controller acted: the undo of every intent that nobody has undone. */
import { resourcesOf } from './resources.ts';
import { goalsOf } from './restore-goals.ts';
import type { GoalState, RestoredGoal, RestoreReport } from './restore-report.ts';
import { Restore, type RestoreOptions } from './restore-run.ts';
import { settled } from './settled.ts';

/**
 * Reaches every goal that can be reached; a failure of one does not keep the others. An intent counts
 * as undone when all that it changed is back, and all that later intents did to the same things.
 *
 * @throws OperationError `ERR_JOURNAL` when the journal cannot be written.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const intents = options.journal.toUndo();
  const goals = goalsOf(intents);
  const run = new Restore(options, intents, goals);
  const results: RestoredGoal[] = [];
  const states = new Map<string, GoalState[]>();
  for (const goal of goals) {
    const result = await run.reach(goal);
    results.push(result);
    for (const resource of goal.resources) {
      states.set(resource, [...(states.get(resource) ?? []), result.state]);
    }
  }
  const isBack = (resource: string): boolean =>
    (states.get(resource) ?? []).every((state) => isReached(state));
  const { undone, left } = settled(intents, isBack);
  if (options.execute) {
    const isGone = (resource: string): boolean => states.get(resource)?.includes('gone') === true;
    // Newest first: were an older one marked alone, what came after it would pass for what was before.
    for (const { intent } of undone) {
      const hasGone = intent.undo.flatMap(resourcesOf).some(isGone);
      const note = hasGone ? { note: 'part of what it changed is not there any more' } : {};
      options.journal.append({ kind: 'undone', intent: intent.seq, ...note });
    }
  }
  return {
    isExecuted: options.execute,
    goals: results,
    undone: options.execute ? undone.map(({ intent }) => intent.seq).reverse() : [],
    left: (options.execute ? left : intents).map(({ intent }) => intent.seq),
  };
}

const isReached = (state: GoalState): boolean =>
  state === 'already' || state === 'restored' || state === 'gone';
