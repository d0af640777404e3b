/**
 * The score of a plan: what it costs until the horizon when it is carried out on a fork and a base
 * policy decides from the next decision on. Every plan of one decision meets the same future and
 * the same random numbers, so differences between scores are differences between plans.
 */
import {
  type Action,
  advance,
  applyPlan,
  type Budget,
  type CostVector,
  costBetween,
  costOf,
  decideOnce,
  type Policy,
  type Twin,
} from '../sim/index.ts';

export interface RolloutSpec {
  /** Simulated time after the decision that counts, ms. */
  readonly horizonMs: number;
  readonly decisionEveryMs: number;
  readonly budget: Budget;
  /** Decides after the first decision of the rollout. */
  readonly base: Policy;
}

/**
 * @param parent Not changed.
 * @param scratch Overwritten; a fork of `parent` to be reused from rollout to rollout.
 */
export function rollout(
  parent: Twin,
  scratch: Twin,
  actions: readonly Action[],
  spec: RolloutSpec,
): CostVector {
  const twin = parent.fork(scratch);
  const before = costOf(twin);
  const startMs = twin.nowMs;
  const endMs = startMs + spec.horizonMs;
  applyPlan(twin, actions);
  for (
    let timeMs = startMs + spec.decisionEveryMs;
    timeMs < endMs;
    timeMs += spec.decisionEveryMs
  ) {
    advance(twin, timeMs);
    decideOnce(twin, spec.base, spec.budget);
  }
  advance(twin, endMs);
  return costBetween(before, costOf(twin));
}
