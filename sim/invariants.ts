/**
 * What must hold after every event. Tests check all of it each time; it costs O(hosts + VMs).
 */

import { checkLimits } from './accounting/limit-invariants.ts';
import { checkLedger } from './accounting/twin-ledger.ts';
import { assert } from './errors.ts';
import { checkFlows } from './flows/flow-invariants.ts';
import { fastestCoreMips, hostCapacityMips } from './hosts/domains.ts';
import { checkRequests } from './requests/request-invariants.ts';
import { deliveredMips } from './sharing.ts';
import { hostPower, isComingUp, migrationStage, taskStatus, vmStatus } from './status.ts';
import type { Twin } from './twin.ts';
import { quotaMips } from './vms/quota.ts';

/** @throws InvariantError naming what is broken, with both values. */
export function checkInvariants(twin: Twin): void {
  checkPlaces(twin);
  checkTasks(twin);
  checkHosts(twin);
  checkTimers(twin);
  checkFlows(twin);
  checkRequests(twin);
  if (twin.model.accounting !== undefined) checkLedger(twin);
  checkLimits(twin);
}

/** Every VM that is there stands on exactly one host or in limbo, and hosts agree. */
function checkPlaces(twin: Twin): void {
  const { model, state } = twin;
  const seen = new Uint8Array(model.vms);
  for (let host = 0; host <= model.limbo; host++) {
    for (let index = 0; index < state.hostVms[host]!; index++) {
      const vm = state.slots[state.hostSlot[host]! + index]!;
      assert(seen[vm] === 0, () => `VM ${vm} is listed twice, again on host ${host}`);
      seen[vm] = 1;
      assert(
        state.vmHost[vm] === host,
        () => `VM ${vm} is listed on host ${host} but says ${state.vmHost[vm]}`,
      );
    }
  }
  for (let vm = 0; vm < model.vms; vm++) {
    const status = state.vmStatus[vm]!;
    const there = status !== vmStatus.absent && status !== vmStatus.departed;
    assert((seen[vm] === 1) === there, () => `VM ${vm} has status ${status}, listed ${seen[vm]}`);
    assert(
      (status === vmStatus.pending || status === vmStatus.restarting) ===
        (there && state.vmHost[vm] === model.limbo),
      () => `VM ${vm} has status ${status} on host ${state.vmHost[vm]}`,
    );
    assert(state.vmShortMi[vm]! >= 0, () => `VM ${vm} lost ${state.vmShortMi[vm]} MIPS·s`);
  }
}

/** Each working task is listed where it works, and hosts know how many there are. */
function checkTasks(twin: Twin): void {
  const { model, state } = twin;
  if (model.tasks.count === 0) return;
  const counts = new Int32Array(model.hosts + 1);
  const listed = new Uint8Array(model.tasks.count);
  const walk = (first: number, host: number): void => {
    for (let task = first; task >= 0; task = state.taskNext[task]!) {
      assert(listed[task] === 0, () => `task ${task} is listed twice, again on host ${host}`);
      listed[task] = 1;
      counts[host]!++;
    }
  };
  for (let host = 0; host < model.hosts; host++) walk(state.hostTask[host]!, host);
  for (let vm = 0; vm < model.vms; vm++) {
    const host = state.vmHost[vm]!;
    assert(
      host >= 0 || state.vmTask[vm] === -1,
      () => `VM ${vm} is nowhere but lists task ${state.vmTask[vm]}`,
    );
    if (host >= 0) walk(state.vmTask[vm]!, host);
  }
  for (let task = 0; task < model.tasks.count; task++) {
    assert(
      (listed[task] === 1) === (state.taskStatus[task] === taskStatus.working),
      () => `task ${task} has status ${state.taskStatus[task]}, listed ${listed[task]}`,
    );
  }
  for (let host = 0; host <= model.limbo; host++) {
    assert(
      state.hostTasks[host] === counts[host],
      () => `host ${host} counts ${state.hostTasks[host]} tasks, found ${counts[host]}`,
    );
  }
}

