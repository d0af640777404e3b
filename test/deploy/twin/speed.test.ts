/** Live twins of large clusters: that they are planned on, and with `WATTWIN_SHOW=1` how long each step takes. */
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { liveTwin } from '../../../deploy/twin/live-twin.ts';
import { parseSnapshot } from '../../../deploy/twin/parse-snapshot.ts';
import { predict } from '../../../deploy/twin/predict.ts';
import { createPolicy, Plan, policyChance, TwinView } from '../../../sim/index.ts';
import { bigSnapshot } from './snapshots.ts';

/** Plans some rounds; `WATTWIN_SHOW=1` prints the least time of each step, ms. */
function planOn(hosts: number, vms: number, rounds: number): void {
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
    const foretold = timed('predict', () => predict(live, plan.actions));
    expect(plan.migrations).toBeGreaterThan(0);
    expect(foretold.energyJ).toBeGreaterThan(0);
    expect(foretold.hosts).toHaveLength(hosts);
  }
  if (process.env['WATTWIN_SHOW'] !== undefined) {
    process.stdout.write(`${vms} VMs on ${hosts} hosts: ${JSON.stringify(least)}\n`);
  }
}

describe('a plan and what it brings, from a snapshot', () => {
  it('of 1,000 VMs', () => planOn(100, 1000, 15));

  it('of 10,000 VMs', () => planOn(1000, 10_000, 6));
});
