/**
 * A twin at the present of a real cluster: what `TwinView` shows of it is the snapshot, and what
 * happens to a fork is what is to be expected. VMs are taken to have been where they are now; the
 * past is shown, not simulated, so all meters stand at zero.
 */
import {
  buildModel,
  type ClusterModel,
  type CopyingCores,
  InputError,
  inputError,
  type MigrationRules,
  type MigrationSpec,
  migrationRules,
  qemuAutoConverge,
  qemuMigration,
  type Twin,
  twinAt,
} from '../../sim/index.ts';
import type { ClusterSnapshot, SnapshotVm } from '../cluster/snapshot.ts';
import { expectedDemand } from './demand-forecast.ts';
import { type DemandGrid, demandGrid, type Forecast } from './demand-grid.ts';
import { hostSpecsOf } from './host-specs.ts';
import { contradictions, oddities } from './parse-snapshot.ts';

/** How VMs are moved, as far as the snapshot does not tell. */
export interface LiveMigration {
  /** Default: QEMU's, with auto-converge. */
  readonly rules?: Partial<MigrationRules>;
  /** Of VMs whose dirtying nobody measured: see `MigrationSpec`. Default 0.1. */
  readonly dirtyIntensity?: number;
  /** Most that one round can find dirty, as a fraction of memory. Default 0.5. */
  readonly workingSetFraction?: number;
  /** Fraction of its CPU that a VM loses while it is copied. Default 0.1. */
  readonly overheadFraction?: number;
  /** CPU of the hosts that copying takes. Default: none. */
  readonly copyingCores?: CopyingCores;
}

export interface LiveTwinOptions {
  /** Intervals ahead that demand is foretold for; after them it stays. Default 6. */
  readonly horizon?: number;
  /** Default: `expectedDemand`. */
  readonly forecast?: Forecast;
  readonly migration?: LiveMigration;
}

export interface LiveTwin {
  /** At its present; its own clock starts with the oldest interval shown. */
  readonly twin: Twin;
  readonly snapshot: ClusterSnapshot;
  /** By id: in the order of the snapshot. */
  readonly hostNames: readonly string[];
  readonly vmNames: readonly string[];
  /** @throws InputError for a name that the snapshot does not have. */
  hostId(name: string): number;
  vmId(name: string): number;
  /** End of the newest interval, ms since 1970. */
  readonly nowMs: number;
  /** Intervals ahead that demand is known for. */
  readonly horizon: number;
  /** What is odd about the snapshot, a sentence each. */
  readonly oddities: readonly string[];
}

/**
 * Builds the twin of a snapshot.
 *
 * @param snapshot Made here, or from outside by `parseSnapshot`.
 * @throws InputError for a snapshot that contradicts itself.
 */
export function liveTwin(snapshot: ClusterSnapshot, options: LiveTwinOptions = {}): LiveTwin {
  const issues = contradictions(snapshot);
  if (issues.length > 0) throw new InputError(issues);
  const { horizon = 6, forecast = expectedDemand, migration = {} } = options;
  const { hosts, vms, intervalS, atMs } = snapshot;
  const hostIds = idsOf(hosts);
  const vmIds = idsOf(vms);
  const grid = demandGrid(snapshot, horizon, forecast);
  const asleep: number[] = [];
  const waking: number[] = [];
  hosts.forEach(({ state }, host) => {
    if (state === 'asleep') asleep.push(host);
    else if (state === 'waking') waking.push(host);
  });
  const twin = twinAt(modelOf(snapshot, grid, hostIds, migration), {
    nowMs: grid.pastRows * Math.round(intervalS * 1000),
    asleep,
    waking,
    loadHasLasted: true,
    ownMips: ownMips(snapshot),
    migrations: vms.flatMap(({ movingTo }, vm) =>
      movingTo === undefined ? [] : [{ vm, target: hostIds.get(movingTo)! }],
    ),
  });
  return {
    twin,
    snapshot,
    hostNames: twin.model.hostNames,
    vmNames: twin.model.workload.vmNames,
    hostId: (name) => idOf(hostIds, name, 'host'),
    vmId: (name) => idOf(vmIds, name, 'VM'),
    nowMs: atMs,
    horizon,
    oddities: oddities(snapshot),
  };
}

