/** From intents to what was before the first of them: one goal for each thing that was changed. */
import { hostsOf, type MigrationWay, type Operation } from '../actions/operation.ts';
import type { IntentState } from './journal-index.ts';
import { Covered, resourcesOf } from './resources.ts';

export type Setting = Extract<
  Operation,
  { readonly type: 'setVcpus' | 'setQuota' | 'setShares' | 'pinVcpus' | 'setMemory' }
>;
type WakeHost = Extract<Operation, { readonly type: 'wakeHost' }>;
export type SleepHost = Extract<Operation, { readonly type: 'sleepHost' }>;
type Cpufreq = Extract<Operation, { readonly type: 'setGovernor' | 'setFrequency' | 'setCpufreq' }>;

/** Where a VM was, and whether it ran. */
export interface VmBefore {
  readonly vm: string;
  readonly host: string;
  readonly isRunning: boolean;
  /** Pull the plug where it must be stopped. */
  readonly force: boolean;
  /** How it was moved; absent where it was not. */
  readonly way?: MigrationWay;
  /** Where its last migration was to go, if nobody has seen it arrive: it may be on its way. */
  readonly lastHost?: string;
}

/** Something to bring back. `resources` are as in `resources.ts`. */
export type Goal = { readonly resources: readonly string[] } & (
  | { readonly kind: 'wake'; readonly host: string; readonly operation: WakeHost }
  | { readonly kind: 'sleep'; readonly host: string; readonly operation: SleepHost }
  /** On its host again, running if it ran. */
  | { readonly kind: 'place'; readonly before: VmBefore }
  | { readonly kind: 'setting'; readonly vm: string; readonly operation: Setting }
  /** Off again if it was off. */
  | { readonly kind: 'stop'; readonly before: VmBefore }
  /** In order; a later one may set again what an earlier one has set. */
  | { readonly kind: 'cpufreq'; readonly host: string; readonly operations: readonly Cpufreq[] }
);

/** Hosts up, VMs back, their settings, VMs off, frequencies, hosts down: each relies on those before. */
const order = [
  'wake',
  'place',
  'setting',
  'stop',
  'cpufreq',
  'sleep',
] as const satisfies readonly Goal['kind'][];

/** What of undos is known of one VM, oldest first. */
interface VmUndos {
  readonly before: VmBefore;
  readonly resources: Set<string>;
}

/**
 * Goals in the order in which they are to be reached. Where several intents changed the same thing,
 * what it was before the first of them is the goal.
 *
 * @param intents Oldest first.
 */
export function goalsOf(intents: readonly IntentState[]): Goal[] {
  const covered = new Covered();
  const vms = new Map<string, VmUndos>();
  const cpufreq = new Map<string, { operations: Cpufreq[]; resources: Set<string> }>();
  const goals: Goal[] = [];
  const take = (operation: Operation): void => {
    const resources = resourcesOf(operation);
    const isNew = resources.some((resource) => !covered.has(resource));
    switch (operation.type) {
      case 'migrate':
      case 'startVm':
      case 'stopVm': {
        const known = vms.get(operation.vm);
        const before = withUndo(known?.before, operation);
        vms.set(operation.vm, {
          before,
          resources: new Set([...(known?.resources ?? []), ...resources]),
        });
        break;
      }
      case 'setGovernor':
      case 'setFrequency':
      case 'setCpufreq': {
        const entry = cpufreq.get(operation.host) ?? { operations: [], resources: new Set() };
        // Newest first: what is older sets what it knows on top.
        if (isNew) entry.operations.unshift(uncovered(operation, covered));
        for (const resource of resources) entry.resources.add(resource);
        cpufreq.set(operation.host, entry);
        break;
      }
      case 'wakeHost':
        if (isNew) goals.push({ kind: 'wake', host: operation.host, operation, resources });
        break;
      case 'sleepHost':
        if (isNew) goals.push({ kind: 'sleep', host: operation.host, operation, resources });
        break;
      default:
        if (isNew) goals.push({ kind: 'setting', vm: operation.vm, operation, resources });
    }
    covered.add(operation);
  };
  for (const { intent } of intents) for (const operation of intent.undo) take(operation);
  for (const { before, resources } of withLastHosts(vms, intents)) {
    goals.push({ kind: 'place', before, resources: [...resources] });
    if (!before.isRunning) goals.push({ kind: 'stop', before, resources: [...resources] });
  }
  for (const [host, { operations, resources }] of cpufreq) {
    goals.push({ kind: 'cpufreq', host, operations, resources: [...resources] });
  }
  return goals.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** The oldest undo says where the VM was; of later ones only how it was moved counts. */
function withUndo(
  known: VmBefore | undefined,
  operation: Extract<Operation, { readonly type: 'migrate' | 'startVm' | 'stopVm' }>,
): VmBefore {
  const { type, vm } = operation;
  if (type !== 'migrate') {
    if (known !== undefined) return known;
    const force = type === 'stopVm' && operation.force === true;
    return { vm, host: operation.host, isRunning: type === 'startVm', force };
  }
  if (known?.way !== undefined) return known;
  const { type: _, vm: __, from: ___, to, ...way } = operation;
  return { ...(known ?? { vm, host: to, isRunning: true, force: false }), way };
}

function* withLastHosts(
  vms: ReadonlyMap<string, VmUndos>,
  intents: readonly IntentState[],
): Generator<VmUndos> {
  const lastHosts = new Map<string, string>();
  for (const { intent, end } of intents) {
    const { operation } = intent;
    if (operation.type !== 'migrate') continue;
    if (end?.kind === 'done') lastHosts.delete(operation.vm);
    else lastHosts.set(operation.vm, operation.to);
  }
  for (const { before, resources } of vms.values()) {
    const lastHost = lastHosts.get(before.vm);
    yield { before: lastHost === undefined ? before : { ...before, lastHost }, resources };
  }
}

/** Without the policies that an older undo sets; those would only be set twice. */
function uncovered(operation: Cpufreq, covered: Covered): Cpufreq {
  if (operation.type !== 'setCpufreq') return operation;
  const settings = operation.settings.filter(
    (setting) =>
      !resourcesOf({ ...operation, settings: [setting] }).every((one) => covered.has(one)),
  );
  return { ...operation, settings };
}

/** Hosts on which each VM was, or was to be. */
export function hostsOfVms(intents: readonly IntentState[]): Map<string, ReadonlySet<string>> {
  const hosts = new Map<string, ReadonlySet<string>>();
  for (const { intent } of intents) {
    for (const operation of [intent.operation, ...intent.undo]) {
      if (!('vm' in operation)) continue;
      const before = hosts.get(operation.vm) ?? [];
      hosts.set(operation.vm, new Set([...before, ...hostsOf(operation)]));
    }
  }
  return hosts;
}
