/** How long a decision on a live twin takes: far below an interval, also on a busy machine. */
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { liveTwin } from '../../../deploy/twin/live-twin.ts';
import { parseSnapshot } from '../../../deploy/twin/parse-snapshot.ts';
import { predict } from '../../../deploy/twin/predict.ts';
import { createPolicy, Plan, policyChance, TwinView } from '../../../sim/index.ts';
import { bigSnapshot } from './snapshots.ts';

/** Least time of each step over the rounds, ms; `WATTWIN_SHOW=1` prints them. */
function leastMs(hosts: number, vms: number, rounds: number): Record<string, number> {
  const raw: unknown = JSON.parse(JSON.stringify(bigSnapshot(hosts, vms)));
  const policy = createPolicy('best-fit', 'policy');
  const least: Record<string, number> = {};
  const timed = <Value>(step: string, run: () => Value): Value => {
    const startMs = performance.now();
    const value = run();
    least[step] = Math.min(least[step] ?? Infinity, performance.now() - startMs);
    return value;
  };
  for (let round = 0; round < rounds; round++) {
    const snapshot = timed('parse', () => parseSnapshot(raw, 'snapshot'));
    const live = timed('build', () => liveTwin(snapshot));
    const plan = new Plan({ migrations: 20 });
    timed('decide', () => {
      policy.decide(new TwinView(live.twin), plan, policyChance(live.twin));
    });
    timed('predict', () => predict(live, plan.actions));
    expect(plan.migrations).toBeGreaterThan(0);
  }
  if (process.env['WATTWIN_SHOW'] !== undefined) {
    process.stdout.write(`${vms} VMs on ${hosts} hosts: ${JSON.stringify(least)}\n`);
  }
  return least;
}

const total = (least: Record<string, number>): number =>
  Object.values(least).reduce((sum, ms) => sum + ms, 0);

// Some ten times what they take on an idle core.
describe('from a snapshot to a plan and what it brings', () => {
  it('takes little for 1,000 VMs', () => {
    expect(total(leastMs(100, 1000, 15))).toBeLessThan(120);
  });

  it('and for 10,000', () => {
    expect(total(leastMs(1000, 10_000, 6))).toBeLessThan(1200);
  });
});
