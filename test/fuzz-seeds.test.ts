/** Cases of the fuzzer that once failed, and what was wrong then. */
import { expect, it } from 'vitest';
import { runCase } from '../scripts/fuzz/case.ts';
import { checkColumns, HangGuard, PlainMeters } from '../scripts/fuzz/checks.ts';
import { advance } from '../sim/index.ts';
import { startTwin } from './builders.ts';

it.each([
  [64, 'tasks of a VM that waits were not counted where it was placed'],
  [161, 'the fused tick gave trace demand to a VM whose demand is that of its tasks'],
  [1001481, 'a governor with a fractional period was woken in the past'],
  [1002704, 'rates above 137 GB/s left rounding in the sum of an interface; outside the range'],
  [212, 'a task that began before its VM had come was counted on no host'],
])('case %i: %s', (seed) => {
  expect(runCase(seed).failure).toBeUndefined();
});

it('sees a clock that stands still, and names what is due', () => {
  const twin = startTwin({ hosts: 2, vms: [{ host: 0, departureS: 0.000_001 }] });
  const guard = new HangGuard(50, 0.01);
  for (let event = 0; event < 50; event++) guard.see(twin);
  expect(() => guard.see(twin)).toThrow('50 events in 0 ms at 0 ms; due: vm 0');
});

it('sees a meter that is off by a mJ in 70 kJ, and a number that is none', () => {
  const live = (falsify: (twin: ReturnType<typeof startTwin>) => void) => () => {
    const twin = startTwin({ hosts: 1, vms: [{ host: 0, demandMips: 900 }] });
    const meters = new PlainMeters(twin);
    advance(twin, 600_000, () => {
      meters.read();
    });
    falsify(twin);
    checkColumns(twin);
    meters.compare();
  };
  expect(live(() => undefined)).not.toThrow();
  const energy = live(({ state }) => {
    state.hostEnergyJ[0]! += 0.001;
  });
  expect(energy).toThrow('event by event');
  const demand = live(({ state }) => {
    state.vmShortMi[0] = 1;
  });
  expect(demand).toThrow('short of 1');
  const none = live(({ state }) => {
    state.vmWaitedMs[0] = Number.NaN;
  });
  expect(none).toThrow('vmWaitedMs[0] is NaN');
});
