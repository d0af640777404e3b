/** One run of one policy on one twin: decisions at fixed times, events in between, a summary. */

import { energyNowJ } from './energy-now.ts';
import { type AfterEvent, advance } from './engine.ts';
import { type RunSummary, summarize } from './metrics.ts';
import { nextFloat, nextInteger } from './numbers/rng.ts';
import { type CostVector, hostsOn, type Objective, scalarCost } from './objective.ts';
import { applyPlan, type Budget, Plan, type RefusedAction, unlimited } from './plan.ts';
import type { Chance, Policy } from './policy.ts';
import type { Twin } from './twin.ts';
import { TwinView } from './view.ts';

export interface RunOptions {
  /** End of the run, ms. */
  readonly untilMs: number;
  /** Time between decisions, ms; the first is at the twin's present time. */
  readonly decisionEveryMs: number;
  readonly objective: Objective;
  readonly budget?: Budget;
  /** Wall clock for decision latencies, ms. Without it none are reported. */
  readonly clock?: () => number;
  readonly afterEvent?: AfterEvent;
  readonly onDecision?: (decision: Decision) => void;
}

/** One decision, as it happened. */
export interface Decision {
  readonly timeMs: number;
  readonly plan: Plan;
  readonly refused: readonly RefusedAction[];
}

/** One row per decision interval. */
export interface SeriesRow {
  readonly timeMs: number;
  /** Mean electric power over the interval, W. */
  readonly powerW: number;
  /** Hosts not off at the start of the interval, after the decision. */
  readonly hostsOn: number;
  /** Migrations started by the decision. */
  readonly migrations: number;
}

export interface RunResult {
  readonly policy: string;
  readonly summary: RunSummary;
  readonly cost: CostVector;
  /** The objective's value, kWh-equivalents. */
  readonly objective: number;
  readonly series: readonly SeriesRow[];
  readonly refusedActions: number;
  /** Wall time of each `decide`, ms; empty without a clock. */
  readonly decisionMs: readonly number[];
}

/** Numbers from the twin's own `policy` stream, so that a fork draws the same ones. */
export function policyChance(twin: Twin): Chance {
  return {
    float: () => nextFloat(twin.state.rng, 0),
    integer: (bound) => nextInteger(twin.state.rng, 0, bound),
  };
}

/** Lets `policy` decide once, now. */
export function decideOnce(twin: Twin, policy: Policy, budget: Budget = unlimited): Decision {
  const plan = new Plan(budget);
  policy.decide(new TwinView(twin), plan, policyChance(twin));
  return { timeMs: twin.nowMs, plan, refused: applyPlan(twin, plan.actions) };
}

/** Runs the twin under `policy` from its present time to `untilMs`. Changes the twin. */
export function runPolicy(twin: Twin, policy: Policy, options: RunOptions): RunResult {
  const { untilMs, decisionEveryMs, budget = unlimited, clock, afterEvent } = options;
  const chance = policyChance(twin);
  const series: SeriesRow[] = [];
  const decisionMs: number[] = [];
  let refusedActions = 0;
  for (let timeMs = twin.nowMs; timeMs < untilMs; timeMs += decisionEveryMs) {
    advance(twin, timeMs, afterEvent);
    const plan = new Plan(budget);
    const startedMs = clock?.();
    policy.decide(new TwinView(twin), plan, chance);
    if (clock !== undefined && startedMs !== undefined) decisionMs.push(clock() - startedMs);
    const refused = applyPlan(twin, plan.actions);
    refusedActions += refused.length;
    options.onDecision?.({ timeMs, plan, refused });
    afterEvent?.(twin);
    const beforeJ = energyNowJ(twin);
    const on = hostsOn(twin);
    const nextMs = Math.min(timeMs + decisionEveryMs, untilMs);
    advance(twin, nextMs, afterEvent);
    const powerW = (energyNowJ(twin) - beforeJ) / ((nextMs - timeMs) / 1000);
    series.push({ timeMs, powerW, hostsOn: on, migrations: plan.migrations });
  }
  const { summary, cost } = summarize(twin);
  return {
    policy: policy.name,
    summary,
    cost,
    objective: scalarCost(cost, options.objective),
    series,
    refusedActions,
    decisionMs,
  };
}
