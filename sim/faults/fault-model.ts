/** Faults of a cluster as immutable data: who fails together, how often, for how long. */

import { assert } from '../errors.ts';
import { fillInt32 } from '../numbers/columns.ts';
import type {
  CrashedVms,
  FailureRow,
  FaultsSpec,
  MigrationFaultSpec,
  TelemetryFaultSpec,
  VmFaultSpec,
} from './fault-spec.ts';
import { checkLifetime, type LifetimeSpec } from './lifetime.ts';

/** Something that fails and recovers in turns, by chance or by a trace. */
export type FaultSource =
  | {
      readonly type: 'hosts';
      readonly first: number;
      readonly count: number;
      readonly upMs: LifetimeSpec;
      readonly downMs: LifetimeSpec;
    }
  | {
      readonly type: 'trace';
      readonly first: number;
      readonly count: number;
      readonly rows: readonly FailureRow[];
      readonly repeat: boolean;
    }
  | {
      readonly type: 'telemetry';
      readonly kind: TelemetryFaultSpec['kind'];
      /** VM or host that it hits, -1 for all. */
      readonly vm: number;
      readonly host: number;
      readonly upMs: LifetimeSpec;
      readonly downMs: LifetimeSpec;
      readonly intervals: number;
      readonly jumpMs: number;
    };

/** Immutable; absent from models without faults. */
export interface FaultModel {
  readonly sources: readonly FaultSource[];
  /** Hosts of each source: `members[first … first + count - 1]`. */
  readonly members: Int32Array;
  readonly vms: VmFaultSpec | undefined;
  readonly migrations: Required<MigrationFaultSpec> | undefined;
  /** True where some source touches telemetry. */
  readonly telemetry: boolean;
  readonly crashedVms: CrashedVms;
  readonly restartMs: number;
  readonly repairedOn: boolean;
}

/** @throws InvariantError for numbers out of range and hosts that there are not. */
export function buildFaults(spec: FaultsSpec, hosts: number, vms: number): FaultModel {
  const sources: FaultSource[] = [];
  const members: number[] = [];
  const join = (list: readonly number[]): { readonly first: number; readonly count: number } => {
    assert(list.length > 0, () => 'a fault of no host');
    for (const host of list) {
      assert(host >= 0 && host < hosts, () => `a fault of host ${host} of ${hosts}`);
    }
    const first = members.length;
    members.push(...list);
    return { first, count: list.length };
  };
  for (const { hosts: list, together = false, upMs, downMs } of spec.hosts ?? []) {
    checkCycle(upMs, downMs);
    const groups = together ? [list] : list.map((host) => [host]);
    for (const group of groups) sources.push({ type: 'hosts', ...join(group), upMs, downMs });
  }
  for (const { hosts: list, rows, repeat = false } of spec.traces ?? []) {
    checkRows(rows, repeat);
    sources.push({ type: 'trace', ...join(list), rows, repeat });
  }
  for (const fault of spec.telemetry ?? []) sources.push(...telemetrySources(fault, hosts, vms));
  if (spec.vms !== undefined) checkLifetime(spec.vms.upMs);
  const restartMs = spec.restartMs ?? 0;
  assert(restartMs >= 0 && restartMs < Infinity, () => `a VM restarts after ${restartMs} ms`);
  return {
    sources,
    members: fillInt32(members.length, (index) => members[index]!),
    vms: spec.vms,
    migrations: migrationFaults(spec.migrations),
    telemetry: (spec.telemetry ?? []).length > 0,
    crashedVms: spec.crashedVms ?? 'pending',
    restartMs,
    repairedOn: (spec.repaired ?? 'on') === 'on',
  };
}

function checkCycle(upMs: LifetimeSpec, downMs: LifetimeSpec): void {
  checkLifetime(upMs);
  checkLifetime(downMs);
}

function checkRows(rows: readonly FailureRow[], repeat: boolean): void {
  assert(rows.length > 0, () => 'a failure trace without a row');
  rows.forEach(({ intervalMs, durationMs, intensity }, row) => {
    assert(
      intervalMs >= 0 && durationMs >= 0 && intensity > 0 && intensity <= 1,
      () => `row ${row} of a failure trace is ${intervalMs} ms, ${durationMs} ms, ${intensity}`,
    );
  });
  const spanMs = rows.reduce((sum, row) => sum + row.intervalMs + row.durationMs, 0);
  assert(!repeat || spanMs > 0, () => 'a failure trace that repeats takes no time');
}

function telemetrySources(fault: TelemetryFaultSpec, hosts: number, vms: number): FaultSource[] {
  const { kind, upMs, downMs, scope = 'all', intervals = 1, jumpMs = 0 } = fault;
  checkCycle(upMs, downMs);
  assert(
    Number.isInteger(intervals) && intervals >= 0,
    () => `telemetry is ${intervals} intervals old`,
  );
  assert(Math.abs(jumpMs) < Infinity, () => `the clock jumps by ${jumpMs} ms`);
  const base = { type: 'telemetry', kind, upMs, downMs, intervals, jumpMs } as const;
  if (kind === 'clock' || scope === 'all') return [{ ...base, vm: -1, host: -1 }];
  return scope === 'vm'
    ? Array.from({ length: vms }, (_, vm) => ({ ...base, vm, host: -1 }))
    : Array.from({ length: hosts }, (_, host) => ({ ...base, vm: -1, host }));
}

function migrationFaults(
  spec: MigrationFaultSpec | undefined,
): Required<MigrationFaultSpec> | undefined {
  if (spec === undefined) return undefined;
  const { failProbability = 0, slowProbability = 0, slowFactor = 0.2 } = spec;
  for (const chance of [failProbability, slowProbability]) {
    assert(chance >= 0 && chance <= 1, () => `a migration is faulty with probability ${chance}`);
  }
  assert(slowFactor > 0 && slowFactor <= 1, () => `a slow migration has rate × ${slowFactor}`);
  return { failProbability, slowProbability, slowFactor };
}

/** Timers of faults: one per source, one per VM. */
export function faultTimers(model: FaultModel | undefined, vms: number): number {
  return model === undefined ? 0 : model.sources.length + vms;
}
