/** Two runs compared: ratios by hand, intervals, energies from the hosts' files. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  compareRuns,
  type PhaseRecord,
  type RunRecord,
} from '../../../deploy/testbed/load/compare-runs.ts';
import {
  type EnergyInterval,
  energyBetween,
  energyIntervals,
} from '../../../deploy/testbed/load/energy.ts';
import { LatencyHistogram } from '../../../deploy/testbed/load/latency-histogram.ts';
import { plugIntervals, readPlugMeters } from '../../../deploy/testbed/load/plug-meters.ts';
import { readRun } from '../../../deploy/testbed/load/read-run.ts';
import { planTestbed } from '../../../deploy/testbed/plan.ts';
import { RandomStream } from '../../../sim/index.ts';

function phase(
  energyJ: number | undefined,
  latenciesMs: readonly number[],
  errors = 0,
): PhaseRecord {
  const histogram = new LatencyHistogram();
  for (const latency of latenciesMs) histogram.add(latency);
  const done = latenciesMs.length;
  const redis = { asked: done, done, errors, histograms: [histogram.toRecord()] };
  return { seconds: 10, raplJ: energyJ, kinds: { redis } };
}

const run = (name: string, phases: readonly PhaseRecord[], planKey = 'plan'): RunRecord => ({
  name,
  planKey,
  phases,
});

const repeat = (value: number, times: number): number[] => new Array<number>(times).fill(value);

describe('a comparison', () => {
  it('has ratios of sums and of merged histograms, not means of ratios', () => {
    const before = run('a', [phase(100, repeat(0.01, 90)), phase(300, repeat(0.1, 10))]);
    const after = run('b', [phase(50, repeat(0.02, 90)), phase(150, repeat(0.1, 5), 5)]);
    const found = new Map(compareRuns(before, after).map((figure) => [figure.name, figure]));
    expect(found.get('RAPL energy')).toEqual({
      ...{ name: 'RAPL energy', unit: 'J', baseline: 400, other: 200, ratio: 0.5 },
    });
    expect(found.get('RAPL power')).toMatchObject({ baseline: 20, other: 10 });
    expect(found.get('redis energy each')?.baseline).toBeCloseTo(4, 12);
    expect(found.get('redis energy each')?.other).toBeCloseTo(200 / 95, 12);
    expect(found.get('redis done')).toMatchObject({ baseline: 5, other: 4.75, ratio: 0.95 });
    expect(found.get('redis p50')).toMatchObject({ baseline: 0.01, other: 0.02, ratio: 2 });
    expect(found.get('redis p99')).toMatchObject({ baseline: 0.1, other: 0.1, ratio: 1 });
    expect(found.get('redis errors')).toMatchObject({ baseline: 0, other: 5, ratio: Number.NaN });
    // Two phases are too few for intervals.
    expect([...found.values()].some(({ interval }) => interval !== undefined)).toBe(false);
  });

  it('leaves energy out where a phase has none', () => {
    const whole = run('a', [phase(1, [1]), phase(1, [1])]);
    const partial = run('b', [phase(1, [1]), phase(undefined, [1])]);
    const names = compareRuns(whole, partial).map(({ name }) => name);
    expect(names).toEqual(['done', 'p50', 'p95', 'p99', 'errors'].map((name) => `redis ${name}`));
  });

  it('has no width where all phases are alike, and holds the ratio where they are not', () => {
    const alike = (energyJ: number): RunRecord =>
      run(
        'x',
        Array.from({ length: 8 }, () => phase(energyJ, repeat(3, 20))),
      );
    for (const { interval, ratio, name } of compareRuns(alike(10), alike(7))) {
      if (name === 'redis errors') continue;
      expect(interval?.[0]).toBeCloseTo(ratio, 9);
      expect(interval?.[1]).toBeCloseTo(ratio, 9);
    }
    const stream = new RandomStream(3, 'test');
    const factors = Array.from({ length: 30 }, () => 0.6 + 0.2 * stream.float());
    const before = run(
      'a',
      factors.map(() => phase(100, [1])),
    );
    const after = run(
      'b',
      factors.map((factor) => phase(100 * factor, [1])),
    );
    const [energy] = compareRuns(before, after);
    const [low, high] = energy!.interval!;
    expect(energy!.ratio).toBeGreaterThan(low);
    expect(energy!.ratio).toBeLessThan(high);
    // A mean of 30 uniform numbers of width 0.2 has a standard error of 0.2 / √12 / √30 = 0.0105.
    expect(high - low).toBeGreaterThan(2 * 1.96 * 0.0105 * 0.6);
    expect(high - low).toBeLessThan(2 * 1.96 * 0.0105 * 1.5);
    expect(compareRuns(before, after)).toEqual(compareRuns(before, after));
  });

  it('refuses runs of different loads or lengths', () => {
    const one = run('a', [phase(1, [1])]);
    expect(() => compareRuns(one, run('b', [phase(1, [1])], 'other'))).toThrow('--like');
    expect(() => compareRuns(one, run('b', [phase(1, [1]), phase(1, [1])]))).toThrow('1 phases');
    expect(() => compareRuns(run('a', []), run('b', []))).toThrow('phases');
  });
});

describe('energy', () => {
  const steady = (fromS: number, toS: number, powerW: number): EnergyInterval[] =>
    Array.from({ length: toS - fromS }, (_, second) => ({
      fromMs: (fromS + second) * 1000,
      toMs: (fromS + second + 1) * 1000,
      energyJ: powerW,
    }));

  it('between two times is that of all hosts, parts of intervals counted as parts', () => {
    const hosts = [steady(0, 20, 30), steady(0, 20, 12)];
    expect(energyBetween(hosts, 2500, 12_500)).toBeCloseTo(420, 9);
    expect(energyBetween([], 0, 10)).toBeUndefined();
  });

  it('of short gaps is that of the rest, of long ones unknown', () => {
    const withGap = (gap: number) =>
      steady(0, 20, 30).filter((_, second) => second < 5 || second >= 5 + gap);
    expect(energyBetween([withGap(1)], 0, 10_000)).toBeCloseTo(300, 9);
    expect(energyBetween([withGap(5)], 0, 10_000)).toBeUndefined();
    expect(energyBetween([steady(0, 20, 1), withGap(5)], 0, 10_000)).toBeUndefined();
  });

  /** A line whose zones have `[counter, difference]`, J. */
  const line = (second: number, zones: Record<string, readonly [number, number]>) => ({
    timestamp: new Date(second * 1000).toISOString(),
    percpu: [],
    rapl_energy: Object.fromEntries(
      Object.entries(zones).map(([name, [counter, delta]]) => [
        name,
        { current_uj: counter * 1e6, delta_uj: delta * 1e6 },
      ]),
    ),
  });
  const between = (fromS: number, toS: number, energyJ: number): EnergyInterval => ({
    ...{ fromMs: fromS * 1000, toMs: toS * 1000, energyJ },
  });

  it('of lines is that of packages and memory', () => {
    const found = energyIntervals([
      line(1, { 'package-0': [10, 5], 'package-1': [0, 5], dram: [1, 1], core: [5, 5] }),
      line(2, {
        'package-0': [13, 3],
        'package-1': [4, 4],
        dram: [2, 1],
        core: [7, 2],
        psys: [9, 9],
      }),
    ]);
    expect(found).toEqual([between(1, 2, 8)]);
  });

  it('is not lost by lines without, for counters go on', () => {
    const found = energyIntervals([
      line(1, { 'package-0': [10, 5] }),
      line(2, {}),
      line(3, {}),
      line(4, { 'package-0': [16, 2] }),
    ]);
    expect(found).toEqual([between(1, 4, 6)]);
  });

  it('across a counter that wrapped is what the line says, and none when it says nothing', () => {
    const found = energyIntervals([
      line(1, { 'package-0': [10, 5] }),
      line(2, { 'package-0': [1, 4] }),
      line(3, { 'package-0': [0, -1] }),
      line(4, { 'package-0': [2, 2] }),
      line(5, { 'package-0': [3, 1], 'package-1': [1, 1] }),
    ]);
    expect(found).toEqual([between(1, 2, 4), between(3, 4, 2), between(4, 5, 2)]);
  });
});

