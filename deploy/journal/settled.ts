/** Which intents are undone once some of the things that they changed are back. */
import type { IntentState } from './journal-index.ts';
import { resourcesOf } from './resources.ts';

/**
 * An intent is undone when all that it changed is back, and every later intent that changed one of the
 * same things is undone too: alone among them, a later one would pass for what was before.
 *
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
    const resources = state.intent.undo.flatMap(resourcesOf).flatMap(withWhole);
    if (resources.every((one) => isBack(one) && !held.has(one))) undone.push(state);
    else {
      left.unshift(state);
      for (const resource of resources) held.add(resource);
    }
  }
  return { undone, left };
}

/** All policies of a host are held by one of them, and each by all. */
const withWhole = (resource: string): string[] => {
  const whole = resource.replace(/ cpufreq \w+$/, ' cpufreq');
  return whole === resource ? [resource] : [resource, whole];
};
