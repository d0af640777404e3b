/** `wattwin calibrate` as a user meets it: on real days, on tables, and on what cannot be. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClusterResult } from '../../scripts/calibrate/cluster-summary.ts';
import type { TelemetryResult } from '../../scripts/calibrate/telemetry-result.ts';
import { parseScenario } from '../../sim/index.ts';
import { RandomStream } from '../../sim/numbers/rng.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { wattwin } from './command-line.ts';

const surf = referencePath('data', 'surf-2022-10');

/** Whether the text of a hosts file is part of a scenario. */
function hostsOf(text: string): ReturnType<typeof parseScenario>['hosts'] {
  const rest = 'name: x\nworkload: { type: synthetic }\n';
  return parseScenario(`${rest}${text}`, 'hosts.yaml').hosts;
}

describeWithReference('on the four SURF days', () => {
  it('predicts days 3 and 4 within 1.5 %, once and rolling, and writes what it found', async () => {
    const out = join(directoryWith({}), 'out');
    const { code, stdout, stderr } = await wattwin(
      ...['calibrate', surf, '--fit-days', '2', '--json', '--quiet', '--out', out],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const result = JSON.parse(stdout) as ClusterResult;
    expect(result.source).toMatchObject({
      samples: 11_519,
      zeros: 0,
      missing: 0,
      glitches: 0,
      tasks: 2907,
    });
    expect(result.fit).toMatchObject({ days: [1, 2], samples: 5760 });
    expect(result.test.samples).toBe(5759);
    // Least squares over {1, u, √u} reaches 1.37 % on these days.
    expect(result.test.mape30s).toBeLessThan(1.37);
    expect(result.test.mape5min).toBeLessThan(1.5);
    expect(Math.abs(result.test.bias)).toBeLessThan(1.5);
    expect(result.rolling.mape30s).toBeLessThan(result.test.mape30s);
    expect(result.test.table.mape30s).toBeLessThan(1.5);
    expect(result.test.interval.coverage30s).toBeGreaterThan(0.85);
    for (const row of result.rolling.perHorizon) {
      expect(row.mape).toBeLessThan(1.01 * row.persistenceMape);
      expect(row.adaptiveCoverage).toBeGreaterThan(0.87);
    }
    for (const coefficient of result.fit.coefficients) {
      expect(coefficient.watts).toBeGreaterThanOrEqual(0);
    }
    expect(JSON.parse(readFileSync(join(out, 'calibration.json'), 'utf8'))).toEqual(result);
    const [host] = hostsOf(readFileSync(join(out, 'hosts.yaml'), 'utf8'));
    expect(host).toMatchObject({ count: 277, cores: 16 });
    host!.pstates![0]!.curve!.forEach((watts, point) => {
      expect(watts).toBeCloseTo(result.hostTableW[point]!, 3);
    });
    const page = readFileSync(join(out, 'calibration.html'), 'utf8');
    expect(page).toContain(`${result.test.mape30s.toFixed(2)} % error`);
    for (const id of ['calibration-test', 'calibration-residuals', 'calibration-curve']) {
      expect(
        readFileSync(join(out, `${id}.png`))
          .subarray(1, 4)
          .toString(),
      ).toBe('PNG');
    }
  });

  it('prints its tables beside published figures, and takes a basis and a half-life', async () => {
    const { code, stdout } = await wattwin(
      ...['calibrate', surf, '--quiet', '--basis', 'linear', '--window', '6'],
    );
    expect(code).toBe(0);
    expect(stdout).toContain('basis linear');
    expect(stdout).toContain('FootPrinter (published)');
    expect(stdout).toContain('weights halve every 6 h');
  });

  it('asks for more days than it is to fit on', async () => {
    const { code, stderr } = await wattwin('calibrate', surf, '--fit-days', '4', '--quiet');
    expect(code).toBe(2);
    expect(stderr).toContain('expected more than 4 days of samples');
    expect(stderr.trim().split('\n').at(-1)).toMatch(/got 4\.00 days$/);
  });

  it('names the file that is missing', async () => {
    const directory = directoryWith({});
    copyFileSync(join(surf, 'consumption.parquet'), join(directory, 'consumption.parquet'));
    const { code, stderr } = await wattwin('calibrate', directory, '--quiet');
    expect(code).toBe(2);
    expect(stderr).toContain('tasks.parquet');
  });
});

const random = new RandomStream(9, 'tables');
const csv = (header: string, rows: number, of: (row: number) => readonly (string | number)[]) =>
  `${header}\n${Array.from({ length: rows }, (_, row) => of(row).join(',')).join('\n')}\n`;
const hosts = csv('time_ms,host,model,utilization,power_w', 400, (row) => {
  const u = random.float();
  return [row * 1000, `h${row % 2}`, 'r640', u.toFixed(4), (80 + 120 * u).toFixed(2)];
});

/** Lines of DeepScale's daemon: 2 CPUs at 1.2 or 2.6 GHz; 20 or 24 W idle, 40 or 80 W more at full load. */
const metrics = Array.from({ length: 300 }, (_, second) => {
  const fast = second % 2 === 0;
  const usage = Array.from({ length: 2 }, () => Math.round(1000 * random.float()) / 10);
  const u = (usage[0]! + usage[1]!) / 200;
  const watts = fast ? 24 + 80 * u : 20 + 40 * u;
  return JSON.stringify({
    timestamp: new Date(1_700_000_000_000 + 1000 * second).toISOString(),
    percpu: usage.map((usage_percent, cpu) => ({
      cpu,
      usage_percent,
      frequency_mhz: fast ? 2600 : 1200,
    })),
    rapl_energy: {
      'package-0': { current_uj: 1, delta_uj: Math.round(0.9 * watts * 1e6) },
      core: { current_uj: 1, delta_uj: 5e6 },
      dram: { current_uj: 1, delta_uj: Math.round(0.1 * watts * 1e6) },
    },
  });
});

describe('on telemetry tables', () => {
  it('fits power, queues and migrations, and writes hosts for a scenario', async () => {
    const directory = directoryWith({
      'hosts.csv': hosts,
      'requests.jsonl': Array.from({ length: 50 }, (_, row) => {
        const u = 0.1 + (0.8 * row) / 50;
        return JSON.stringify({
          time_ms: row,
          service: 'web',
          arrivals_per_s: u * 200,
          utilization: u,
          latency_ms: 5 / (1 - u) + 2,
        });
      }).join('\n'),
      'migrations.csv': csv(
        'vm,memory_bytes,duration_ms,transferred_bytes,rounds',
        10,
        // λ = 0.5, two rounds after the first: V·1.75 at 100 MB/s and 300 ms besides.
        (row) => {
          const bytes = (1 + row) * 1e9;
          return [`vm${row}`, bytes, (1.75 * bytes) / 1e5 + 300, 1.75 * bytes, 2];
        },
      ),
    });
    const out = join(directory, 'out');
    const { code, stdout, stderr } = await wattwin('calibrate', directory, '--json', '--out', out);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const result = JSON.parse(stdout) as TelemetryResult;
    expect(result.power[0]).toMatchObject({ model: 'r640', hosts: 2, shape: 'linear' });
    expect(result.power[0]!.pstates[0]!.idleW).toBeCloseTo(80, 1);
    expect(result.power[0]!.pstates[0]!.fullW).toBeCloseTo(200, 1);
    expect(result.queues[0]!.serviceMs).toBeCloseTo(5, 6);
    expect(result.queues[0]!.offCpuMs).toBeCloseTo(2, 4);
    expect(result.migrations!.bandwidthBytesPerS).toBeCloseTo(1e8, -2);
    expect(result.migrations!.overheadMs).toBeCloseTo(300, 1);
    expect(result.migrations!.dirtyIntensity).toBeCloseTo(0.5, 6);
    const [host] = hostsOf(readFileSync(join(out, 'hosts.yaml'), 'utf8'));
    expect(host).toMatchObject({ name: 'r640', count: 2 });
    const text = await wattwin('calibrate', directory);
    expect(text.stdout).toContain('queue web: 5.000 ms of CPU per request by load');
  });

  it('reads metrics.jsonl that begins in the middle of a line, per frequency, each zone once', async () => {
    const directory = directoryWith({ 'metrics.jsonl': `_percent": 3}\n${metrics.join('\n')}` });
    const { code, stdout } = await wattwin('calibrate', directory, '--json');
    expect(code).toBe(0);
    const { power, notes } = JSON.parse(stdout) as TelemetryResult;
    expect(notes.join()).toContain('1 broken lines left out');
    const [fast, slow] = power[0]!.pstates;
    expect(fast).toMatchObject({ frequencyMhz: 2600 });
    expect(fast!.fullW).toBeCloseTo(104, 1);
    expect(slow!.frequencyMhz).toBe(1200);
    expect(slow!.epsilonW).toBeCloseTo(20, 1);
    expect(slow!.fullW).toBeCloseTo(60, 1);
  });
});

describe('bad input', () => {
  const cases: readonly {
    readonly title: string;
    readonly files: Readonly<Record<string, string>>;
    readonly says: readonly string[];
    readonly args?: readonly string[];
  }[] = [
    { title: 'an empty directory', files: {}, says: ['expected consumption.parquet beside'] },
    {
      title: 'a table without a column',
      files: { 'hosts.csv': 'time_ms,host,power_w\n1,a,5\n' },
      says: ['hosts.csv:2: expected a column utilization'],
    },
    {
      title: 'power that is no number, and a load above 1: both, with their lines',
      files: { 'hosts.csv': 'time_ms,host,utilization,power_w\n1,a,0.5,NaN\n2,a,7,90\n' },
      says: [
        'hosts.csv:2: power_w: expected a number from 0',
        'hosts.csv:3: utilization: expected',
      ],
    },
    {
      title: 'a table of nothing',
      files: { 'requests.csv': 'time_ms,service,arrivals_per_s,utilization,latency_ms\n' },
      says: ['requests.csv: expected at least one row, got none'],
    },
    {
      title: 'a line that is no JSON',
      files: { 'migrations.jsonl': '{"vm": 1\n' },
      says: ['migrations.jsonl:1: expected one JSON object per line'],
    },
    {
      title: 'metrics without any usable line',
      files: { 'metrics.jsonl': '{}\n' },
      says: ['metrics.jsonl: expected at least three lines'],
    },
    {
      title: 'a consumption file that is no Parquet',
      files: { 'consumption.parquet': 'no' },
      says: ['consumption.parquet'],
    },
    {
      title: 'a half-life of nothing',
      files: { 'consumption.parquet': 'no' },
      says: ['--window: expected hours above 0, or auto, got 0'],
      args: ['--window', '0'],
    },
  ];

  it.each(cases)('$title', async ({ files, says, args = [] }) => {
    const directory = directoryWith(files);
    const { code, stdout, stderr } = await wattwin('calibrate', directory, '--quiet', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const part of says) expect(stderr).toContain(part);
  });

  it('a directory that is not there', async () => {
    const missing = join(directoryWith({}), 'nowhere');
    const { code, stderr } = await wattwin('calibrate', missing);
    expect(code).toBe(2);
    expect(stderr).toContain('got no such directory');
    expect(existsSync(missing)).toBe(false);
  });
});
