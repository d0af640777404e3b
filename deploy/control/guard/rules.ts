/**
 * The rules that every operation on real hosts must pass, whatever a policy wants. Each looks at one
 * operation and at the cluster as it will be when it begins.
 */
import { hostsOf, mib, type Operation } from '../../actions/operation.ts';
import type { ClusterFile } from '../../cluster/cluster-file.ts';
import type { PlannedCluster, PlannedHost, PlannedVm } from './planned-cluster.ts';

/** Limits of a cluster file; times in ms. */
export type GuardLimits = Pick<
  ClusterFile['guard'],
  'migrations' | 'hosts' | 'hostsOn' | 'vmCooldown' | 'hostCooldown' | 'utilization' | 'confidence'
>;

/** When things last happened, ms since 1970. */
export interface Past {
  /** End of the last migration of a VM, by name. */
  readonly movedMs: ReadonlyMap<string, number>;
  /** Last change of a host's power state, by name. */
  readonly powerMs: ReadonlyMap<string, number>;
}

export interface GuardContext {
  readonly planned: PlannedCluster;
  readonly limits: GuardLimits;
  readonly past: Past;
  readonly nowMs: number;
}

/** Why an operation may not be done, a sentence without a full stop; `undefined` where it may. */
type Rule = (operation: Operation, context: GuardContext) => string | undefined;

const percent = (fraction: number): string => `${Math.round(fraction * 100)} %`;
const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;

/** The VM that an operation moves or starts, and where to. */
function arrival(
  operation: Operation,
  { planned }: GuardContext,
): { readonly vm: PlannedVm; readonly target: PlannedHost } | undefined {
  if (operation.type !== 'migrate' && operation.type !== 'startVm') return undefined;
  const vm = planned.vms.get(operation.vm);
  const target = planned.hosts.get(operation.type === 'migrate' ? operation.to : operation.host);
  return vm === undefined || target === undefined ? undefined : { vm, target };
}

const known: Rule = (operation, { planned }) => {
  const host = hostsOf(operation).find((name) => !planned.hosts.has(name));
  if (host !== undefined) return `there is no host ${host}`;
  if ('vm' in operation && !planned.vms.has(operation.vm)) return `there is no VM ${operation.vm}`;
  if (operation.type !== 'migrate') return undefined;
  const { host: at } = planned.vms.get(operation.vm)!;
  return at === operation.from && at !== operation.to
    ? undefined
    : `${operation.vm} is on ${at ?? 'no host'}`;
};

const confidence: Rule = (operation, { planned, limits }) => {
  // Waking a host takes nothing from anybody.
  if (operation.type === 'wakeHost') return undefined;
  for (const name of hostsOf(operation)) {
    const { host } = planned.hosts.get(name)!;
    if (host.confidence < limits.confidence) {
      return `what is known of ${name} has a confidence of ${host.confidence.toFixed(2)}, below ${limits.confidence}`;
    }
  }
  if (!('vm' in operation)) return undefined;
  const { vm } = planned.vms.get(operation.vm)!;
  return vm.confidence < limits.confidence
    ? `what is known of ${vm.name} has a confidence of ${vm.confidence.toFixed(2)}, below ${limits.confidence}`
    : undefined;
};

const movable: Rule = (operation, { planned }) => {
  if (operation.type !== 'migrate') return undefined;
  const { vm } = planned.vms.get(operation.vm)!;
  if (!vm.movable) return `${vm.name} is not to be moved`;
  return vm.movingTo === undefined ? undefined : `${vm.name} is on its way to ${vm.movingTo}`;
};

const available: Rule = (operation, context) => {
  const found = arrival(operation, context);
  if (found === undefined) return undefined;
  const { target } = found;
  if (!target.isOn || target.host.state === 'unknown') return `${target.host.name} is not on`;
  return target.host.acceptsVms ? undefined : `${target.host.name} takes no VMs`;
};

const memory: Rule = (operation, context) => {
  const found = arrival(operation, context);
  if (found === undefined) return undefined;
  const { vm, target } = found;
  return vm.vm.memoryBytes > target.freeBytes
    ? `${target.host.name} would have ${mib(target.freeBytes)} free for the ${mib(vm.vm.memoryBytes)} of ${vm.vm.name}`
    : undefined;
};

type CpuLimit = Pick<GuardLimits, 'utilization'>;

/** Whether the demand of a host fits what it has at a frequency. */
function crowded(
  { host }: PlannedHost,
  demandMhz: number,
  mhz: number,
  { utilization }: CpuLimit,
): string | undefined {
  const load = demandMhz / (host.cores * mhz);
  return load > utilization
    ? `${host.name} would be asked for ${percent(load)} of its CPU at ${Math.round(mhz)} MHz, over ${percent(utilization)}`
    : undefined;
}

