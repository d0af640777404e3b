/**
 * Whether a whole plan can be carried out, as far as a policy can tell: the same rules as
 * `transitions.ts`, applied to the view in the plan's own order. Learned policies mask what is not.
 */
import type { Action } from '../plan.ts';
import type { ClusterView } from '../view.ts';

/** Whether every action could be carried out, each after those before it. */
export function isLegalPlan(cluster: ClusterView, actions: readonly Action[]): boolean {
  const draft = new LegalityDraft(cluster);
  for (const action of actions) {
    if (!draft.accept(action)) return false;
  }
  return true;
}

/** What the actions so far have used up. */
class LegalityDraft {
  readonly #cluster: ClusterView;
  readonly #freeBytes = new Map<number, number>();
  readonly #switched = new Map<number, boolean>();
  readonly #moved = new Set<number>();
  readonly #receiving = new Set<number>();

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  /** Notes one more action; false when it could not be carried out. */
  accept(action: Action): boolean {
    const cluster = this.#cluster;
    switch (action.type) {
      case 'place':
        return cluster.isPending(action.vm) && this.#send(action.vm, action.host);
      case 'migrate':
        return (
          cluster.isRunning(action.vm) &&
          !cluster.isMoving(action.vm) &&
          cluster.mayMove(action.vm) &&
          cluster.hostOf(action.vm) !== action.host &&
          this.#send(action.vm, action.host)
        );
      case 'powerOn':
        return cluster.isOff(action.host) && this.#switch(action.host, true);
      case 'powerOff':
        return (
          cluster.isOn(action.host) &&
          cluster.incomingCount(action.host) === 0 &&
          !this.#receiving.has(action.host) &&
          this.#switch(action.host, false)
        );
      case 'setPstate':
        return action.pstate >= 0 && action.pstate < cluster.pstates(action.host);
      case 'abortMigration': {
        const stage = cluster.migration(action.vm)?.stage;
        return stage !== undefined && stage !== 'postCopy' && this.#end(action.vm);
      }
      case 'switchMigration': {
        const stage = cluster.migration(action.vm)?.stage;
        return (stage === 'memory' || stage === 'dirty') && this.#end(action.vm);
      }
      case 'setQuota':
        return action.cores > 0 && this.#isThere(action.vm);
      case 'limitVmPower':
        return (
          cluster.limitsPower(action.of ?? 'cpu') && action.watts >= 0 && this.#isThere(action.vm)
        );
      case 'limitHostPower':
        return cluster.limitsPower('cpu') && action.watts >= 0;
    }
  }

  #isThere(vm: number): boolean {
    const cluster = this.#cluster;
    return cluster.isPending(vm) || cluster.isRunning(vm) || cluster.isMoving(vm);
  }

  /** A migration is ended once. */
  #end(vm: number): boolean {
    if (this.#moved.has(vm)) return false;
    this.#moved.add(vm);
    return true;
  }

  #switch(host: number, on: boolean): boolean {
    if (this.#switched.has(host) || !this.#cluster.maySwitch(host)) return false;
    this.#switched.set(host, on);
    return true;
  }

  #send(vm: number, host: number): boolean {
    const cluster = this.#cluster;
    if (this.#moved.has(vm)) return false;
    if (!(this.#switched.get(host) ?? cluster.isAvailable(host))) return false;
    const free = this.#freeBytes.get(host) ?? cluster.freeMemoryBytes(host);
    const left = free - cluster.vmMemoryBytes(vm);
    this.#freeBytes.set(host, left);
    this.#moved.add(vm);
    this.#receiving.add(host);
    return left >= 0;
  }
}
