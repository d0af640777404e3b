/**
 * What the loops that keep power limits read, and when they look next (`power-limits.ts`).
 *
 * A host with something to limit is looked at at the multiples of the period. Rates are constant
 * between events, so once they have held for a whole period of every loop and no loop acts, none
 * will: the host is left alone ("parked") until its rates change. What went on while it was parked
 * plays no part in the next reading.
 */
import { hostPower } from '../status.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { defaultStride } from './control/cpu-stride.ts';
import { defaultThrottle } from './control/disk-throttle.ts';
import { vmPartCount, vmParts } from './ledger-parts.ts';

/** Limits as the model has them, and loops that limit nothing yet. */
export function initializeLimits(twin: Twin): void {
  const { accounting } = twin.model;
  if (accounting?.limits === undefined) return;
  const { limits } = twin.state;
  limits.vmCpuW.set(accounting.limits.vmCpuW);
  limits.vmDiskW.set(accounting.limits.vmDiskW);
  limits.hostW.set(accounting.limits.hostW);
  limits.vmStride.fill(defaultStride.initial);
  limits.vmCores.fill(Infinity);
  limits.vmRequests.fill(defaultThrottle.most);
  limits.vmDiskBytesPerS.fill(Infinity);
}

/** The rates of the settled `host` have changed: makes sure that it is looked at. */
export function wakeLimits(twin: Twin, host: number): void {
  const { model, state } = twin;
  if (host === model.limbo) return;
  const { everyMs, diskEveryMs } = model.accounting!.limits!;
  state.limits.hostStirred[host] = Math.round(diskEveryMs / everyMs);
  const timer = twin.timers.limit + host;
  if (state.heapPosition[timer]! >= 0 || !isLimited(twin, host)) return;
  readMeters(twin, host, true);
  scheduleLook(twin, host);
}

/** Looks again at the next multiple of the period, after governors and heat. */
export function scheduleLook(twin: Twin, host: number): void {
  const { model, state, timers } = twin;
  const { everyMs } = model.accounting!.limits!;
  const nowMs = state.nowMs[0]!;
  let nextMs = (Math.floor(nowMs / everyMs) + 1) * everyMs;
  if (nextMs <= nowMs) nextMs += everyMs;
  schedule(state, timers.limit + host, nextMs, phases.governor, model.hosts + 1 + host);
}

/** Whether a limit is in force on the host or one of its VMs, or a loop still holds it back. */
export function isLimited(twin: Twin, host: number): boolean {
  const { state } = twin;
  const { limits } = state;
  if (state.hostPower[host] !== hostPower.on) return false;
  if (limits.hostW[host]! < Infinity || limits.hostPstate[host]! > 0) return true;
  const start = state.hostSlot[host]!;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    if (limits.vmCpuW[vm]! < Infinity || limits.vmCores[vm]! < Infinity) return true;
    if (watchesDisk(twin, vm)) return true;
  }
  return false;
}

/** Whether the disk loop has something to do with `vm`. */
export function watchesDisk({ state }: Twin, vm: number): boolean {
  return state.limits.vmDiskW[vm]! < Infinity || state.limits.vmDiskBytesPerS[vm]! < Infinity;
}

/** Energy charged to `vm` for its share of idle power and its work, J; what moving took is not. */
export function chargedJ({ state }: Twin, vm: number): number {
  const row = vm * vmPartCount;
  return state.ledgerVmJ[row + vmParts.idle]! + state.ledgerVmJ[row + vmParts.active]!;
}

/** Bytes that went to and from the disk for `vm` up to now; reads without settling. */
export function diskBytes({ model, state }: Twin, vm: number): number {
  if (model.disks.hostBytesPerS.length === 0) return 0;
  const stream = model.traffic.count + vm;
  const flow = model.migrationsMax + stream;
  const elapsedS = (state.nowMs[0]! - state.flowSinceMs[flow]!) / 1000;
  return state.streamCarriedBytes[stream]! + state.flowBytesPerS[flow]! * elapsedS;
}

/** Notes what the meters of the settled host and its VMs show now; those of disks where asked. */
export function readMeters(twin: Twin, host: number, disks: boolean): void {
  const { state } = twin;
  const { limits } = state;
  const nowMs = state.nowMs[0]!;
  limits.hostReadJ[host] = state.hostEnergyJ[host]!;
  limits.hostReadMs[host] = nowMs;
  const start = state.hostSlot[host]!;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    limits.vmReadJ[vm] = chargedJ(twin, vm);
    limits.vmReadActiveJ[vm] = state.ledgerVmJ[vm * vmPartCount + vmParts.active]!;
    limits.vmReadMs[vm] = nowMs;
    if (!disks) continue;
    limits.vmDiskReadBytes[vm] = diskBytes(twin, vm);
    limits.vmDiskReadMs[vm] = nowMs;
  }
}

/** Cores that `vm` could use without a power limit. */
export function ownCores(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const host = state.vmHost[vm]!;
  const most = Math.min(model.workload.vcpus[vm]!, model.hostCores[host]!);
  return Math.min(most, state.vmQuota[vm]!);
}
