/** Fills a fresh state: the cluster as it is when its time begins, before any decision. */
import { initializeLimits } from './accounting/limit-meter.ts';
import { assert } from './errors.ts';
import { initializeFacility } from './facility/facility-meter.ts';
import { initializeFaults } from './faults/events.ts';
import { initializeStreams } from './flows/streams.ts';
import { initializeRequests } from './requests/events.ts';
import { shareHost } from './sharing.ts';
import { hostPower, migrationStage, vmStatus } from './status.ts';
import { phases, schedule } from './timers.ts';
import type { Twin } from './twin.ts';
import { addResident, layOutSlots } from './vms/slots.ts';
import { startTask } from './vms/tasks.ts';
import { admitVm } from './vms/vm-lifecycle.ts';

/**
 * @param startMs Where time begins: the start of a row of the demand grid. Without a past, a cluster
 *   has to be plain: no tasks, requests, streams, faults or facility before then.
 */
export function initialize(twin: Twin, startMs = 0): void {
  const { model, state, timers } = twin;
  if (startMs > 0) beginLater(twin, startMs);
  state.heapPosition.fill(-1);
  if (model.vmQuota === undefined) state.vmQuota.fill(Infinity);
  else state.vmQuota.set(model.vmQuota);
  initializeLimits(twin);
  const row = startMs === 0 ? 0 : startMs / model.workload.intervalMs;
  state.tickRow[0] = row - 1;
  state.nextTickMs[0] = row < model.workload.steps ? startMs : Infinity;
  state.hostTask.fill(-1);
  state.vmTask.fill(-1);
  state.vmHost.fill(-1);
  state.vmMigration.fill(-1);
  state.vmPlanned.fill(-1);
  state.taskNext.fill(-1);
  state.linkHop.fill(-1);
  state.hopLink.fill(-1);
  state.migrationStage.fill(migrationStage.free);
  state.freeCount[0] = model.migrationsMax;
  for (let slot = 0; slot < model.migrationsMax; slot++) {
    state.freeMigrations[slot] = model.migrationsMax - 1 - slot;
  }
  for (let host = 0; host <= model.limbo; host++) {
    // The fused tick charges nobody.
    if (model.accounting !== undefined) state.hostSpecial[host]!++;
    state.hostPstate[host] = model.hostInitialPstate[host]!;
    state.hostPower[host] = model.hostInitiallyOn[host] === 1 ? hostPower.on : hostPower.off;
    initializeFrequency(twin, host);
  }
  layOutSlots(twin);
  for (let vm = 0; vm < model.vms; vm++) initializeVm(twin, vm);
  for (let task = 0; task < model.tasks.count; task++) {
    const startMs = model.tasks.startMs[task]!;
    if (startMs <= 0) startTask(twin, task);
    else schedule(state, timers.task + task, startMs, phases.arrival);
  }
  for (let host = 0; host <= model.limbo; host++) shareHost(twin, host);
  initializeRequests(twin);
  initializeStreams(twin);
  initializeFaults(twin);
  initializeFacility(twin);
}

/** Every clock of the state starts at `startMs` instead of 0. */
function beginLater(twin: Twin, startMs: number): void {
  const { model, state } = twin;
  const { workload } = model;
  assert(startMs % workload.intervalMs === 0, () => `${startMs} ms is inside a row of demand`);
  const plain = model.tasks.count === 0 && model.requests.vmQueue.length === 0;
  assert(
    plain && model.streams === 0 && model.faults === undefined && model.facility === undefined,
    () => 'only VMs that follow the demand grid can begin later than at time 0',
  );
  state.nowMs[0] = startMs;
  state.hostSinceMs.fill(startMs);
  state.hostGovernorMs.fill(startMs);
  state.vmSinceMs.fill(startMs);
}

/** Domains in the initial P-state; governed hosts and slow transitions need the general path. */
function initializeFrequency(twin: Twin, host: number): void {
  const { model, state } = twin;
  const first = model.domainStart[host]!;
  const domains = model.hostDomains[host]!;
  state.domains.pstate.fill(model.hostInitialPstate[host]!, first, first + domains);
  state.domains.requested.fill(model.hostInitialPstate[host]!, first, first + domains);
  state.domains.dueMs.fill(Infinity, first, first + domains);
  if (model.hostGovernor[host]! >= 0) {
    state.hostGoverned[host] = 1;
    state.hostSpecial[host]!++;
    const rule = twin.governors[model.hostGovernor[host]!];
    assert(rule !== undefined, () => `host ${host} names governor ${model.hostGovernor[host]}`);
  }
  const heat = model.hostHeat[host];
  if (heat !== undefined) state.hostTemperatureC[host] = heat.startC ?? heat.inletC;
  const isPlain =
    domains === 1 &&
    model.hostTransitionMs[host] === 0 &&
    model.componentStart[host] === -1 &&
    heat === undefined;
  if (!isPlain) state.hostSpecial[host]!++;
}

/** VMs that are there at time 0 start on their initial host or wait; the others get an arrival. */
function initializeVm(twin: Twin, vm: number): void {
  const { model, state, timers } = twin;
  const arrivalMs = model.workload.arrivalMs[vm]!;
  if (model.workload.departureMs[vm]! <= arrivalMs) {
    state.vmStatus[vm] = vmStatus.departed;
    return;
  }
  if (arrivalMs > state.nowMs[0]!) {
    schedule(state, timers.vm + vm, arrivalMs, phases.arrival);
    return;
  }
  const host = model.vmInitialHost[vm]!;
  if (host === model.limbo) {
    admitVm(twin, vm);
    return;
  }
  addResident(twin, host, vm);
  state.vmStatus[vm] = vmStatus.running;
  state.hostReservedBytes[host]! += model.workload.memoryBytes[vm]!;
  startVm(twin, vm);
}

/** Sets the running vCPUs of a VM that is there from the start and schedules its end. */
function startVm(twin: Twin, vm: number): void {
  const { model, state, timers } = twin;
  const departureMs = model.workload.departureMs[vm]!;
  if (departureMs < Infinity) schedule(state, timers.vm + vm, departureMs, phases.departure);
  state.vmBoundMips[vm] = Infinity;
  if (model.vmTaskDriven[vm] === 1) return;
  state.vmThreads[vm] = model.workload.vcpus[vm]!;
  state.vmShareWeight[vm] = state.vmThreads[vm]! * model.vmWeight[vm]!;
}
