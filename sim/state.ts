/**
 * Everything that changes during a run, as columns over ONE buffer: a fork is one copy of the
 * buffer, a snapshot is its bytes, equality is a byte compare.
 *
 * Rates are constant between events, so meters are integrated when a rate changes ("settled"),
 * never sampled: each host and VM remembers since when its current rates hold.
 */
import { hostPartCount, vmPartCount } from './accounting/ledger-parts.ts';
import { type LimitState, limitColumns } from './accounting/limit-state.ts';
import { facilityMeterParts } from './facility/facility-meter-parts.ts';
import { type FaultState, faultColumns } from './faults/fault-state.ts';
import { type DomainState, domainColumns } from './hosts/domain-state.ts';
import type { ClusterModel } from './model.ts';
import { Cursor } from './numbers/column-cursor.ts';
import { seedStream, wordsPerStream } from './numbers/rng.ts';
import { type RequestState, requestColumns } from './requests/request-state.ts';
import { timerRanges } from './timers.ts';

/** The random streams a run has, in the order they are stored. */
export const streamNames = ['policy', 'faults'] as const;

/** Slots that every host keeps free for arriving VMs when the slot table is laid out. */
const slotSlack = 4;

/**
 * Views of one state buffer. Host columns have `hosts + 1` rows; the last is limbo, the place of
 * VMs that no host has (see `ClusterModel.limbo`).
 */
export class ClusterState {
  readonly buffer: SharedArrayBuffer;
  /** The whole buffer, for kernels that address columns by their offset. */
  readonly float64: Float64Array;
  readonly int32: Int32Array;

  /** [1] Simulated time, ms. */
  readonly nowMs: Float64Array;
  /** [1] Time of the next row of the demand grid, ms; Infinity after the last. */
  readonly nextTickMs: Float64Array;
  /** [1] Row of the demand grid that holds now, -1 before the first. */
  readonly tickRow: Int32Array;
  /** [1] Sequence number of the next event scheduled. */
  readonly sequence: Float64Array;
  /** [1] Events processed so far, ticks included. */
  readonly eventsProcessed: Float64Array;

  /** [hosts + 1] Electric energy up to `hostSinceMs`, J. */
  readonly hostEnergyJ: Float64Array;
  /** Power now, W. */
  readonly hostPowerW: Float64Array;
  /** [hosts, or 0 where nobody keeps it] Temperature at `hostSinceMs`, °C. */
  readonly hostTemperatureC: Float64Array;
  /** Since when the host's current rates hold, ms. */
  readonly hostSinceMs: Float64Array;
  /** CPU delivered, MIPS. */
  readonly hostUsedMips: Float64Array;
  /** CPU asked for by VMs that are not paused, MIPS. */
  readonly hostAskedMips: Float64Array;
  /** Water level of the weighted max-min share, MIPS per weight; Infinity without contention. */
  readonly hostLevel: Float64Array;
  /** Memory of resident and arriving VMs, bytes. */
  readonly hostReservedBytes: Float64Array;
  /** Time with less CPU delivered than asked, ms. */
  readonly hostOverloadMs: Float64Array;
  /** Time with at least one VM or task resident, ms. */
  readonly hostActiveMs: Float64Array;
  /** Time not off, ms. */
  readonly hostOnMs: Float64Array;
  /** Work delivered and work asked but not delivered, MIPS·s. */
  readonly hostWorkMi: Float64Array;
  readonly hostShortMi: Float64Array;
  /** ∫ capacity dt at the P-state that held, MIPS·s. */
  readonly hostCapacityMi: Float64Array;
  /** 1 while the host's own governor runs; when it last sampled, ms. */
  readonly hostGoverned: Int32Array;
  readonly hostGovernorMs: Float64Array;
  /** Fastest P-state that throttling allows. */
  readonly hostFastestPstate: Int32Array;
  /** CPU that the host itself takes before its VMs share the rest, MIPS. */
  readonly hostBackgroundMips: Float64Array;
  /**
   * Number of reasons why the fused tick must leave the host to the general path: a working task, a
   * migration from or to it, anything else that `shareSlots` alone does not cover.
   */
  readonly hostSpecial: Int32Array;
  readonly hostPower: Int32Array;
  /** P-state of the host; of its fastest domain where there are several. */
  readonly hostPstate: Int32Array;
  /** VMs resident: `slots[hostSlot … hostSlot + hostVms - 1]`, in order of arrival. */
  readonly hostVms: Int32Array;
  readonly hostSlot: Int32Array;
  readonly hostSlotCapacity: Int32Array;
  readonly slots: Int32Array;
  /** First task directly on the host, -1 for none; tasks on the host and in its VMs. */
  readonly hostTask: Int32Array;
  readonly hostTasks: Int32Array;
  /** Migrations to and from the host. */
  readonly hostIncoming: Int32Array;
  readonly hostOutgoing: Int32Array;
  /** VMs on the host that are being copied: to another before post-copy, from another after. */
  readonly hostCopied: Int32Array;
  /** What becomes of the host as soon as its last VM has left: 0 or a value of `drainTo`. */
  readonly hostDraining: Int32Array;

