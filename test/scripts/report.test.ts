import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  compare,
  type Evaluation,
  estimate,
  pairedDifference,
  type RunRecord,
} from '../../scripts/evaluate/results.ts';
import { chartsOf } from '../../scripts/report/charts.ts';
import { headline } from '../../scripts/report/headline.ts';
import { renderPage } from '../../scripts/report/html.ts';
import { createMarkPlugins } from '../../scripts/report/marks.ts';
import { paint, themes } from '../../scripts/report/palette.ts';
import { renderPngs } from '../../scripts/report/png.ts';
import { prepareChart } from '../../scripts/report/prepare-chart.ts';
import { castOf, roleOf, tellingPolicies } from '../../scripts/report/roles.ts';
import { formatComparison } from '../../scripts/report/table.ts';
import { readEvaluation, writeReport } from '../../scripts/report/write.ts';
import { InputError, percentile } from '../../sim/index.ts';

const longName = 'best-fit 0.6 conservative';

/** A run whose objective is energy + 2 · lost + 0.001 · migrations. */
function record(policy: string, seed: number, energyKwh: number, lost: number): RunRecord {
  const migrations = 100;
  return {
    scenario: 'day',
    policy,
    seed,
    objective: energyKwh + 2 * lost + 0.001 * migrations,
    cost: { energyKwh, lostVcpuHours: lost, migrations },
    summary: {
      simulatedS: 86_400,
      energyKwh,
      slatah: 0.04,
      slatahPooled: 0.03,
      pdm: 0.0002,
      pdmPooled: 0.0002,
      slav: 8e-6,
      esv: energyKwh * 8e-6,
      unservedFraction: 0.001,
      lostVcpuHours: lost,
      migrations,
      migratedBytes: 1e9,
      meanMigrationS: 9,
      meanDowntimeMs: 200,
      meanHostsOn: energyKwh / 4,
      hostsSwitchedOn: 3,
      hostsSwitchedOff: 5,
      pstateChanges: 0,
      meanWaitS: 1,
      fairness: 0.99,
      eventsProcessed: 1000,
    },
    decisionMs: [0.5, 1, 4],
    series: Array.from({ length: 288 }, (_, row) => ({
      timeMs: row * 300_000,
      powerW: energyKwh * 40 + row,
      hostsOn: 10,
      migrations: 0,
    })),
  };
}

/** Energy and lost work per policy; each seed adds one kWh to all. */
const policies: Readonly<Record<string, readonly [energyKwh: number, lost: number]>> = {
  oracle: [100, 4],
  learned: [102, 5],
  [longName]: [110, 6],
  'thr-mmt': [120, 9],
  'all-on': [200, 0.5],
};

function evaluationOf(
  contestants: Readonly<Record<string, readonly [number, number]>> = policies,
  seeds: readonly number[] = [1, 2, 3],
): Evaluation {
  return {
    format: 'wattwin-evaluation',
    version: 1,
    title: 'Ten hosts',
    objective: { energyPerKwh: 1, lostPerVcpuHour: 2, perMigration: 0.001 },
    workload: 'synthetic day',
    trainedOn: 'seeds 11 to 20',
    testedOn: `seeds ${seeds.join(', ')}`,
    hosts: 10,
    vms: 40,
    decisionEveryMs: 300_000,
    records: seeds.flatMap((seed) =>
      Object.entries(contestants).map(([policy, [energyKwh, lost]]) =>
        record(policy, seed, energyKwh + seed, lost),
      ),
    ),
    learning: {
      curve: [1, 2, 3].map((epoch) => ({
        epoch,
        trainLoss: 1 / epoch,
        heldOutRegret: 0.03 / epoch,
        heldOutAgreement: 0.5,
      })),
      bestFixed: { source: longName, heldOutRegret: 0.02 },
    },
    optimalityGap: { instances: 20, mean: 0.004, largest: 0.03, solvedExactly: 17 },
  };
}

const evaluation = evaluationOf();
const page = renderPage(evaluation, chartsOf(evaluation));

/** The page less the bundled Chart.js. */
const withoutLibrary = (html: string): string =>
  html.replace(/<script>\/\*![\s\S]*?<\/script>/, '');

