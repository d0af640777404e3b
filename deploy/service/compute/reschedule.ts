/** Which VMs to move, at most so many: `POST /v1/reschedule`. */
import type { Objective } from '../../../sim/index.ts';
import { describeOperation, type Operation } from '../../actions/operation.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';
import { PlannedCluster } from '../../control/guard/planned-cluster.ts';
import { rules } from '../../control/guard/rules.ts';
import type { Prediction, Refusal } from '../../decision.ts';
import { type LiveTwin, liveTwin } from '../../twin/live-twin.ts';
import { predict } from '../../twin/predict.ts';
import type { RescheduleRequest } from '../api/requests.ts';
import {
  type Guarding,
  guardingAlways,
  horizonOf,
  objectiveOf,
  type Surroundings,
  translationOf,
} from './questions.ts';
import { actionOf } from './what-if.ts';

/** What a planner is asked. */
export interface RescheduleQuestion {
  readonly live: LiveTwin;
  readonly snapshot: ClusterSnapshot;
  /** Most moves. */
  readonly migrations: number;
  readonly goal: RescheduleRequest['goal'];
  readonly horizon: number;
  readonly objective: Objective;
  /** What every move must pass; `limits.migrations` is at most `migrations`. */
  readonly guarding: Guarding;
  readonly translation: ReturnType<typeof translationOf>;
}

/**
 * Finds moves, and which hosts to wake or switch off with them.
 *
 * @returns Operations in any order; what is not feasible in some order is left out afterwards.
 */
export interface ReschedulePlanner {
  readonly name: string;
  plan(question: RescheduleQuestion): readonly Operation[];
}

export interface RescheduleAnswer {
  readonly atMs: number;
  readonly planner: string;
  /** Each feasible after those before it. */
  readonly moves: readonly { readonly operation: Operation; readonly what: string }[];
  /** Hosts that have VMs before, and after. */
  readonly hostsUsed: { readonly before: number; readonly after: number };
  /** Hosts without VMs after the moves that had some before. */
  readonly emptied: readonly string[];
  readonly before: Prediction;
  /** With the moves, and the emptied hosts that can sleep switched off. */
  readonly after: Prediction;
  /** What the planner wanted and what cannot be done at its place. */
  readonly left: readonly ({ readonly operation: Operation } & Refusal)[];
}

export function reschedule(
  request: RescheduleRequest,
  planner: ReschedulePlanner,
  surroundings: Surroundings,
): RescheduleAnswer {
  const { snapshot, goal } = request;
  const horizon = horizonOf(request.horizon, surroundings);
  const objective = objectiveOf(request.objective, surroundings);
  const asked = guardingAlways(request.limits, surroundings, 1);
  const migrations = Math.min(request.migrations, asked.limits.migrations);
  const guarding = { ...asked, limits: { ...asked.limits, migrations } };
  const live = liveTwin(snapshot, { horizon });
  const wanted = planner.plan({
    ...{ live, snapshot, migrations, goal, horizon, objective, guarding },
    translation: translationOf(surroundings),
  });
  const { ordered, left } = inFeasibleOrder(wanted, snapshot, guarding);
  const actions = ordered.flatMap((operation) => actionOf(operation, live) ?? []);
  const before = usedHosts(snapshot, []);
  const after = usedHosts(snapshot, ordered);
  return {
    atMs: snapshot.atMs,
    planner: planner.name,
    moves: ordered.map((operation) => ({ operation, what: describeOperation(operation) })),
    hostsUsed: { before: before.size, after: after.size },
    emptied: [...before].filter((host) => !after.has(host)),
    before: predict(live, [], { horizon, objective }),
    after: predict(live, actions, { horizon, objective }),
    left,
  };
}

/** Hosts with VMs once the operations are done. */
export function usedHosts(
  { vms }: ClusterSnapshot,
  operations: readonly Operation[],
): ReadonlySet<string> {
  const moved = new Map<string, string>();
  for (const operation of operations) {
    if (operation.type === 'migrate') moved.set(operation.vm, operation.to);
    else if (operation.type === 'startVm') moved.set(operation.vm, operation.host);
  }
  return new Set(
    vms.flatMap(({ name, host, movingTo }) => moved.get(name) ?? movingTo ?? host ?? []),
  );
}

/** Times that operations are gone through for one that has become possible. */
const passesMax = 100;

/**
 * An order in which each operation passes all rules after those before it: again and again the first
 * that can be done. Operations that pass in no such place are left.
 */
export function inFeasibleOrder(
  operations: readonly Operation[],
  snapshot: ClusterSnapshot,
  guarding: Guarding,
): Pick<RescheduleAnswer, 'left'> & { readonly ordered: readonly Operation[] } {
  const context = { planned: new PlannedCluster(snapshot), ...guarding };
  const ordered: Operation[] = [];
  let waiting = operations;
  let left: ({ readonly operation: Operation } & Refusal)[] = [];
  for (let pass = 0; pass < passesMax && waiting.length > 0; pass++) {
    left = [];
    for (const operation of waiting) {
      const refusal = firstRefusal(operation, context);
      if (refusal !== undefined) {
        left.push({ operation, ...refusal });
        continue;
      }
      context.planned.apply(operation);
      ordered.push(operation);
    }
    if (left.length === waiting.length) break;
    waiting = left.map(({ operation }) => operation);
  }
  return { ordered, left };
}

/** The first rule that forbids an operation now. */
export function firstRefusal(
  operation: Operation,
  context: Guarding & { readonly planned: PlannedCluster },
): Refusal | undefined {
  for (const [rule, forbids] of rules) {
    const reason = forbids(operation, context);
    if (reason !== undefined) return { rule, reason };
  }
  return undefined;
}
