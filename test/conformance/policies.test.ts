/** What every policy promises, whatever its options, in every situation. */
import { describe, expect, it } from 'vitest';
import {
  type Action,
  checkInvariants,
  createPolicy,
  defaultObjective,
  Plan,
  type Policy,
  policyChance,
  type RunResult,
  runPolicy,
  type Twin,
  TwinView,
} from '../../sim/index.ts';
import { policyKinds, policyNames } from '../../sim/policies/index.ts';
import { startTwin } from '../builders.ts';
import { decisionMs, type PolicyScenario, policyScenarios, scenarioMs } from './scenarios.ts';

/** Every name there is, and the options that no name stands for. */
const specs: readonly unknown[] = [
  ...policyNames,
  { name: 'first-fit', maxUtilization: 1, lookback: 1, frequency: 'none' },
  { name: 'pabfd', maxUtilization: 0.5, lookback: 12, frequency: 'ondemand' },
  { name: 'worst-fit', lookback: 1, frequency: 'conservative' },
  { name: 'thr-rs', parameter: 0.4, frequency: 'ondemand' },
  { name: 'iqr-mc', parameter: 3, lookback: 3, frequency: 'powersave' },
  { name: 'lrr-mu', parameter: 2, frequency: 'conservative' },
  { name: 'thermal-balance', threshold: 1, gain: 0.1, lookback: 1, frequency: 'ondemand' },
];

const titleOf = (spec: unknown): string => (typeof spec === 'string' ? spec : JSON.stringify(spec));

function run(
  scenario: PolicyScenario,
  policy: Policy,
  migrations = Infinity,
  seed = 5,
): { readonly twin: Twin; readonly result: RunResult } {
  const twin = startTwin(scenario.cluster, seed);
  const result = runPolicy(twin, policy, {
    untilMs: scenarioMs,
    decisionEveryMs: decisionMs,
    objective: defaultObjective,
    budget: { migrations },
    afterEvent: checkInvariants,
  });
  return { twin, result };
}

/** The policy, with everything that must hold of a single decision checked around it. */
function supervised(spec: unknown, scenario: PolicyScenario): Policy {
  const policy = createPolicy(spec, 'policy');
  return {
    name: policy.name,
    decide(cluster, plan, chance) {
      const { twin } = cluster as TwinView;
      const before = twin.fork();
      const elsewhere = twin.fork();
      const fresh = new Plan(plan.budget);
      const again = new Plan(plan.budget);
      // A policy that has never decided plans the same as one with a past.
      createPolicy(spec, 'policy').decide(new TwinView(elsewhere), fresh, policyChance(elsewhere));
      policy.decide(new TwinView(twin), again, policyChance(twin.fork()));
      expect(again.actions).toEqual(fresh.actions);
      expect(twin.state.equals(before.state)).toBe(true);
      policy.decide(cluster, plan, chance);
      expect(plan.actions).toEqual(fresh.actions);
      // The real decision may have drawn numbers, as the one elsewhere did; nothing else changed.
      expect(twin.state.equals(elsewhere.state)).toBe(true);
      before.state.rng.set(twin.state.rng);
      expect(twin.state.equals(before.state)).toBe(true);
      checkPlan(new TwinView(twin), plan, scenario);
    },
  };
}

function checkPlan(cluster: TwinView, plan: Plan, scenario: PolicyScenario): void {
  const touched = new Set<number>();
  const off = new Set<number>();
  const on = new Set<number>();
  for (const action of plan.actions) {
    if (action.type === 'place' || action.type === 'migrate') {
      expect(touched.has(action.vm), `VM ${action.vm} is moved twice`).toBe(false);
      expect(cluster.isMoving(action.vm), `VM ${action.vm} is moving already`).toBe(false);
      touched.add(action.vm);
    } else if (action.type === 'powerOff') off.add(action.host);
    else if (action.type === 'powerOn') on.add(action.host);
  }
  expect(
    [...off].filter((host) => on.has(host)),
    'hosts switched on and off',
  ).toEqual([]);
  expect(plan.migrations).toBeLessThanOrEqual(plan.budget.migrations);
  const vms = Array.from({ length: cluster.vms }, (_, vm) => vm);
  const isThere = (vm: number): boolean => cluster.hostOf(vm) >= 0 || cluster.isPending(vm);
  if (!vms.some(isThere)) return;
  const hosts = Array.from({ length: cluster.hosts }, (_, host) => host);
  const staysOn = (host: number): boolean =>
    on.has(host) || (cluster.isAvailable(host) && !off.has(host));
  expect(hosts.some(staysOn), 'a host stays on while there are VMs').toBe(true);
  if (!scenario.roomy) return;
  const placed = plan.actions.filter((action: Action) => action.type === 'place').length;
  const waiting = vms.filter((vm) => cluster.isPending(vm)).length;
  expect(placed, 'every waiting VM is placed').toBe(waiting);
}

describe.each(specs.map((spec) => ({ title: titleOf(spec), spec })))('$title', ({ spec }) => {
  it.each(policyScenarios)('plans legally and purely: $title', (scenario) => {
    const { result } = run(scenario, supervised(spec, scenario));
    expect(result.refusedActions).toBe(0);
    expect(result.summary.energyKwh).toBeGreaterThan(0);
  });

  it('decides the same from the same seed, byte for byte', () => {
    for (const scenario of policyScenarios) {
      const once = run(scenario, createPolicy(spec, 'policy'));
      const twice = run(scenario, createPolicy(spec, 'policy'));
      expect(twice.twin.state.equals(once.twin.state), scenario.title).toBe(true);
      expect(twice.result).toEqual(once.result);
    }
  });

  it('keeps within a budget of two migrations and of none', () => {
    for (const scenario of policyScenarios) {
      for (const migrations of [2, 0]) {
        const { result } = run(scenario, createPolicy(spec, 'policy'), migrations);
        expect(result.refusedActions, scenario.title).toBe(0);
        const most = Math.max(...result.series.map((row) => row.migrations));
        expect(most, scenario.title).toBeLessThanOrEqual(migrations);
      }
    }
  });

  it('adds to a plan that others have begun without contradicting it', () => {
    for (const scenario of policyScenarios) {
      const first = createPolicy('best-fit', 'policy');
      const second = createPolicy(spec, 'policy');
      const both: Policy = {
        name: 'both',
        decide(cluster, plan, chance) {
          first.decide(cluster, plan, chance);
          second.decide(cluster, plan, chance);
        },
      };
      expect(run(scenario, both).result.refusedActions, scenario.title).toBe(0);
    }
  });
});

it('lists every kind with a description and documented options', () => {
  for (const kind of policyKinds) {
    expect(kind.description).not.toBe('');
    for (const [name, option] of Object.entries(kind.options.shape)) {
      const described = (option as { description?: string }).description;
      expect(described, `${kind.name}.${name}`).toBeTypeOf('string');
    }
  }
});
