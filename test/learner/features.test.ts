/** What the network sees: whole, finite, right by hand, and nothing of the future. */
import { describe, expect, it } from 'vitest';
import { columnScale, replayEpisode, standardizeInto } from '../../learner/dataset.ts';
import { describePlans, hostFeatures, type PlanTable, vmFeatures } from '../../learner/index.ts';
import {
  type Action,
  createPolicy,
  defaultObjective,
  propose,
  proposers,
  RandomStream,
  runPolicy,
  type Twin,
  type TwinView,
  unlimited,
  withFrequencies,
} from '../../sim/index.ts';
import { type ClusterOptions, startTwin, threePstates, viewOf } from '../builders.ts';
import { decisionMs, policyScenarios, scenarioMs } from '../conformance/scenarios.ts';
import { labelHere, smallEpisode, smallOracleOn } from '../small-episodes.ts';

function plansOf(view: TwinView): readonly (readonly Action[])[] {
  const proposals = propose(view, unlimited, new RandomStream(1, 'test'), proposers());
  return withFrequencies(view, proposals).map((candidate) => candidate.actions);
}

/** Column `name` of host row `row`. */
function hostValue(table: PlanTable, row: number, name: string): number {
  const column = hostFeatures.findIndex((feature) => feature.name === name);
  return table.host[row * hostFeatures.length + column]!;
}

function vmValue(table: PlanTable, row: number, name: string): number {
  const column = vmFeatures.findIndex((feature) => feature.name === name);
  return table.vm[row * vmFeatures.length + column]!;
}

describe('feature tables', () => {
  it('have the documented width and only finite numbers, in every situation', () => {
    for (const { cluster, title } of policyScenarios) {
      const twin = startTwin(cluster, 3);
      const run = {
        untilMs: scenarioMs,
        decisionEveryMs: decisionMs,
        objective: defaultObjective,
        onDecision: () => {
          const table = describePlans(viewOf(twin), plansOf(viewOf(twin)));
          expect(table.host.length, title).toBe(table.rows * hostFeatures.length);
          expect(table.vm.length, title).toBe(table.vmRows * vmFeatures.length);
          expect(table.host.every(Number.isFinite), title).toBe(true);
          expect(table.vm.every(Number.isFinite), title).toBe(true);
          expect(table.termRow.every((row) => row < table.rows)).toBe(true);
          expect(table.vmOwner.every((row) => row < table.rows)).toBe(true);
        },
      };
      runPolicy(twin, createPolicy('pabfd', 'policy'), run);
    }
  });

  it('name every column once, with a unit', () => {
    for (const features of [hostFeatures, vmFeatures]) {
      expect(new Set(features.map((feature) => feature.name)).size).toBe(features.length);
      for (const { name, unit } of features) expect(unit, name).not.toBe('');
    }
  });

  it('are right by hand: one host, one VM, three measurements', () => {
    // 4 × 1000 MIPS; 2 × 1000 MIPS asked in full, then 1600, then 800; older rows repeat the oldest.
    const twin = startTwin({ hosts: 1, vms: [{ demandMips: [2000, 1600, 800], host: 0 }] });
    runPolicy(twin, createPolicy('all-on', 'policy'), {
      untilMs: 900_000,
      decisionEveryMs: 300_000,
      objective: defaultObjective,
    });
    const table = describePlans(viewOf(twin), [[{ type: 'powerOff', host: 0 }]]);
    expect([...table.termSign]).toEqual([1, -1]);
    const [after, now] = table.termRow;
    const is = (name: string, value: number): void =>
      expect(hostValue(table, now!, name), name).toBeCloseTo(value, 6);
    is('on', 1);
    is('utilizationNow', 800 / 4000);
    is('utilizationMean3', (800 + 1600 + 2000) / 3 / 4000);
    is('utilizationMean12', (800 + 1600 + 10 * 2000) / 12 / 4000);
    is('utilizationMax12', 2000 / 4000);
    is('utilizationStep12', (800 + 400) / 11 / 4000);
    is('utilizationTrend', (800 + 1600 + 2000) / 3 / 4000 - 2000 / 4000);
    is('excess12', 0);
    is('size', 4000 / 40_000);
    is('idlePower', 0.1);
    is('fullPower', 0.2);
    is('powerNow', 0.1 + 0.1 * (800 / 4000));
    is('overcommit', 2000 / 4000);
    is('vms', 0.1);
    is('memory', 2 / 16);
    is('clusterUtilization', 800 / 4000);
    is('clusterOn', 1);
    is('daySine', Math.sin((2 * Math.PI * 900) / 86_400));
    expect(hostValue(table, after!, 'on')).toBe(0);
    expect(hostValue(table, after!, 'switchesOff')).toBe(1);
    expect(hostValue(table, after!, 'powerNow')).toBeCloseTo(0.005, 6);
    const vm = table.vmOwner.indexOf(now!);
    expect(vmValue(table, vm, 'demandNow')).toBeCloseTo(800 / 2000, 6);
    expect(vmValue(table, vm, 'demandMax12')).toBe(1);
    expect(vmValue(table, vm, 'peakShare')).toBeCloseTo(2000 / 4000, 6);
  });

  it('tell overload: demand above capacity, and how often', () => {
    // 3 VMs × 2000 MIPS on 4 × 1000 MIPS: one and a half times the capacity, always.
    const vms = Array.from({ length: 3 }, () => ({ demandMips: [2000, 2000], host: 0 }));
    const twin = startTwin({ hosts: 2, vms });
    runPolicy(twin, createPolicy('all-on', 'policy'), {
      untilMs: 600_000,
      decisionEveryMs: 600_000,
      objective: defaultObjective,
      budget: { migrations: 0 },
    });
    const table = describePlans(viewOf(twin), [[{ type: 'migrate', vm: 2, host: 1 }]]);
    const [leftAfter, left, joinedAfter, joined] = table.termRow;
    expect(hostValue(table, left!, 'excess12')).toBeCloseTo(0.5, 6);
    expect(hostValue(table, left!, 'excessShare12')).toBe(1);
    expect(hostValue(table, leftAfter!, 'excess12')).toBe(0);
    expect(hostValue(table, leftAfter!, 'leaving')).toBe(1);
    expect(hostValue(table, joined!, 'vms')).toBe(0);
    expect(hostValue(table, joinedAfter!, 'arriving')).toBe(1);
    // 2 GiB at 100 MiB/s: 20.48 s.
    expect(hostValue(table, joinedAfter!, 'copySeconds')).toBeCloseTo(0.2048, 6);
    expect([...table.migrations]).toEqual([1]);
  });

  it('share rows between plans that leave a host alike', () => {
    const twin = startTwin({ hosts: 3, vms: [{ demandMips: 500, host: 0 }] });
    const off: Action = { type: 'powerOff', host: 1 };
    const plans = [[off], [off, { type: 'powerOff', host: 2 }], []] as const;
    const table = describePlans(viewOf(twin), plans);
    // Hosts 1 and 2, before and after: four rows for six terms.
    expect(table.rows).toBe(4);
    expect(table.terms).toBe(6);
    expect([...table.termPlan]).toEqual([0, 0, 1, 1, 1, 1]);
    // The same VMs on a host are the same case, in whatever order they got there.
    const two = startTwin({ hosts: 2, vms: [{ host: 0 }, { host: 0 }] });
    const first: Action = { type: 'migrate', vm: 0, host: 1 };
    const second: Action = { type: 'migrate', vm: 1, host: 1 };
    expect(
      describePlans(viewOf(two), [
        [first, second],
        [second, first],
      ]).rows,
    ).toBe(4);
  });
});

