/** Makes a failing case smaller: fewer features, fewer deeds, the same first word of the failure. */
import { type CaseOptions, type CaseResult, runCase } from './case.ts';
import { type Feature, features } from './features.ts';

export interface Shrunk {
  readonly without: readonly Feature[];
  /** Deeds that are left; `undefined` for all. */
  readonly deeds: readonly number[] | undefined;
  readonly result: CaseResult;
}

/** @param triesMax Most runs that it may take. */
export function shrink(
  seed: number,
  failed: CaseResult,
  given: CaseOptions,
  triesMax = 150,
): Shrunk {
  const kind = kindOf(failed);
  let tries = triesMax;
  let result = failed;
  const stillFails = (without: ReadonlySet<Feature>, deeds: ReadonlySet<number>): boolean => {
    if (tries-- <= 0) return false;
    const trial = runCase(seed, { without, deeds });
    if (kindOf(trial) !== kind) return false;
    result = trial;
    return true;
  };
  const without = new Set<Feature>(given.without);
  let deeds = given.deeds ?? new Set(Array.from({ length: failed.deeds }, (_, index) => index));
  // Leaving out what the story can do renumbers its deeds: only before any deed is left out.
  for (const feature of features) {
    if (without.has(feature)) continue;
    const fewer = new Set([...without, feature]);
    if (stillFails(fewer, deeds)) without.add(feature);
  }
  for (
    let size = Math.ceil(deeds.size / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (const first of [...deeds].filter((_, place) => place % size === 0).reverse()) {
      const kept = [...deeds];
      const place = kept.indexOf(first);
      if (place < 0) continue;
      kept.splice(place, size);
      const fewer = new Set(kept);
      if (stillFails(without, fewer)) deeds = fewer;
    }
  }
  const isWhole = deeds.size === failed.deeds && given.deeds === undefined;
  return { without: [...without], deeds: isWhole ? undefined : [...deeds], result };
}

/** The message without its numbers: what makes two failures alike. */
function kindOf({ failure }: CaseResult): string | undefined {
  if (failure === undefined) return undefined;
  const [opening = ''] = failure.message.split(':');
  return opening.replace(/[-\d.e+]+|Infinity/g, '#').slice(0, 40);
}