/** Delivered ≤ capacity and ≤ asked; memory ≤ capacity; power within its range; off means empty. */
function checkHosts(twin: Twin): void {
  const { model, state } = twin;
  const reserved = new Float64Array(model.hosts + 1);
  const incoming = new Int32Array(model.hosts + 1);
  const outgoing = new Int32Array(model.hosts + 1);
  const copied = new Int32Array(model.hosts + 1);
  for (let vm = 0; vm < model.vms; vm++) {
    const memory = model.workload.memoryBytes[vm]!;
    const host = state.vmHost[vm]!;
    if (host >= 0 && host !== model.limbo) reserved[host]! += memory;
    const planned = state.vmPlanned[vm]!;
    const migration = state.vmMigration[vm]!;
    if (planned >= 0) {
      checkPromise(twin, vm, planned);
      reserved[planned]! += memory;
      incoming[planned]!++;
    }
    if (migration < 0) continue;
    incoming[state.migrationTarget[migration]!]!++;
    outgoing[state.migrationSource[migration]!]!++;
    // Before the switch to post-copy the VM is on the source, after it on the target.
    const source = state.migrationSource[migration]!;
    const other = host === source ? state.migrationTarget[migration]! : source;
    assert(
      state.migrationVm[migration] === vm &&
        state.migrationStage[migration] !== migrationStage.free,
      () => `VM ${vm} names migration ${migration} of VM ${state.migrationVm[migration]}`,
    );
    copied[host]!++;
    reserved[other]! += memory;
  }
  for (let host = 0; host < model.hosts; host++) {
    assert(
      state.hostReservedBytes[host] === reserved[host],
      () => `host ${host} holds ${state.hostReservedBytes[host]} bytes, its VMs ${reserved[host]}`,
    );
    assert(
      reserved[host]! <= model.hostMemoryBytes[host]!,
      () => `host ${host} holds ${reserved[host]} of ${model.hostMemoryBytes[host]} bytes`,
    );
    assert(
      state.hostIncoming[host] === incoming[host] && state.hostOutgoing[host] === outgoing[host],
      () =>
        `host ${host} expects ${state.hostIncoming[host]} VMs and sends ${state.hostOutgoing[host]}, ` +
        `found ${incoming[host]} and ${outgoing[host]}`,
    );
    assert(
      state.hostCopied[host] === copied[host],
      () => `host ${host} counts ${state.hostCopied[host]} copied VMs, found ${copied[host]}`,
    );
    assert(
      state.hostDraining[host] === 0 || state.hostPower[host] === hostPower.on,
      () => `host ${host} drains in power state ${state.hostPower[host]}`,
    );
    assert(
      state.hostSpecial[host]! >= state.hostTasks[host]! + state.hostOutgoing[host]!,
      () => `host ${host} counts ${state.hostSpecial[host]} reasons for the general path`,
    );
    checkShares(twin, host);
  }
}

/** Only a VM that waits or runs is promised a host, and only one that boots. */
function checkPromise(twin: Twin, vm: number, host: number): void {
  const { state } = twin;
  const status = state.vmStatus[vm]!;
  assert(
    isComingUp(state, host),
    () => `VM ${vm} waits for host ${host}, which is in power state ${state.hostPower[host]}`,
  );
  assert(
    (status === vmStatus.pending || status === vmStatus.running) && state.vmMigration[vm] === -1,
    () => `VM ${vm} of status ${status} and migration ${state.vmMigration[vm]} waits for ${host}`,
  );
}

function checkShares(twin: Twin, host: number): void {
  const { state } = twin;
  const on = state.hostPower[host] === hostPower.on;
  const capacity = hostCapacityMips(twin, host);
  const slack = 1 + 1e-9;
  const used = state.hostUsedMips[host]!;
  assert(used <= capacity * slack, () => `host ${host} delivers ${used} of ${capacity} MIPS`);
  assert(on || state.hostVms[host] === 0, () => `host ${host} is not on but has VMs`);
  assert(state.hostPowerW[host]! >= 0, () => `host ${host} draws ${state.hostPowerW[host]} W`);
  const coreMips = fastestCoreMips(twin, host);
  let limited = 0;
  let delivered = 0;
  for (let index = 0; index < state.hostVms[host]!; index++) {
    const vm = state.slots[state.hostSlot[host]! + index]!;
    const mips = deliveredMips(twin, vm);
    delivered += mips;
    if (state.vmQuota[vm]! < Infinity) limited++;
    const quota = quotaMips(twin, vm, coreMips);
    assert(mips <= quota * slack, () => `VM ${vm} receives ${mips} MIPS, its quota is ${quota}`);
    assert(
      mips <= state.vmAskedMips[vm]! * slack,
      () => `VM ${vm} receives ${mips} MIPS and asked for ${state.vmAskedMips[vm]}`,
    );
  }
  assert(
    state.hostSpecial[host]! >= limited,
    () => `host ${host} has ${limited} VMs with quotas, ${state.hostSpecial[host]} reasons`,
  );
  assert(
    delivered <= used * slack + 1e-9,
    () => `VMs of host ${host} receive ${delivered} MIPS, the host delivers ${used}`,
  );
}

/** The heap is ordered, its back pointers agree, and nothing is overdue. */
function checkTimers(twin: Twin): void {
  const { state } = twin;
  const size = state.heapSize[0]!;
  for (let position = 0; position < size; position++) {
    const timer = state.heap[position]!;
    assert(
      state.heapPosition[timer] === position,
      () => `timer ${timer} is at ${position} but says ${state.heapPosition[timer]}`,
    );
    assert(
      state.timerMs[timer]! >= state.nowMs[0]!,
      () => `timer ${timer} was due at ${state.timerMs[timer]} ms, now is ${state.nowMs[0]} ms`,
    );
  }
}
