/**
 * The trace tick: every VM that follows the demand grid takes its next value, at one instant. It is
 * the twin's hottest path, so hosts with nothing but such VMs ("plain" hosts) have a kernel that
 * does what `tickHost` does in one pass over their VMs, with the same operations in the same order
 * on every meter, so the bits are the same. The kernel calls nothing that V8 does not inline: a call
 * in the loop would make it load the address of every column again (20 % slower).
 */
import { contendedLevel } from './contention.ts';
import { pstatePowerW } from './power.ts';
import { roundingFraction, settleHost, settleVm, shareHost } from './sharing.ts';
import { hostPower } from './state.ts';
import type { Twin } from './twin.ts';

/** Loads the next row of the demand grid into all VMs and shares every host anew. */
export function applyDemandRow(twin: Twin): void {
  const { model, state } = twin;
  const { hostCores, pstateStart, pstateCoreMips } = model;
  const { demandUnits, mipsPerUnit } = model.workload;
  const { hostEnergyJ, hostPowerW, hostSinceMs, hostOnMs, hostActiveMs, hostCapacityMi } = state;
  const { hostWorkMi, hostUsedMips, hostAskedMips, hostLevel, hostOverloadMs, hostShortMi } = state;
  const { hostVms, hostTasks, hostOutgoing, hostPstate, hostSlot, slots } = state;
  const { vmAskedMips, vmSinceMs, vmDemandedMi, vmThreads, vmShareWeight, vmShortMi } = state;
  const { listed } = twin.scratch;
  const power = state.hostPower;
  const { on } = hostPower;
  const base = nextRow(twin);
  const timeMs = state.nowMs[0]!;
  const rows = model.limbo + 1;
  let lastMs = timeMs;
  let elapsedS = 0;
  // Hosts that need more than this loop: contended ones from the front, mixed ones from the back.
  let contended = 0;
  let mixed = rows;
  for (let host = 0; host < rows; host++) {
    const count = hostVms[host]!;
    if (count === 0) continue;
    if (hostTasks[host]! + hostOutgoing[host]! > 0 || power[host] !== on) {
      listed[--mixed] = host;
      continue;
    }
    const row = pstateStart[host]! + hostPstate[host]!;
    const coreMips = pstateCoreMips[row]!;
    const cores = hostCores[host]!;
    const capacity = cores * coreMips;
    // Most hosts and VMs have waited equally long; a division is slow.
    const sinceMs = hostSinceMs[host]!;
    if (sinceMs !== lastMs) {
      lastMs = sinceMs;
      elapsedS = (timeMs - sinceMs) / 1000;
    }
    const heldMs = timeMs - sinceMs;
    const excess = hostAskedMips[host]! - hostUsedMips[host]!;
    const short = excess > hostAskedMips[host]! * roundingFraction;
    hostSinceMs[host] = timeMs;
    hostEnergyJ[host]! += hostPowerW[host]! * elapsedS;
    hostOnMs[host]! += heldMs;
    hostActiveMs[host]! += heldMs;
    hostCapacityMi[host]! += capacity * elapsedS;
    hostWorkMi[host]! += hostUsedMips[host]! * elapsedS;
    if (short) {
      hostOverloadMs[host]! += heldMs;
      hostShortMi[host]! += excess * elapsedS;
    }
    const level = hostLevel[host]!;
    const first = hostSlot[host]!;
    const end = first + count;
    let askedSum = 0;
    let capSum = 0;
    for (let slot = first; slot < end; slot++) {
      const vm = slots[slot]!;
      const vmMs = vmSinceMs[vm]!;
      const asked = vmAskedMips[vm]!;
      vmDemandedMi[vm]! += asked * (vmMs === lastMs ? elapsedS : (timeMs - vmMs) / 1000);
      vmSinceMs[vm] = timeMs;
      const top = vmThreads[vm]! * coreMips;
      if (short) vmShortMi[vm]! += shortMips(asked, top, level * vmShareWeight[vm]!) * elapsedS;
      const want = demandUnits[base + vm]! * mipsPerUnit[vm]!;
      vmAskedMips[vm] = want;
      askedSum += want;
      capSum += want < top ? want : top;
    }
    const used = Math.min(capSum, capacity);
    hostAskedMips[host] = askedSum;
    hostUsedMips[host] = used;
    hostLevel[host] = Infinity;
    hostPowerW[host] = pstatePowerW(model, row, cores, used);
    if (capSum > capacity) listed[contended++] = host;
  }
  for (let index = 0; index < contended; index++) levelHost(twin, listed[index]!);
  for (let index = rows - 1; index >= mixed; index--) tickHost(twin, listed[index]!, base);
}

/** CPU asked for beyond what the vCPUs (`top`) or the VM's share allow, MIPS. */
function shortMips(asked: number, top: number, share: number): number {
  let got = asked < top ? asked : top;
  if (share < got) got = share;
  return asked - got;
}

/** Sets the water level of a plain host that is asked for more than it has. */
function levelHost(twin: Twin, host: number): void {
  const { model, state } = twin;
  const { caps, weights } = twin.scratch;
  const { slots, vmAskedMips, vmThreads, vmShareWeight } = state;
  const coreMips = model.pstateCoreMips[model.pstateStart[host]! + state.hostPstate[host]!]!;
  const first = state.hostSlot[host]!;
  const count = state.hostVms[host]!;
  for (let index = 0; index < count; index++) {
    const vm = slots[first + index]!;
    const want = vmAskedMips[vm]!;
    const top = vmThreads[vm]! * coreMips;
    caps[index] = want < top ? want : top;
    weights[index] = vmShareWeight[vm]!;
  }
  state.hostLevel[host] = contendedLevel(caps, weights, count, state.hostUsedMips[host]!);
}

/** The same, host by host in small steps: the plain twin of `applyDemandRow`. */
export function tickPlainly(twin: Twin): void {
  const base = nextRow(twin);
  for (let host = 0; host <= twin.model.limbo; host++) {
    if (twin.state.hostVms[host] !== 0) tickHost(twin, host, base);
  }
}

/** Moves on to the next row; returns the index of its first cell. */
function nextRow(twin: Twin): number {
  const { state } = twin;
  const { workload, vms } = twin.model;
  const row = state.tickRow[0]! + 1;
  state.tickRow[0] = row;
  state.nextTickMs[0] = row + 1 < workload.steps ? (row + 1) * workload.intervalMs : Infinity;
  return row * vms;
}

/** Any host, also with tasks, migrations, or VMs that do not follow the grid. */
function tickHost(twin: Twin, host: number, base: number): void {
  const { model, state } = twin;
  const { demandUnits, mipsPerUnit } = model.workload;
  const timeMs = state.nowMs[0]!;
  settleHost(twin, host, timeMs);
  const start = state.hostSlot[host]!;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    if (model.vmTaskDriven[vm] === 1) continue;
    settleVm(twin, vm, timeMs);
    state.vmAskedMips[vm] = demandUnits[base + vm]! * mipsPerUnit[vm]!;
  }
  shareHost(twin, host);
}
