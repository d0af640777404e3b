/** What an oracle needs to know, as plain data that can cross to a worker. */
import { type Budget, createPolicy, type Objective } from '../sim/index.ts';
import type { RolloutSpec } from './rollout.ts';
import { defaultSearch, type SearchSpec } from './search.ts';

export interface OracleOptions {
  readonly decisionEveryMs: number;
  readonly budget: Budget;
  readonly objective: Objective;
  /** Decisions that a rollout spans. @default 6 */
  readonly horizonDecisions: number;
  /** Policy that decides inside rollouts, as `createPolicy` takes it. */
  readonly base: object;
  readonly search: Omit<SearchSpec, 'budget' | 'objective'>;
}

export const defaultOracle: Pick<OracleOptions, 'horizonDecisions' | 'base' | 'search'> = {
  horizonDecisions: 6,
  base: { name: 'pabfd', maxUtilization: 0.5 },
  search: defaultSearch,
};

/** How plans are rolled out under these options. */
export function rolloutSpecOf(options: OracleOptions): RolloutSpec {
  return {
    horizonMs: options.horizonDecisions * options.decisionEveryMs,
    decisionEveryMs: options.decisionEveryMs,
    budget: options.budget,
    base: createPolicy(options.base, 'oracle.base'),
  };
}

/** How plans are searched under these options. */
export function searchSpecOf(options: OracleOptions): SearchSpec {
  return { ...options.search, budget: options.budget, objective: options.objective };
}
