/**
 * The trace tick: every VM that follows the demand grid takes its next value, at one instant. It is
 * the twin's hottest path, so hosts with nothing but such VMs ("plain" hosts) have a kernel that
 * does what `tickHost` does in one pass over their VMs, with the same operations in the same order
 * on every meter, so the bits are the same. The kernel calls nothing that V8 does not inline: with a
 * call in the loop it is 20 % slower.
 */
import { contendedLevel } from './contention.ts';
import { pstatePowerW } from './power.ts';
import { roundingFraction, settleHost, settleVm, shareHost } from './sharing.ts';
import type { ClusterState } from './state.ts';
import { hostPower as powerStates } from './status.ts';
import type { Twin } from './twin.ts';

/**
 * Where the columns that the tick uses start in a state's buffer, in elements: column `c` of host
 * `h` is `float64[c + h]` or `int32[c + h]`. With a view for each of its 25 columns the kernel would
 * reload most of their addresses and lengths at every access.
 */
export interface TickColumns {
  readonly hostEnergyJ: number;
  readonly hostPowerW: number;
  readonly hostSinceMs: number;
  readonly hostOnMs: number;
  readonly hostActiveMs: number;
  readonly hostCapacityMi: number;
  readonly hostWorkMi: number;
  readonly hostUsedMips: number;
  readonly hostAskedMips: number;
  readonly hostLevel: number;
  readonly hostOverloadMs: number;
  readonly hostShortMi: number;
  readonly vmAskedMips: number;
  readonly vmSinceMs: number;
  readonly vmDemandedMi: number;
  readonly vmShareWeight: number;
  readonly vmShortMi: number;
  readonly hostVms: number;
  readonly hostSpecial: number;
  readonly hostPstate: number;
  readonly hostSlot: number;
  readonly slots: number;
  readonly vmThreads: number;
  readonly hostPower: number;
}

/** The same for all states of a model. */
export function tickColumns(state: ClusterState): TickColumns {
  const at = (column: Float64Array | Int32Array): number =>
    column.byteOffset / column.BYTES_PER_ELEMENT;
  return {
    hostEnergyJ: at(state.hostEnergyJ),
    hostPowerW: at(state.hostPowerW),
    hostSinceMs: at(state.hostSinceMs),
    hostOnMs: at(state.hostOnMs),
    hostActiveMs: at(state.hostActiveMs),
    hostCapacityMi: at(state.hostCapacityMi),
    hostWorkMi: at(state.hostWorkMi),
    hostUsedMips: at(state.hostUsedMips),
    hostAskedMips: at(state.hostAskedMips),
    hostLevel: at(state.hostLevel),
    hostOverloadMs: at(state.hostOverloadMs),
    hostShortMi: at(state.hostShortMi),
    vmAskedMips: at(state.vmAskedMips),
    vmSinceMs: at(state.vmSinceMs),
    vmDemandedMi: at(state.vmDemandedMi),
    vmShareWeight: at(state.vmShareWeight),
    vmShortMi: at(state.vmShortMi),
    hostVms: at(state.hostVms),
    hostSpecial: at(state.hostSpecial),
    hostPstate: at(state.hostPstate),
    hostSlot: at(state.hostSlot),
    slots: at(state.slots),
    vmThreads: at(state.vmThreads),
    hostPower: at(state.hostPower),
  };
}

/** Stands for an infinite water level, MIPS per weight: its product with a weight is finite. */
const levelMax = 1e300;