/** Whether each VM there gets from its vCPUs what it asks for; cores that have nothing to do cannot help. */
function cramped(
  { vms }: PlannedHost,
  mhz: number,
  { planned, limits: { utilization } }: Pick<GuardContext, 'planned'> & { limits: CpuLimit },
): string | undefined {
  for (const name of vms) {
    const { vm, demandMhz } = planned.vms.get(name)!;
    const load = demandMhz / (vm.vcpus * mhz);
    if (load > utilization) {
      return `${name} would ask for ${percent(load)} of its vCPUs at ${Math.round(mhz)} MHz, over ${percent(utilization)}`;
    }
  }
  return undefined;
}

/** Whether it takes load off a host, or off VMs, that are asked for more than a plan might ask of them. */
export function relieves(operation: Operation, planned: PlannedCluster, limits: CpuLimit): boolean {
  if (operation.type !== 'setFrequency' && operation.type !== 'migrate') return false;
  const name = operation.type === 'migrate' ? operation.from : operation.host;
  const host = planned.hosts.get(name);
  if (host === undefined) return false;
  const isFull = crowded(host, host.demandMhz, host.mhz, limits) !== undefined;
  if (operation.type === 'migrate') return isFull;
  const isRaise = operation.khz / 1000 > host.mhz;
  return isRaise && (isFull || cramped(host, host.mhz, { planned, limits }) !== undefined);
}

const cpu: Rule = (operation, context) => {
  const { planned, limits } = context;
  if (operation.type === 'setFrequency') {
    const host = planned.hosts.get(operation.host)!;
    const mhz = operation.khz / 1000;
    if (mhz >= host.mhz) return undefined;
    return crowded(host, host.demandMhz, mhz, limits) ?? cramped(host, mhz, context);
  }
  const found = arrival(operation, context);
  if (found === undefined) return undefined;
  const { vm, target } = found;
  return crowded(target, target.demandMhz + vm.demandMhz, target.mhz, limits);
};

const affinity: Rule = (operation, context) => {
  const found = arrival(operation, context);
  if (found === undefined) return undefined;
  const { vm, target } = found;
  const { name } = vm.vm;
  const others = (sets: ReadonlyMap<string, readonly (readonly string[])[]>): string[] =>
    (sets.get(name) ?? []).flat().filter((other) => other !== name);
  const { planned } = context;
  const foe = others(planned.apart).find((other) => target.vms.has(other));
  if (foe !== undefined) return `${name} and ${foe} must not share a host`;
  const friend = others(planned.together).find((other) => {
    const host = planned.vms.get(other)?.host ?? null;
    return host !== null && host !== target.host.name;
  });
  return friend === undefined ? undefined : `${name} and ${friend} must share a host`;
};

const empty: Rule = (operation, { planned }) => {
  if (operation.type !== 'sleepHost') return undefined;
  const { vms } = planned.hosts.get(operation.host)!;
  const [first] = vms;
  if (first === undefined) return undefined;
  const more = vms.size > 1 ? ` and ${vms.size - 1} more` : '';
  return `${first}${more} would still be on ${operation.host}`;
};

const wakeable: Rule = (operation, { planned, limits }) => {
  if (operation.type !== 'sleepHost') return undefined;
  const { host } = planned.hosts.get(operation.host)!;
  if (!host.canSleep) return `${host.name} has no command that wakes it`;
  const left = [...planned.hosts.values()].filter(({ isOn }) => isOn).length - 1;
  return left < limits.hostsOn
    ? `${left} hosts would be on, fewer than ${limits.hostsOn}`
    : undefined;
};

const cooldown: Rule = (operation, { limits, past, nowMs }) => {
  if (operation.type === 'migrate') {
    const left = (past.movedMs.get(operation.vm) ?? -Infinity) + limits.vmCooldown - nowMs;
    if (left > 0) return `${operation.vm} was moved lately and stays another ${seconds(left)}`;
  }
  if (operation.type === 'sleepHost') {
    const left = (past.powerMs.get(operation.host) ?? -Infinity) + limits.hostCooldown - nowMs;
    if (left > 0) return `${operation.host} was woken lately and stays on another ${seconds(left)}`;
  }
  return undefined;
};

const migrationLimit: Rule = (operation, { planned, limits }) =>
  operation.type === 'migrate' && planned.migrations >= limits.migrations
    ? `a decision may move ${limits.migrations} VMs`
    : undefined;

const blastRadius: Rule = (operation, { planned, limits }) => {
  if (!['migrate', 'startVm', 'sleepHost', 'wakeHost'].includes(operation.type)) return undefined;
  const all = new Set([...planned.touched, ...hostsOf(operation)]);
  return all.size > limits.hosts ? `a decision may touch ${limits.hosts} hosts` : undefined;
};

/** In the order in which they are asked; the first that forbids is named. */
export const rules: readonly (readonly [name: string, rule: Rule])[] = [
  ['known', known],
  ['confidence', confidence],
  ['movable', movable],
  ['available', available],
  ['memory', memory],
  ['cpu', cpu],
  ['affinity', affinity],
  ['cooldown', cooldown],
  ['migrations', migrationLimit],
  ['blast-radius', blastRadius],
  ['empty', empty],
  ['wakeable', wakeable],
];
