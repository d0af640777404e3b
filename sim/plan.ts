/** A plan: the ordered actions of one decision, within a budget, and how it is carried out. */
import { limitHostPower, limitVmPower } from './accounting/power-limits.ts';
import { assert } from './errors.ts';
import { setDomainPstate, setPstate } from './hosts/frequency.ts';
import { endGovernor } from './hosts/governing.ts';
import { powerOff, powerOn } from './hosts/power-transitions.ts';
import { abortMigration, switchMigration } from './migration/requests.ts';
import { migrateVm, placeVm, type Refusal } from './transitions.ts';
import type { Twin } from './twin.ts';
import { setQuota } from './vms/set-quota.ts';

/** One thing to do. `powerOff` waits until the host is empty. */
export type Action =
  | { readonly type: 'place'; readonly vm: number; readonly host: number }
  | { readonly type: 'migrate'; readonly vm: number; readonly host: number }
  | { readonly type: 'powerOn'; readonly host: number }
  | {
      readonly type: 'powerOff';
      readonly host: number;
      /** ACPI state to go to; default: S3 where the host can, else S5. */
      readonly to?: 'S3' | 'S5';
    }
  | {
      readonly type: 'setPstate';
      readonly host: number;
      readonly pstate: number;
      /** One frequency domain; without it all of the host. */
      readonly domain?: number;
    }
  /** Ends a migration; the VM stays where it is. Or lets the VM go on at its target now (post-copy). */
  | { readonly type: 'abortMigration'; readonly vm: number }
  | { readonly type: 'switchMigration'; readonly vm: number }
  /** Most CPU that a VM may use, cores; Infinity for no limit. */
  | { readonly type: 'setQuota'; readonly vm: number; readonly cores: number }
  /** Power limits, W; Infinity for none. Of a VM: on its CPU, or on its disk. */
  | {
      readonly type: 'limitVmPower';
      readonly vm: number;
      readonly watts: number;
      readonly of?: 'disk';
    }
  | { readonly type: 'limitHostPower'; readonly host: number; readonly watts: number };

/** What one decision may do at most. */
export interface Budget {
  /** Migration number limit (MNL); `Infinity` for none. */
  readonly migrations: number;
}

export const unlimited: Budget = { migrations: Infinity };

/** An append-only list of actions. Reaching the migration limit is not an error: `canMigrate` says so. */
export class Plan {
  readonly budget: Budget;
  readonly actions: Action[] = [];
  #migrations = 0;

  constructor(budget: Budget = unlimited) {
    this.budget = budget;
  }

  get migrations(): number {
    return this.#migrations;
  }

  get canMigrate(): boolean {
    return this.#migrations < this.budget.migrations;
  }

  place(vm: number, host: number): void {
    this.actions.push({ type: 'place', vm, host });
  }

  migrate(vm: number, host: number): void {
    assert(this.canMigrate, () => `a plan of at most ${this.budget.migrations} migrations is full`);
    this.#migrations++;
    this.actions.push({ type: 'migrate', vm, host });
  }

  powerOn(host: number): void {
    this.actions.push({ type: 'powerOn', host });
  }

  powerOff(host: number): void {
    this.actions.push({ type: 'powerOff', host });
  }

  /** @param domain One frequency domain, counted from 0; without it all of the host. */
  setPstate(host: number, pstate: number, domain?: number): void {
    this.actions.push({
      type: 'setPstate',
      host,
      pstate,
      ...(domain === undefined ? {} : { domain }),
    });
  }

  abortMigration(vm: number): void {
    this.actions.push({ type: 'abortMigration', vm });
  }

  switchMigration(vm: number): void {
    this.actions.push({ type: 'switchMigration', vm });
  }

  /** @param cores Infinity for no limit. */
  setQuota(vm: number, cores: number): void {
    this.actions.push({ type: 'setQuota', vm, cores });
  }

  /** @param watts Infinity for no limit. */
  limitVmPower(vm: number, watts: number, of: 'cpu' | 'disk' = 'cpu'): void {
    this.actions.push({ type: 'limitVmPower', vm, watts, ...(of === 'disk' ? { of } : {}) });
  }

  /** @param watts Infinity for no limit. */
  limitHostPower(host: number, watts: number): void {
    this.actions.push({ type: 'limitHostPower', host, watts });
  }

  /** Appends an action made elsewhere. */
  add(action: Action): void {
    if (action.type === 'migrate') this.migrate(action.vm, action.host);
    else this.actions.push(action);
  }
}

/** Migrations among the actions. */
export function countMigrations(actions: readonly Action[]): number {
  let count = 0;
  for (const action of actions) if (action.type === 'migrate') count++;
  return count;
}

/** An action that could not be carried out, and why. */
export interface RefusedAction {
  readonly action: Action;
  readonly reason: string;
}

/** Carries out the actions in order. What is refused is left out; the rest still happens. */
export function applyPlan(twin: Twin, actions: readonly Action[]): RefusedAction[] {
  const refused: RefusedAction[] = [];
  for (const action of actions) {
    const reason = applyAction(twin, action);
    if (reason !== undefined) refused.push({ action, reason });
  }
  return refused;
}

/** Carries out one action now. @returns why not, where it cannot be. */
export function applyAction(twin: Twin, action: Action): Refusal {
  switch (action.type) {
    case 'place':
      return placeVm(twin, action.vm, action.host);
    case 'migrate':
      return migrateVm(twin, action.vm, action.host);
    case 'powerOn':
      return powerOn(twin, action.host);
    case 'powerOff':
      return powerOff(twin, action.host, action.to);
    case 'setPstate':
      return requestPstate(twin, action);
    case 'abortMigration':
      return abortMigration(twin, action.vm);
    case 'switchMigration':
      return switchMigration(twin, action.vm);
    case 'setQuota':
      return setQuota(twin, action.vm, action.cores);
    case 'limitVmPower':
      return limitVmPower(twin, action.vm, action.watts, action.of);
    case 'limitHostPower':
      return limitHostPower(twin, action.host, action.watts);
  }
}

function requestPstate(
  twin: Twin,
  { host, pstate, domain }: Extract<Action, { type: 'setPstate' }>,
): Refusal {
  const refusal =
    domain === undefined
      ? setPstate(twin, host, pstate)
      : setDomainPstate(twin, host, domain, pstate);
  if (refusal === undefined && twin.model.hostGovernorEnds?.[host] === 1) endGovernor(twin, host);
  return refusal;
}
