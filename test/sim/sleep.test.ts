/** Suspend to memory: how long it takes, what it draws, what may be asked of a sleeping host. */
import { expect, it } from 'vitest';
import {
  advance,
  hostEnergyNowJ,
  hostPower,
  placeVm,
  powerOff,
  powerOn,
  TwinView,
} from '../../sim/index.ts';
import { startTwin } from '../builders.ts';

const sleep = { suspendMs: 4_000, suspendW: 90, asleepW: 6, resumeMs: 7_000, resumeW: 130 };
const vm = { demandMips: 1000 };

it('draws what each state says, for as long as it says', () => {
  const twin = startTwin({ hosts: [{ sleep }, {}], vms: [vm] });
  expect(powerOff(twin, 0)).toBeUndefined();
  expect(twin.state.hostPower[0]).toBe(hostPower.suspending);
  advance(twin, 104_000);
  expect(twin.state.hostPower[0]).toBe(hostPower.asleep);
  expect(powerOn(twin, 0)).toBeUndefined();
  advance(twin, 111_000);
  expect(twin.state.hostPower[0]).toBe(hostPower.on);
  expect(hostEnergyNowJ(twin, 0)).toBeCloseTo(4 * 90 + 100 * 6 + 7 * 130, 9);
});

it('shuts down when told S5, and refuses S3 where the host cannot', () => {
  const twin = startTwin({ hosts: [{ sleep }, {}], vms: [vm] });
  expect(powerOff(twin, 0, 'S5')).toBeUndefined();
  expect(twin.state.hostPower[0]).toBe(hostPower.shuttingDown);
  expect(powerOff(twin, 1, 'S3')).toBe('the host cannot be suspended');
  expect(powerOff(twin, 1)).toBeUndefined();
  advance(twin, 60_000);
  expect(twin.state.hostPower[0]).toBe(hostPower.off);
  expect(twin.state.hostPower[1]).toBe(hostPower.off);
});

it('shows policies the state it would go to and come back from', () => {
  const twin = startTwin({ hosts: [{ sleep }, {}], vms: [vm] });
  const view = new TwinView(twin);
  expect([view.offW(0), view.bootMs(0), view.bootW(0)]).toEqual([6, 7_000, 130]);
  expect([view.offW(1), view.bootMs(1), view.bootW(1)]).toEqual([5, 60_000, 150]);
  powerOff(twin, 0, 'S5');
  advance(twin, 20_000);
  expect([view.isOff(0), view.bootMs(0)]).toEqual([true, 60_000]);
});

it('keeps the place of a VM that was promised a resuming host', () => {
  const twin = startTwin({ hosts: [{ sleep }, {}], vms: [vm] });
  powerOff(twin, 0);
  advance(twin, 5_000);
  expect(placeVm(twin, 0, 0)).toBe('the host is not running');
  powerOn(twin, 0);
  expect(placeVm(twin, 0, 0)).toBeUndefined();
  advance(twin, 12_000);
  expect(twin.state.vmHost[0]).toBe(0);
});
