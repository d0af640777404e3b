/**
 * Power limits in the twin: what the ledger charged a VM in the last period is held against its
 * limit, and the loops of `control/` act on what the host can do about it.
 *
 *   CPU of a VM    stride s: quota = cores it could use · initial / s           every 100 ms
 *   disk of a VM   requests a in 30 ms: disk limit = a · size / 30 ms           every 200 ms
 *   host, by VMs   water filling of cap − base over VMs, then as for a VM       every 100 ms
 *   host, by P-states   the fastest P-state whose power at the present load is within the cap
 *
 * Beyond the source: a VM that is over its limit and uses less than its stride allows starts from
 * what it uses; strides end at 100 times the initial one.
 */

import { setDiskAllowance } from '../flows/streams.ts';
import { fastestCoreMips } from '../hosts/domains.ts';
import { capPstates } from '../hosts/frequency.ts';
import { operatingPowerW } from '../hosts/host-power.ts';
import { claimMips } from '../migration/effects.ts';
import { deliveredMips, settleHost, shareHost, taskClaimMips } from '../sharing.ts';
import { vmStatus } from '../status.ts';
import { cancel } from '../timers.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';
import { quotaMips } from '../vms/quota.ts';
import { adjustStrides, defaultStride, strideShare } from './control/cpu-stride.ts';
import { DiskThrottle, defaultThrottle } from './control/disk-throttle.ts';
import { partitionCap } from './control/host-cap.ts';
import { vmPartCount, vmParts } from './ledger-parts.ts';
import {
  chargedJ,
  diskBytes,
  isLimited,
  ownCores,
  readMeters,
  scheduleLook,
  wakeLimits,
  watchesDisk,
} from './limit-meter.ts';

/** The slowest stride: a hundredth of the cores that the VM could use. */
const strideMost = 100 * defaultStride.initial;

/** Time that an allowance of disk requests is for, s. */
const windowS = 0.03;

/**
 * Changes the limit on the power of a VM's CPU or disk, W (`Infinity`: none). The loops have it from
 * their next look on.
 */
export function limitVmPower(
  twin: Twin,
  vm: number,
  watts: number,
  of: 'cpu' | 'disk' = 'cpu',
): Refusal {
  const { model, state } = twin;
  const { limits } = state;
  if (model.accounting?.limits === undefined) return 'the cluster keeps no power limits';
  if (!(vm >= 0 && vm < model.vms)) return 'there is no such VM';
  if (!(watts >= 0)) return 'a limit is a number of W from 0 up';
  if (state.vmStatus[vm] === vmStatus.departed) return 'the VM has ended';
  if (of === 'disk' && model.accounting.limits.diskJoulesPerByte.length === 0) {
    return 'the power of disks is not modelled';
  }
  const column = of === 'cpu' ? limits.vmCpuW : limits.vmDiskW;
  const host = state.vmHost[vm]!;
  if (host >= 0) settleHost(twin, host, state.nowMs[0]!);
  column[vm] = watts;
  if (host >= 0) wakeLimits(twin, host);
  return undefined;
}

/** Changes the limit on the power of a whole host, W (`Infinity`: none). */
export function limitHostPower(twin: Twin, host: number, watts: number): Refusal {
  const { model, state } = twin;
  if (model.accounting?.limits === undefined) return 'the cluster keeps no power limits';
  if (!(host >= 0 && host < model.hosts)) return 'there is no such host';
  if (!(watts >= 0)) return 'a limit is a number of W from 0 up';
  settleHost(twin, host, state.nowMs[0]!);
  state.limits.hostW[host] = watts;
  wakeLimits(twin, host);
  return undefined;
}

