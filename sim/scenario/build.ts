/** Scenario + workload → the immutable model, with the checks that need both. */
import { type LimitContext, limitsOf } from '../accounting/limit-key.ts';
import type { PowerLimitSpec } from '../accounting/limit-spec.ts';
import { billSpecOf } from '../accounting/scenario-key.ts';
import { InputError, type Issue } from '../errors.ts';
import { faultsOf } from '../faults/scenario-key.ts';
import type { NetworkSpec } from '../flows/network-spec.ts';
import type { HostSpec } from '../hosts/host-spec.ts';
import { buildModel, type ClusterModel, type NamedGovernor } from '../model.ts';
import type { Objective } from '../objective.ts';
import type { Budget } from '../plan.ts';
import { unlimited } from '../plan.ts';
import type { Workload } from '../workload.ts';
import { withApplications } from './applications.ts';
import { type FacilityTraces, facilityOf, hasMoney } from './facility-key.ts';
import { GovernorList, type HostEntry, hostOf } from './host-key.ts';
import { copyingCoresOf, migrationSpecs } from './migration-key.ts';
import { disksOf, networkOf } from './network-key.ts';
import type { Scenario } from './schema.ts';

/**
 * @param path Name of the scenario's file, for messages.
 * @param traces What was read from the files that `facility` names.
 * @throws InputError for hosts named twice, VMs on two hosts or unknown, and incomplete hosts.
 */
export function modelOf(
  scenario: Scenario,
  trace: Workload,
  path: string,
  traces: FacilityTraces = {},
): ClusterModel {
  const issues: Issue[] = [];
  const { workload, applications } = withApplications(
    scenario.applications ?? [],
    trace,
    path,
    issues,
  );
  if (workload.vmNames.length === 0) {
    issues.push({ path: `${path}: workload`, expected: 'at least one VM', got: 'none' });
  }
  if (endOf(scenario, trace) <= 0) {
    issues.push({ path: `${path}: duration`, expected: 'a duration above 0', got: 'none' });
  }
  const { hosts, governors, initialHost, pinnedCore } = expandHosts(
    scenario,
    workload,
    path,
    issues,
  );
  const migration = migrationSpecs(scenario.migration, workload, path, issues);
  const flows = {
    ...networkOf(scenario.network, workload, path, issues),
    ...disksOf(scenario.disk, path, issues),
  };
  const faults = faultsOf(
    scenario.faults,
    { hostNames: hosts.map((host) => host.name), ...rackOf(flows.network) },
    path,
    issues,
  );
  const facility = facilityOf(scenario.facility, traces, path, issues);
  checkWeights(scenario, path, issues);
  const quotas = quotasOf(scenario, workload, path, issues);
  const limits = powerLimitsOf(scenario, workload, { hosts, ...flows }, path, issues);
  if (issues.length > 0) throw new InputError(issues);
  const { accounting } = scenario;
  if (accounting !== undefined) {
    billSpecOf(accounting, workload.vmNames, `${path}: accounting.tenants`);
  }
  return buildModel({
    hosts,
    workload,
    applications,
    governors,
    initialHost,
    pinnedCore: (vm) => pinnedCore[vm]!,
    migration,
    ...flows,
    ...facility,
    ...faults,
    migrationOverheadFraction: scenario.migration.overhead,
    ...copyingCoresOf(scenario.migration),
    ...quotas,
    ...(accounting === undefined ? {} : { accounting: { idle: accounting.idle, ...limits } }),
  });
}

/** Quotas of the VMs that have one. */
function quotasOf(
  { quotas }: Scenario,
  { vmNames }: Workload,
  path: string,
  issues: Issue[],
): { readonly quota?: (vm: number) => number } {
  if (quotas === undefined) return {};
  for (const name of Object.keys(quotas)) {
    if (vmNames.includes(name)) continue;
    issues.push({ path: `${path}: quotas`, expected: 'a VM of the workload', got: `"${name}"` });
  }
  return {
    quota: (vm) => (Object.hasOwn(quotas, vmNames[vm]!) ? quotas[vmNames[vm]!]! : Infinity),
  };
}

function powerLimitsOf(
  { accounting, disk }: Scenario,
  { vmNames }: Workload,
  cluster: Pick<LimitContext, 'hosts' | 'disks'>,
  path: string,
  issues: Issue[],
): { readonly limits?: PowerLimitSpec } {
  if (accounting?.limits === undefined) return {};
  const context = {
    vmNames,
    ...cluster,
    ...(disk?.requestSize === undefined ? {} : { requestBytes: disk.requestSize }),
  };
  return { limits: limitsOf(accounting.limits, context, `${path}: accounting.limits`, issues) };
}

/** Which rack a host stands in, where there are racks. */
function rackOf(network: NetworkSpec): { readonly rackOf?: (host: number) => number } {
  if (network.type !== 'star' || network.racks === undefined) return {};
  return { rackOf: network.racks.rackOf };
}

