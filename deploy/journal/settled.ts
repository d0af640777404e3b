/** Which intents are undone once some of the things that they changed are back. */
import type { IntentState } from './journal-index.ts';
import { resourcesOf } from './resources.ts';

/**
 * An intent is undone when all that it changed is back, and every later intent that changed one of the
 * same things is undone too: alone among them, a later one would pass for what was before.
 *
 * @param isBack Whether a thing is as it was.
 * @returns Those that may be marked undone, newest first, and the others, oldest first.
 */
export function settled(
  intents: readonly IntentState[],
  isBack: (resource: string) => boolean,
): { undone: IntentState[]; left: IntentState[] } {
  const undone: IntentState[] = [];
  const left: IntentState[] = [];
  const held = new Set<string>();
  for (const state of intents.toReversed()) {
    const resources = state.intent.undo.flatMap(resourcesOf);
    const holds = resources.map(holdOf);
    if (resources.every(isBack) && !holds.some((hold) => held.has(hold))) {
      undone.push(state);
    } else {
      left.unshift(state);
      for (const hold of holds) held.add(hold);
    }
  }
  return { undone, left };
}

/**
 * What is held together: all cpufreq policies of a host, since an undo may name all of them at once;
 * and where a VM is with whether it runs, since starting and stopping have a place too.
 */
const holdOf = (resource: string): string =>
  resource.replace(/ cpufreq \w+$/, ' cpufreq').replace(/ (?:placement|running)$/, ' life');