/** The period of `host` is over: reads its meters and lets every loop act whose time it is. */
export function limitTimer(twin: Twin, host: number): void {
  const { model, state } = twin;
  const { limits } = state;
  const { everyMs, diskEveryMs } = model.accounting!.limits!;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  if (!isLimited(twin, host)) return;
  const stirred = limits.hostStirred[host]!;
  limits.hostStirred[host] = Math.max(0, stirred - 1);
  scheduleLook(twin, host);
  const disks = Math.round(nowMs / everyMs) % Math.round(diskEveryMs / everyMs) === 0;
  const cpu = limitCpu(twin, host);
  const disk = disks && limitDisks(twin, host);
  readMeters(twin, host, disks);
  // No quiet period of the disk loop has ended yet, where it is not its time.
  const open = stirred > 0 || !disks;
  if (!cpu && !disk && !open) cancel(state, twin.timers.limit + host);
}

/** One step of the CPU loops. Returns whether anything has changed. */
function limitCpu(twin: Twin, host: number): boolean {
  const { model, state } = twin;
  const { limits } = state;
  const residents = residentsOf(twin, host);
  const powerW = Float64Array.from(residents, (vm) => vmPowerW(twin, host, vm));
  const budgetW = Float64Array.from(residents, (vm) => limits.vmCpuW[vm]!);
  const capW = limits.hostW[host]!;
  const byVms = model.accounting!.limits!.means === 'vms';
  if (byVms && capW < Infinity) shareCap(twin, host, residents, powerW, budgetW);
  const strides = Float64Array.from(residents, (vm) => limits.vmStride[vm]!);
  residents.forEach((vm, index) => {
    if (!(powerW[index]! > budgetW[index]!)) return;
    strides[index] = Math.max(strides[index]!, strideOfUse(twin, host, vm));
  });
  adjustStrides(strides, powerW, budgetW);
  let changed = false;
  residents.forEach((vm, index) => {
    const stride = Math.min(strides[index]!, strideMost);
    const cores =
      stride > defaultStride.initial ? ownCores(twin, vm) * strideShare(stride) : Infinity;
    if (cores !== limits.vmCores[vm]) changed = true;
    limits.vmStride[vm] = stride;
    limits.vmCores[vm] = cores;
  });
  if (changed) shareHost(twin, host);
  if (byVms) return changed;
  const pstate = pstateWithin(twin, host, capW);
  if (pstate === limits.hostPstate[host]) return changed;
  capPstates(twin, host, pstate);
  return true;
}

function residentsOf({ state }: Twin, host: number): number[] {
  const start = state.hostSlot[host]!;
  return Array.from(state.slots.subarray(start, start + state.hostVms[host]!));
}

/** What `vm` was charged since the last look, W; NaN where it was not there by then. */
function vmPowerW(twin: Twin, host: number, vm: number): number {
  const { limits, nowMs } = twin.state;
  const sinceMs = limits.vmReadMs[vm]!;
  if (sinceMs < limits.hostReadMs[host]! || sinceMs >= nowMs[0]!) return Number.NaN;
  return ((chargedJ(twin, vm) - limits.vmReadJ[vm]!) * 1000) / (nowMs[0]! - sinceMs);
}

/** Stride at which `vm` would be allowed just what it uses now. */
function strideOfUse(twin: Twin, host: number, vm: number): number {
  const coreMips = fastestCoreMips(twin, host);
  const cores = coreMips > 0 ? deliveredMips(twin, vm) / coreMips : 0;
  if (cores === 0) return defaultStride.initial;
  return Math.floor((defaultStride.initial * ownCores(twin, vm)) / cores);
}

/** Lowers the budgets of the VMs that have more than their part of the host's limit. */
function shareCap(
  twin: Twin,
  host: number,
  residents: readonly number[],
  powerW: Float64Array,
  budgetW: Float64Array,
): void {
  const { model, state } = twin;
  const { limits } = state;
  const elapsedMs = state.nowMs[0]! - limits.hostReadMs[host]!;
  if (!(elapsedMs > 0)) return;
  const hostW = ((state.hostEnergyJ[host]! - limits.hostReadJ[host]!) * 1000) / elapsedMs;
  const readW = powerW.map((power) => (Number.isNaN(power) ? 0 : power));
  const baseW = readW.reduce((rest, power) => rest - power, hostW);
  const demandW = Float64Array.from(residents, (vm, index) =>
    Math.min(limits.vmCpuW[vm]!, demandedW(twin, host, vm, readW[index]!)),
  );
  const weights = Float64Array.from(
    residents,
    (vm) => model.workload.vcpus[vm]! * model.vmWeight[vm]!,
  );
  const parts = partitionCap(limits.hostW[host]!, baseW, demandW, weights);
  residents.forEach((_, index) => {
    // Who gets what it asks for needs no limit.
    if (parts[index]! < demandW[index]!) budgetW[index] = Math.min(budgetW[index]!, parts[index]!);
  });
}

