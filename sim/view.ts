/**
 * What a policy may know: the cluster as telemetry shows it, read-only and by id. Demand is what
 * was measured over intervals that are over, never the present or the future: at time t the newest
 * value is the mean over the last complete interval before t.
 */

import { signalSeen } from './facility/forecast.ts';
import {
  firstRowSeen,
  heldMips,
  newestRow,
  observedMs,
  rowBeforeGap,
  rowSeen,
} from './faults/telemetry.ts';
import { vcpusInDomain } from './hosts/domains.ts';
import { steadyTemperatureC, temperatureNowC, thermalCapW } from './hosts/heat-meter.ts';
import { operatingPowerW } from './hosts/host-power.ts';
import { expectMigration, type MigrationForecast } from './migration/forecast.ts';
import { type MigrationProgress, migrationProgress } from './migration/progress.ts';
import type { ClusterModel } from './model.ts';
import { queueOfVm, requestDemandMips } from './requests/queue.ts';
import { hostPower, isComingUp, isDown, vmStatus } from './status.ts';
import type { Twin } from './twin.ts';
import { quotaCores } from './vms/quota.ts';

/** Hosts and VMs are dense ids 0 … n − 1. Speeds in MIPS, memory in bytes, power in W. */
export interface ClusterView {
  readonly nowMs: number;
  /** Length of one telemetry interval, ms. */
  readonly intervalMs: number;
  readonly hosts: number;
  readonly vms: number;

  /**
   * Price of electricity, currency/kWh, and its carbon intensity, gCO₂eq/kWh: now (0), in the past
   * (below 0), or as forecast; `undefined` where nobody knows.
   */
  pricePerKwh(hoursAhead?: number): number | undefined;
  carbonGPerKwh(hoursAhead?: number): number | undefined;

  cores(host: number): number;
  memoryBytes(host: number): number;
  /** Memory that no resident and no arriving VM holds; none on a host that takes no VMs. */
  freeMemoryBytes(host: number): number;
  /** Whether it may be switched off and, when off, on. */
  maySwitch(host: number): boolean;
  /** Running, and not about to shut down. */
  isOn(host: number): boolean;
  /** Running, booting or resuming: VMs can be sent there. */
  isAvailable(host: number): boolean;
  /** Off or asleep: it can be switched on. */
  isOff(host: number): boolean;
  pstate(host: number): number;
  pstates(host: number): number;
  /** Speed of one core in a P-state (0 is the fastest). */
  coreMips(host: number, pstate: number): number;
  /** Capacity of all cores in P-state 0. */
  peakMips(host: number): number;
  /** Power when running in `pstate` and delivering `usedMips`. */
  powerW(host: number, pstate: number, usedMips: number): number;
  /** Temperature now, °C, where it is kept, and the power that its limit allows for ever. */
  temperatureC(host: number): number | undefined;
  powerCapW(host: number): number;
  /** Temperature that constant power leads to in the end, °C, where one is kept. */
  steadyC(host: number, powerW: number): number | undefined;
  /** Power when out of service: asleep where the host can sleep, else off. */
  offW(host: number): number;
  /** Time and power of coming back from there. */
  bootMs(host: number): number;
  bootW(host: number): number;
  /** Frequency domains; the P-state of one, and the demand of the vCPUs that live in it. */
  domains(host: number): number;
  domainPstate(host: number, domain: number): number;
  domainDemandMips(host: number, domain: number): number;
  /** VMs on the host, in order of arrival; VMs on their way to it. */
  residentCount(host: number): number;
  resident(host: number, index: number): number;
  incomingCount(host: number): number;
  /** Σ `demandMips` of the VMs that are on the host and stay, or are on their way to it. */
  hostDemandMips(host: number): number;

