/**
 * The trace tick: every VM that follows the demand grid takes its next value, at one instant. It is
 * the twin's hottest path, so hosts with nothing but such VMs ("plain" hosts) have a kernel that
 * does what `tickHost` does in one pass over their VMs, with the same operations in the same order
 * on every meter, so the bits are the same. The kernel calls nothing that V8 does not inline: with a
 * call in the loop it is 20 % slower.
 */
import { plainLevel } from './hosts/plain-host.ts';
import { pstatePowerW } from './hosts/pstate-power.ts';
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
  readonly vmHost: number;
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
    vmHost: at(state.vmHost),
    hostPower: at(state.hostPower),
  };
}

/** Stands for an infinite water level, MIPS per weight: its product with a weight is finite. */
const levelMax = 1e300;

/** Loads the next row of the demand grid into all VMs and shares every host anew. */
export function applyDemandRow(twin: Twin): void {
  const base = nextRow(twin);
  const { listed } = twin.scratch;
  const mixed = settlePlainHosts(twin);
  loadDemand(twin, base);
  levelHosts(twin, sharePlainHosts(twin));
  for (let index = twin.model.limbo; index >= mixed; index--) tickHost(twin, listed[index]!, base);
}

/**
 * Brings the meters of plain hosts up to now. Lists the mixed ones, which need more than this loop,
 * from the back; returns where their list begins.
 */
function settlePlainHosts(twin: Twin): number {
  const { model, state, columns } = twin;
  const { hostCores, pstateStart, pstateCoreMips } = model;
  const { float64: f64, int32: i32 } = state;
  const { hostEnergyJ, hostPowerW, hostSinceMs, hostOnMs, hostActiveMs, hostCapacityMi } = columns;
  const { hostWorkMi, hostUsedMips, hostAskedMips, hostOverloadMs } = columns;
  const { hostShortMi, hostVms, hostSpecial, hostPower, hostPstate } = columns;
  const { listed } = twin.scratch;
  const { on } = powerStates;
  const timeMs = state.nowMs[0]!;
  const rows = model.limbo + 1;
  let lastMs = timeMs;
  let elapsedS = 0;
  let mixed = rows;
  for (let host = 0; host < rows; host++) {
    if (i32[hostVms + host] === 0) continue;
    if (i32[hostSpecial + host] !== 0 || i32[hostPower + host] !== on) {
      listed[--mixed] = host;
      continue;
    }
    const coreMips = pstateCoreMips[pstateStart[host]! + i32[hostPstate + host]!]!;
    // Most hosts have waited equally long; a division is slow.
    const sinceMs = f64[hostSinceMs + host]!;
    if (sinceMs !== lastMs) {
      lastMs = sinceMs;
      elapsedS = (timeMs - sinceMs) / 1000;
    }
    const heldMs = timeMs - sinceMs;
    const asked = f64[hostAskedMips + host]!;
    const used = f64[hostUsedMips + host]!;
    const excess = asked - used;
    f64[hostSinceMs + host] = timeMs;
    f64[hostEnergyJ + host]! += f64[hostPowerW + host]! * elapsedS;
    f64[hostOnMs + host]! += heldMs;
    f64[hostActiveMs + host]! += heldMs;
    f64[hostCapacityMi + host]! += hostCores[host]! * coreMips * elapsedS;
    f64[hostWorkMi + host]! += used * elapsedS;
    if (excess > asked * roundingFraction) {
      f64[hostOverloadMs + host]! += heldMs;
      f64[hostShortMi + host]! += excess * elapsedS;
      settleShort(twin, host, coreMips, elapsedS);
    }
  }
  return mixed;
}