  /** Frequency domains, those of one host after the other. */
  readonly domains: DomainState;
  /** [vms, or 0 without hosts of several domains] First core of the VM's vCPUs. */
  readonly vmCore: Int32Array;
  /** [vms] CPU asked for now, MIPS (0 while absent). */
  readonly vmAskedMips: Float64Array;
  /** Limit of the VM's total rate, MIPS; for trace-driven VMs this is the demand. */
  readonly vmBoundMips: Float64Array;
  /** Running vCPUs times the VM's weight; 0 while paused. */
  readonly vmShareWeight: Float64Array;
  /** Most CPU that the VM may use, cores; Infinity for no quota. */
  readonly vmQuota: Float64Array;
  /** Since when `vmAskedMips` holds, ms. */
  readonly vmSinceMs: Float64Array;
  /** Work asked up to `vmSinceMs`, MIPS·s. */
  readonly vmDemandedMi: Float64Array;
  /** Work not delivered because of contention or waiting for a host, MIPS·s. */
  readonly vmShortMi: Float64Array;
  /** Work not delivered because of live migration, MIPS·s. */
  readonly vmDegradedMi: Float64Array;
  /** When the VM began to wait for a host, and how long it has waited in all, ms. */
  readonly vmPendingSinceMs: Float64Array;
  readonly vmWaitedMs: Float64Array;
  readonly vmHost: Int32Array;
  readonly vmStatus: Int32Array;
  /** vCPUs that run now: all of a trace-driven VM, else the threads of its tasks, capped. */
  readonly vmThreads: Int32Array;
  /** Slot of the VM's migration, -1 for none; migrations finished. */
  readonly vmMigration: Int32Array;
  readonly vmMigrations: Int32Array;
  readonly vmTask: Int32Array;
  /** Booting host that the VM is to be placed on or moved to when it is up, -1 for none. */
  readonly vmPlanned: Int32Array;

  /** [tasks] Work left of the present phase; endless work counts down from 0. */
  readonly taskRemaining: Float64Array;
  readonly taskRateMips: Float64Array;
  readonly taskFinishedMs: Float64Array;
  readonly taskPhase: Int32Array;
  readonly taskStatus: Int32Array;
  /** Next task on the same host or VM, -1 at the end. */
  readonly taskNext: Int32Array;

