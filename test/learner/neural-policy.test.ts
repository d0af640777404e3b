/** The learned policy keeps every promise that heuristics keep, whatever its weights. */
import { describe, expect, it } from 'vitest';
import { defaultNetwork, neuralPolicy } from '../../learner/index.ts';
import {
  checkInvariants,
  defaultObjective,
  isLegalPlan,
  Plan,
  type Policy,
  policyChance,
  type RunResult,
  runPolicy,
  type Twin,
  TwinView,
} from '../../sim/index.ts';
import { startTwin } from '../builders.ts';
import {
  decisionMs,
  type PolicyScenario,
  policyScenarios,
  scenarioMs,
} from '../conformance/scenarios.ts';
import { plainScales, randomParameters } from './examples.ts';

/** Weights that were never trained: promises must not depend on what was learned. */
const learned = (seed: number): Policy =>
  neuralPolicy('learned', {
    network: defaultNetwork,
    parameters: randomParameters(seed, defaultNetwork),
    scales: plainScales,
  });

function run(
  scenario: PolicyScenario,
  policy: Policy,
  migrations = Infinity,
): { readonly twin: Twin; readonly result: RunResult } {
  const twin = startTwin(scenario.cluster, 5);
  const result = runPolicy(twin, policy, {
    untilMs: scenarioMs,
    decisionEveryMs: decisionMs,
    objective: defaultObjective,
    budget: { migrations },
    afterEvent: checkInvariants,
  });
  return { twin, result };
}

/** The policy, with what must hold of a single decision checked around it. */
function supervised(seed: number): Policy {
  const policy = learned(seed);
  return {
    name: policy.name,
    decide(cluster, plan, chance) {
      const { twin } = cluster as TwinView;
      const before = twin.fork();
      const elsewhere = twin.fork();
      const fresh = new Plan(plan.budget);
      learned(seed).decide(new TwinView(elsewhere), fresh, policyChance(elsewhere));
      policy.decide(cluster, plan, chance);
      expect(plan.actions, 'a policy without a past plans the same').toEqual(fresh.actions);
      expect(isLegalPlan(new TwinView(before), plan.actions)).toBe(true);
      // The decision may have drawn numbers; nothing else changed.
      before.state.rng.set(twin.state.rng);
      expect(twin.state.equals(before.state)).toBe(true);
    },
  };
}

describe('a neural policy', () => {
  it.each(policyScenarios)('plans legally and purely: $title', (scenario) => {
    const { result } = run(scenario, supervised(2));
    expect(result.refusedActions).toBe(0);
    expect(result.summary.energyKwh).toBeGreaterThan(0);
  });

  it('keeps within a budget of two migrations and of none', () => {
    for (const scenario of policyScenarios) {
      for (const migrations of [2, 0]) {
        const { result } = run(scenario, learned(3), migrations);
        expect(result.refusedActions, scenario.title).toBe(0);
        const most = Math.max(...result.series.map((row) => row.migrations));
        expect(most, scenario.title).toBeLessThanOrEqual(migrations);
      }
    }
  });

  it('decides the same from the same seed, byte for byte, and otherwise with other weights', () => {
    const outcomes = [1, 1, 2].map((seed) =>
      policyScenarios.map((scenario) => run(scenario, learned(seed))),
    );
    policyScenarios.forEach((scenario, index) => {
      const [once, twice] = outcomes.map((results) => results[index]!);
      expect(twice!.twin.state.equals(once!.twin.state), scenario.title).toBe(true);
    });
    const energy = outcomes.map((results) => results.map(({ result }) => result.summary.energyKwh));
    expect(energy[2]).not.toEqual(energy[0]);
  });
});
