/**
 * Frequency governors as pure rules: from the load of the last period to the next P-state.
 * A host samples its rule by itself (`HostSpec.governor`); a policy can apply one instead.
 */
import { inputError } from '../errors.ts';
import { conservative } from './conservative.ts';
import { ondemand } from './ondemand.ts';
import { performance } from './performance.ts';
import { powersave } from './powersave.ts';

/** What a rule may look at. P-state 0 is the fastest. */
export interface GovernorSample {
  /** Work done / capacity over the last period, in [0, 1]. */
  readonly load: number;
  readonly cores: number;
  readonly pstate: number;
  readonly pstates: number;
  /** Core speed of each P-state, MIPS, falling. */
  readonly coreMips: (pstate: number) => number;
}

export interface GovernorRule {
  readonly name: string;
  /** The P-state to run at next. Pure. */
  readonly next: (sample: GovernorSample) => number;
}

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
