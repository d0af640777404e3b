/**
 * Reschedules by trying: plans of all heuristics and of emptying hosts one after the other, each
 * carried out on a fork of the twin, and neighbours of the best.
 */
import {
  type Action,
  type Candidate,
  distinctPlans,
  mutations,
  policyChance,
  propose,
  proposers,
  TwinView,
} from '../../../sim/index.ts';
import type { Operation } from '../../actions/operation.ts';
import { PlannedCluster } from '../../control/guard/planned-cluster.ts';
import { translate } from '../../control/translate.ts';
import { predict } from '../../twin/predict.ts';
import {
  firstRefusal,
  inFeasibleOrder,
  type ReschedulePlanner,
  type RescheduleQuestion,
  usedHosts,
} from './reschedule.ts';
import { actionOf } from './what-if.ts';

/** Rounds of neighbours of the best plan, and how many in each. */
const search = { rounds: 3, mutations: 6 } as const;

interface Tried {
  readonly operations: readonly Operation[];
  readonly actions: readonly Action[];
  /** Compared one after the other, less is better. */
  readonly score: readonly number[];
}

export const forkSearch: ReschedulePlanner = {
  name: 'fork search',
  plan(question) {
    const { live, migrations } = question;
    const view = new TwinView(live.twin);
    const budget = { migrations };
    const known = new Set<string>();
    let best = tryPlan([], question);
    const consider = (candidates: readonly Candidate[]): boolean => {
      const before = best;
      for (const { actions } of distinctPlans(candidates, known)) {
        const tried = tryPlan(operationsOf(actions, question), question);
        if (isLess(tried.score, best.score)) best = tried;
      }
      return best !== before;
    };
    consider([
      ...propose(view, budget, policyChance(live.twin), proposers()),
      ...drains(question).map((operations) => ({
        source: 'drain',
        actions: operations.flatMap((operation) => actionOf(operation, live) ?? []),
      })),
    ]);
    for (let round = 0; round < search.rounds; round++) {
      const { actions } = best;
      if (!consider(mutations(view, { source: '', actions }, budget, search.mutations))) break;
    }
    return best.operations;
  },
};

/** Moves and hosts' power only: frequencies are no matter of rescheduling. */
function operationsOf(
  actions: readonly Action[],
  { snapshot, translation }: RescheduleQuestion,
): Operation[] {
  const { steps } = translate(actions, snapshot, translation);
  return steps
    .map(({ operation }) => operation)
    .filter(({ type }) => ['migrate', 'startVm', 'wakeHost', 'sleepHost'].includes(type));
}

function tryPlan(operations: readonly Operation[], question: RescheduleQuestion): Tried {
  const { live, snapshot, guarding, goal, horizon, objective } = question;
  const { ordered } = inFeasibleOrder(operations, snapshot, guarding);
  const actions = ordered.flatMap((operation) => actionOf(operation, live) ?? []);
  const { cost } = predict(live, actions, { horizon, objective });
  const moves = ordered.filter(({ type }) => type === 'migrate').length;
  const score = goal === 'energy' ? [cost] : [usedHosts(snapshot, ordered).size, moves, cost];
  return { operations: ordered, actions, score };
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    if (value !== b[index]) return value < b[index]!;
  }
  return false;
}

/** Plans that empty host after host while moves are left: those with few VMs first, or little load. */
function drains(question: RescheduleQuestion): Operation[][] {
  const { snapshot } = question;
  const planned = new PlannedCluster(snapshot);
  const used = [...planned.hosts.values()].filter(({ vms }) => vms.size > 0);
  const fewest = used.toSorted((a, b) => a.vms.size - b.vms.size);
  const idlest = used.toSorted(
    (a, b) => a.demandMhz / a.host.cores / a.mhz - b.demandMhz / b.host.cores / b.mhz,
  );
  return [fewest, idlest].map((order) =>
    drainInTurn(
      order.map(({ host }) => host.name),
      question,
    ),
  );
}

/** Hosts in a row that could not be emptied before no more are tried. */
const failuresMax = 50;

/** Each host wholly or not at all, its largest VM first, each to the fullest host that takes it. */
function drainInTurn(hosts: readonly string[], question: RescheduleQuestion): Operation[] {
  const { snapshot, guarding, migrations, translation } = question;
  const done: Operation[] = [];
  const drained = new Set<string>();
  let moves = 0;
  let failures = 0;
  let context = { planned: new PlannedCluster(snapshot), ...guarding };
  for (const name of hosts) {
    const { vms, host } = context.planned.hosts.get(name)!;
    if (vms.size > migrations - moves) continue;
    drained.add(name);
    const added = drain(name, drained, context, translation.migration);
    if (added === undefined) {
      drained.delete(name);
      if (++failures >= failuresMax) break;
      context = { planned: new PlannedCluster(snapshot), ...guarding };
      for (const operation of done) context.planned.apply(operation);
      continue;
    }
    failures = 0;
    moves += added.length;
    done.push(...added);
    const off: Operation = { type: 'sleepHost', host: name, to: translation.sleepOf(name) };
    if (host.canSleep && firstRefusal(off, context) === undefined) {
      context.planned.apply(off);
      done.push(off);
    }
  }
  return done;
}

/** Moves that empty a host, taken as done in `context`; `undefined` if not all of its VMs can go. */
function drain(
  name: string,
  drained: ReadonlySet<string>,
  context: Context,
  way: RescheduleQuestion['translation']['migration'],
): Operation[] | undefined {
  const { vms } = context.planned;
  const largestFirst = [...context.planned.hosts.get(name)!.vms].sort(
    (a, b) => vms.get(b)!.vm.memoryBytes - vms.get(a)!.vm.memoryBytes,
  );
  const added: Operation[] = [];
  for (const vm of largestFirst) {
    const operation = moveAway(vm, name, drained, context, way);
    if (operation === undefined) return undefined;
    context.planned.apply(operation);
    added.push(operation);
  }
  return added;
}

type Context = RescheduleQuestion['guarding'] & { readonly planned: PlannedCluster };

/** The VM's move to the host with VMs that would have least memory left. */
function moveAway(
  vm: string,
  from: string,
  drained: ReadonlySet<string>,
  context: Context,
  way: RescheduleQuestion['translation']['migration'],
): Operation | undefined {
  const targets = [...context.planned.hosts.values()]
    .filter(({ host, vms }) => vms.size > 0 && !drained.has(host.name))
    .sort((a, b) => a.freeBytes - b.freeBytes);
  const { diskBytes } = context.planned.vms.get(vm)!.vm;
  for (const { host } of targets) {
    const storage = diskBytes > 0 ? way.storage : 'none';
    const operation: Operation = { type: 'migrate', vm, from, to: host.name, ...way, storage };
    if (firstRefusal(operation, context) === undefined) return operation;
  }
  return undefined;
}
