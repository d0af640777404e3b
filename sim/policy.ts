/** What decides. Heuristics, the oracle and neural policies are all of this one kind. */
import type { Plan } from './plan.ts';
import type { ClusterView } from './view.ts';

/** Chance for policies that need it: uniform numbers from the run's `policy` stream. */
export interface Chance {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [0, `bound`). */
  integer(bound: number): number;
}

export interface Policy {
  readonly name: string;
  /**
   * Fills `plan` from the current view. Pure: same view and same chance, same plan. A policy may
   * keep scratch space but nothing that changes a later decision.
   */
  decide(cluster: ClusterView, plan: Plan, chance: Chance): void;
}

/** Decides by several policies in turn, each seeing the same view and adding to the same plan. */
export function inSequence(name: string, parts: readonly Policy[]): Policy {
  return {
    name,
    decide(cluster, plan, chance) {
      for (const part of parts) part.decide(cluster, plan, chance);
    },
  };
}
