/**
 * Frequencies for a plan: the slowest P-state of each host that still leaves some headroom over
 * the demand the plan gives it. The headroom is what candidates differ in.
 */
import type { Action } from '../plan.ts';
import type { ClusterView } from '../view.ts';

/** Demand per host once `actions` are carried out, MIPS, [hosts]. */
export function plannedDemand(cluster: ClusterView, actions: readonly Action[]): Float64Array {
  const demand = new Float64Array(cluster.hosts);
  for (let host = 0; host < cluster.hosts; host++) demand[host] = cluster.hostDemandMips(host);
  for (const action of actions) {
    if (action.type !== 'place' && action.type !== 'migrate') continue;
    const mips = cluster.demandMips(action.vm);
    const from = cluster.hostOf(action.vm);
    if (from >= 0) demand[from]! -= mips;
    demand[action.host]! += mips;
  }
  return demand;
}

/** Slowest P-state whose capacity times `maxUtilization` covers `demandMips`; 0 if none does. */
export function slowestPstate(
  cluster: ClusterView,
  host: number,
  demandMips: number,
  maxUtilization: number,
): number {
  for (let pstate = cluster.pstates(host) - 1; pstate > 0; pstate--) {
    const capacity = cluster.cores(host) * cluster.coreMips(host, pstate);
    if (demandMips <= capacity * maxUtilization) return pstate;
  }
  return 0;
}

/**
 * `actions` with its frequency part replaced: every host that runs after the plan gets the P-state
 * that `choose` names.
 */
export function withPstates(
  cluster: ClusterView,
  actions: readonly Action[],
  choose: (host: number) => number,
): Action[] {
  const result: Action[] = actions.filter((action) => action.type !== 'setPstate');
  const woken = new Set<number>();
  for (const action of result) if (action.type === 'powerOn') woken.add(action.host);
  for (let host = 0; host < cluster.hosts; host++) {
    if (cluster.pstates(host) < 2) continue;
    if (!cluster.isAvailable(host) && !woken.has(host)) continue;
    const pstate = choose(host);
    if (pstate !== cluster.pstate(host)) result.push({ type: 'setPstate', host, pstate });
  }
  return result;
}

/** The plan with frequencies that keep hosts at most `maxUtilization` busy. */
export function withHeadroom(
  cluster: ClusterView,
  actions: readonly Action[],
  maxUtilization: number,
): Action[] {
  const demand = plannedDemand(cluster, actions);
  return withPstates(cluster, actions, (host) =>
    slowestPstate(cluster, host, demand[host]!, maxUtilization),
  );
}
