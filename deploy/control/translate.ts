/** From what a policy decides, by id, to operations on real hosts, by name, in a safe order. */
import type { Action } from '../../sim/index.ts';
import type { MigrationWay, Operation } from '../actions/operation.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import { standingMhz } from '../cluster/standing-frequency.ts';

/** An action of the twin and the operation that it is on real hosts. */
export interface Step {
  readonly action: Action;
  readonly operation: Operation;
}

export interface Translation {
  readonly steps: readonly Step[];
  /** Actions that no operation carries out, a sentence each. */
  readonly untranslated: readonly string[];
}

export interface TranslationOptions {
  readonly migration: MigrationWay;
  /** How a host is switched off where the policy leaves it open. */
  readonly sleepOf: (host: string) => 'S3' | 'S5';
}

/**
 * Actions as operations. First what makes room (waking, raising frequencies), then what moves, last
 * what takes away (lowering frequencies, switching off), so that no step relies on a later one.
 */
export function translate(
  actions: readonly Action[],
  snapshot: ClusterSnapshot,
  options: TranslationOptions,
): Translation {
  const steps: Step[] = [];
  const untranslated: string[] = [];
  for (const action of actions) {
    const operation = operationOf(action, snapshot, options);
    if (typeof operation === 'string') untranslated.push(operation);
    else steps.push({ action, operation });
  }
  const rank = ({ operation }: Step): number => rankOf(operation, snapshot);
  // Sorting is stable: within a rank the policy's order stays.
  return { steps: steps.toSorted((a, b) => rank(a) - rank(b)), untranslated };
}

function operationOf(
  action: Action,
  { hosts, vms }: ClusterSnapshot,
  { migration, sleepOf }: TranslationOptions,
): Operation | string {
  switch (action.type) {
    case 'place':
      return { type: 'startVm', vm: vms[action.vm]!.name, host: hosts[action.host]!.name };
    case 'migrate': {
      const { name: vm, host, diskBytes } = vms[action.vm]!;
      if (host === null) return `${vm} waits for a host and cannot be migrated`;
      // Without a disk of its own there is nothing to copy.
      const hasNothing = migration.storage === 'copy' && diskBytes === 0;
      const way = hasNothing ? { ...migration, storage: 'none' as const } : migration;
      return { type: 'migrate', vm, from: host, to: hosts[action.host]!.name, ...way };
    }
    case 'powerOn':
      return { type: 'wakeHost', host: hosts[action.host]!.name };
    case 'powerOff': {
      const host = hosts[action.host]!.name;
      return { type: 'sleepHost', host, to: action.to ?? sleepOf(host) };
    }
    case 'setPstate': {
      const { name: host, frequenciesMhz } = hosts[action.host]!;
      return { type: 'setFrequency', host, khz: Math.round(frequenciesMhz[action.pstate]! * 1000) };
    }
    case 'setQuota': {
      const { name: vm, host, vcpus } = vms[action.vm]!;
      if (host === null) return `${vm} waits for a host; its quota cannot be set`;
      const coresPerVcpu = action.cores === Infinity ? null : action.cores / vcpus;
      return { type: 'setQuota', vm, host, coresPerVcpu };
    }
    case 'abortMigration':
    case 'switchMigration':
    case 'limitVmPower':
    case 'limitHostPower':
      return `${action.type} is simulated only`;
  }
}

function rankOf(operation: Operation, { hosts }: ClusterSnapshot): number {
  switch (operation.type) {
    case 'wakeHost':
      return 0;
    case 'setFrequency': {
      const host = hosts.find(({ name }) => name === operation.host)!;
      return operation.khz >= standingMhz(host) * 1000 ? 1 : 4;
    }
    case 'migrate':
    case 'startVm':
      return 2;
    case 'sleepHost':
      return 5;
    default:
      return 3;
  }
}