/** CPU that hosts were busy with and their VMs did not ask for: emulation, libvirt, the host's own daemons. */
function ownMips({ hosts, vms }: ClusterSnapshot): number[] {
  const askedMhz = new Map<string, number>();
  for (const { host, demandMhz } of vms) {
    if (host !== null) askedMhz.set(host, (askedMhz.get(host) ?? 0) + (demandMhz.at(-1) ?? 0));
  }
  return hosts.map(({ name, state, cores, utilization = 0, currentMhz = 0 }) => {
    const busyMhz = state === 'on' ? utilization * cores * currentMhz : 0;
    return Math.max(0, busyMhz - (askedMhz.get(name) ?? 0));
  });
}

const idsOf = (named: readonly { readonly name: string }[]): Map<string, number> =>
  new Map(named.map(({ name }, id) => [name, id]));

function idOf(ids: ReadonlyMap<string, number>, name: string, what: string): number {
  const id = ids.get(name);
  if (id === undefined) throw inputError(what, `a ${what} of the snapshot`, `"${name}"`);
  return id;
}

function modelOf(
  snapshot: ClusterSnapshot,
  { workload }: DemandGrid,
  hostIds: ReadonlyMap<string, number>,
  migration: LiveMigration,
): ClusterModel {
  const { hosts, vms, migrationBytesPerS } = snapshot;
  const { overheadFraction = 0.1, copyingCores } = migration;
  const rules = migrationRules(migration.rules ?? qemuRules);
  const hasQuotas = vms.some(({ quotaCores }) => quotaCores !== undefined);
  return buildModel({
    ...hostSpecsOf(snapshot),
    workload,
    migration: (vm) => migrationOf(vms[vm]!, migrationBytesPerS, rules, migration),
    initialHost: vms.map(({ host }) => (host === null ? -1 : hostIds.get(host)!)),
    vmWeight: (vm) => vms[vm]!.weight,
    ...(hasQuotas ? { quota: (vm: number) => vms[vm]!.quotaCores ?? Infinity } : {}),
    // What leaves a host does not get in the way of what comes to it.
    network: { type: 'star', portBytesPerS: migrationBytesPerS, duplex: true },
    migrationOverheadFraction: overheadFraction,
    ...(copyingCores === undefined ? {} : { copyingCores }),
    restrictions: {
      takesNoVms: (host) => !hosts[host]!.acceptsVms || hosts[host]!.state === 'unknown',
      isNotSwitched: (host) => !hosts[host]!.canSleep || hosts[host]!.state === 'unknown',
      staysPut: (vm) => staysPut(vms[vm]!, hosts, hostIds),
    },
  });
}

const qemuRules: Partial<MigrationRules> = {
  downtimeLimitS: qemuMigration.downtimeLimitS,
  autoConverge: qemuAutoConverge,
};

/** Nobody can move a VM away from a host that does not answer. */
function staysPut(
  { movable, host }: SnapshotVm,
  hosts: ClusterSnapshot['hosts'],
  hostIds: ReadonlyMap<string, number>,
): boolean {
  return !movable || (host !== null && hosts[hostIds.get(host)!]!.state === 'unknown');
}

function migrationOf(
  { memoryBytes, diskBytes, dirtyBytesPerS }: SnapshotVm,
  bytesPerS: number,
  rules: MigrationRules,
  { dirtyIntensity = 0.1, workingSetFraction = 0.5 }: LiveMigration,
): MigrationSpec {
  return {
    rules,
    bytesPerS,
    // What was measured holds whatever the load; what was not is taken to grow with it.
    dirtyIntensity: dirtyBytesPerS === undefined ? dirtyIntensity : 0,
    dirtyBytesPerS: dirtyBytesPerS ?? 0,
    workingSetBytes: Math.round(workingSetFraction * memoryBytes),
    storageBytes: diskBytes,
  };
}
