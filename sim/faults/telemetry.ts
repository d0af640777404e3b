/**
 * Telemetry that lags, is missing or bears wrong times. The twin itself is untouched; `TwinView` asks
 * here which rows of the demand grid may be shown.
 *
 *   stale    the newest row is `intervals` older than it should be
 *   missing  no row comes while it lasts; the last one known stands, and after it the history begins
 *            anew with the first row that is complete
 *   clock    the view's clock is off: rows that are complete by that clock are shown, none from the
 *            future
 *
 * A VM that does not follow the grid (tasks, requests) shows what was last measured before the fault.
 */
import { queueOfVm, requestDemandMips } from '../requests/queue.ts';
import type { Twin } from '../twin.ts';
import type { FaultSource } from './fault-model.ts';

type TelemetrySource = Extract<FaultSource, { type: 'telemetry' }>;

/** Time as telemetry tells it, ms. */
export function observedMs(twin: Twin): number {
  return Math.max(0, twin.nowMs + (twin.state.faults.clockOffsetMs[0] ?? 0));
}

/** Newest row that a complete interval before the observed time has, -1 for none. */
export function newestRow(twin: Twin): number {
  const { intervalMs, steps } = twin.model.workload;
  const complete = Math.floor(Math.min(observedMs(twin), twin.nowMs) / intervalMs) - 1;
  return Math.min(complete, steps - 1);
}

/** Newest row that is known of `vm`, given the newest that there is; below 0 for none. */
export function rowSeen(twin: Twin, vm: number, newest: number): number {
  const { vmMissingBy, vmHeldRow, vmLag } = twin.state.faults;
  if (vmMissingBy.length === 0) return newest;
  return vmMissingBy[vm]! > 0 ? Math.min(vmHeldRow[vm]!, newest) : newest - vmLag[vm]!;
}

/** First row of the history of `vm` after the last gap. */
export function firstRowSeen(twin: Twin, vm: number): number {
  return twin.state.faults.vmFromRow[vm] ?? 0;
}

/** Row known from before the last gap, -1 for none. */
export function rowBeforeGap(twin: Twin, vm: number): number {
  const { vmHeldRow, vmFromRow } = twin.state.faults;
  return (vmFromRow[vm] ?? 0) > 0 ? vmHeldRow[vm]! : -1;
}

/** What was measured of a VM off the grid before a fault that lasts, MIPS; -1 without one. */
export function heldMips(twin: Twin, vm: number): number {
  const { vmMissingBy, vmStaleBy, vmHeldMips } = twin.state.faults;
  if (vmMissingBy.length === 0) return -1;
  return vmMissingBy[vm]! > 0 || vmStaleBy[vm]! > 0 ? vmHeldMips[vm]! : -1;
}

/** A spell of source `index` begins. */
export function beginSpell(twin: Twin, index: number, source: TelemetrySource): void {
  if (source.kind === 'clock') {
    readClocks(twin);
    return;
  }
  const { vmStaleBy, vmLag, vmMissingBy, vmHeldRow, vmHeldMips } = twin.state.faults;
  const marks = source.kind === 'stale' ? vmStaleBy : vmMissingBy;
  const newest = newestRow(twin);
  for (let vm = 0; vm < twin.model.vms; vm++) {
    if (!isIn(twin, source, vm) || marks[vm]! > 0) continue;
    if (heldMips(twin, vm) < 0) vmHeldMips[vm] = offGridMips(twin, vm);
    if (source.kind === 'stale') vmLag[vm] = source.intervals;
    else vmHeldRow[vm] = Math.max(-1, rowSeen(twin, vm, newest));
    marks[vm] = index + 1;
  }
}

/** It ends. */
export function endSpell(twin: Twin, index: number, source: TelemetrySource): void {
  if (source.kind === 'clock') {
    readClocks(twin);
    return;
  }
  const { vmStaleBy, vmLag, vmMissingBy, vmFromRow } = twin.state.faults;
  const marks = source.kind === 'stale' ? vmStaleBy : vmMissingBy;
  const { intervalMs } = twin.model.workload;
  for (let vm = 0; vm < twin.model.vms; vm++) {
    if (marks[vm] !== index + 1) continue;
    marks[vm] = 0;
    if (source.kind === 'stale') vmLag[vm] = 0;
    else vmFromRow[vm] = Math.ceil(twin.nowMs / intervalMs);
  }
}

/** Adds up the jumps that last. */
function readClocks(twin: Twin): void {
  const { clockOffsetMs, sourceActive } = twin.state.faults;
  let sumMs = 0;
  twin.model.faults!.sources.forEach((source, index) => {
    if (source.type !== 'telemetry' || source.kind !== 'clock') return;
    if (sourceActive[index] === 1) sumMs += source.jumpMs;
  });
  clockOffsetMs[0] = sumMs;
}

function isIn(twin: Twin, source: TelemetrySource, vm: number): boolean {
  if (source.vm >= 0) return source.vm === vm;
  return source.host < 0 || twin.state.vmHost[vm] === source.host;
}

/** What the VM asks for by its tasks, or asked for by its requests; 0 where it follows the grid. */
function offGridMips(twin: Twin, vm: number): number {
  const requested = requestDemandMips(twin, vm);
  if (requested >= 0) return requested;
  const { model, state } = twin;
  return model.vmTaskDriven[vm] === 1 && queueOfVm(twin, vm) < 0 ? state.vmAskedMips[vm]! : 0;
}