describe('the meters at the plugs', () => {
  const text = (...lines: readonly (readonly [second: number, host: string, energyJ?: number])[]) =>
    lines
      .map(([second, host, energyJ]) => {
        const timestamp = new Date(second * 1000).toISOString();
        return JSON.stringify({ timestamp, host, energyJ, powerW: 1 });
      })
      .join('\n');
  const between = (fromS: number, toS: number, energyJ: number): EnergyInterval => ({
    ...{ fromMs: fromS * 1000, toMs: toS * 1000, energyJ },
  });

  it('give the energy between readings, host by host', () => {
    const found = plugIntervals(text([1, 'h1', 100], [1, 'h2', 7], [2, 'h1', 130], [3, 'h2', 27]));
    expect(found).toEqual([[between(1, 2, 30)], [between(1, 3, 20)]]);
  });

  it('count a reading once, nothing while a host is off, and from 0 when it is started', () => {
    const lines = text(
      ...([
        [1, 'h1', 100],
        [1, 'h1', 100],
        [2, 'h1', 130],
        [3, 'h1'],
        [9, 'h1'],
        [10, 'h1', 5],
      ] as const),
      [11, 'h1', 45],
    );
    const found = plugIntervals(`${lines}\n{"timestamp":"20`);
    expect(found).toEqual([
      [
        between(1, 2, 30),
        between(2, 3, 0),
        between(3, 9, 0),
        between(9, 10, 5),
        between(10, 11, 40),
      ],
    ]);
  });

  it('are read from files beside the hosts, as of when they were written', () => {
    const root = mkdtempSync(join(tmpdir(), 'wattwin-meters-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    const spec = { name: 'test', hosts: 3, vms: 0, redis: 0, disk: 'none' as const, hardware: {} };
    const hosts = planTestbed(spec).hosts.map((host) => ({
      ...host,
      hardware: join(root, host.name),
    }));
    for (const { hardware } of hosts.slice(0, 2)) {
      mkdirSync(hardware);
      writeFileSync(join(hardware, 'meter.json'), '{"energyJ":12.5,"powerW":30,"elapsedS":4}');
      utimesSync(join(hardware, 'meter.json'), 1000, 1000);
    }
    const at = (second: number): string => new Date(second * 1000).toISOString();
    expect(readPlugMeters(hosts, ({ name }) => name !== 'h2', 5_000_000)).toEqual([
      { timestamp: at(1000), host: 'h1', energyJ: 12.5, powerW: 30 },
      { timestamp: at(5000), host: 'h2', powerW: 0 },
      { timestamp: at(5000), host: 'h3', powerW: 0 },
    ]);
  });
});

describe('the directory of a run', () => {
  const root = mkdtempSync(join(tmpdir(), 'wattwin-compare-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const startMs = Date.parse('2026-01-02T03:04:05Z');

  function write(name: string, powerW: number, hosts: readonly string[]): string {
    const directory = join(root, name);
    const load = {
      ...{ seed: 1, durationS: 4, characters: ['steady'] },
      phases: [0, 2].map((startS) => ({ startS, endS: startS + 2, utilization: [0.5] })),
    };
    const plan = { version: 1, vms: [{ vm: 'vm1', kind: 'redis', fullPerS: 20 }], load };
    const lines = [1, 2, 3, 4, 5].map((toS) => {
      const histogram = new LatencyHistogram();
      histogram.add(5);
      const asked = toS > 4 ? 0 : 10;
      return {
        ...{ timestamp: new Date(startMs + toS * 1000).toISOString(), fromS: toS - 1, toS },
        ...{ phase: Math.min(1, Math.floor((toS - 0.5) / 2)), vm: 'vm1', kind: 'redis', asked },
        ...{ issued: 1, done: 1, errors: toS === 3 ? { timeout: 2 } : {}, inFlight: 0 },
        ...{ p50Ms: 5, p99Ms: 5, maxMs: 5, histogram: histogram.toRecord() },
      };
    });
    const metrics = Array.from({ length: 10 }, (_, second) => ({
      timestamp: new Date(startMs + (second - 2) * 1000).toISOString(),
      percpu: [],
      rapl_energy: { 'package-0': { current_uj: second * powerW * 1e6, delta_uj: powerW * 1e6 } },
    }));
    const text = (values: readonly object[]): string =>
      values.map((value) => `${JSON.stringify(value)}\n`).join('');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'plan.json'), JSON.stringify(plan));
    writeFileSync(join(directory, 'load.jsonl'), text(lines));
    for (const host of hosts) {
      mkdirSync(join(directory, host), { recursive: true });
      writeFileSync(join(directory, host, 'metrics.jsonl'), text(metrics));
    }
    return directory;
  }

  it('has phases with the energy of all hosts, late answers in the last', async () => {
    const record = await readRun(write('two-hosts', 10, ['h1', 'h2']));
    const found = record.phases.map(({ kinds: { redis, ...others }, ...rest }) => {
      const { histograms, ...counts } = redis!;
      expect(others).toEqual({});
      return { ...rest, ...counts, slices: histograms.length };
    });
    expect(found).toEqual([
      { seconds: 2, plugJ: undefined, raplJ: 40, asked: 20, done: 2, errors: 0, slices: 2 },
      { seconds: 2, plugJ: undefined, raplJ: 40, asked: 20, done: 3, errors: 2, slices: 3 },
    ]);
  });

  it('compares with another of the same plan', async () => {
    const runs = [await readRun(write('high', 20, ['h1'])), await readRun(write('low', 15, ['.']))];
    const [energy] = compareRuns(runs[0]!, runs[1]!);
    expect(energy).toMatchObject({ baseline: 80, other: 60, ratio: 0.75 });
  });

  it('has no energy without metrics, and is refused without a plan', async () => {
    const record = await readRun(write('no-metrics', 1, []));
    expect(record.phases.map(({ raplJ }) => raplJ)).toEqual([undefined, undefined]);
    await expect(readRun(root)).rejects.toThrow('plan.json');
  });
});
