/**
 * What hosts are: as written (`HostSpec`) and as columns (`HostModel`). Host columns have one row
 * more than there are hosts, for `limbo`.
 */

import { assert } from '../errors.ts';
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';
import { type ComponentHost, compileComponent } from '../power/components.ts';
import type { CState } from '../power/cstates.ts';
import { type PowerRow, type PowerSpec, powerRow } from '../power/model.ts';
import type { ThermalSpec } from '../thermal/rc.ts';

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
  /** Any other form; replaces all powers above. */
  readonly power?: PowerSpec;
}

/** A frequency rule the host runs by itself, like a Linux cpufreq governor. */
export interface GovernorSpec {
  /** Index into `ModelSpec.governors`, or into the rules that the twin is given. */
  readonly rule: number;
  /** Sampling period, ms. */
  readonly periodMs: number;
  /** Numbers that the rule remembers per frequency domain. Default 0. */
  readonly slots?: number;
  /**
   * A plan's `setPstate` takes the place of the rule for good, as on a real host whose governor becomes
   * `userspace`. Default: it holds until the rule's next sample.
   */
  readonly endsWhenSet?: boolean;
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

/** How the cores of a host idle. */
export interface IdleSpec {
  readonly states: readonly CState[];
  /** Wake-ups of one core per s of wall time. */
  readonly wakeupsPerS: number;
  /** Longest exit latency allowed, µs. Default: none. */
  readonly latencyLimitUs?: number;
}

/** A host whose temperature is kept; see `thermal/rc.ts`. */
export interface HeatSpec extends ThermalSpec {
  /** Of the air at the inlet, °C. */
  readonly inletC: number;
  /** At time 0, °C. Default: that of the air. */
  readonly startC?: number;
  /** Above this the host slows down by one P-state after the other, °C. Default: never. */
  readonly limitC?: number;
  /** How far below the limit it speeds up again, K. Default 3. */
  readonly hysteresisK?: number;
  /** Time between looks at the limit and at power that depends on temperature, ms. Default 10 s. */
  readonly everyMs?: number;
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
  /** Power from its parts; replaces that of the P-states, of which only the speeds count. */
  readonly component?: ComponentHost;
  /** Memory traffic with all cores busy, bytes/s, beside `component`. Default 0. */
  readonly dramBytesPerS?: number;
  /** Idle states of its cores, beside `component`: how deep they sleep between wake-ups. */
  readonly idle?: IdleSpec;
  /** Default: no temperature is kept. */
  readonly heat?: HeatSpec;
}

/** The hosts' part of `ClusterModel`. */
export interface HostModel {
  /** Number of real hosts. */
  readonly hosts: number;
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
  /** 1 for governors that a plan's `setPstate` ends; absent where there is none. */
  readonly hostGovernorEnds?: Int32Array;
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
  /** First of 11 points in `curvesW`, or -1 where there is no such curve. */
  readonly pstateCurve: Int32Array;
  readonly curvesW: Float64Array;
  /** Any other form: see `PowerRow`; -1 for the line from epsilon to full. */
  readonly pstateForm: Int32Array;
  readonly pstateParameter: Float64Array;
  readonly formTables: Float64Array;
  /** First number of the host in `componentValues`, and how many; -1 and 0 without parts. */
  readonly componentStart: Int32Array;
  readonly componentLength: Int32Array;
  readonly componentValues: Float64Array;
  /** Memory traffic and idle states of component hosts. */
  readonly hostDramBytesPerS: Float64Array;
  readonly hostIdle: readonly (IdleSpec | undefined)[];
  /** How their temperature follows power, where it is kept. */
  readonly hostHeat: readonly (HeatSpec | undefined)[];
}

/** @throws InvariantError when shapes disagree, InputError when a power model is out of range. */
export function buildHosts(hosts: readonly HostSpec[]): HostModel {
  const limbo = hosts.length;
  const hostColumn = (pick: (host: HostSpec) => number): Float64Array =>
    fillFloat64(limbo + 1, (row) => (row < limbo ? pick(hosts[row]!) : 0));
  const hostInteger = (pick: (host: HostSpec) => number, limboValue: number): Int32Array =>
    fillInt32(limbo + 1, (row) => (row < limbo ? pick(hosts[row]!) : limboValue));
  return {
    hosts: hosts.length,
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
    ...(hosts.some(({ governor }) => governor?.endsWhenSet === true)
      ? {
          hostGovernorEnds: hostInteger((host) => (host.governor?.endsWhenSet === true ? 1 : 0), 0),
        }
      : {}),
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
    ...componentColumns(hosts),
    hostDramBytesPerS: hostColumn((host) => host.dramBytesPerS ?? 0),
    hostIdle: hosts.map((host) => host.idle),
    hostHeat: hosts.map((host) => host.heat),
  };
}

/** Compiled component hosts one after the other. */
function componentColumns(
  hosts: readonly HostSpec[],
): Pick<HostModel, 'componentStart' | 'componentLength' | 'componentValues'> {
  const values: number[] = [];
  const starts: number[] = [];
  const lengths: number[] = [];
  for (const host of hosts) {
    const compiled = host.component === undefined ? undefined : compileComponent(host.component);
    assert(
      host.component === undefined ||
        host.component.packages * host.component.coresPerPackage === host.cores,
      () => `host ${host.name} has ${host.cores} cores, its packages have others`,
    );
    starts.push(compiled === undefined ? -1 : values.length);
    lengths.push(compiled?.length ?? 0);
    for (const value of compiled ?? []) values.push(value);
  }
  return {
    componentStart: fillInt32(hosts.length + 1, (host) => starts[host] ?? -1),
    componentLength: fillInt32(hosts.length + 1, (host) => lengths[host] ?? 0),
    componentValues: fillFloat64(values.length, (index) => values[index]!),
  };
}

/** Frequency domains of all hosts one after the other; limbo has one. */
function domainColumns(
  hosts: readonly HostSpec[],
): Pick<HostModel, 'hostDomains' | 'domainStart' | 'domains'> {
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
  HostModel,
  | 'hostPstates'
  | 'pstateStart'
  | 'pstateCoreMips'
  | 'pstateIdleW'
  | 'pstateEpsilonW'
  | 'pstateFullW'
  | 'pstateCurve'
  | 'curvesW'
  | 'pstateForm'
  | 'pstateParameter'
  | 'formTables'
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
  const tables: number[] = [];
  const forms: (PowerRow | undefined)[] = rows.map((row) =>
    row.power === undefined ? undefined : powerRow(row.power, tables),
  );
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
    pstateIdleW: fillFloat64(rows.length, (row) => forms[row]?.idleW ?? rows[row]!.idleW),
    pstateEpsilonW: fillFloat64(rows.length, (row) => forms[row]?.epsilonW ?? rows[row]!.epsilonW),
    pstateFullW: fillFloat64(rows.length, (row) => forms[row]?.fullW ?? rows[row]!.fullW),
    pstateCurve: fillInt32(rows.length, (row) => curveStarts[row]!),
    curvesW: fillFloat64(curves.length, (index) => curves[index]!),
    pstateForm: fillInt32(rows.length, (row) => forms[row]?.code ?? -1),
    pstateParameter: fillFloat64(rows.length, (row) => forms[row]?.parameter ?? 0),
    formTables: fillFloat64(tables.length, (index) => tables[index]!),
  };
}