describe('statistics', () => {
  test('the interval is Student’s: 1, 2, 3, 4 has mean 2.5 and 3.182 · 1.2910 / 2', () => {
    const { mean, halfWidth, count } = estimate([1, 2, 3, 4]);
    expect(mean).toBe(2.5);
    expect(count).toBe(4);
    // Variance (2.25 + 0.25 + 0.25 + 2.25) / 3 = 5 / 3; quantile for 3 degrees of freedom.
    expect(halfWidth).toBeCloseTo((3.182 * Math.sqrt(5 / 3)) / Math.sqrt(4), 12);
  });

  test('a single value has no interval, and equal values one of width 0', () => {
    expect(estimate([7])).toEqual({ mean: 7, halfWidth: Number.NaN, count: 1 });
    expect(estimate([7, 7, 7]).halfWidth).toBe(0);
  });

  test('beyond 31 values the quantile is the normal one', () => {
    const values = Array.from({ length: 40 }, (_, i) => i % 2);
    // Variance 40 · 0.25 / 39.
    expect(estimate(values).halfWidth).toBeCloseTo(1.96 * Math.sqrt((40 * 0.25) / 39 / 40), 12);
  });

  test('percentiles are nearest ranks', () => {
    const values = [10, 20, 30, 40];
    expect([0.25, 0.5, 0.51, 0.99, 1].map((p) => percentile(values, p))).toEqual([
      10, 20, 30, 40, 40,
    ]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('regret pairs runs of the same seed, not means', () => {
    // Against 50 and 200: 60 is 20 % above, 210 is 5 % above; the ratio of means would say 8 %.
    const records = [
      { ...record('oracle', 1, 0, 0), objective: 50 },
      { ...record('oracle', 2, 0, 0), objective: 200 },
      { ...record('learned', 2, 0, 0), objective: 210 },
      { ...record('learned', 1, 0, 0), objective: 60 },
      { ...record('learned', 3, 0, 0), objective: 999 },
    ];
    const learned = compare(records).find(({ policy }) => policy === 'learned');
    expect(learned?.regretPercent?.mean).toBeCloseTo((20 + 5) / 2, 9);
    expect(learned?.regretPercent?.count).toBe(2);
  });

  test('what two policies share cancels out of their difference', () => {
    const { mean, halfWidth, count } = pairedDifference(evaluation.records, 'learned', longName);
    // (102 + 2 · 5) − (110 + 2 · 6) on every seed, though the seeds differ by 1 kWh.
    expect(mean).toBeCloseTo(-10, 9);
    expect(halfWidth).toBeCloseTo(0, 9);
    expect(count).toBe(3);
  });
});

describe('roles', () => {
  test('variants of the oracle and of the learned policy are no heuristics', () => {
    expect(
      ['oracle', 'oracle, small', 'learned (one round)', 'learner', 'all-on'].map(roleOf),
    ).toEqual(['oracle', 'oracle', 'learned', 'heuristic', 'heuristic']);
  });

  test('the telling policies hold the cast and a published heuristic, best first', () => {
    const results = compare(evaluationOf({ ...policies, x: [105, 9], y: [106, 9] }).records);
    expect(tellingPolicies(results).map(({ policy }) => policy)).toEqual(Object.keys(policies));
    expect(castOf(results).bestHeuristic?.policy).toBe(longName);
  });
});

describe('headline', () => {
  const told = (contestants: Readonly<Record<string, readonly [number, number]>>): string => {
    const { records } = evaluationOf(contestants);
    return headline(records, compare(records));
  };

  test('says by how much the learned policy wins', () => {
    // (113.1 / 123.1 − 1) = −8.12 % for seed 1; the other seeds lie closer to zero.
    expect(told(policies)).toMatch(/costs 8\.06\d? ± .* % less than the best heuristic \(best-fit/);
    expect(told(policies)).toMatch(/more than the oracle; 3 runs, 95 % confidence intervals\./);
  });

  test('says as plainly that it loses', () => {
    expect(told({ ...policies, learned: [130, 8] })).toMatch(/% more than the best heuristic/);
  });

  test('says when chance could explain the difference', () => {
    const seeds = [1, 2, 3, 4];
    const records = seeds.flatMap((seed) => [
      record('learned', seed, 100 + (seed % 2 === 0 ? 3 : -3), 1),
      record(longName, seed, 100, 1),
    ]);
    expect(headline(records, compare(records))).toContain('too little to tell from chance');
  });

  test('does without a learned policy, an oracle or more than one run', () => {
    expect(told({ oracle: [100, 1], [longName]: [110, 1] })).toContain(
      'The best heuristic (best-fit',
    );
    expect(told({ learned: [100, 1], a: [110, 1] })).not.toContain('oracle');
    expect(told({ learned: [100, 1] })).toContain('nothing to compare');
    const { records } = evaluationOf(policies, [1]);
    expect(headline(records, compare(records))).toContain('without a confidence interval');
  });
});

describe('page', () => {
  test('needs nothing from outside', () => {
    const own = withoutLibrary(page);
    expect(own).not.toMatch(/(src|href|action)\s*=\s*["']?\s*(https?:)?\/\//i);
    expect(own).not.toMatch(/@import|url\(\s*["']?https?:/i);
    expect(page.includes('sourceMappingURL')).toBe(false);
    // Outside the bundled Chart.js, whose licence names its home, no address at all.
    expect(own).not.toMatch(/https?:/);
  });

  test('holds every policy with its numbers, and how it was measured', () => {
    const own = withoutLibrary(page);
    for (const policy of Object.keys(policies)) expect(own).toContain(`>${policy}`);
    // 102 + 2 + 2 · 5 + 0.1, mean over seeds; t = 4.303, deviation 1, √3.
    expect(own).toContain('114.1 <small>± 2.5</small>');
    expect(own).toContain('lost work [vCPU·h] × 2');
    expect(own).toContain('0.40 % more than the best one on average');
    expect(own).toContain('seeds 11 to 20');
  });

  test('has a picture with a description for each chart', () => {
    const charts = chartsOf(evaluation);
    expect(charts.map(({ id }) => id)).toEqual([
      'objective',
      'trade-off',
      'power',
      'hosts-on',
      'learning',
      'latency',
    ]);
    for (const { id } of charts) {
      expect(withoutLibrary(page)).toMatch(
        new RegExp(`id="chart-${id}" role="img" aria-label="[^"]{20,}"`),
      );
    }
  });

  test('shows hostile names as text', () => {
    const hostile = '</script><script>alert("1")</script><!-- & \u2028';
    const given = { ...evaluationOf({ ...policies, [hostile]: [101, 4] }), title: hostile };
    const whole = renderPage(given, chartsOf(given));
    const html = withoutLibrary(whole);
    expect(html).not.toContain('<script>alert');
    expect(whole.match(/<script/g)).toHaveLength(page.match(/<script/g)!.length);
    expect(html).toContain('&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)');
    const data = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(html)?.[1];
    const [objective] = JSON.parse(data!) as [{ config: { data: { labels: string[] } } }];
    expect(objective.config.data.labels).toContain(hostile);
  });

  test('does without learning curve, series, latencies and repetition', () => {
    const { learning: _, optimalityGap: __, ...rest } = evaluationOf(policies, [1]);
    const records = rest.records.map((run) => ({ ...run, decisionMs: [], series: [] }));
    const bare = { ...rest, records };
    expect(chartsOf(bare).map(({ id }) => id)).toEqual(['objective', 'trade-off']);
    const shown = renderPage(bare, chartsOf(bare)).replace(/<script>[\s\S]*?<\/script>/g, '');
    expect(shown).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('charts', () => {
  test('are plain data with known colours', () => {
    for (const chart of chartsOf(evaluation)) {
      expect(JSON.parse(JSON.stringify(chart))).toEqual(chart);
      expect(JSON.stringify(paint(chart.config, themes.dark))).not.toContain('"color:');
    }
  });

  test('the shares of the objective add up to it', () => {
    const { config } = chartsOf(evaluation)[0]!;
    const learned = config.data.labels!.indexOf('learned');
    const shares = config.data.datasets.map(({ data }) => Number(data[learned]));
    expect(shares[0]! + shares[1]! + shares[2]!).toBeCloseTo(102 + 2 + 2 * 5 + 0.1, 3);
  });

  test('what the page receives as text stands on its own', () => {
    const text = `(${paint.toString()})({ a: ['color:x', 1] }, { x: '#123' })`;
    expect(JSON.stringify(runInNewContext(text))).toBe('{"a":["#123",1]}');
    const plugins: unknown = runInNewContext(
      `(${createMarkPlugins.toString()})().map((plugin) => plugin.id)`,
    );
    expect(JSON.stringify(plugins)).toBe('["mark-bands","mark-whiskers","mark-texts"]');
    const label: unknown = runInNewContext(`
      const legend = { labels: { generateLabels: () => [] } };
      const scales = { logarithmic: { ticks: {} } };
      const Chart = { register() {}, defaults: { font: {}, plugins: { legend }, scales } };
      (${prepareChart.toString()})(Chart, [], 'serif');
      const axis = [0.001, 0.003, 10].map((value) => ({ value }));
      axis.map(({ value }) => scales.logarithmic.ticks.callback(value, 0, axis)).join();
    `);
    expect(label).toBe('0.001,,10');
  });
});

describe('PNGs', () => {
  test('are pictures with a title, a legend and data, not blank', async () => {
    const pngs = await renderPngs(chartsOf(evaluation));
    expect(pngs).toHaveLength(6);
    for (const { png } of pngs) {
      expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
      const image = await loadImage(Buffer.from(png));
      expect([image.width, image.height]).toEqual([1200, 620]);
      const context = createCanvas(1200, 620).getContext('2d');
      context.drawImage(image, 0, 0);
      const inked = (x: number, y: number, width: number, height: number): number => {
        const { data } = context.getImageData(x, y, width, height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          if (data[at]! + data[at + 1]! + data[at + 2]! < 600) count++;
        }
        return count;
      };
      // Title, where only text is; the axis title at the foot; the chart itself.
      expect(inked(0, 8, 500, 30)).toBeGreaterThan(800);
      expect(inked(300, 580, 700, 30)).toBeGreaterThan(100);
      expect(inked(150, 110, 1000, 420)).toBeGreaterThan(400);
    }
  });
});

describe('terminal table', () => {
  test('has a line per policy, best first, and a closing sentence', () => {
    const lines = formatComparison(evaluation, 120).split('\n');
    expect(lines[2]).toMatch(/^◆ oracle +110\.1 ± 2\.5 +0\.0 ± 0\.0 +102\.0 ± 2\.5/);
    expect(lines[3]).toMatch(/^★ learned +114\.1 ± 2\.5 +3\.6/);
    expect(lines[4]).toMatch(/^● best-fit 0\.6 conservative +124\.1/);
    expect(lines.at(-1)).toContain('learned costs 10');
    expect(lines.at(-1)).toContain('less than best-fit 0.6 conservative, the best heuristic');
    expect(lines.at(-1)).toContain('3 paired runs');
  });

  test.each([120, 80, 50])('keeps within %i columns', (width) => {
    const lines = formatComparison(evaluation, width).split('\n');
    const rows = lines.slice(0, 2 + Object.keys(policies).length);
    for (const line of rows) expect([...line].length).toBeLessThanOrEqual(width);
    expect(rows[2]).toContain('110.1 ± 2.5');
  });
});

describe('files', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wattwin-report-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** The issue that reading `text` raises. */
  async function issueOf(text: string): Promise<{ path: string; expected: string; got: string }> {
    const path = join(directory, 'bad.json');
    await writeFile(path, text);
    const error: unknown = await readEvaluation(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    const [issue] = (error as InputError).issues;
    return { ...issue!, path: issue!.path.replace(path, 'FILE') };
  }

  test('what was written is read back, and nothing temporary stays', async () => {
    const out = join(directory, 'new', 'folder');
    const paths = await writeReport(evaluation, out, { png: false });
    expect(paths).toEqual({
      evaluation: join(out, 'evaluation.json'),
      html: join(out, 'report.html'),
      pngs: [],
    });
    expect(await readEvaluation(paths.evaluation)).toEqual(evaluation);
    expect((await readFile(paths.html, 'utf8')) === page).toBe(true);
    expect((await readdir(out)).sort()).toEqual(['evaluation.json', 'report.html']);
  });

  test('PNGs are written on request', async () => {
    const { pngs } = await writeReport(evaluation, directory, { png: true });
    expect(pngs.map((path) => path.slice(directory.length + 1))).toContain('objective.png');
    expect((await readdir(directory)).filter((name) => name.endsWith('.png'))).toHaveLength(6);
  });

  test('a missing or truncated file is an input error that names it', async () => {
    await expect(readEvaluation(join(directory, 'none.json'))).rejects.toThrow(
      /none\.json: expected a readable file, got ENOENT/,
    );
    const whole = JSON.stringify(evaluation);
    const issue = await issueOf(whole.slice(0, whole.length / 2));
    expect(issue.path).toBe('FILE');
    expect(issue.expected).toBe('an evaluation in JSON, whole');
    expect(issue.got).toMatch(/JSON/);
  });

  test('another format, another version or a wrong value is named with its place', async () => {
    const altered = (change: object): string => JSON.stringify({ ...evaluation, ...change });
    expect(await issueOf(altered({ format: 'other' }))).toEqual({
      path: 'FILE: format',
      expected: '"wattwin-evaluation"',
      got: '"other"',
    });
    expect(await issueOf(altered({ version: 2 }))).toEqual({
      path: 'FILE: version',
      expected: '1',
      got: '2',
    });
    expect(
      await issueOf(altered({ records: [{ ...evaluation.records[0], objective: 'much' }] })),
    ).toEqual({ path: 'FILE: records[0].objective', expected: 'number', got: '"much"' });
    expect((await issueOf(altered({ records: [] }))).path).toBe('FILE: records');
    expect((await issueOf('[]')).path).toBe('FILE');
  });

  test('what could not be measured survives as such', async () => {
    const { learning } = evaluationOf();
    const unknown = { ...learning!, bestFixed: { source: 'none', heldOutRegret: Number.NaN } };
    const given = { ...evaluation, learning: unknown };
    const { evaluation: path } = await writeReport(given, directory, { png: false });
    expect((await readEvaluation(path)).learning?.bestFixed.heldOutRegret).toBeNaN();
  });
});
