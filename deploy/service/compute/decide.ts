/** What a policy would do with a snapshot: `POST /v1/decide`, and as steps `POST /v1/plan`. */
import type { Budget, Objective, Policy } from '../../../sim/index.ts';
import { describeOperation, hostsOf, type Operation } from '../../actions/operation.ts';
import { type Considered, consider } from '../../control/consider.ts';
import type { DecideRequest, PolicySpec } from '../api/requests.ts';
import {
  guardingOf,
  horizonOf,
  objectiveOf,
  type Surroundings,
  translationOf,
} from './questions.ts';

/** Makes a policy. @throws InputError for a name or an option that there is not. */
export type PolicyOf = (
  spec: PolicySpec,
  about: {
    readonly decisionEveryMs: number;
    readonly budget: Budget;
    readonly objective: Objective;
  },
) => Policy;

/** A decision without an id and without a fate. `atMs`: of the snapshot. */
export interface DecideAnswer extends Considered {
  readonly atMs: number;
}

export function decide(
  request: DecideRequest,
  policyOf: PolicyOf,
  surroundings: Surroundings,
): DecideAnswer {
  const { snapshot, limits } = request;
  const guarding = guardingOf(limits, surroundings);
  const horizon = horizonOf(request.horizon, surroundings);
  const objective = objectiveOf(request.objective, surroundings);
  const budget = {
    migrations: request.budget?.migrations ?? guarding?.limits.migrations ?? Infinity,
  };
  const decisionEveryMs = snapshot.intervalS * 1000;
  const policy = policyOf(request.policy, { decisionEveryMs, budget, objective });
  const considered = consider(snapshot, {
    policy,
    objective,
    horizon,
    budget,
    translation: translationOf(surroundings),
    benefit: surroundings.cluster?.guard.benefit ?? 0,
    forecastsMax: request.forecasts ? 100 : 0,
    ...(guarding === undefined ? {} : { guard: guarding }),
  });
  return { ...considered, atMs: snapshot.atMs };
}

/** One step of a plan. */
export interface PlanStep {
  readonly operation: Operation;
  readonly what: string;
  /** What would be run, one command a line. */
  readonly commands: readonly string[];
  /** Steps that must have been done before, by index: they touch the same host or VM. */
  readonly after: readonly number[];
}

export interface PlanAnswer extends DecideAnswer {
  /** The allowed operations in the order in which they are to be carried out. */
  readonly steps: readonly PlanStep[];
}

export function plan(
  request: DecideRequest,
  policyOf: PolicyOf,
  surroundings: Surroundings,
): PlanAnswer {
  const answer = decide(request, policyOf, surroundings);
  const operations = answer.items
    .filter(({ state }) => state === 'planned')
    .map(({ operation }) => operation);
  return { ...answer, steps: stepsOf(operations, surroundings.commands) };
}

/** Operations as steps, each after the last one before it that touches one of its hosts or its VM. */
export function stepsOf(
  operations: readonly Operation[],
  commands: Surroundings['commands'],
): PlanStep[] {
  const newest = new Map<string, number>();
  return operations.map((operation, index) => {
    const touched = new Set(hostsOf(operation).map((host) => `host ${host}`));
    if ('vm' in operation) touched.add(`VM ${operation.vm}`);
    const after = new Set<number>();
    for (const thing of touched) {
      const before = newest.get(thing);
      if (before !== undefined) after.add(before);
      newest.set(thing, index);
    }
    return {
      operation,
      what: describeOperation(operation),
      commands: commands(operation),
      after: [...after].sort((a, b) => a - b),
    };
  });
}