  vcpus(vm: number): number;
  /** Nominal speed of one vCPU. */
  vcpuMips(vm: number): number;
  vmMemoryBytes(vm: number): number;
  /** Most CPU that the VM may use, cores; Infinity for no quota. */
  quota(vm: number): number;
  /** Whether the cluster keeps power limits; those on a VM's CPU and on a host, W, or Infinity. */
  limitsPower(of: 'cpu' | 'disk'): boolean;
  vmPowerLimitW(vm: number): number;
  hostPowerLimitW(host: number): number;
  isPending(vm: number): boolean;
  isRunning(vm: number): boolean;
  /** Migrating, or promised to a booting host. */
  isMoving(vm: number): boolean;
  /** Whether it may be migrated at all. */
  mayMove(vm: number): boolean;
  /** Where the VM is or is going; -1 while pending or gone. */
  hostOf(vm: number): number;
  pendingCount(): number;
  pending(index: number): number;
  /** Newest measured demand; the nominal size while nothing has been measured. */
  demandMips(vm: number): number;
  /** Complete intervals measured so far, at most `historyMax`. */
  observations(vm: number): number;
  /** Demand measured `lag` intervals ago, 1 = newest, up to `observations(vm)`. */
  demandAt(vm: number, lag: number): number;
  /** Rate cap of the VM's memory transfer, bytes/s. */
  migrationBytesPerS(vm: number): number;
  /** Progress of the VM's migration; `undefined` when it has none. */
  migration(vm: number): MigrationProgress | undefined;
  /** What its migration to `host` would take, if rates and load stayed as they are. */
  expectMigration(vm: number, host: number): MigrationForecast;
}

/** Longest history a policy is shown, intervals. */
export const historyMax = 36;

/** The view of a simulated cluster. Make one per decision: it reads totals once. */
export class TwinView implements ClusterView {
  readonly twin: Twin;
  readonly nowMs: number;
  readonly intervalMs: number;
  readonly hosts: number;
  readonly vms: number;
  readonly #model: ClusterModel;
  /** Newest row of the demand grid that is over, -1 for none. */
  readonly #lastRow: number;
  /** Whether anything can fail: without it no question need be asked for each VM and row. */
  readonly #canFail: boolean;
  readonly #vmDemand: Float64Array;
  readonly #hostDemand: Float64Array;

  constructor(twin: Twin) {
    const { model, state } = twin;
    this.twin = twin;
    this.#model = model;
    this.nowMs = observedMs(twin);
    this.intervalMs = model.workload.intervalMs;
    this.hosts = model.hosts;
    this.vms = model.vms;
    this.#lastRow = newestRow(twin);
    this.#canFail = model.faults !== undefined;
    this.#vmDemand = new Float64Array(model.vms);
    this.#hostDemand = new Float64Array(model.hosts);
    for (let vm = 0; vm < model.vms; vm++) {
      const status = state.vmStatus[vm]!;
      if (status === vmStatus.absent || status === vmStatus.departed) continue;
      const mips = this.#measure(vm);
      this.#vmDemand[vm] = mips;
      const host = this.hostOf(vm);
      if (host >= 0) this.#hostDemand[host]! += mips;
    }
  }