/** Loads the next row of the demand grid into all VMs and shares every host anew. */
export function applyDemandRow(twin: Twin): void {
  const { model, state, columns } = twin;
  const { hostCores, pstateStart, pstateCoreMips } = model;
  const { demandUnits, mipsPerUnit } = model.workload;
  const { float64: f64, int32: i32 } = state;
  const { hostEnergyJ, hostPowerW, hostSinceMs, hostOnMs, hostActiveMs, hostCapacityMi } = columns;
  const { hostWorkMi, hostUsedMips, hostAskedMips, hostLevel, hostOverloadMs } = columns;
  const { hostShortMi, hostVms, hostSpecial, hostPower, hostPstate } = columns;
  const { hostSlot, slots, vmAskedMips, vmSinceMs, vmDemandedMi, vmThreads } = columns;
  const { vmShareWeight, vmShortMi } = columns;
  const { listed } = twin.scratch;
  const { on } = powerStates;
  const base = nextRow(twin);
  const timeMs = state.nowMs[0]!;
  const rows = model.limbo + 1;
  let lastMs = timeMs;
  let elapsedS = 0;
  // Hosts that need more than this loop: contended ones from the front, mixed ones from the back.
  let contended = 0;
  let mixed = rows;
  for (let host = 0; host < rows; host++) {
    const count = i32[hostVms + host]!;
    if (count === 0) continue;
    if (i32[hostSpecial + host] !== 0 || i32[hostPower + host] !== on) {
      listed[--mixed] = host;
      continue;
    }
    const row = pstateStart[host]! + i32[hostPstate + host]!;
    const coreMips = pstateCoreMips[row]!;
    const cores = hostCores[host]!;
    const capacity = cores * coreMips;
    // Most hosts and VMs have waited equally long; a division is slow.
    const sinceMs = f64[hostSinceMs + host]!;
    if (sinceMs !== lastMs) {
      lastMs = sinceMs;
      elapsedS = (timeMs - sinceMs) / 1000;
    }
    const heldMs = timeMs - sinceMs;
    const excess = f64[hostAskedMips + host]! - f64[hostUsedMips + host]!;
    const short = excess > f64[hostAskedMips + host]! * roundingFraction;
    f64[hostSinceMs + host] = timeMs;
    f64[hostEnergyJ + host]! += f64[hostPowerW + host]! * elapsedS;
    f64[hostOnMs + host]! += heldMs;
    f64[hostActiveMs + host]! += heldMs;
    f64[hostCapacityMi + host]! += capacity * elapsedS;
    f64[hostWorkMi + host]! += f64[hostUsedMips + host]! * elapsedS;
    if (short) {
      f64[hostOverloadMs + host]! += heldMs;
      f64[hostShortMi + host]! += excess * elapsedS;
    }
    const level = Math.min(f64[hostLevel + host]!, levelMax);
    const first = i32[hostSlot + host]!;
    const end = first + count;
    let askedSum = 0;
    let capSum = 0;
    for (let slot = first; slot < end; slot++) {
      const vm = i32[slots + slot]!;
      const vmMs = f64[vmSinceMs + vm]!;
      const asked = f64[vmAskedMips + vm]!;
      f64[vmDemandedMi + vm]! += asked * (vmMs === lastMs ? elapsedS : (timeMs - vmMs) / 1000);
      f64[vmSinceMs + vm] = timeMs;
      const top = i32[vmThreads + vm]! * coreMips;
      if (short)
        f64[vmShortMi + vm]! += shortMips(asked, top, level * f64[vmShareWeight + vm]!) * elapsedS;
      const want = demandUnits[base + vm]! * mipsPerUnit[vm]!;
      f64[vmAskedMips + vm] = want;
      askedSum += want;
      capSum += want < top ? want : top;
    }
    const used = Math.min(capSum, capacity);
    f64[hostAskedMips + host] = askedSum;
    f64[hostUsedMips + host] = used;
    f64[hostLevel + host] = Infinity;
    f64[hostPowerW + host] = pstatePowerW(model, row, cores, used);
    if (capSum > capacity) listed[contended++] = host;
  }
  levelHosts(twin, contended);
  for (let index = rows - 1; index >= mixed; index--) tickHost(twin, listed[index]!, base);
}

/**
 * CPU asked for beyond what the vCPUs (`top`) and the VM's share allow, MIPS. Which of the two binds
 * is as good as random, so it is chosen without a branch; `share` must be finite.
 */
function shortMips(asked: number, top: number, share: number): number {
  const cap = asked < top ? asked : top;
  const contended = Number(share < cap);
  return asked - (contended * share + (1 - contended) * cap);
}

/** Sets the water levels of the plain hosts that are asked for more than they have. */
function levelHosts(twin: Twin, contended: number): void {
  const { model, state } = twin;
  const { pstateStart, pstateCoreMips } = model;
  const { caps, weights, listed } = twin.scratch;
  const { slots, vmAskedMips, vmThreads, vmShareWeight } = state;
  const { hostPstate, hostSlot, hostVms, hostUsedMips, hostLevel } = state;
  for (let index = 0; index < contended; index++) {
    const host = listed[index]!;
    const coreMips = pstateCoreMips[pstateStart[host]! + hostPstate[host]!]!;
    const first = hostSlot[host]!;
    const count = hostVms[host]!;
    for (let claim = 0; claim < count; claim++) {
      const vm = slots[first + claim]!;
      const want = vmAskedMips[vm]!;
      const top = vmThreads[vm]! * coreMips;
      caps[claim] = want < top ? want : top;
      weights[claim] = vmShareWeight[vm]!;
    }
    hostLevel[host] = contendedLevel(caps, weights, count, hostUsedMips[host]!);
  }
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
