/**
 * The search for the best plan of one decision, as a conversation: the search yields batches of
 * plans, whoever drives it answers with their costs. So one search serves both the synchronous
 * policy and the worker pool, and gives the same answer for any number of workers.
 *
 *   1. proposals of all heuristics at one frequency rule;
 *   2. the best few of them with every frequency rule;
 *   3. rounds of mutations of the best plan so far, until one brings nothing.
 */
import {
  type Action,
  type Budget,
  type Candidate,
  type Chance,
  type ClusterView,
  type CostVector,
  distinctPlans,
  mutations,
  type Objective,
  type Policy,
  propose,
  scalarCost,
  type Twin,
  TwinView,
  usualHeadroom,
  withFrequencies,
} from '../sim/index.ts';
import { type RolloutSpec, rollout } from './rollout.ts';

export interface SearchSpec {
  readonly budget: Budget;
  readonly objective: Objective;
  /** Placements that go on to be tried with every frequency rule. */
  readonly finalists: number;
  /** Most rounds of mutations, and most mutations in one. */
  readonly mutationRounds: number;
  readonly mutationsMax: number;
}

export const defaultSearch: Omit<SearchSpec, 'budget' | 'objective'> = {
  finalists: 4,
  mutationRounds: 3,
  mutationsMax: 6,
};

/** A candidate with its cost over the horizon. */
export interface ScoredPlan extends Candidate {
  readonly cost: CostVector;
  /** The objective's value, kWh-equivalents. */
  readonly objective: number;
}

/** A batch of plans to be scored; the answer is one cost per plan, in order. */
export type SearchConversation = Generator<
  readonly (readonly Action[])[],
  ScoredPlan[],
  readonly CostVector[]
>;

/**
 * @param extra Plans to be scored beside the search's own.
 * @returns All plans tried, best first; equal scores keep the order in which they were found.
 */
export function* search(
  cluster: ClusterView,
  chance: Chance,
  policies: readonly Policy[],
  spec: SearchSpec,
  extra: readonly Candidate[] = [],
): SearchConversation {
  const scored: ScoredPlan[] = [];
  const known = new Set<string>();
  function* score(
    candidates: readonly Candidate[],
  ): Generator<readonly (readonly Action[])[], void, readonly CostVector[]> {
    const fresh = distinctPlans(candidates, known);
    if (fresh.length === 0) return;
    const costs = yield fresh.map((candidate) => candidate.actions);
    fresh.forEach((candidate, index) => {
      const cost = costs[index]!;
      scored.push({ ...candidate, cost, objective: scalarCost(cost, spec.objective) });
    });
    // Stable: earlier finds stay ahead of equal later ones.
    scored.sort((a, b) => a.objective - b.objective);
  }

  yield* score(extra);
  const placements = propose(cluster, spec.budget, chance, policies);
  const bySource = new Map(placements.map((placement) => [placement.source, placement]));
  yield* score(
    placements.flatMap((placement) => {
      const [only] = withFrequencies(cluster, [placement], [usualHeadroom]);
      return only === undefined ? [] : [{ ...only, source: placement.source }];
    }),
  );
  const finalists = scored
    .slice(0, spec.finalists)
    .flatMap((plan) => bySource.get(plan.source) ?? []);
  yield* score(withFrequencies(cluster, finalists));
  for (let round = 0; round < spec.mutationRounds; round++) {
    const best = scored[0];
    if (best === undefined) break;
    yield* score(mutations(cluster, best, spec.budget, spec.mutationsMax));
    if (scored[0] === best) break;
  }
  return scored;
}

/** Runs the whole search on this thread. */
export function searchHere(
  twin: Twin,
  scratch: Twin,
  chance: Chance,
  policies: readonly Policy[],
  spec: SearchSpec,
  rolloutSpec: RolloutSpec,
): ScoredPlan[] {
  const conversation = search(new TwinView(twin), chance, policies, spec);
  let step = conversation.next();
  while (!step.done) {
    const costs = step.value.map((actions) => rollout(twin, scratch, actions, rolloutSpec));
    step = conversation.next(costs);
  }
  return step.value;
}
