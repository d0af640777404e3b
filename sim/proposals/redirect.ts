/**
 * Neighbours of a plan that empty one more host: everything the plan would leave on it goes to one
 * other host instead, either one that sleeps and would do the same work with less power (an
 * exchange), or one that runs anyway (a merge).
 */
import type { Action } from '../plan.ts';
import type { ClusterView } from '../view.ts';
import { plannedDemand, slowestPstate } from './frequency.ts';

/** Utilization that a host that takes over another's VMs should stay below. */
const comfortable = 0.8;

/** Plans that empty one more host each, the largest saving of power first, at most `most`. */
export function redirections(
  cluster: ClusterView,
  actions: readonly Action[],
  most: number,
): Action[][] {
  const demand = plannedDemand(cluster, actions);
  const after = powerAfter(cluster, actions);
  const found: { readonly saving: number; readonly actions: Action[] }[] = [];
  for (let host = 0; host < cluster.hosts; host++) {
    if (after[host] !== 1 || !cluster.isOn(host) || cluster.incomingCount(host) > 0) continue;
    const target = bestTarget(cluster, host, demand, after);
    if (target === undefined || target.saving <= 0) continue;
    const redirected = redirect(cluster, actions, host, target.host, after[target.host] === 0);
    if (redirected !== undefined) found.push({ saving: target.saving, actions: redirected });
  }
  found.sort((a, b) => b.saving - a.saving);
  return found.slice(0, most).map((candidate) => candidate.actions);
}

/** 1 for hosts that take VMs after the plan, 0 for those that sleep, 2 for what is in between. */
function powerAfter(cluster: ClusterView, actions: readonly Action[]): Uint8Array {
  const after = new Uint8Array(cluster.hosts);
  for (let host = 0; host < cluster.hosts; host++) {
    after[host] = cluster.isAvailable(host) ? 1 : cluster.isOff(host) ? 0 : 2;
  }
  for (const action of actions) {
    if (action.type === 'powerOn') after[action.host] = 1;
    if (action.type === 'powerOff') after[action.host] = 2;
  }
  return after;
}

/** Host that could take over all of `host`'s demand with the largest saving, W. */
function bestTarget(
  cluster: ClusterView,
  host: number,
  demand: Float64Array,
  after: Uint8Array,
): { readonly host: number; readonly saving: number } | undefined {
  const mips = demand[host]!;
  const now = powerFor(cluster, host, mips) - cluster.offW(host);
  let best: { readonly host: number; readonly saving: number } | undefined;
  for (let target = 0; target < cluster.hosts; target++) {
    if (target === host || after[target] === 2) continue;
    const own = after[target] === 1 ? demand[target]! : 0;
    if (own + mips > comfortable * cluster.peakMips(target)) continue;
    const before = after[target] === 1 ? powerFor(cluster, target, own) : cluster.offW(target);
    const saving = now - (powerFor(cluster, target, own + mips) - before);
    if (best === undefined || saving > best.saving) best = { host: target, saving };
  }
  return best;
}

function powerFor(cluster: ClusterView, host: number, mips: number): number {
  return cluster.powerW(host, slowestPstate(cluster, host, mips, comfortable), mips);
}

/** The plan with `host` emptied into `target`; undefined when a VM of it cannot move. */
function redirect(
  cluster: ClusterView,
  actions: readonly Action[],
  host: number,
  target: number,
  wake: boolean,
): Action[] | undefined {
  const moved = new Set<number>();
  const result: Action[] = wake ? [{ type: 'powerOn', host: target }] : [];
  for (const action of actions) {
    if (action.type === 'place' || action.type === 'migrate') {
      moved.add(action.vm);
      result.push(action.host === host ? { ...action, host: target } : action);
    } else if (action.type !== 'setPstate' || action.host !== host) {
      if (action.type === 'powerOn' && action.host === host) return undefined;
      result.push(action);
    }
  }
  for (let index = 0; index < cluster.residentCount(host); index++) {
    const vm = cluster.resident(host, index);
    if (moved.has(vm) || cluster.hostOf(vm) !== host) continue;
    if (!cluster.isRunning(vm) || cluster.isMoving(vm)) return undefined;
    result.push({ type: 'migrate', vm, host: target });
  }
  result.push({ type: 'powerOff', host });
  return result;
}
