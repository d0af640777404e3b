/**
 * The referee for tiny clusters: every joint plan over placement, host power and P-state, each
 * scored by the same rollouts as the search. `hosts^vms × Π (P-states)` plans, times two for every
 * host that ends up empty.
 */
import {
  type Action,
  assert,
  type CostVector,
  type Objective,
  scalarCost,
  type Twin,
  TwinView,
} from '../sim/index.ts';
import { type RolloutSpec, rollout } from './rollout.ts';

/** Most plans that will be enumerated. */
const plansMax = 500_000;

export interface ExactResult {
  readonly actions: readonly Action[];
  readonly cost: CostVector;
  readonly objective: number;
  readonly plans: number;
}

/** The best of all plans. @throws InvariantError when there are more than half a million. */
export function bruteForce(twin: Twin, objective: Objective, spec: RolloutSpec): ExactResult {
  const cluster = new TwinView(twin);
  const vms: number[] = [];
  for (let vm = 0; vm < cluster.vms; vm++) {
    if (cluster.isPending(vm) || (cluster.isRunning(vm) && !cluster.isMoving(vm))) vms.push(vm);
  }
  const placements = cluster.hosts ** vms.length;
  assert(placements <= plansMax, () => `${placements} placements are too many to enumerate`);
  const scratch = twin.fork();
  let best: ExactResult | undefined;
  let plans = 0;
  const target = new Array<number>(vms.length).fill(0);
  for (let code = 0; code < placements; code++) {
    let rest = code;
    for (let index = 0; index < vms.length; index++) {
      target[index] = rest % cluster.hosts;
      rest = Math.floor(rest / cluster.hosts);
    }
    for (const actions of powerAndFrequency(cluster, vms, target)) {
      plans++;
      const cost = rollout(twin, scratch, actions, spec);
      const value = scalarCost(cost, objective);
      if (best === undefined || value < best.objective) {
        best = { actions, cost, objective: value, plans };
      }
    }
  }
  assert(best !== undefined, () => 'a cluster has at least one plan');
  return { ...best, plans };
}

/** All ways to switch empty hosts and choose P-states for one placement. */
function* powerAndFrequency(
  cluster: TwinView,
  vms: readonly number[],
  target: readonly number[],
): Generator<Action[]> {
  const used = new Uint8Array(cluster.hosts);
  const moves: Action[] = [];
  const wakes: Action[] = [];
  vms.forEach((vm, index) => {
    const host = target[index]!;
    used[host] = 1;
    if (cluster.hostOf(vm) === host) return;
    moves.push(cluster.isPending(vm) ? { type: 'place', vm, host } : { type: 'migrate', vm, host });
  });
  const choices: Action[][][] = [];
  for (let host = 0; host < cluster.hosts; host++) {
    const options: Action[][] = [];
    if (used[host] === 1 && cluster.isOff(host)) wakes.push({ type: 'powerOn', host });
    for (let pstate = 0; pstate < cluster.pstates(host); pstate++) {
      options.push(pstate === cluster.pstate(host) ? [] : [{ type: 'setPstate', host, pstate }]);
    }
    if (used[host] === 0 && cluster.isOn(host)) options.push([{ type: 'powerOff', host }]);
    choices.push(options);
  }
  const pick = new Array<number>(cluster.hosts).fill(0);
  for (;;) {
    const tail = pick.flatMap((choice, host) => choices[host]![choice]!);
    yield [...wakes, ...moves, ...tail];
    let host = 0;
    while (host < pick.length && ++pick[host]! >= choices[host]!.length) pick[host++] = 0;
    if (host === pick.length) return;
  }
}