  /** [flows] Bytes left in the current transfer and its rate, bytes/s. See `flows.ts`. */
  readonly flowRemainingBytes: Float64Array;
  readonly flowBytesPerS: Float64Array;
  readonly flowSinceMs: Float64Array;
  /** [migrationsMax] Size and start of the current transfer. */
  readonly roundBytes: Float64Array;
  readonly roundStartMs: Float64Array;
  /** Work the VM did since the round began, MIPS·s. */
  readonly roundWorkMi: Float64Array;
  /** Bytes made dirty per MIPS·s; fixed when the migration starts. */
  readonly dirtyBytesPerMi: Float64Array;
  /** Bytes known to be left to send after the current transfer began. */
  readonly migrationLeftBytes: Float64Array;
  readonly migrationStartMs: Float64Array;
  readonly migrationPauseMs: Float64Array;
  /** How long the VM stood still, ms. */
  readonly migrationDowntimeMs: Float64Array;
  /** Fraction of its CPU that the VM is denied: by auto-converge, then by post-copy's faults. */
  readonly migrationThrottle: Float64Array;
  /** What `RoundMemory` holds. */
  readonly migrationRounds: Int32Array;
  readonly migrationTooDirty: Int32Array;
  readonly migrationStalls: Int32Array;
  readonly migrationStage: Int32Array;
  readonly migrationVm: Int32Array;
  readonly migrationSource: Int32Array;
  readonly migrationTarget: Int32Array;
  /** [4] Migrations that did not end by stop-and-copy; rows are `migrationOutcome`. */
  readonly migrationOutcomes: Float64Array;
  /** [streams] What the stream asks for while its VMs run, and now, bytes/s. See `streams.ts`. */
  readonly streamWantedBytesPerS: Float64Array;
  readonly streamDemandBytesPerS: Float64Array;
  readonly streamLimitBytesPerS: Float64Array;
  /** What it asked for and carried up to `flowSinceMs`, bytes. */
  readonly streamDemandedBytes: Float64Array;
  readonly streamCarriedBytes: Float64Array;
  readonly streamStatus: Int32Array;
  /** Hosts at its ends; limbo stands for outside. */
  readonly streamSource: Int32Array;
  readonly streamTarget: Int32Array;
  /** [hosts + 1, or 0 where nobody asks] Bytes/s to and from the network interface. */
  readonly hostNicBytesPerS: Float64Array;
  /** [hosts + 1, or 0 without disks] Bytes/s at the disk, and the fraction of time it works. */
  readonly hostDiskBytesPerS: Float64Array;
  readonly hostDiskBusy: Float64Array;
  /** Hop `k` of flow `f` is node `f × hopsMax + k`: its link and its neighbours on that link. */
  readonly hopLink: Int32Array;
  readonly hopNext: Int32Array;
  readonly hopPrevious: Int32Array;
  /** [links] First hop on the link, -1 for none. */
  readonly linkHop: Int32Array;
  /** [migrationsMax] Stack of free slots; [1] its height. */
  readonly freeMigrations: Int32Array;
  readonly freeCount: Int32Array;

  /** [4] Totals over finished migrations: count, bytes, duration ms, downtime ms. */
  readonly migrationTotals: Float64Array;
  /** [4] Hosts switched on, switched off, P-state changes, migrations refused for lack of slots. */
  readonly actionTotals: Float64Array;

  /**
   * [(hosts + 1) × hostPartCount] and [vms × vmPartCount] Energy by whom it is charged to, J; empty
   * without accounting. See `accounting/twin-ledger.ts`.
   */
  readonly ledgerHostJ: Float64Array;
  readonly ledgerVmJ: Float64Array;
  /** [facilityMeterParts, or 0 without a facility] See `facility/facility-meter.ts`. */
  readonly facilityMeter: Float64Array;

  /** Timers: at most one pending event per owner. See `timers.ts`. */
  readonly timerMs: Float64Array;
  readonly timerOrder: Float64Array;
  readonly heap: Int32Array;
  readonly heapPosition: Int32Array;
  readonly heapSize: Int32Array;

  /** Power limits and the loops that keep them. */
  readonly limits: LimitState;
  /** Applications that answer requests. */
  readonly requests: RequestState;

  /** What fails. */
  readonly faults: FaultState;

  /** [streams × wordsPerStream] */
  readonly rng: Uint32Array;

