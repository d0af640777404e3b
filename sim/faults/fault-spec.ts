/** Faults of a cluster as one writes them down. All times in ms. */
import type { LifetimeSpec } from './lifetime.ts';

/** What becomes of the VMs of a host that fails: lost, or back among those that wait for a host. */
export type CrashedVms = 'pending' | 'lost';

/** Hosts that fail and are repaired, each by itself or all together. */
export interface HostFaultSpec {
  readonly hosts: readonly number[];
  /** All fail at one instant and come back at one instant, as behind one switch. @default false */
  readonly together?: boolean;
  /** From being repaired (or the start) to the next failure, and from that to being repaired. */
  readonly upMs: LifetimeSpec;
  readonly downMs: LifetimeSpec;
}

/** Failures as they were recorded: after `intervalMs` a share of the hosts fails for `durationMs`. */
export interface FailureRow {
  /** From the end of the failure before, or the start, to this one. */
  readonly intervalMs: number;
  readonly durationMs: number;
  /** Share of the hosts that fail, in (0, 1]; at least one does. */
  readonly intensity: number;
}

export interface FailureTraceSpec {
  readonly hosts: readonly number[];
  readonly rows: readonly FailureRow[];
  /** From the first row again after the last. @default false */
  readonly repeat?: boolean;
}

/** VMs that crash by themselves while they are on a host. */
export interface VmFaultSpec {
  readonly upMs: LifetimeSpec;
}

export interface MigrationFaultSpec {
  /** Chance that a migration breaks, at a random point of copying the memory. @default 0 */
  readonly failProbability?: number;
  /** Chance that one is slow, and the fraction of its usual rate that it then has. @default 0 and 0.2 */
  readonly slowProbability?: number;
  readonly slowFactor?: number;
}

/** Whose telemetry is hit together: each VM by itself, all VMs of a host, all of the cluster. */
export type TelemetryScope = 'vm' | 'host' | 'all';

/** Spells of faulty telemetry. What runs is not touched, only what policies are shown. */
export interface TelemetryFaultSpec {
  /**
   * `stale`: values are `intervals` old; `missing`: nothing comes, the last values known stand and the
   * history begins anew after it; `clock`: time stamps are off by `jumpMs`.
   */
  readonly kind: 'stale' | 'missing' | 'clock';
  /** From the end of a spell to the next, and how long it lasts. */
  readonly upMs: LifetimeSpec;
  readonly downMs: LifetimeSpec;
  /** @default 'all'; a clock is always that of all */
  readonly scope?: TelemetryScope;
  /** @default 1 */
  readonly intervals?: number;
  /** May be negative. @default 0 */
  readonly jumpMs?: number;
}

export interface FaultsSpec {
  readonly hosts?: readonly HostFaultSpec[];
  readonly traces?: readonly FailureTraceSpec[];
  readonly vms?: VmFaultSpec;
  readonly migrations?: MigrationFaultSpec;
  readonly telemetry?: readonly TelemetryFaultSpec[];
  /** @default 'pending' */
  readonly crashedVms?: CrashedVms;
  /** How long a crashed VM takes until it can be placed again. @default 0 */
  readonly restartMs?: number;
  /** Whether a repaired host that was up boots by itself, or stays off. @default 'on' */
  readonly repaired?: 'on' | 'off';
}
