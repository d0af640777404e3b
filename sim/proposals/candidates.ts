/**
 * Candidate plans for one decision, made from what a policy may know (never from the future):
 * proposals of many heuristics with many settings, each with several frequency rules, and
 * mutations of plans that turned out well.
 */
import { type Action, type Budget, countMigrations, Plan } from '../plan.ts';
import { createPolicy } from '../policies/index.ts';
import type { Chance, Policy } from '../policy.ts';
import type { ClusterView } from '../view.ts';
import { withHeadroom } from './frequency.ts';
import { isLegalPlan } from './legality.ts';
import { redirections } from './redirect.ts';

/** A plan under consideration. */
export interface Candidate {
  /** Which proposal it comes from, e.g. `thr-mmt 0.8 + headroom 0.8`. */
  readonly source: string;
  readonly actions: readonly Action[];
}

/** Utilization limits tried for frequencies; 0 stands for always the fastest. */
export const headrooms = [0, 0.7, 0.8, 0.9, 1] as const;

/** The middle of the range, where only one is tried. */
export const usualHeadroom = 0.8;

/**
 * The placement heuristics that propose plans, each named with its settings. All of them are
 * sensible everywhere, so that a wrong score costs little: `all-on` is not among them, as waking
 * hundreds of hosts once would undo a day's savings.
 */
export function proposers(): readonly Policy[] {
  const beloglazov = (detector: string, parameter: number): Policy =>
    named(`${detector}-mmt ${parameter}`, {
      name: 'beloglazov',
      detector,
      selection: 'mmt',
      parameter,
      frequency: 'none',
    });
  const packing = (name: string, maxUtilization: number): Policy =>
    named(`${name} ${maxUtilization}`, { name, maxUtilization, frequency: 'none' });
  const limits = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
  return [
    ...limits.map((limit) => packing('pabfd', limit)),
    ...limits.map((limit) => packing('best-fit', limit)),
    ...[0.5, 0.7].map((limit) => packing('worst-fit', limit)),
    ...[0.6, 0.8].map((threshold) => beloglazov('thr', threshold)),
    beloglazov('mad', 2.5),
    beloglazov('lr', 1.2),
  ];
}

function named(name: string, spec: object): Policy {
  const policy = createPolicy(spec, name);
  return { name, decide: policy.decide.bind(policy) };
}

/** What each proposer would do now, in their order, without repetitions. */
export function propose(
  cluster: ClusterView,
  budget: Budget,
  chance: Chance,
  policies: readonly Policy[],
): Candidate[] {
  const candidates = policies.map((policy): Candidate => {
    const plan = new Plan(budget);
    policy.decide(cluster, plan, chance);
    return { source: policy.name, actions: plan.actions };
  });
  return distinctPlans(candidates);
}

/** Each candidate with each frequency rule; on hosts with one P-state they all coincide. */
export function withFrequencies(
  cluster: ClusterView,
  candidates: readonly Candidate[],
  limits: readonly number[] = headrooms,
): Candidate[] {
  return distinctPlans(
    candidates.flatMap((candidate) =>
      limits.map((limit) => ({
        source: `${candidate.source} + headroom ${limit}`,
        actions: withHeadroom(cluster, candidate.actions, limit),
      })),
    ),
  );
}

/**
 * Neighbours of a plan: one more host emptied (see `redirect.ts`), and groups of actions that
 * belong together left out (all moves off one host with that host's switching). Only legal ones,
 * within the migration limit.
 */
export function mutations(
  cluster: ClusterView,
  candidate: Candidate,
  budget: Budget,
  most: number,
): Candidate[] {
  const { source, actions } = candidate;
  const emptied = redirections(cluster, actions, most).flatMap((redirected): Candidate[] => [
    { source: `${source} + emptied`, actions: redirected },
    {
      source: `${source} + emptied + headroom ${usualHeadroom}`,
      actions: withHeadroom(cluster, redirected, usualHeadroom),
    },
  ]);
  return [...emptied, ...omissions(cluster, candidate, most)].filter(
    (neighbour) =>
      countMigrations(neighbour.actions) <= budget.migrations &&
      isLegalPlan(cluster, neighbour.actions),
  );
}

function omissions(cluster: ClusterView, candidate: Candidate, most: number): Candidate[] {
  const groups = new Map<number, Action[]>();
  for (const action of candidate.actions) {
    if (action.type === 'place' || action.type === 'setPstate') continue;
    if (action.type === 'abortMigration' || action.type === 'switchMigration') continue;
    if (action.type === 'setQuota' || action.type === 'limitVmPower') continue;
    if (action.type === 'limitHostPower') continue;
    const owner = action.type === 'migrate' ? cluster.hostOf(action.vm) : action.host;
    const group = groups.get(owner);
    if (group === undefined) groups.set(owner, [action]);
    else group.push(action);
  }
  const neighbours: Candidate[] = [];
  for (const [owner, group] of groups) {
    if (neighbours.length >= most) break;
    if (group.some((action) => action.type === 'powerOn')) continue;
    const left = new Set<Action>(group);
    neighbours.push({
      source: `${candidate.source} − host ${owner}`,
      actions: candidate.actions.filter((action) => !left.has(action)),
    });
  }
  return neighbours;
}

/** Text that is equal for equal plans. */
export function planKey(actions: readonly Action[]): string {
  return actions.map((action) => Object.values(action).join(' ')).join(';');
}

/**
 * The candidates with plans that no earlier one has.
 *
 * @param seen Keys of plans known before; those of the result are added.
 */
export function distinctPlans(
  candidates: readonly Candidate[],
  seen: Set<string> = new Set(),
): Candidate[] {
  return candidates.filter(({ actions }) => {
    const key = planKey(actions);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
