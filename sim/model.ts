/**
 * The part of a cluster that never changes during a run: what hosts, P-states, links and tasks
 * are. It is read by any number of states and threads at once; everything that changes lives in
 * `ClusterState`. All columns stand on shared memory, so a worker receives a model for free.
 *
 * Speeds are in MIPS. The unit is a convention of the scenario: any unit of work per second will
 * do as long as hosts, VMs and tasks agree (the SimGrid referee uses flop/s).
 */

import type { IdlePolicy } from './accounting/idle-policy.ts';
import type { PowerLimitSpec } from './accounting/limit-spec.ts';
import { assert } from './errors.ts';
import { buildFacility, type FacilityModel, type FacilitySpec } from './facility/facility-model.ts';
import { buildFaults, type FaultModel } from './faults/fault-model.ts';
import type { FaultsSpec } from './faults/fault-spec.ts';
import { buildDisks, type DiskModel, type DiskSpec } from './flows/disk-spec.ts';
import { buildNetwork, type NetworkModel, type NetworkSpec } from './flows/network-spec.ts';
import { buildTraffic, type TrafficModel, type TrafficSpec } from './flows/traffic-spec.ts';
import { buildHosts, type HostModel, type HostSpec } from './hosts/host-spec.ts';
import {
  type CopyingCores,
  type MigrationModel,
  type MigrationSpec,
  migrationColumns,
} from './migration/columns.ts';
import { fillFloat64, fillInt32 } from './numbers/columns.ts';
import { buildRequests, type RequestModel } from './requests/request-model.ts';
import type { ApplicationSpec } from './requests/request-spec.ts';
import { buildRestrictions, type RestrictionSpec, type Restrictions } from './restrictions.ts';
import { buildTasks, type TaskModel, type TaskSpec } from './vms/task-spec.ts';
import type { Workload } from './workload.ts';

/** Everything `buildModel` needs beside the workload. */
export interface ModelSpec {
  readonly hosts: readonly HostSpec[];
  readonly workload: Workload;
  /** The rules that hosts name, by name and tunables. */
  readonly governors?: readonly NamedGovernor[];
  /** Migration behaviour of VM `vm`. */
  readonly migration: (vm: number) => MigrationSpec;
  /** Host of each VM at time 0; -1 leaves it pending for the policy. Default: all pending. */
  readonly initialHost?: readonly number[];
  /** Relative weight of a VM's running vCPUs under contention. Default 1. */
  readonly vmWeight?: (vm: number) => number;
  /** CPU quota of a VM at the start, cores; default: none. See `quota.ts`. */
  readonly quota?: (vm: number) => number;
  /** First core of a VM's vCPUs on hosts with several frequency domains; -1: the host chooses. */
  readonly pinnedCore?: (vm: number) => number;
  /** VMs whose demand comes from `tasks`, not from the trace. Default: none. */
  readonly taskDriven?: readonly boolean[];
  readonly tasks?: readonly TaskSpec[];
  /** What answers requests; its replicas are VMs whose demand comes from the requests. */
  readonly applications?: readonly ApplicationSpec[];
  readonly network: NetworkSpec;
  /** Fraction of a VM's CPU that is lost to it while it is being copied, in [0, 1). */
  readonly migrationOverheadFraction: number;
  /** Most migrations in flight at once. Default: min(VMs, 1024). */
  readonly migrationsMax?: number;
  /** CPU of the hosts themselves that copying takes. Default: none. */
  readonly copyingCores?: CopyingCores;
  /** Network traffic of VMs beside migrations. Default: none. */
  readonly traffic?: readonly TrafficSpec[];
  /** Default: disks are not modelled. */
  readonly disks?: DiskSpec;
  /** Keep `hostNicBytesPerS`. Default: where there is traffic, or a host's power depends on it. */
  readonly trackNic?: boolean;
  /** Charges energy to VMs. Default: nobody is charged, at no cost. */
  readonly accounting?: AccountingSpec;
  /** What surrounds the hosts, and what electricity costs. Default: not modelled, at no cost. */
  readonly facility?: FacilitySpec;
  /** Hosts, VMs, migrations and telemetry that fail. Default: nothing fails, at no cost. */
  readonly faults?: FaultsSpec;
  /** What must not be done. Default: nothing. */
  readonly restrictions?: RestrictionSpec;
}