  constructor(model: ClusterModel, buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.float64 = new Float64Array(buffer);
    this.int32 = new Int32Array(buffer);
    const take = new Cursor(buffer.byteLength === 0 ? undefined : buffer);
    const rows = model.hosts + 1;
    const { vms, migrationsMax, network, flows, streams } = model;
    const tasks = model.tasks.count;
    this.nowMs = take.f64(1);
    this.nextTickMs = take.f64(1);
    this.sequence = take.f64(1);
    this.eventsProcessed = take.f64(1);
    this.hostEnergyJ = take.f64(rows);
    this.hostPowerW = take.f64(rows);
    this.hostTemperatureC = take.f64(model.hostHeat.some(Boolean) ? model.hosts : 0);
    this.hostSinceMs = take.f64(rows);
    this.hostUsedMips = take.f64(rows);
    this.hostAskedMips = take.f64(rows);
    this.hostLevel = take.f64(rows);
    this.hostReservedBytes = take.f64(rows);
    this.hostOverloadMs = take.f64(rows);
    this.hostActiveMs = take.f64(rows);
    this.hostOnMs = take.f64(rows);
    this.hostWorkMi = take.f64(rows);
    this.hostShortMi = take.f64(rows);
    this.hostCapacityMi = take.f64(rows);
    this.hostGovernorMs = take.f64(rows);
    this.hostBackgroundMips = take.f64(rows);
    this.vmAskedMips = take.f64(vms);
    this.vmBoundMips = take.f64(vms);
    this.vmShareWeight = take.f64(vms);
    this.vmQuota = take.f64(vms);
    this.vmSinceMs = take.f64(vms);
    this.vmDemandedMi = take.f64(vms);
    this.vmShortMi = take.f64(vms);
    this.vmDegradedMi = take.f64(vms);
    this.vmPendingSinceMs = take.f64(vms);
    this.vmWaitedMs = take.f64(vms);
    this.taskRemaining = take.f64(tasks);
    this.taskRateMips = take.f64(tasks);
    this.taskFinishedMs = take.f64(tasks);
    this.flowRemainingBytes = take.f64(flows);
    this.flowBytesPerS = take.f64(flows);
    this.flowSinceMs = take.f64(flows);
    this.roundBytes = take.f64(migrationsMax);
    this.roundStartMs = take.f64(migrationsMax);
    this.roundWorkMi = take.f64(migrationsMax);
    this.dirtyBytesPerMi = take.f64(migrationsMax);
    this.migrationLeftBytes = take.f64(migrationsMax);
    this.migrationStartMs = take.f64(migrationsMax);
    this.migrationPauseMs = take.f64(migrationsMax);
    this.migrationDowntimeMs = take.f64(migrationsMax);
    this.migrationThrottle = take.f64(migrationsMax);
    this.migrationOutcomes = take.f64(4);
    this.streamWantedBytesPerS = take.f64(streams);
    this.streamDemandBytesPerS = take.f64(streams);
    this.streamLimitBytesPerS = take.f64(streams);
    this.streamDemandedBytes = take.f64(streams);
    this.streamCarriedBytes = take.f64(streams);
    this.hostNicBytesPerS = take.f64(model.trackNic ? rows : 0);
    this.hostDiskBytesPerS = take.f64(model.disks.hostBytesPerS.length > 0 ? rows : 0);
    this.hostDiskBusy = take.f64(model.disks.hostBytesPerS.length > 0 ? rows : 0);
    this.migrationTotals = take.f64(4);
    this.actionTotals = take.f64(4);
    const accounted = model.accounting === undefined ? 0 : 1;
    this.ledgerHostJ = take.f64(accounted * rows * hostPartCount);
    this.ledgerVmJ = take.f64(accounted * vms * vmPartCount);
    this.facilityMeter = take.f64(model.facility === undefined ? 0 : facilityMeterParts);
    const timers = timerRanges(model).end;
    this.timerMs = take.f64(timers);
    this.timerOrder = take.f64(timers);
    this.tickRow = take.i32(1);
    this.hostSpecial = take.i32(rows);
    this.hostGoverned = take.i32(rows);
    this.hostFastestPstate = take.i32(rows);
    this.vmCore = take.i32(model.domains > rows ? vms : 0);
    this.hostPower = take.i32(rows);
    this.hostPstate = take.i32(rows);
    this.hostVms = take.i32(rows);
    this.hostSlot = take.i32(rows);
    this.hostSlotCapacity = take.i32(rows);
    this.slots = take.i32(slotCount(model));
    this.hostTask = take.i32(rows);
    this.hostTasks = take.i32(rows);
    this.hostIncoming = take.i32(rows);
    this.hostOutgoing = take.i32(rows);
    this.hostCopied = take.i32(rows);
    this.hostDraining = take.i32(rows);
    this.vmHost = take.i32(vms);
    this.vmStatus = take.i32(vms);
    this.vmThreads = take.i32(vms);
    this.vmMigration = take.i32(vms);
    this.vmMigrations = take.i32(vms);
    this.vmTask = take.i32(vms);
    this.vmPlanned = take.i32(vms);
    this.taskPhase = take.i32(tasks);
    this.taskStatus = take.i32(tasks);
    this.taskNext = take.i32(tasks);
    this.migrationStage = take.i32(migrationsMax);
    this.migrationVm = take.i32(migrationsMax);
    this.migrationSource = take.i32(migrationsMax);
    this.migrationTarget = take.i32(migrationsMax);
    this.migrationRounds = take.i32(migrationsMax);
    this.migrationTooDirty = take.i32(migrationsMax);
    this.migrationStalls = take.i32(migrationsMax);
    this.streamStatus = take.i32(streams);
    this.streamSource = take.i32(streams);
    this.streamTarget = take.i32(streams);
    this.hopLink = take.i32(flows * network.hopsMax);
    this.hopNext = take.i32(flows * network.hopsMax);
    this.hopPrevious = take.i32(flows * network.hopsMax);
    this.linkHop = take.i32(network.links);
    this.freeMigrations = take.i32(migrationsMax);
    this.freeCount = take.i32(1);
    this.heap = take.i32(timers);
    this.heapPosition = take.i32(timers);
    this.heapSize = take.i32(1);
    this.domains = domainColumns(model, take);
    this.limits = limitColumns(model, take);
    this.requests = requestColumns(model.requests, rows, take);
    this.faults = faultColumns(model.faults, model.hosts, vms, migrationsMax, take);
    this.rng = take.u32(streamNames.length * wordsPerStream);
    if (buffer.byteLength === 0) this.#measuredBytes = take.offset;
  }