describe('what was not measured yet', () => {
  const rows = 8;
  const grid = (vm: number, from: number, change: number): number[] =>
    Array.from({ length: rows }, (_, row) => {
      const mips = 200 + ((vm * 613 + row * 457) % 1500);
      return row < from ? mips : Math.abs(mips - change);
    });
  const clusterWith = (from: number, change: number): ClusterOptions => ({
    hosts: [{ pstates: threePstates }, { pstates: threePstates }, { coreMips: 1500 }],
    vms: Array.from({ length: 6 }, (_, vm) => ({
      demandMips: grid(vm, from, change),
      ...(vm === 5 ? { arrivalS: 400 } : { host: vm % 3 }),
    })),
  });
  /** Meets the cluster at `atMs`, having decided every 300 s before. */
  const metAt = (atMs: number, options: ClusterOptions): Twin => {
    const twin = startTwin(options, 2);
    runPolicy(twin, createPolicy('pabfd', 'policy'), {
      untilMs: atMs,
      decisionEveryMs: 300_000,
      objective: defaultObjective,
    });
    return twin;
  };

  it.each([300_000, 450_000, 900_000, 1_199_999, 2_100_000])(
    'does not reach any feature: rows from the one in progress at %i ms on may be anything',
    (atMs) => {
      const firstHidden = Math.floor(atMs / 300_000);
      const truth = viewOf(metAt(atMs, clusterWith(rows, 0)));
      const plans = plansOf(truth);
      const table = describePlans(truth, plans);
      expect(table.rows).toBeGreaterThan(0);
      for (const change of [150, 700, 60_000]) {
        const other = viewOf(metAt(atMs, clusterWith(firstHidden, change)));
        expect(plansOf(other)).toEqual(plans);
        expect(describePlans(other, plans)).toEqual(table);
      }
      // Not for want of looking: the newest row that is over does reach them.
      const seen = viewOf(metAt(atMs, clusterWith(firstHidden - 1, 150)));
      expect(describePlans(seen, plans).host).not.toEqual(table.host);
    },
  );

  it('is why replayed features agree with those the oracle had before its decision', async () => {
    const episode = smallEpisode(3);
    const demonstrations = await labelHere(episode);
    const { twin } = smallOracleOn(episode);
    const tables = [...replayEpisode(twin, demonstrations)].map((example) => example.table);
    // Cutting the labels short cuts off what came later and changes nothing before.
    const again = smallOracleOn(episode).twin;
    const some = [...replayEpisode(again, demonstrations.slice(0, 3))];
    expect(some.map((example) => example.table)).toEqual(tables.slice(0, 3));
    for (const { decidedAtMs, observedAtMs } of demonstrations) {
      expect(observedAtMs).toBeLessThanOrEqual(decidedAtMs);
    }
  });
});

describe('standardizing', () => {
  it('takes mean and deviation over all rows of all tables, and leaves constants alone', () => {
    // Column 0: 1, 3, 5 → mean 3, variance (4 + 0 + 4) / 3. Column 1 is constant.
    const scale = columnScale([Float32Array.of(1, 7, 3, 7), Float32Array.of(5, 7)], 2);
    expect([...scale.mean]).toEqual([3, 7]);
    expect(scale.deviation[0]).toBeCloseTo(Math.sqrt(8 / 3), 12);
    expect(scale.deviation[1]).toBe(1);
    expect(columnScale([], 2).deviation).toEqual(Float64Array.of(1, 1));
  });

  it('limits what training never saw to ten deviations', () => {
    const scale = { mean: Float64Array.of(3, 7), deviation: Float64Array.of(2, 1) };
    const out = new Float32Array(5);
    standardizeInto(Float32Array.of(1, 7.5, 900, -900), scale, out, 1);
    expect([...out]).toEqual([0, -1, 0.5, 10, -10]);
  });
});