/** The scenario's weights of the cost. */
export function objectiveOf(scenario: Scenario): Objective {
  const { energy, lost, migration, money = 0, carbon = 0 } = scenario.objective;
  return {
    energyPerKwh: energy,
    lostPerVcpuHour: lost,
    perMigration: migration,
    ...(money === 0 ? {} : { moneyPerUnit: money }),
    ...(carbon === 0 ? {} : { carbonPerKg: carbon }),
  };
}

/** A weight on what nobody measures would do nothing, silently. */
function checkWeights({ objective, facility }: Scenario, path: string, issues: Issue[]): void {
  const { money = 0, carbon = 0 } = objective;
  if (money > 0 && !hasMoney(facility)) {
    const expected = 'a price in facility where money has a weight';
    issues.push({ path: `${path}: objective.money`, expected, got: `${money}` });
  }
  if (carbon > 0 && facility?.carbon === undefined && facility?.carbonTrace === undefined) {
    const expected = 'a carbon intensity in facility where carbon has a weight';
    issues.push({ path: `${path}: objective.carbon`, expected, got: `${carbon}` });
  }
}

/** What one decision may do at most; without limits where the scenario sets none. */
export function budgetOf(scenario: Scenario): Budget {
  return scenario.budget ?? unlimited;
}

/** End of the run, ms. */
export function endOf(scenario: Scenario, workload: Workload): number {
  return scenario.duration ?? workload.steps * workload.intervalMs;
}

/** One spec per host, and which host each named VM starts on. */
function expandHosts(
  scenario: Scenario,
  workload: Workload,
  path: string,
  issues: Issue[],
): {
  hosts: HostSpec[];
  governors: readonly NamedGovernor[];
  initialHost: number[];
  pinnedCore: number[];
} {
  const hosts: HostSpec[] = [];
  const rules = new GovernorList();
  const names = new Set<string>();
  const vmIndex = new Map(workload.vmNames.map((name, vm) => [name, vm]));
  const initialHost = new Array<number>(workload.vmNames.length).fill(-1);
  const pinnedCore = new Array<number>(workload.vmNames.length).fill(-1);
  scenario.hosts.forEach((entry, index) => {
    const at = `${path}: hosts[${index}]`;
    for (let copy = 0; copy < entry.count; copy++) {
      const name = hostName(entry, index, copy);
      if (names.has(name)) {
        issues.push({ path: `${at}.name`, expected: 'a name used once', got: `"${name}" again` });
      }
      names.add(name);
      const host = hostOf(entry, name, at, rules, copy === 0 ? issues : []);
      if (host !== undefined) hosts.push(host);
    }
    placeNamed(entry, hosts, vmIndex, initialHost, at, issues);
    pinNamed(entry, vmIndex, pinnedCore, at, issues);
  });
  checkMemory(hosts, workload, initialHost, path, issues);
  return { hosts, governors: rules.named, initialHost, pinnedCore };
}

function hostName(entry: HostEntry, index: number, copy: number): string {
  const base = entry.name ?? `${entry.model ?? 'host'}-${index}`;
  return entry.count === 1 && entry.name !== undefined ? base : `${base}-${copy}`;
}

function placeNamed(
  entry: HostEntry,
  hosts: readonly HostSpec[],
  vmIndex: ReadonlyMap<string, number>,
  initialHost: number[],
  at: string,
  issues: Issue[],
): void {
  if (entry.vms.length > 0 && entry.count !== 1) {
    issues.push({
      path: `${at}.vms`,
      expected: 'count 1 where VMs are named',
      got: `count ${entry.count}`,
    });
    return;
  }
  for (const name of entry.vms) {
    const vm = vmIndex.get(name);
    if (vm === undefined) {
      issues.push({ path: `${at}.vms`, expected: 'a VM of the workload', got: `"${name}"` });
    } else if (initialHost[vm] !== -1) {
      const other = hosts[initialHost[vm]!]?.name ?? 'another host';
      issues.push({
        path: `${at}.vms`,
        expected: 'each VM on one host',
        got: `"${name}" is also on ${other}`,
      });
    } else {
      initialHost[vm] = hosts.length - 1;
    }
  }
}

function pinNamed(
  entry: HostEntry,
  vmIndex: ReadonlyMap<string, number>,
  pinnedCore: number[],
  at: string,
  issues: Issue[],
): void {
  for (const [name, core] of Object.entries(entry.pins)) {
    const vm = vmIndex.get(name);
    if (vm !== undefined) pinnedCore[vm] = core;
    else issues.push({ path: `${at}.pins`, expected: 'a VM of the workload', got: `"${name}"` });
  }
}

/** The initial placement must fit into memory. */
function checkMemory(
  hosts: readonly HostSpec[],
  workload: Workload,
  initialHost: readonly number[],
  path: string,
  issues: Issue[],
): void {
  const held = new Array<number>(hosts.length).fill(0);
  initialHost.forEach((host, vm) => {
    if (host >= 0) held[host]! += workload.memoryBytes[vm]!;
  });
  hosts.forEach((host, index) => {
    if (held[index]! <= host.memoryBytes) return;
    issues.push({
      path: `${path}: hosts (${host.name})`,
      expected: `VMs of at most ${host.memoryBytes} bytes`,
      got: `${held[index]} bytes`,
    });
  });
}
