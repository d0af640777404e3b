/**
 * The part of a cluster that never changes during a run: what hosts, P-states, links and tasks
 * are. It is read by any number of states and threads at once; everything that changes lives in
 * `ClusterState`. All columns stand on shared memory, so a worker receives a model for free.
 *
 * Speeds are in MIPS. The unit is a convention of the scenario: any unit of work per second will
 * do as long as hosts, VMs and tasks agree (the SimGrid referee uses flop/s).
 */

import type { IdlePolicy } from './accounting/idle-policy.ts';
import { fillFloat64, fillInt32 } from './columns.ts';
import { buildDisks, type DiskModel, type DiskSpec } from './disk-spec.ts';
import { assert } from './errors.ts';
import {
  type CopyingCores,
  type MigrationModel,
  type MigrationSpec,
  migrationColumns,
} from './migration/columns.ts';
import { buildNetwork, type NetworkModel, type NetworkSpec } from './network-spec.ts';
import { buildRequests, type RequestModel } from './requests/request-model.ts';
import type { ApplicationSpec } from './requests/request-spec.ts';
import { buildTasks, type TaskModel, type TaskSpec } from './task-spec.ts';
import { buildTraffic, type TrafficModel, type TrafficSpec } from './traffic-spec.ts';
import type { Workload } from './workload.ts';

/** One DVFS operating point. P-state 0 is the fastest (ACPI). */
export interface PstateSpec {
  /** Speed of one core, MIPS. */
  readonly coreMips: number;
  /** Power with no load at all, W. */
  readonly idleW: number;
  /** Power as load approaches zero from above, W (SimGrid's epsilon). */
  readonly epsilonW: number;
  /** Power with all cores busy, W. */
  readonly fullW: number;
  /**
   * Power at 0, 10, …, 100 % load, W (11 points, SPECpower). When given, it replaces the line
   * from `epsilonW` to `fullW`.
   */
  readonly curveW?: readonly number[];
}

/** A frequency rule the host runs by itself, like a Linux cpufreq governor. */
export interface GovernorSpec {
  /** Index into the `governors` array handed to the engine. */
  readonly rule: number;
  /** Sampling period, ms. */
  readonly periodMs: number;
  /** Numbers that the rule remembers per frequency domain. Default 0. */
  readonly slots?: number;
}

/** Cores that share one frequency, and how long a change of it takes. */
export interface FrequencySpec {
  /** Frequency domains; divides the cores. Default 1: the whole host. */
  readonly domains?: number;
  /** Time from the request until the new speed holds, ms, and the part of it at a standstill. */
  readonly latencyMs?: number;
  readonly haltMs?: number;
  /** Requests are looked at only at multiples of this, ms; 0 at once. */
  readonly gridMs?: number;
}

/** Suspend to memory (S3) and back. */
export interface SleepSpec {
  readonly suspendMs: number;
  readonly suspendW: number;
  readonly asleepW: number;
  readonly resumeMs: number;
  readonly resumeW: number;
}

/** A physical host. */
export interface HostSpec {
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly pstates: readonly PstateSpec[];
  /** Power while off, W. */
  readonly offW: number;
  readonly bootMs: number;
  readonly bootW: number;
  readonly shutdownMs: number;
  readonly shutdownW: number;
  readonly initialPstate?: number;
  /** @default true */
  readonly initiallyOn?: boolean;
  readonly governor?: GovernorSpec;
  readonly frequency?: FrequencySpec;
  /** Without it the host cannot be suspended. */
  readonly sleep?: SleepSpec;
}

/** Everything `buildModel` needs beside the workload. */
export interface ModelSpec {
  readonly hosts: readonly HostSpec[];
  readonly workload: Workload;
  /** Migration behaviour of VM `vm`. */
  readonly migration: (vm: number) => MigrationSpec;
  /** Host of each VM at time 0; -1 leaves it pending for the policy. Default: all pending. */
  readonly initialHost?: readonly number[];
  /** Relative weight of a VM's running vCPUs under contention. Default 1. */
  readonly vmWeight?: (vm: number) => number;
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
  /** Keep `hostNicBytesPerS`. Default: only where there is traffic. */
  readonly trackNic?: boolean;
  /** Charges energy to VMs. Default: nobody is charged, at no cost. */
  readonly accounting?: AccountingSpec;
}

