/** Tasks of VMs that are not there yet or wait for a host. */
import { expect, it } from 'vitest';
import {
  advance,
  checkInvariants,
  placeVm,
  settleAll,
  type Twin,
  taskStatus,
} from '../../sim/index.ts';
import { startTwin } from '../builders.ts';

/** One host, and one VM whose demand is that of its one task: 2000 MIPS·s on one thread. */
function startTaskTwin(
  vm: { readonly arrivalS?: number; readonly demandMips?: number },
  startMs: number,
): Twin {
  return startTwin({
    hosts: 1,
    vms: [vm],
    intervalS: 10,
    steps: 10,
    taskDriven: [true],
    tasks: [{ name: 'work', on: { vm: 0 }, startMs, phases: [{ type: 'work', work: 2000 }] }],
  });
}

it('a task that starts while its VM waits goes on where the VM is placed', () => {
  const twin = startTaskTwin({}, 1000);
  advance(twin, 5000, checkInvariants);
  expect(twin.state.taskStatus[0]).toBe(taskStatus.working);
  expect(twin.state.hostTasks[twin.model.limbo]).toBe(1);
  expect(placeVm(twin, 0, 0)).toBeUndefined();
  checkInvariants(twin);
  expect(twin.state.hostTasks[0]).toBe(1);
  // 2000 MIPS·s at 1000 MIPS from 5 s on.
  advance(twin, 20_000, checkInvariants);
  expect(twin.state.taskFinishedMs[0]).toBe(7000);
  expect(twin.state.hostTasks[0]).toBe(0);
});

it('a task that should start before its VM comes starts with the VM', () => {
  const twin = startTaskTwin({ arrivalS: 4 }, 1000);
  advance(twin, 3000, checkInvariants);
  expect(twin.state.taskStatus[0]).toBe(taskStatus.waiting);
  advance(twin, 4000, checkInvariants);
  expect(twin.state.taskStatus[0]).toBe(taskStatus.working);
  placeVm(twin, 0, 0);
  advance(twin, 20_000, checkInvariants);
  expect(twin.state.taskFinishedMs[0]).toBe(6000);
});

it('a VM whose tasks sleep does not ask for the row of the trace', () => {
  const twin = startTaskTwin({ demandMips: 900 }, 35_000);
  placeVm(twin, 0, 0);
  advance(twin, 30_000, checkInvariants);
  expect(twin.state.vmAskedMips[0]).toBe(0);
  settleAll(twin);
  expect(twin.state.vmDemandedMi[0]).toBe(0);
});
