/** The live experiment's own arithmetic: energy with hosts off, ratios by seed, what was restored. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { arms, offPowerW } from '../../bench/live/arms.ts';
import { liveCharts, windowMeans } from '../../bench/live/charts.ts';
import { armFigures, p99LimitMs } from '../../bench/live/figures.ts';
import {
  type KindOutcome,
  type Outcome,
  plugPower,
  stateDifferences,
} from '../../bench/live/outcome.ts';
import { controlRows, liveRows, machineLoadLine } from '../../bench/live/rows.ts';
import { clusterFor, doneActions } from '../../bench/live/run-arm.ts';
import { readLiveOptions } from '../../bench/live.ts';
import { parseClusterFile } from '../../deploy/cluster/read-cluster-file.ts';
import type { JournalRecord } from '../../deploy/index.ts';
import { clusterText } from '../../deploy/testbed/cluster-text.ts';
import { planTestbed } from '../../deploy/testbed/plan.ts';
import { InputError } from '../../sim/index.ts';

const startMs = Date.UTC(2026, 0, 1);

/** Lines of meters every second; `watts` undefined: off. */
function meters(hosts: Readonly<Record<string, readonly (number | undefined)[]>>): string {
  return Object.entries(hosts)
    .flatMap(([host, watts]) => {
      let energyJ = 0;
      return [0, ...watts].map((own, second) => {
        const timestamp = new Date(startMs + second * 1000).toISOString();
        if (own === undefined) {
          energyJ = 0;
          return { timestamp, host, powerW: 0 };
        }
        energyJ += own;
        return { timestamp, host, energyJ, powerW: own };
      });
    })
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

describe('energy at the plugs', () => {
  test('adds up hosts and counts what one that is off takes', () => {
    const text = meters({ h1: [30, 40, 50, 60], h2: [20, undefined, undefined, 10] });
    // Off: 2 W instead of nothing in the two seconds that the meter says nothing of.
    expect(plugPower(text, startMs, 4, 2)).toEqual({
      powerW: [50, 42, 52, 70],
      energyJ: 214,
      offS: 2,
    });
  });

  test('of running hosts is what their meters say', () => {
    const watts = fc.array(fc.integer({ min: 20, max: 90 }), { minLength: 3, maxLength: 20 });
    fc.assert(
      fc.property(watts, (own) => {
        const { energyJ, offS } = plugPower(meters({ h1: own }), startMs, own.length, 2);
        expect(energyJ).toBeCloseTo(
          own.reduce((sum, value) => sum + value, 0),
          6,
        );
        expect(offS).toBe(0);
      }),
      { seed: 4, numRuns: 50 },
    );
  });

  test('of a second without a reading is that of the next', () => {
    const lines = meters({ h1: [30, 30, 30, 30] })
      .split('\n')
      .slice(2)
      .join('\n');
    expect(plugPower(lines, startMs, 4, 2).powerW).toEqual([30, 30, 30, 30]);
  });
});

const kind = (p99Ms: number, more: Partial<KindOutcome> = {}): KindOutcome => ({
  ...{ asked: 100, done: 100, errors: 0, unfinished: 0, p50Ms: 10, p99Ms },
  ...more,
});

const outcome = (arm: string, seed: number, energyJ: number, p99Ms: number): Outcome => ({
  ...{ arm, seed, energyJ, seconds: 6, offS: 0, machineLoad: [1, 2] },
  kinds: { jobs: kind(p99Ms) },
  powerW: [energyJ / 6, energyJ / 6, energyJ / 6, energyJ / 6, energyJ / 6, energyJ / 6],
});

describe('arms', () => {
  const runs = [
    outcome('a', 1, 100, 100),
    outcome('b', 1, 50, 450),
    outcome('a', 2, 200, 300),
    outcome('b', 2, 120, 901),
    outcome('b', 3, 1, 1),
  ];

  test('are compared seed by seed', () => {
    const [a, b] = armFigures(runs);
    expect(a!.energyRatio).toMatchObject({ mean: 1, halfWidth: 0 });
    expect(b!.seeds).toEqual([1, 2]);
    // Ratios 0.5 and 0.6: mean 0.55, s = 0.0707, t(1) = 12.706: 12.706 · 0.0707 / √2 = 0.635.
    expect(b!.energyRatio.mean).toBeCloseTo(0.55, 12);
    expect(b!.energyRatio.halfWidth).toBeCloseTo(0.6353, 3);
  });

  test('hold the limit or are named with the seed that does not', () => {
    expect(p99LimitMs(100)).toBe(500);
    expect(p99LimitMs(300)).toBe(900);
    const [a, b] = armFigures(runs);
    expect(a!.holds).toBe(true);
    expect(b!.holds).toBe(false);
    expect(b!.kinds[0]!.over).toEqual([2]);
    expect(liveRows(runs)[2]!.at(-1)).toBe('EXCEEDED by jobs on seed 2');
  });

  test('have names of their own, the baseline first', () => {
    expect(arms[0]).toEqual({ name: 'performance', governor: 'performance' });
    expect(new Set(arms.map(({ name }) => name)).size).toBe(arms.length);
  });
});

const controlled: Outcome = {
  ...outcome('packing', 1, 60, 200),
  offS: 3,
  control: {
    summary: {
      ...{ decisions: 4, idle: 2, items: { done: 3, refused: 1 }, refusals: {}, failures: {} },
      events: {},
      power: { intervals: 2, mapePercent: 15, biasPercent: -5 },
      migrations: [{ what: 'm', predictedS: 2, observedS: 1, observedDowntimeS: 0.1 }],
    },
    actions: [{ atS: 2, type: 'migrate', what: 'm' }],
    power: [
      { atS: 1, predictedW: 90, observedW: 100 },
      { atS: 2, predictedW: 120, observedW: 100 },
    ],
    notRestored: [],
    restoreS: 1.5,
  },
};

test('what controllers did is told for each arm', () => {
  const [head, row] = controlRows([outcome('performance', 1, 100, 100), controlled]);
  expect(Object.fromEntries(head!.map((name, column) => [name, row![column]]))).toEqual({
    ...{ arm: 'packing', decisions: '4', done: '3', failed: '0', refused: '1', moves: '1' },
    ...{ 'host off, s': '3', 'power MAPE, %': '15.0', 'bias, %': '5.0' },
    ...{ 'moves foretold, s': '2.00', 'took, s': '1.00', 'stood still, ms': '100' },
    ...{ 'restore, s': '1.5', 'all as before': 'yes' },
  });
});

test('the load of the machine is said', () => {
  expect(machineLoadLine([controlled, outcome('a', 1, 1, 1)])).toMatch(
    /: 1\.0 to 2\.0, mean 1\.5\.$/,
  );
});

test('charts show the first seed, with what the controller did on its line', () => {
  const charts = liveCharts([outcome('performance', 1, 100, 100), controlled]);
  expect(charts.map(({ id }) => id)).toEqual(['live-power', 'live-forecast']);
  expect(charts[0]!.title).toContain('40 % less');
  const moved = charts[0]!.config.data.datasets.find(({ label }) => label === 'a VM moved');
  expect(moved!.data).toEqual([{ x: 2, y: 10 }]);
  expect(liveCharts([outcome('performance', 1, 100, 100)])).toEqual([]);
  expect(windowMeans([1, 2, 3, 4, 5, 6, 7])).toEqual([
    { x: 1.5, y: 2 },
    { x: 4.5, y: 5 },
  ]);
});

describe('restoring', () => {
  test('is whole when nothing differs', () => {
    const state = { h1: ['policy0 performance', 'vm1'], h2: ['vm2'] };
    expect(stateDifferences(state, structuredClone(state))).toEqual([]);
  });

  test('names what is missing and what is new', () => {
    expect(stateDifferences({ h1: ['vm1'], h2: ['vm2'] }, { h1: ['vm1', 'vm2'] })).toEqual([
      'h1 now has: vm2',
      'h2 lacks: vm2',
    ]);
  });
});

test('the cluster file of a controlled arm is a valid one with its changes', () => {
  const plan = planTestbed({
    ...{ name: 'live', hosts: 2, vms: 3, redis: 1, disk: 'none', hardware: {} },
  });
  const text = clusterText(plan, ['wattwin']);
  for (const { control } of arms) {
    if (control === undefined) continue;
    const cluster = parseClusterFile(clusterFor(text, control), '/run/cluster.yaml');
    expect(cluster.hosts.map(({ offPower }) => offPower)).toEqual([offPowerW, offPowerW]);
    expect(cluster).toMatchObject({
      interval: 5000,
      guard: { utilization: 0.6, ...control.guard },
    });
    expect(cluster.ssh).toEqual(parseClusterFile(text, '/run/cluster.yaml').ssh);
  }
  expect(parse(text).hosts[0].offPower).toBeUndefined();
});

test('actions are what changed something, when it was done', () => {
  const effect = { elapsedMs: 5, didChange: true };
  const operation = { type: 'wakeHost', host: 'h1' } as const;
  const intent = { kind: 'intent', decision: 'd', item: 0, operation, undo: [] } as const;
  const records: JournalRecord[] = [
    { seq: 1, atMs: 0, ...intent },
    { seq: 2, atMs: 10, kind: 'done', intent: 1, effect: { ...effect, didChange: false } },
    { seq: 3, atMs: 20, ...intent },
    { seq: 4, atMs: startMs + 2500, kind: 'done', intent: 3, effect },
    { seq: 5, atMs: 30, kind: 'done', intent: 9, effect },
  ];
  expect(doneActions(records, startMs)).toEqual([
    { atS: 2.5, type: 'wakeHost', what: expect.stringContaining('h1') },
  ]);
});

describe('options', () => {
  test('have defaults and are read', () => {
    expect(readLiveOptions([])).toMatchObject({ seeds: [1, 2, 3], durationS: 120, name: 'live' });
    const given = ['--seeds', '11..12', '--duration', '90 s', '--arms', 'performance,packing'];
    expect(readLiveOptions(given)).toMatchObject({
      ...{ seeds: [11, 12], durationS: 90, arms: ['performance', 'packing'] },
    });
  });

  test.each([
    ['--duration', '5 s'],
    ['--duration', 'long'],
    ['--arms', 'turbo'],
  ])('%s %s is refused', (name, value) => {
    expect(() => readLiveOptions([name, value])).toThrow(InputError);
  });
});