/** How energy is charged to VMs; see `accounting/twin-ledger.ts`. */
export interface AccountingSpec {
  readonly idle: IdlePolicy;
}

/** Columns of an immutable cluster. Host arrays have one row more: see `limbo`. */
export interface ClusterModel extends MigrationModel {
  readonly workload: Workload;
  /** Number of real hosts. */
  readonly hosts: number;
  readonly vms: number;
  /**
   * Row index of "no host": pending VMs are listed there. It has no cores, so all their demand is
   * counted as undelivered by the same code that counts overload. Equals `hosts`.
   */
  readonly limbo: number;
  readonly hostNames: readonly string[];
  /** [hosts + 1] */
  readonly hostCores: Int32Array;
  readonly hostMemoryBytes: Float64Array;
  readonly hostPstates: Int32Array;
  /** First row of the host in the P-state columns. */
  readonly pstateStart: Int32Array;
  /** Core speed of the host's fastest P-state, MIPS. */
  readonly hostFastestMips: Float64Array;
  readonly hostOffW: Float64Array;
  readonly hostBootMs: Float64Array;
  readonly hostBootW: Float64Array;
  readonly hostShutdownMs: Float64Array;
  readonly hostShutdownW: Float64Array;
  readonly hostInitialPstate: Int32Array;
  readonly hostInitiallyOn: Int32Array;
  /** Governor rule per host, -1 for none, and its period, ms. */
  readonly hostGovernor: Int32Array;
  readonly hostGovernorPeriodMs: Float64Array;
  /** Most numbers that any host's governor remembers per domain. */
  readonly governorSlots: number;
  /** Frequency domains per host, the first domain row of each, and rows in all. */
  readonly hostDomains: Int32Array;
  readonly domainStart: Int32Array;
  readonly domains: number;
  /** P-state changes: latency, standstill and request grid, ms. */
  readonly hostTransitionMs: Float64Array;
  readonly hostTransitionHaltMs: Float64Array;
  readonly hostTransitionGridMs: Float64Array;
  /** 1 for hosts that can be suspended to memory. */
  readonly hostSleeps: Int32Array;
  readonly hostSuspendMs: Float64Array;
  readonly hostSuspendW: Float64Array;
  readonly hostAsleepW: Float64Array;
  readonly hostResumeMs: Float64Array;
  readonly hostResumeW: Float64Array;
  /** [P-state rows] */
  readonly pstateCoreMips: Float64Array;
  readonly pstateIdleW: Float64Array;
  readonly pstateEpsilonW: Float64Array;
  readonly pstateFullW: Float64Array;
  /** First of 11 points in `curvesW`, or -1 for the straight line. */
  readonly pstateCurve: Int32Array;
  readonly curvesW: Float64Array;
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
  const hostColumn = (pick: (host: HostSpec) => number): Float64Array =>
    fillFloat64(limbo + 1, (row) => (row < limbo ? pick(hosts[row]!) : 0));
  const hostInteger = (pick: (host: HostSpec) => number, limboValue: number): Int32Array =>
    fillInt32(limbo + 1, (row) => (row < limbo ? pick(hosts[row]!) : limboValue));
  const migration = Array.from({ length: vms }, (_, vm) => spec.migration(vm));
  const requests = buildRequests(spec.applications ?? [], vms);
  return {
    workload,
    hosts: hosts.length,
    vms,
    limbo,
    hostNames: hosts.map((host) => host.name),
    hostCores: hostInteger((host) => host.cores, 0),
    hostMemoryBytes: hostColumn((host) => host.memoryBytes),
    hostFastestMips: hostColumn((host) => Math.max(...host.pstates.map((p) => p.coreMips))),
    hostOffW: hostColumn((host) => host.offW),
    hostBootMs: hostColumn((host) => host.bootMs),
    hostBootW: hostColumn((host) => host.bootW),
    hostShutdownMs: hostColumn((host) => host.shutdownMs),
    hostShutdownW: hostColumn((host) => host.shutdownW),
    hostInitialPstate: hostInteger((host) => host.initialPstate ?? 0, 0),
    hostInitiallyOn: hostInteger((host) => ((host.initiallyOn ?? true) ? 1 : 0), 1),
    hostGovernor: hostInteger((host) => host.governor?.rule ?? -1, -1),
    hostGovernorPeriodMs: hostColumn((host) => host.governor?.periodMs ?? 0),
    governorSlots: Math.max(0, ...hosts.map((host) => host.governor?.slots ?? 0)),
    ...domainColumns(hosts),
    hostTransitionMs: hostColumn((host) => host.frequency?.latencyMs ?? 0),
    hostTransitionHaltMs: hostColumn((host) => host.frequency?.haltMs ?? 0),
    hostTransitionGridMs: hostColumn((host) => host.frequency?.gridMs ?? 0),
    hostSleeps: hostInteger((host) => (host.sleep === undefined ? 0 : 1), 0),
    hostSuspendMs: hostColumn((host) => host.sleep?.suspendMs ?? 0),
    hostSuspendW: hostColumn((host) => host.sleep?.suspendW ?? 0),
    hostAsleepW: hostColumn((host) => host.sleep?.asleepW ?? 0),
    hostResumeMs: hostColumn((host) => host.sleep?.resumeMs ?? 0),
    hostResumeW: hostColumn((host) => host.sleep?.resumeW ?? 0),
    ...pstateColumns(hosts),
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
  const trackNic = spec.trackNic ?? traffic.count > 0;
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

/** Frequency domains of all hosts one after the other; limbo has one. */
function domainColumns(
  hosts: readonly HostSpec[],
): Pick<ClusterModel, 'hostDomains' | 'domainStart' | 'domains'> {
  const counts = [...hosts.map((host) => host.frequency?.domains ?? 1), 1];
  hosts.forEach((host, index) => {
    const domains = counts[index]!;
    assert(
      domains >= 1 && host.cores % domains === 0,
      () => `host ${host.name} divides ${host.cores} cores into ${domains} domains`,
    );
  });
  const starts: number[] = [];
  let domains = 0;
  for (const count of counts) {
    starts.push(domains);
    domains += count;
  }
  return {
    hostDomains: fillInt32(counts.length, (host) => counts[host]!),
    domainStart: fillInt32(counts.length, (host) => starts[host]!),
    domains,
  };
}

/** P-state rows of all hosts one after the other; limbo gets one row that is all zero. */
function pstateColumns(
  hosts: readonly HostSpec[],
): Pick<
  ClusterModel,
  | 'hostPstates'
  | 'pstateStart'
  | 'pstateCoreMips'
  | 'pstateIdleW'
  | 'pstateEpsilonW'
  | 'pstateFullW'
  | 'pstateCurve'
  | 'curvesW'
> {
  const nothing: PstateSpec = { coreMips: 0, idleW: 0, epsilonW: 0, fullW: 0 };
  const perHost = [...hosts.map((host) => host.pstates), [nothing]];
  const rows = perHost.flat();
  const starts: number[] = [];
  let start = 0;
  for (const pstates of perHost) {
    assert(pstates.length > 0, () => `host ${starts.length} has no P-state`);
    starts.push(start);
    start += pstates.length;
  }
  const curves: number[] = [];
  const curveStarts = rows.map((row) => {
    if (row.curveW === undefined) return -1;
    assert(
      row.curveW.length === 11,
      () => `a power curve has ${row.curveW?.length} points, not 11`,
    );
    curves.push(...row.curveW);
    return curves.length - 11;
  });
  return {
    hostPstates: fillInt32(perHost.length, (host) => perHost[host]!.length),
    pstateStart: fillInt32(perHost.length, (host) => starts[host]!),
    pstateCoreMips: fillFloat64(rows.length, (row) => rows[row]!.coreMips),
    pstateIdleW: fillFloat64(rows.length, (row) => rows[row]!.idleW),
    pstateEpsilonW: fillFloat64(rows.length, (row) => rows[row]!.epsilonW),
    pstateFullW: fillFloat64(rows.length, (row) => rows[row]!.fullW),
    pstateCurve: fillInt32(rows.length, (row) => curveStarts[row]!),
    curvesW: fillFloat64(curves.length, (index) => curves[index]!),
  };
}
