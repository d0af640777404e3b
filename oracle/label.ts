/**
 * Labels one episode: runs a twin from decision to decision, searches each, tells the result, and
 * carries out the best plan, or now and then another good one, so that the learner also sees states
 * the oracle would avoid.
 */
import {
  type Action,
  advance,
  applyPlan,
  type Candidate,
  type CostVector,
  Plan,
  type Policy,
  planKey,
  proposers,
  RandomStream,
  type Twin,
  TwinView,
} from '../sim/index.ts';
import type { Demonstration } from './demonstration.ts';
import { type OracleOptions, searchSpecOf } from './options.ts';
import { type ScoredPlan, search } from './search.ts';

/** Scores plans on forks of a twin: the pool, or anything that gives the same numbers. */
export type Scorer = (
  twin: Twin,
  plans: readonly (readonly Action[])[],
) => Promise<readonly CostVector[]>;

export interface LabelSpec {
  readonly options: OracleOptions;
  readonly untilMs: number;
  readonly seed: number;
  /** Chance that a decision carries out another plan than the best, in [0, 1]. */
  readonly exploration: number;
  /**
   * A policy that decides which plan is carried out, with chance `share` per decision; its plan
   * is scored with the others (Ross et al. 2011, DAgger). So the labels cover the states that the
   * learned policy itself gets into.
   */
  readonly learner?: { readonly policy: Policy; readonly share: number };
  /** Decisions labelled before, to go on from. */
  readonly done: readonly Demonstration[];
}

/** End of the newest interval that telemetry has measured, ms. */
function observedAtMs(twin: Twin): number {
  const { intervalMs } = twin.model.workload;
  return Math.floor(twin.nowMs / intervalMs) * intervalMs;
}

/** Decisions of a run that ends at `untilMs`. */
export function decisionCount(untilMs: number, decisionEveryMs: number): number {
  return Math.ceil(untilMs / decisionEveryMs);
}

/** @param twin At time 0; changed. */
export async function* labelEpisode(
  twin: Twin,
  scorer: Scorer,
  spec: LabelSpec,
): AsyncGenerator<Demonstration> {
  const { options, untilMs, done } = spec;
  const every = options.decisionEveryMs;
  const policies = proposers();
  const count = decisionCount(untilMs, every);
  for (let decision = 0; decision < count; decision++) {
    advance(twin, decision * every);
    const labelled = done[decision];
    if (labelled !== undefined) {
      applyPlan(twin, labelled.plans[labelled.executed]!.actions);
      continue;
    }
    const proposal = proposalOf(twin, decision, spec);
    const ranked = await searchWith(twin, policies, scorer, spec, decision, proposal);
    const executed =
      proposal === undefined ? choose(ranked.length, decision, spec) : indexOf(ranked, proposal);
    yield {
      decision,
      decidedAtMs: twin.nowMs,
      observedAtMs: observedAtMs(twin),
      plans: ranked.map(({ source, actions, cost, objective }) => ({
        source,
        actions,
        cost,
        objective,
      })),
      executed,
    };
    applyPlan(twin, ranked[executed]!.actions);
  }
}

async function searchWith(
  twin: Twin,
  policies: readonly Policy[],
  scorer: Scorer,
  spec: LabelSpec,
  decision: number,
  proposal: Candidate | undefined,
): Promise<ScoredPlan[]> {
  // A stream of its own per decision: an episode that is resumed draws the same numbers.
  const chance = new RandomStream(spec.seed, `search/${decision}`);
  const conversation = search(
    new TwinView(twin),
    chance,
    policies,
    searchSpecOf(spec.options),
    proposal === undefined ? [] : [proposal],
  );
  let step = conversation.next();
  while (!step.done) step = conversation.next(await scorer(twin, step.value));
  return step.value;
}

/** What the learner would do, at the decisions that are its own. */
function proposalOf(twin: Twin, decision: number, spec: LabelSpec): Candidate | undefined {
  if (spec.learner === undefined) return undefined;
  const stream = new RandomStream(spec.seed, `learner/${decision}`);
  if (stream.float() >= spec.learner.share) return undefined;
  const plan = new Plan(spec.options.budget);
  spec.learner.policy.decide(new TwinView(twin), plan, stream);
  return { source: spec.learner.policy.name, actions: plan.actions };
}

function indexOf(ranked: readonly ScoredPlan[], proposal: Candidate): number {
  const key = planKey(proposal.actions);
  return ranked.findIndex((plan) => planKey(plan.actions) === key);
}

/** The best plan, or with chance `exploration` one of the better half. */
function choose(count: number, decision: number, spec: LabelSpec): number {
  const stream = new RandomStream(spec.seed, `exploration/${decision}`);
  if (stream.float() >= spec.exploration) return 0;
  return stream.integer(Math.max(1, Math.ceil(count / 2)));
}
