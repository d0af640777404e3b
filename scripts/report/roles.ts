/** Who is who among the policies of an evaluation. */
import { type PolicyResult, referencePolicy } from '../evaluate/results.ts';

/** The trained policy. */
export const learnedPolicy = 'learned';

export type Role = 'oracle' | 'learned' | 'heuristic';

/** Variants such as `learned, one round` keep the role of what they vary. */
export function roleOf(policy: string): Role {
  if (isVariantOf(policy, referencePolicy)) return 'oracle';
  return isVariantOf(policy, learnedPolicy) ? 'learned' : 'heuristic';
}

const isVariantOf = (policy: string, name: string): boolean =>
  policy === name || (policy.startsWith(name) && /^[ ,:(-]/.test(policy.slice(name.length)));

/** The results that a reader asks for first; each absent if it was not run. */
export interface Cast {
  readonly oracle: PolicyResult | undefined;
  readonly learned: PolicyResult | undefined;
  /** The heuristic with the least mean objective on these very runs. */
  readonly bestHeuristic: PolicyResult | undefined;
  /** Every host on, nothing moved: what doing nothing costs. */
  readonly allOn: PolicyResult | undefined;
}

/** @param results As `compare` gives them, best first. */
export function castOf(results: readonly PolicyResult[]): Cast {
  const called = (name: string): PolicyResult | undefined =>
    results.find((result) => result.policy === name);
  return {
    oracle: called(referencePolicy),
    learned: called(learnedPolicy),
    bestHeuristic: results.find((result) => roleOf(result.policy) === 'heuristic'),
    allOn: called('all-on'),
  };
}

/** Published heuristics carry the name of their overload detector. */
const published = /^(thr|iqr|mad|lrr|lr)-(mmt|mc|mu|rs)/;

/**
 * Few policies that span the comparison: the leading ones, doing nothing, a published heuristic,
 * then the next best; in the order of `results`.
 */
export function tellingPolicies(results: readonly PolicyResult[], most = 5): PolicyResult[] {
  const { oracle, learned, bestHeuristic, allOn } = castOf(results);
  const classic = results.find((result) => published.test(result.policy));
  const wanted = [oracle, learned, bestHeuristic, allOn, classic, ...results];
  const chosen = new Set<PolicyResult>();
  for (const result of wanted) if (result !== undefined && chosen.size < most) chosen.add(result);
  return results.filter((result) => chosen.has(result));
}