  #measure(vm: number): number {
    const requested = requestDemandMips(this.twin, vm);
    const offGrid = this.#model.vmTaskDriven[vm] === 1 && queueOfVm(this.twin, vm) < 0;
    if (requested >= 0 || offGrid) {
      const held = heldMips(this.twin, vm);
      if (held >= 0) return held;
      return requested >= 0 ? requested : this.twin.state.vmAskedMips[vm]!;
    }
    if (this.observations(vm) > 0) return this.demandAt(vm, 1);
    const known = this.#canFail ? rowBeforeGap(this.twin, vm) : -1;
    if (known >= 0) return this.#gridMips(vm, known);
    const { workload } = this.#model;
    return workload.vcpus[vm]! * workload.vcpuMips[vm]!;
  }

  #gridMips(vm: number, row: number): number {
    const { workload } = this.#model;
    return workload.demandUnits[row * this.vms + vm]! * workload.mipsPerUnit[vm]!;
  }

  pricePerKwh(hoursAhead = 0): number | undefined {
    return signalSeen(this.twin, 'price', hoursAhead);
  }
  carbonGPerKwh(hoursAhead = 0): number | undefined {
    return signalSeen(this.twin, 'carbon', hoursAhead);
  }
  cores(host: number): number {
    return this.#model.hostCores[host]!;
  }
  memoryBytes(host: number): number {
    return this.#model.hostMemoryBytes[host]!;
  }
  freeMemoryBytes(host: number): number {
    const bytes = this.#model.hostMemoryBytes[host]! - this.twin.state.hostReservedBytes[host]!;
    return this.#model.restrictions?.takesNoVms[host] === 1 ? Math.min(0, bytes) : bytes;
  }
  maySwitch(host: number): boolean {
    return this.#model.restrictions?.isNotSwitched[host] !== 1;
  }
  isOn(host: number): boolean {
    const { state } = this.twin;
    return state.hostPower[host] === hostPower.on && state.hostDraining[host] === 0;
  }
  isAvailable(host: number): boolean {
    return this.isOn(host) || isComingUp(this.twin.state, host);
  }
  isOff(host: number): boolean {
    return isDown(this.twin.state, host);
  }
  pstate(host: number): number {
    return this.twin.state.hostPstate[host]!;
  }
  pstates(host: number): number {
    return this.#model.hostPstates[host]!;
  }
  coreMips(host: number, pstate: number): number {
    return this.#model.pstateCoreMips[this.#model.pstateStart[host]! + pstate]!;
  }
  peakMips(host: number): number {
    return this.#model.hostCores[host]! * this.coreMips(host, 0);
  }
  powerW(host: number, pstate: number, usedMips: number): number {
    return operatingPowerW(this.twin, host, pstate, usedMips);
  }
  temperatureC(host: number): number | undefined {
    return temperatureNowC(this.twin, host);
  }
  powerCapW(host: number): number {
    return thermalCapW(this.twin, host);
  }
  steadyC(host: number, powerW: number): number | undefined {
    return steadyTemperatureC(this.twin, host, powerW);
  }
  offW(host: number): number {
    const { hostSleeps, hostAsleepW, hostOffW } = this.#model;
    return hostSleeps[host] === 1 ? hostAsleepW[host]! : hostOffW[host]!;
  }
  bootMs(host: number): number {
    return this.#wakesFromSleep(host)
      ? this.#model.hostResumeMs[host]!
      : this.#model.hostBootMs[host]!;
  }
  bootW(host: number): number {
    return this.#wakesFromSleep(host)
      ? this.#model.hostResumeW[host]!
      : this.#model.hostBootW[host]!;
  }
  #wakesFromSleep(host: number): boolean {
    const off = this.twin.state.hostPower[host] === hostPower.off;
    return this.#model.hostSleeps[host] === 1 && !off;
  }
  domains(host: number): number {
    return this.#model.hostDomains[host]!;
  }
  domainPstate(host: number, domain: number): number {
    return this.twin.state.domains.pstate[this.#model.domainStart[host]! + domain]!;
  }
  domainDemandMips(host: number, domain: number): number {
    const { state } = this.twin;
    const domains = this.domains(host);
    if (domains === 1) return this.hostDemandMips(host);
    let sum = 0;
    for (let index = 0; index < this.residentCount(host); index++) {
      const vm = this.resident(host, index);
      const vcpus = this.vcpus(vm);
      const here = vcpusInDomain(this.cores(host), domains, state.vmCore[vm]!, vcpus, domain);
      sum += (this.demandMips(vm) * here) / vcpus;
    }
    return sum;
  }
  residentCount(host: number): number {
    return this.twin.state.hostVms[host]!;
  }
  resident(host: number, index: number): number {
    return this.twin.state.slots[this.twin.state.hostSlot[host]! + index]!;
  }
  incomingCount(host: number): number {
    return this.twin.state.hostIncoming[host]!;
  }
  hostDemandMips(host: number): number {
    return this.#hostDemand[host]!;
  }
  vcpus(vm: number): number {
    return this.#model.workload.vcpus[vm]!;
  }
  vcpuMips(vm: number): number {
    return this.#model.workload.vcpuMips[vm]!;
  }
  vmMemoryBytes(vm: number): number {
    return this.#model.workload.memoryBytes[vm]!;
  }
  quota(vm: number): number {
    return quotaCores(this.twin, vm);
  }
  limitsPower(of: 'cpu' | 'disk'): boolean {
    const limits = this.#model.accounting?.limits;
    return limits !== undefined && (of === 'cpu' || limits.diskJoulesPerByte.length > 0);
  }
  vmPowerLimitW(vm: number): number {
    return this.twin.state.limits.vmCpuW[vm] ?? Infinity;
  }
  hostPowerLimitW(host: number): number {
    return this.twin.state.limits.hostW[host] ?? Infinity;
  }
  isPending(vm: number): boolean {
    return this.twin.state.vmStatus[vm] === vmStatus.pending && this.twin.state.vmPlanned[vm]! < 0;
  }
  isRunning(vm: number): boolean {
    return this.twin.state.vmStatus[vm] === vmStatus.running;
  }
  isMoving(vm: number): boolean {
    return this.twin.state.vmMigration[vm]! >= 0 || this.twin.state.vmPlanned[vm]! >= 0;
  }
  mayMove(vm: number): boolean {
    return this.#model.restrictions?.staysPut[vm] !== 1;
  }
  hostOf(vm: number): number {
    const { state } = this.twin;
    const migration = state.vmMigration[vm]!;
    if (migration >= 0) return state.migrationTarget[migration]!;
    if (state.vmPlanned[vm]! >= 0) return state.vmPlanned[vm]!;
    const host = state.vmHost[vm]!;
    return host === this.#model.limbo ? -1 : host;
  }
  pendingCount(): number {
    return this.twin.state.hostVms[this.#model.limbo]!;
  }
  pending(index: number): number {
    const { state } = this.twin;
    return state.slots[state.hostSlot[this.#model.limbo]! + index]!;
  }
  demandMips(vm: number): number {
    return this.#vmDemand[vm]!;
  }
  observations(vm: number): number {
    const { state } = this.twin;
    const status = state.vmStatus[vm]!;
    if (status === vmStatus.pending || status === vmStatus.restarting) return 0;
    // What tasks asked for in the past is not kept.
    if (this.#model.vmTaskDriven[vm] === 1) return 0;
    // A row counts once the VM was running during some of it.
    const startedMs = this.#model.workload.arrivalMs[vm]! + state.vmWaitedMs[vm]!;
    const [firstRow, lastRow] = this.#canFail
      ? this.#rowsSeen(vm, startedMs)
      : [Math.floor(startedMs / this.intervalMs), this.#lastRow];
    return Math.max(0, Math.min(historyMax, lastRow - firstRow + 1));
  }
  /** First and last row of the history of `vm` where things fail. */
  #rowsSeen(vm: number, startedMs: number): [first: number, last: number] {
    const { twin } = this;
    const upMs = startedMs + (twin.state.faults.vmUpBeforeMs[vm] ?? 0);
    const first = Math.max(Math.floor(upMs / this.intervalMs), firstRowSeen(twin, vm));
    return [first, rowSeen(twin, vm, this.#lastRow)];
  }
  demandAt(vm: number, lag: number): number {
    const last = this.#canFail ? rowSeen(this.twin, vm, this.#lastRow) : this.#lastRow;
    return this.#gridMips(vm, last - lag + 1);
  }
  migrationBytesPerS(vm: number): number {
    return this.#model.migrationBytesPerS[vm]!;
  }
  migration(vm: number): MigrationProgress | undefined {
    return migrationProgress(this.twin, vm);
  }
  expectMigration(vm: number, host: number): MigrationForecast {
    return expectMigration(this.twin, vm, host, (at, usedMips) =>
      this.powerW(at, this.pstate(at), usedMips),
    );
  }
}