/** Charges the VMs of an overloaded plain host what they asked for and did not get. */
function settleShort(twin: Twin, host: number, coreMips: number, elapsedS: number): void {
  const { float64: f64, int32: i32 } = twin.state;
  const { hostLevel, hostSlot, hostVms, slots } = twin.columns;
  const { vmAskedMips, vmThreads, vmShareWeight, vmShortMi } = twin.columns;
  const level = Math.min(f64[hostLevel + host]!, levelMax);
  const first = slots + i32[hostSlot + host]!;
  const end = first + i32[hostVms + host]!;
  for (let slot = first; slot < end; slot++) {
    const vm = i32[slot]!;
    const top = i32[vmThreads + vm]! * coreMips;
    const share = level * f64[vmShareWeight + vm]!;
    f64[vmShortMi + vm]! += shortMips(f64[vmAskedMips + vm]!, top, share) * elapsedS;
  }
}

/**
 * Settles what the VMs on plain hosts asked for and gives them their next demand, in the order of
 * their ids: all columns are read from front to back, wherever the VMs are placed.
 */
function loadDemand(twin: Twin, base: number): void {
  const { model, state, columns } = twin;
  const { demandUnits, mipsPerUnit } = model.workload;
  const { float64: f64, int32: i32 } = state;
  const { hostSpecial, hostPower, vmHost, vmAskedMips, vmSinceMs, vmDemandedMi } = columns;
  const { on } = powerStates;
  const timeMs = state.nowMs[0]!;
  const { vms } = model;
  let lastMs = timeMs;
  let elapsedS = 0;
  for (let vm = 0; vm < vms; vm++) {
    const host = i32[vmHost + vm]!;
    if (host < 0 || i32[hostSpecial + host] !== 0 || i32[hostPower + host] !== on) continue;
    const sinceMs = f64[vmSinceMs + vm]!;
    if (sinceMs !== lastMs) {
      lastMs = sinceMs;
      elapsedS = (timeMs - sinceMs) / 1000;
    }
    f64[vmDemandedMi + vm]! += f64[vmAskedMips + vm]! * elapsedS;
    f64[vmSinceMs + vm] = timeMs;
    f64[vmAskedMips + vm] = demandUnits[base + vm]! * mipsPerUnit[vm]!;
  }
}

/** Shares plain hosts, but for the levels of contended ones, which it lists; returns their number. */
function sharePlainHosts(twin: Twin): number {
  const { model, state, columns } = twin;
  const { hostCores, pstateStart, pstateCoreMips } = model;
  const { float64: f64, int32: i32 } = state;
  const { hostPowerW, hostUsedMips, hostAskedMips, hostLevel } = columns;
  const { hostVms, hostSpecial, hostPower, hostPstate } = columns;
  const { hostSlot, slots, vmAskedMips, vmThreads } = columns;
  const { listed } = twin.scratch;
  const { on } = powerStates;
  const rows = model.limbo + 1;
  let contended = 0;
  for (let host = 0; host < rows; host++) {
    const count = i32[hostVms + host]!;
    if (count === 0 || i32[hostSpecial + host] !== 0 || i32[hostPower + host] !== on) continue;
    const row = pstateStart[host]! + i32[hostPstate + host]!;
    const coreMips = pstateCoreMips[row]!;
    const cores = hostCores[host]!;
    const capacity = cores * coreMips;
    const first = slots + i32[hostSlot + host]!;
    const end = first + count;
    let askedSum = 0;
    let capSum = 0;
    for (let slot = first; slot < end; slot++) {
      const vm = i32[slot]!;
      const want = f64[vmAskedMips + vm]!;
      const top = i32[vmThreads + vm]! * coreMips;
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
  return contended;
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
  const { pstateStart, pstateCoreMips } = twin.model;
  const { listed } = twin.scratch;
  const { hostPstate, hostLevel } = twin.state;
  for (let index = 0; index < contended; index++) {
    const host = listed[index]!;
    const coreMips = pstateCoreMips[pstateStart[host]! + hostPstate[host]!]!;
    hostLevel[host] = plainLevel(twin, host, coreMips);
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
