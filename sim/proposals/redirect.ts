/**
 * Neighbours of a plan that empty one more host: everything the plan would leave on it goes to one
 * other host instead: one that sleeps and would do the same work with less power (an exchange), one
 * that the plan itself empties (a swap of roles), or one that runs anyway (a merge).
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
    if (after[host] !== running || !cluster.isOn(host) || cluster.incomingCount(host) > 0) continue;
    if (!cluster.maySwitch(host)) continue;
    const target = bestTarget(cluster, host, demand, after);
    if (target === undefined || target.saving <= 0) continue;
    const redirected = redirect(cluster, actions, host, target.host, after[target.host]!);
    if (redirected !== undefined) found.push({ saving: target.saving, actions: redirected });
  }
  found.sort((a, b) => b.saving - a.saving);
  return found.slice(0, most).map((candidate) => candidate.actions);
}

/** What a host is after the plan. */
const asleep = 0;
const running = 1;
const between = 2;
const emptied = 3;

/** One of the values above for each host. */
function powerAfter(cluster: ClusterView, actions: readonly Action[]): Uint8Array {
  const after = new Uint8Array(cluster.hosts);
  for (let host = 0; host < cluster.hosts; host++) {
    const canWake = cluster.isOff(host) && cluster.maySwitch(host);
    after[host] = cluster.isAvailable(host) ? running : canWake ? asleep : between;
  }
  for (const action of actions) {
    if (action.type === 'powerOn') after[action.host] = running;
    if (action.type === 'powerOff') after[action.host] = emptied;
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
    if (target === host || after[target] === between) continue;
    const own = after[target] === asleep ? 0 : demand[target]!;
    if (own + mips > comfortable * cluster.peakMips(target)) continue;
    const runs = after[target] === running;
    const before = runs ? powerFor(cluster, target, own) : cluster.offW(target);
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
  targetAfter: number,
): Action[] | undefined {
  if (actions.some((action) => action.type === 'powerOn' && action.host === host)) return undefined;
  const moves = remainingMoves(cluster, actions, host, target);
  if (moves === undefined) return undefined;
  const wake: Action[] = targetAfter === asleep ? [{ type: 'powerOn', host: target }] : [];
  const rerouted = actions.flatMap((action) => reroute(cluster, action, host, target));
  return [...wake, ...rerouted, ...moves, { type: 'powerOff', host }];
}

/** One action of the plan as it reads when `target` takes the place of `host`. */
function reroute(cluster: ClusterView, action: Action, host: number, target: number): Action[] {
  switch (action.type) {
    case 'place':
    case 'migrate':
      if (action.host !== host) return [action];
      // What was to leave the target for this host just stays.
      return cluster.hostOf(action.vm) === target ? [] : [{ ...action, host: target }];
    case 'setPstate':
      return action.host === host ? [] : [action];
    case 'powerOff':
      return action.host === target ? [] : [action];
    case 'powerOn':
    case 'abortMigration':
    case 'switchMigration':
    case 'setQuota':
    case 'limitVmPower':
    case 'limitHostPower':
      return [action];
  }
}

/** Moves of the VMs that the plan leaves on `host`; undefined when one of them cannot move. */
function remainingMoves(
  cluster: ClusterView,
  actions: readonly Action[],
  host: number,
  target: number,
): Action[] | undefined {
  const moved = new Set<number>();
  for (const action of actions) if (action.type === 'migrate') moved.add(action.vm);
  const moves: Action[] = [];
  for (let index = 0; index < cluster.residentCount(host); index++) {
    const vm = cluster.resident(host, index);
    if (moved.has(vm) || cluster.hostOf(vm) !== host) continue;
    if (!cluster.isRunning(vm) || cluster.isMoving(vm) || !cluster.mayMove(vm)) return undefined;
    moves.push({ type: 'migrate', vm, host: target });
  }
  return moves;
}
