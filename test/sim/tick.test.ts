/** The trace tick's kernel against its plain twin: the same bytes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advance, governors, type Twin } from '../../sim/index.ts';
import { applyDemandRow, tickPlainly } from '../../sim/tick.ts';
import { startTwin } from '../builders.ts';
import { doDeed, randomCluster, randomDeedsAndFailures, tries } from './random-cluster.ts';

/** Applies the next row to two forks, once by each way, and compares them. */
function compareTicks(twin: Twin): void {
  const fast = twin.fork();
  const plain = twin.fork();
  const tickMs = twin.state.nextTickMs[0]!;
  for (const fork of [fast, plain]) fork.state.nowMs[0] = tickMs;
  applyDemandRow(fast);
  tickPlainly(plain);
  expect(fast.state.equals(plain.state)).toBe(true);
}

it('leaves the same bytes as the plain form, whatever the cluster is doing', () => {
  let ticks = 0;
  fc.assert(
    fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
      const twin = startTwin(cluster, 1, governors);
      for (const deed of deeds) {
        doDeed(twin, deed);
        const untilMs = Math.min(twin.state.nextTickMs[0]!, twin.nowMs + 20_000) - 0.5;
        if (untilMs > twin.nowMs) advance(twin, untilMs);
        if (twin.state.nextTickMs[0]! === Infinity) return;
        compareTicks(twin);
        ticks++;
      }
    }),
    tries(300),
  );
  expect(ticks).toBeGreaterThan(1000);
});

it('also with VMs in want, at a slow P-state, and with a measured power curve', () => {
  const curveW = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100];
  const twin = startTwin({
    hosts: [
      { cores: 3 },
      { cores: 2, pstates: [{ coreMips: 700, idleW: 10, epsilonW: 10, fullW: 100, curveW }] },
      {},
    ],
    // 7 and 11 MIPS per row and VM, so that shares are no whole numbers.
    vms: Array.from({ length: 14 }, (_, vm) => ({
      vcpus: 1 + (vm % 3),
      host: vm % 3,
      demandMips: [700 + 7 * vm, 0, 900 + 11 * vm, 333],
    })),
  });
  for (let row = 0; row < 3; row++) {
    compareTicks(twin);
    advance(twin, row * 300_000);
  }
  expect(twin.state.hostOverloadMs[0]).toBeGreaterThan(0);
});