/** What `vm` would draw without power limits: its work in proportion to what it asks for, W. */
function demandedW(twin: Twin, host: number, vm: number, powerW: number): number {
  const { state } = twin;
  const { limits } = state;
  const elapsedMs = state.nowMs[0]! - limits.vmReadMs[vm]!;
  if (!(powerW > 0) || !(elapsedMs > 0)) return 0;
  const activeJ = state.ledgerVmJ[vm * vmPartCount + vmParts.active]! - limits.vmReadActiveJ[vm]!;
  const activeW = (activeJ * 1000) / elapsedMs;
  const coreMips = fastestCoreMips(twin, host);
  const got = deliveredMips(twin, vm);
  const quota = state.vmQuota[vm]!;
  const most = Math.min(state.vmThreads[vm]!, quota) * coreMips;
  const want = Math.min(state.vmAskedMips[vm]!, most);
  return got > 0 && want > got ? powerW + activeW * (want / got - 1) : powerW;
}

/** The fastest P-state whose power at the load that is asked for now is at most `capW`. */
function pstateWithin(twin: Twin, host: number, capW: number): number {
  const { model } = twin;
  const slowest = model.hostPstates[host]! - 1;
  if (capW === Infinity) return 0;
  for (let pstate = 0; pstate < slowest; pstate++) {
    if (operatingPowerW(twin, host, pstate, usedAtMips(twin, host, pstate)) <= capW) return pstate;
  }
  return slowest;
}

/** CPU that the host would deliver in `pstate`, MIPS. */
function usedAtMips(twin: Twin, host: number, pstate: number): number {
  const { model, state } = twin;
  const coreMips = model.pstateCoreMips[model.pstateStart[host]! + pstate]!;
  let sum = state.hostBackgroundMips[host]! + taskClaimMips(twin, host, coreMips);
  for (const vm of residentsOf(twin, host)) {
    const top = state.vmThreads[vm]! * coreMips;
    sum += claimMips(twin, vm, state.vmAskedMips[vm]!, top, quotaMips(twin, vm, coreMips));
  }
  return Math.min(sum, model.hostCores[host]! * coreMips);
}

/** One step of the disk loop. Returns whether anything has changed. */
function limitDisks(twin: Twin, host: number): boolean {
  const { model, state } = twin;
  const { limits } = state;
  const { diskJoulesPerByte, requestBytes } = model.accounting!.limits!;
  if (diskJoulesPerByte.length === 0) return false;
  const throttle = new DiskThrottle(model.vms, defaultThrottle, limits.vmRequests);
  let changed = false;
  for (const vm of residentsOf(twin, host)) {
    const elapsedMs = state.nowMs[0]! - limits.vmDiskReadMs[vm]!;
    if (!watchesDisk(twin, vm) || !(elapsedMs > 0)) continue;
    const rate = ((diskBytes(twin, vm) - limits.vmDiskReadBytes[vm]!) * 1000) / elapsedMs;
    const used = (rate * windowS) / requestBytes;
    throttle.adjust(vm, rate * diskJoulesPerByte[host]!, limits.vmDiskW[vm]!, used);
    const requests = throttle.allowance(vm);
    const allowed =
      requests >= defaultThrottle.most ? Infinity : (requests * requestBytes) / windowS;
    if (allowed === limits.vmDiskBytesPerS[vm]) continue;
    changed = true;
    setDiskAllowance(twin, vm, allowed);
  }
  return changed;
}