/** A frequency rule as data; see `createGovernor`. */
export interface NamedGovernor {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** How energy is charged to VMs; see `accounting/twin-ledger.ts`. */
export interface AccountingSpec {
  readonly idle: IdlePolicy;
  /** Default: no power limits, and none can be set. */
  readonly limits?: PowerLimitSpec;
}

/** Columns of an immutable cluster. Host arrays have one row more: see `limbo`. */
export interface ClusterModel extends HostModel, MigrationModel {
  readonly workload: Workload;
  readonly vms: number;
  /** [vms] */
  readonly vmInitialHost: Int32Array;
  readonly vmWeight: Float64Array;
  readonly vmPinnedCore: Int32Array;
  readonly vmTaskDriven: Int32Array;
  readonly migrationOverheadFraction: number;
  readonly migrationsMax: number;
  readonly copyingCores: CopyingCores;
  readonly traffic: TrafficModel;
  readonly disks: DiskModel;
  /** Flows that are no migrations, and all flows; see `flows.ts`. */
  readonly streams: number;
  readonly flows: number;
  readonly trackNic: boolean;
  /** True when hosts must be told of the rates of flows. */
  readonly flowsBurdenHosts: boolean;
  readonly tasks: TaskModel;
  readonly requests: RequestModel;
  readonly network: NetworkModel;
  readonly accounting?: AccountingSpec;
  readonly facility?: FacilityModel;
  readonly faults?: FaultModel;
  readonly governors?: readonly NamedGovernor[];
  /** [vms] Absent where no VM has a quota at the start. */
  readonly vmQuota?: Float64Array;
  /** Absent where nothing is restricted. */
  readonly restrictions?: Restrictions;
}

/**
 * Builds the immutable columns.
 *
 * @throws InvariantError when indices or shapes disagree (inputs are checked where they are read).
 */
export function buildModel(spec: ModelSpec): ClusterModel {
  const { hosts, workload } = spec;
  const vms = workload.vmNames.length;
  const limbo = hosts.length;
  const initialHost = spec.initialHost ?? new Array<number>(vms).fill(-1);
  assert(initialHost.length === vms, () => `${initialHost.length} initial hosts for ${vms} VMs`);
  const migration = Array.from({ length: vms }, (_, vm) => spec.migration(vm));
  const requests = buildRequests(spec.applications ?? [], vms);
  const restrictions = buildRestrictions(spec.restrictions ?? {}, hosts.length, vms);
  return {
    workload,
    vms,
    ...buildHosts(hosts),
    vmInitialHost: fillInt32(vms, (vm) => (initialHost[vm]! < 0 ? limbo : initialHost[vm]!)),
    vmWeight: fillFloat64(vms, (vm) => spec.vmWeight?.(vm) ?? 1),
    vmPinnedCore: fillInt32(vms, (vm) => spec.pinnedCore?.(vm) ?? -1),
    vmTaskDriven: fillInt32(vms, (vm) =>
      spec.taskDriven?.[vm] || (requests.vmQueue[vm] ?? -1) >= 0 ? 1 : 0,
    ),
    ...migrationColumns(migration),
    migrationOverheadFraction: spec.migrationOverheadFraction,
    ...flowColumns(spec, vms),
    tasks: buildTasks(spec.tasks ?? []),
    requests,
    // Absent rather than undefined: the fingerprint of models without it stays what it was.
    ...(spec.accounting === undefined ? {} : { accounting: spec.accounting }),
    ...(spec.facility === undefined ? {} : { facility: buildFacility(spec.facility) }),
    ...(spec.faults === undefined ? {} : { faults: buildFaults(spec.faults, hosts.length, vms) }),
    ...((spec.governors ?? []).length === 0 ? {} : { governors: spec.governors }),
    ...(spec.quota === undefined ? {} : { vmQuota: fillFloat64(vms, spec.quota) }),
    ...(restrictions === undefined ? {} : { restrictions }),
  };
}

/** What flows over links, and whom it burdens. */
function flowColumns(
  spec: ModelSpec,
  vms: number,
): Pick<
  ClusterModel,
  | 'migrationsMax'
  | 'copyingCores'
  | 'traffic'
  | 'disks'
  | 'streams'
  | 'flows'
  | 'trackNic'
  | 'flowsBurdenHosts'
  | 'network'
> {
  const migrationsMax = spec.migrationsMax ?? Math.min(vms, 1024);
  const copyingCores = spec.copyingCores ?? { source: 0, target: 0, atBytesPerS: 1 };
  const traffic = buildTraffic(spec.traffic ?? [], vms);
  const disks = buildDisks(spec.disks, spec.hosts.length, vms);
  const streams = traffic.count + disks.vmBytesPerS.length;
  const powered = spec.hosts.some(({ component }) => (component?.nic.joulesPerByte ?? 0) > 0);
  const trackNic = spec.trackNic ?? (traffic.count > 0 || powered);
  const outside = (spec.traffic ?? []).some(
    ({ from, to }) => from === 'outside' || to === 'outside',
  );
  assert(
    !outside || spec.network.type === 'star',
    () => 'traffic from or to outside needs a star network',
  );
  return {
    migrationsMax,
    copyingCores,
    traffic,
    disks,
    streams,
    flows: migrationsMax + streams,
    trackNic,
    flowsBurdenHosts:
      trackNic || disks.hostBytesPerS.length > 0 || copyingCores.source + copyingCores.target > 0,
    network: buildNetwork(spec.network, spec.hosts.length, disks.hostBytesPerS),
  };
}
