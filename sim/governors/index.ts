/**
 * Frequency governors as pure rules: from the load of the last period to the next P-state.
 * A host samples its rule by itself (`HostSpec.governor`); a policy can apply one instead.
 */
import { inputError } from '../errors.ts';
import { conservative } from './conservative.ts';
import { ondemand } from './ondemand.ts';
import { performance } from './performance.ts';
import { powersave } from './powersave.ts';
import type { GovernorRule } from './rule.ts';

export type { GovernorRule, GovernorSample } from './rule.ts';

/** All rules, by the names Linux gives them. */
export const governors: readonly GovernorRule[] = [performance, powersave, ondemand, conservative];

/** The rule called `name`. @throws InputError naming `path` and the known names. */
export function governorNamed(name: string, path: string): GovernorRule {
  const rule = governors.find((candidate) => candidate.name === name);
  if (rule === undefined) {
    throw inputError(path, `one of ${governors.map((known) => known.name).join(', ')}`, name);
  }
  return rule;
}
