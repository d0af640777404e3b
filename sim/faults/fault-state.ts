/** What changes about faults, as columns of the cluster's state. All empty without faults. */
import type { FaultModel } from './fault-model.ts';

/** Takes columns from the state's buffer, one after the other. */
interface Columns {
  f64(length: number): Float64Array;
  i32(length: number): Int32Array;
  u32(length: number): Uint32Array;
}

export interface FaultState {
  /** [sources] Where its draws come from, how many it has made, 1 while its fault lasts. */
  readonly sourceSeed: Uint32Array;
  readonly sourceDraws: Int32Array;
  readonly sourceActive: Int32Array;
  /** [members] 1 for hosts that the source's present failure has hit. */
  readonly memberHit: Int32Array;
  /** [hosts] Failures that hold the host down; 1 where it was up when the first of them came. */
  readonly hostFailures: Int32Array;
  readonly hostWasUp: Int32Array;
  /** Failures in all; since when it is failed, and for how long it was before, ms. */
  readonly hostCrashes: Float64Array;
  readonly hostFailedSinceMs: Float64Array;
  readonly hostFailedMs: Float64Array;
  /** [vms] Where the draws about the VM come from, and how many lifetimes it has drawn. */
  readonly vmSeed: Uint32Array;
  readonly vmDraws: Int32Array;
  readonly vmCrashes: Int32Array;
  /** 1 from a crash until the VM runs again; since when, and for how long before that, ms. */
  readonly vmIsDown: Int32Array;
  readonly vmDownSinceMs: Float64Array;
  readonly vmDownMs: Float64Array;
  /** How long the VM had been on hosts when it crashed last, ms. */
  readonly vmUpBeforeMs: Float64Array;
  /** [vms] Migrations begun. */
  readonly vmMoves: Int32Array;
  /** [migrationsMax] Part of the memory after which the migration breaks, 0 for never; rate factor. */
  readonly flowBreaksAt: Float64Array;
  readonly flowFactor: Float64Array;

  /** [1, or 0 without telemetry faults] How far time stamps are off, ms. */
  readonly clockOffsetMs: Float64Array;
  /** [vms] Source that keeps the VM's values old (and by how many intervals) or away, plus 1. */
  readonly vmStaleBy: Int32Array;
  readonly vmLag: Int32Array;
  readonly vmMissingBy: Int32Array;
  /** Newest row known, -1 for none; first row of the history after the last gap. */
  readonly vmHeldRow: Int32Array;
  readonly vmFromRow: Int32Array;
  /** Demand last measured of a VM that does not follow the grid, MIPS. */
  readonly vmHeldMips: Float64Array;
}

export function faultColumns(
  model: FaultModel | undefined,
  hosts: number,
  vms: number,
  migrationsMax: number,
  take: Columns,
): FaultState {
  const on = model === undefined ? 0 : 1;
  const sources = model?.sources.length ?? 0;
  const moved = model?.migrations === undefined ? 0 : 1;
  const shown = model?.telemetry ? 1 : 0;
  return {
    hostCrashes: take.f64(on * hosts),
    hostFailedSinceMs: take.f64(on * hosts),
    hostFailedMs: take.f64(on * hosts),
    vmDownSinceMs: take.f64(on * vms),
    vmDownMs: take.f64(on * vms),
    vmUpBeforeMs: take.f64(on * vms),
    flowBreaksAt: take.f64(moved * migrationsMax),
    flowFactor: take.f64(moved * migrationsMax),
    clockOffsetMs: take.f64(shown),
    vmHeldMips: take.f64(shown * vms),
    sourceDraws: take.i32(sources),
    sourceActive: take.i32(sources),
    memberHit: take.i32(model?.members.length ?? 0),
    hostFailures: take.i32(on * hosts),
    hostWasUp: take.i32(on * hosts),
    vmDraws: take.i32(on * vms),
    vmCrashes: take.i32(on * vms),
    vmIsDown: take.i32(on * vms),
    vmMoves: take.i32(moved * vms),
    vmStaleBy: take.i32(shown * vms),
    vmLag: take.i32(shown * vms),
    vmMissingBy: take.i32(shown * vms),
    vmHeldRow: take.i32(shown * vms),
    vmFromRow: take.i32(shown * vms),
    sourceSeed: take.u32(sources),
    vmSeed: take.u32(on * vms),
  };
}