  readonly #measuredBytes: number = 0;

  /** Size of the state of `model`, bytes. */
  static bytes(model: ClusterModel): number {
    return new ClusterState(model, new SharedArrayBuffer(0)).#measuredBytes;
  }

  /** A zeroed state with its random streams seeded; `initialize.ts` fills the rest. */
  static allocate(model: ClusterModel, seed: number): ClusterState {
    const state = new ClusterState(model, new SharedArrayBuffer(ClusterState.bytes(model)));
    streamNames.forEach((name, stream) => {
      seedStream(state.rng, stream * wordsPerStream, seed, name);
    });
    model.requests.applicationNames.forEach((name, application) => {
      const { sourceRng } = state.requests;
      seedStream(sourceRng, application * wordsPerStream, seed, `requests of ${name}`);
    });
    return state;
  }

  /** Overwrites this state with `source`, which must belong to the same model. One copy. */
  copyFrom(source: ClusterState): void {
    new Uint8Array(this.buffer).set(new Uint8Array(source.buffer));
  }

  /** True when both states are byte for byte the same. */
  equals(other: ClusterState): boolean {
    const a = new Uint8Array(this.buffer);
    const b = new Uint8Array(other.buffer);
    return a.length === b.length && Buffer.compare(a, b) === 0;
  }
}

/** Rows of the slot table: all VMs on one host must fit, with slack for every host. */
function slotCount(model: ClusterModel): number {
  return 2 * model.vms + slotSlack * (model.hosts + 1);
}
