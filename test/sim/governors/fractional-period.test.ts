/** A governor whose period is no whole number of milliseconds. */
import { expect, it } from 'vitest';
import { advance, checkInvariants, governors, setDemand } from '../../../sim/index.ts';
import { startTwin, threePstates } from '../../builders.ts';

it('never looks at an instant that rounding has put into the past', () => {
  const rule = governors.findIndex((governor) => governor.name === 'performance');
  const periodMs = 100 / 3;
  const twin = startTwin(
    {
      hosts: [{ pstates: threePstates, governor: { rule, periodMs } }],
      vms: [{ demandMips: 500, host: 0 }],
    },
    1,
    governors,
  );
  // The next number after 400, which divided by the period is 12 all the same.
  const nowMs = 400.00000000000006;
  expect(Math.ceil(nowMs / periodMs) * periodMs).toBeLessThan(nowMs);
  advance(twin, nowMs, checkInvariants);
  setDemand(twin, 0, 900);
  checkInvariants(twin);
  expect(twin.state.timerMs[twin.timers.governor]).toBeCloseTo(13 * periodMs, 9);
});
