/** From a snapshot to what should be done, what is foretold of it, and what the guard says. */
import {
  type Budget,
  defaultObjective,
  type Objective,
  Plan,
  type Policy,
  policyChance,
  TwinView,
} from '../../sim/index.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import type { Decision, ItemForecast, PlanItem, Prediction, Refusal } from '../decision.ts';
import { type LiveTwinOptions, liveTwin } from '../twin/live-twin.ts';
import { predict, predictItems } from '../twin/predict.ts';
import { guard } from './guard/guard.ts';
import { PlannedCluster } from './guard/planned-cluster.ts';
import { type GuardLimits, type Past, relieves } from './guard/rules.ts';
import { type Step, type TranslationOptions, translate } from './translate.ts';

export interface ConsiderOptions {
  readonly policy: Policy;
  readonly objective?: Objective;
  /** Intervals that the twin looks ahead. Default 6. */
  readonly horizon?: number;
  /** Absent: nothing is forbidden, as in a question without a cluster behind it. */
  readonly guard?: {
    readonly limits: GuardLimits;
    readonly past: Past;
    readonly nowMs: number;
  };
  readonly budget?: Budget;
  /** Least gain by the objective, as a fraction of doing nothing. Default 0. */
  readonly benefit?: number;
  /** Plans with more allowed actions have no forecast of each: that takes one simulation per action. Default 100. */
  readonly forecastsMax?: number;
  readonly translation: TranslationOptions;
  readonly live?: Omit<LiveTwinOptions, 'horizon'>;
}

/** A decision before it has an id and a fate. */
export type Considered = Pick<Decision, 'policy' | 'before' | 'after' | 'items' | 'nothing'>;

/** Lets the policy decide on the twin of the snapshot. The same input gives the same answer. */
export function consider(snapshot: ClusterSnapshot, options: ConsiderOptions): Considered {
  const { policy, horizon = 6, objective = defaultObjective } = options;
  const live = liveTwin(snapshot, { ...options.live, horizon });
  const plan = new Plan(
    options.budget ?? { migrations: options.guard?.limits.migrations ?? Infinity },
  );
  policy.decide(new TwinView(live.twin), plan, policyChance(live.twin));
  const { steps, untranslated } = translate(plan.actions, snapshot, options.translation);
  const judged = judge(steps, snapshot, options);
  const outlook = { horizon, objective };
  const before = predict(live, [], outlook);
  const allowed = judged.filter(({ refusal }) => refusal === undefined).map(({ step }) => step);
  const after = allowed.length === 0 ? before : predict(live, actionsOf(allowed), outlook);
  const mustGain = allowed.length > 0 && !isRelief(allowed, snapshot, options);
  const useless = mustGain ? whyUseless(before, after, options.benefit ?? 0) : undefined;
  const { forecastsMax = 100 } = options;
  const forecasts =
    allowed.length <= forecastsMax ? predictItems(live, actionsOf(allowed), outlook) : [];
  const items = itemsOf(judged, useless, forecasts);
  const nothing = useless?.reason ?? whyNothing(items, untranslated);
  return {
    policy: policy.name,
    before,
    after: useless === undefined ? after : before,
    items,
    ...(nothing === undefined ? {} : { nothing }),
  };
}

interface Judged {
  readonly step: Step;
  readonly refusal: Refusal | undefined;
}

const actionsOf = (steps: readonly Step[]): Step['action'][] => steps.map(({ action }) => action);

function judge(
  steps: readonly Step[],
  snapshot: ClusterSnapshot,
  { guard: guarding }: ConsiderOptions,
): Judged[] {
  if (guarding === undefined) return steps.map((step) => ({ step, refusal: undefined }));
  const { limits, past, nowMs } = guarding;
  const operations = steps.map(({ operation }) => operation);
  const refusals = guard(operations, snapshot, limits, past, nowMs);
  return steps.map((step, index) => ({ step, refusal: refusals[index] }));
}

function itemsOf(
  judged: readonly Judged[],
  useless: Refusal | undefined,
  forecasts: readonly ItemForecast[],
): PlanItem[] {
  let next = 0;
  return judged.map(({ step: { operation }, refusal }) => {
    if (refusal !== undefined) return { operation, state: 'refused', refusal };
    const forecast = forecasts[next++];
    const known = forecast === undefined ? {} : { forecast };
    return useless === undefined
      ? { operation, state: 'planned', ...known }
      : { operation, state: 'refused', refusal: useless, ...known };
  });
}

/**
 * Whether a plan takes load off a host that is asked for more than the guard would let a plan ask of it.
 * Short of an overload nothing is lost that the objective could count, but users wait.
 */
function isRelief(
  steps: readonly Step[],
  snapshot: ClusterSnapshot,
  { guard: guarding }: ConsiderOptions,
): boolean {
  if (guarding === undefined) return false;
  const planned = new PlannedCluster(snapshot);
  return steps.some(({ operation }) => relieves(operation, planned, guarding.limits));
}

/** Whether a plan gains too little by the objective. */
function whyUseless(before: Prediction, after: Prediction, benefit: number): Refusal | undefined {
  const gain = before.cost - after.cost;
  // The price of a plan is a sum of many terms: its last digits say nothing.
  const least = Math.max(benefit, 1e-9) * before.cost;
  if (gain >= least) return undefined;
  const minutes = Math.round(before.horizonS / 60);
  const kwh = (value: number): string => value.toPrecision(4);
  const reason =
    `no beneficial action: over ${minutes} min the plan would cost ${kwh(after.cost)} kWh-equivalents, ` +
    `doing nothing ${kwh(before.cost)}` +
    (benefit > 0 ? `; a plan has to save ${(100 * benefit).toFixed(1)} %` : '');
  return { rule: 'benefit', reason };
}

function whyNothing(
  items: readonly PlanItem[],
  untranslated: readonly string[],
): string | undefined {
  if (items.some(({ state }) => state === 'planned')) return undefined;
  if (items.length === 0) {
    return untranslated.length === 0
      ? 'no beneficial action: the policy leaves everything as it is'
      : `the policy wants only what cannot be done here: ${untranslated.join('; ')}`;
  }
  const rules = [...new Set(items.map(({ refusal }) => refusal!.rule))];
  const first = items[0]!.refusal!.reason;
  return `the guard forbids all ${items.length} actions (${rules.join(', ')}); the first because ${first}`;
}
