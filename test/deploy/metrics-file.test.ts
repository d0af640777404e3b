/** `metrics.jsonl`: what is written can be read, by us and by `wattwin calibrate`, and survives a kill. */
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HostSample, MetricsWriter, readMetricsFile } from '../../deploy/index.ts';
import { hostPower } from '../../deploy/telemetry/host-power.ts';
import type { CpuTicks } from '../../deploy/telemetry/proc-stat.ts';
import type { EnergySample } from '../../deploy/telemetry/sample.ts';
import { readHostMetrics } from '../../scripts/calibrate/host-metrics.ts';
import type { TelemetryResult } from '../../scripts/calibrate/telemetry-result.ts';
import { wattwin } from '../scripts/command-line.ts';
import { directoryWith } from '../traces/temporary-directory.ts';

const startMs = Date.UTC(2026, 0, 4, 12);
const ticks: CpuTicks = {
  ...{ user: 1234, nice: 1, system: 200, idle: 9000, iowait: 3 },
  ...{ irq: 0, softirq: 4, steal: 0, guest: 600, guestNice: 0 },
};
const observed = <Value>(value: Value) => ({
  value,
  observedAtMs: startMs,
  ageMs: 3,
  source: 'somewhere',
  confidence: 1,
  doubts: [],
});
const zone = (
  path: string,
  label: string,
  part: EnergySample['part'],
  energyJ?: number,
): EnergySample => ({
  zone: path,
  label,
  part,
  counterUj: 5_000_000,
  ...(energyJ === undefined ? {} : { energyJ }),
  didWrap: false,
  confidence: energyJ === undefined ? 0 : 1,
  doubts: energyJ === undefined ? ['reset'] : [],
});

/** Two packages at 30 and 20 W and DRAM at 2 and 4 W, after `seconds`. */
function sampleAt(seconds: number, over: Partial<HostSample> = {}, elapsedS = 1): HostSample {
  const energies = [
    zone('intel-rapl:0', 'package-0', 'package', 30 * elapsedS),
    zone('intel-rapl:0:0', 'core-0', 'inside-package', 9 * elapsedS),
    zone('intel-rapl:0:1', 'dram-0', 'dram', 2 * elapsedS),
    zone('intel-rapl:1', 'package-1', 'package', 20 * elapsedS),
    zone('intel-rapl:1:1', 'dram-1', 'dram', 4 * elapsedS),
    zone('intel-rapl-mmio:0', 'package-0', 'package', 30 * elapsedS),
  ];
  const cpu = (number: number, utilization: number) => ({
    ...{ cpu: number, utilization, guestFraction: 0, stealFraction: 0, ticks },
  });
  return {
    host: 'node1',
    observedAtMs: startMs + seconds * 1000 + 7,
    // Never a whole second, as from a `date` with fractions.
    hostWallMs: startMs + seconds * 1000 + 0.25,
    elapsedS,
    uptimeS: 1000 + seconds,
    ticksPerS: 100,
    doubts: [],
    cpus: observed([cpu(0, 0.25), cpu(1, 0.75)]),
    frequencies: observed([{ cpu: 0, policy: 0, mhz: 1332.5, kind: 'mean' as const }]),
    energies: observed(energies),
    missing: {},
    ...over,
  };
}

function writeAll(
  samples: readonly HostSample[],
  path = join(directoryWith(), 'metrics.jsonl'),
): string {
  const writer = new MetricsWriter(path);
  for (const sample of samples) writer.write(sample);
  writer.close();
  return path;
}
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, never>);

describe('a line', () => {
  it('has the fields of the form, and everything else under one key', () => {
    const [line] = linesOf(writeAll([sampleAt(1)]));
    const { wattwin, ...form } = line!;
    expect(form).toEqual({
      timestamp: '2026-01-04T12:00:01.000Z',
      percpu: [
        {
          cpu: 0,
          usage_percent: 25,
          frequency_mhz: 1332.5,
          times: {
            ...{ user: 12.34, nice: 0.01, system: 2, idle: 90, iowait: 0.03 },
            ...{ irq: 0, softirq: 0.04, steal: 0, guest: 6, guest_nice: 0 },
          },
        },
        { cpu: 1, usage_percent: 75, frequency_mhz: null, times: expect.any(Object) },
      ],
      rapl_energy: {
        'package-0': { current_uj: 5_000_000, delta_uj: 30_000_000 },
        'core-0': { current_uj: 5_000_000, delta_uj: 9_000_000 },
        'dram-0': { current_uj: 5_000_000, delta_uj: 2_000_000 },
        'package-1': { current_uj: 5_000_000, delta_uj: 20_000_000 },
        'dram-1': { current_uj: 5_000_000, delta_uj: 4_000_000 },
      },
    });
    expect(wattwin).toMatchObject({ version: 1, host: 'node1', elapsedS: 1, cpus: { ageMs: 3 } });
  });

  it('has all energies or none: one package less would look like half the power', () => {
    const energies = sampleAt(1).energies!.value;
    const broken = energies.map((one) =>
      one.zone === 'intel-rapl:1' ? zone(one.zone, one.label, one.part) : one,
    );
    const [line] = linesOf(writeAll([sampleAt(1, { energies: observed(broken) })]));
    expect(line?.['rapl_energy']).toEqual({});
    expect(JSON.stringify(line?.['wattwin'])).toContain('"energyJ":30');
  });
});

describe('a DRAM zone', () => {
  it('that stands at 0 has never counted, and does not void the others', () => {
    const dead = { ...zone('intel-rapl:0:1', 'dram', 'dram'), counterUj: 0 };
    const energies = [zone('intel-rapl:0', 'package-0', 'package', 30), dead];
    const [line] = linesOf(writeAll([sampleAt(1, { energies: observed(energies) })]));
    expect(Object.keys(line!['rapl_energy']!)).toEqual(['package-0']);
  });

  it('that lost its difference makes the power partial, without a package there is none', () => {
    const lost = zone('intel-rapl:0:1', 'dram', 'dram');
    const energies = [zone('intel-rapl:0', 'package-0', 'package', 30), lost];
    expect(hostPower(energies, 2)).toEqual({ value: { socketW: 15 }, doubts: ['partial'] });
    expect(hostPower([lost, zone('intel-rapl:0', 'package-0', 'package')], 2)).toBeUndefined();
    expect(hostPower([zone('intel-rapl:1', 'psys', 'platform', 50)], 2)).toEqual({
      value: { platformW: 25 },
      doubts: [],
    });
  });
});

describe('wattwin calibrate', () => {
  it('reads what was written: 56 W at half load', () => {
    const metrics = readHostMetrics(writeAll([1, 2, 3, 4].map((second) => sampleAt(second))));
    expect(metrics).toMatchObject({ brokenLines: 0, withoutPower: 1 });
    expect([...metrics.powerW]).toEqual([56, 56, 56]);
    expect([...metrics.utilization]).toEqual([0.5, 0.5, 0.5]);
  });

  it('learns from it: 20 W and 60 W more at full load', async () => {
    const samples = Array.from({ length: 60 }, (_, second) => {
      const utilization = (second % 10) / 10;
      const sample = sampleAt(second);
      return {
        ...sample,
        cpus: observed(sample.cpus!.value.map((cpu) => ({ ...cpu, utilization }))),
        frequencies: observed(
          [0, 1].map((cpu) => ({ cpu, policy: 0, mhz: 2000, kind: 'mean' as const })),
        ),
        energies: observed([zone('intel-rapl:0', 'package-0', 'package', 20 + 60 * utilization)]),
      };
    });
    const path = writeAll(samples);
    const { code, stdout, stderr } = await wattwin('calibrate', dirname(path), '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { power } = JSON.parse(stdout) as TelemetryResult;
    expect(power).toHaveLength(1);
    expect(power[0]?.pstates).toEqual([
      expect.objectContaining({
        frequencyMhz: 2000,
        // All but the first line, whose difference has no line before it.
        samples: 59,
        idleW: expect.closeTo(20, 6),
        fullW: expect.closeTo(80, 6),
      }),
    ]);
  });

  it('is never given an energy over another time than that between two lines', () => {
    const path = writeAll([1, 2, 3].map((second) => sampleAt(second)));
    writeAll(
      [
        // Written by another run; a gap of readings that failed, then one that spans it; a reboot, after
        // which the first interval does not begin at the line before; a clock set forward.
        sampleAt(100),
        sampleAt(101),
        sampleAt(111, {}, 10),
        sampleAt(200),
        sampleAt(201),
        sampleAt(5202),
        sampleAt(5203),
      ],
      path,
    );
    const { powerW, withoutPower } = readHostMetrics(path);
    expect(powerW.length).toBe(2 + 2 + 1 + 1);
    for (const power of powerW) expect(power).toBeCloseTo(56, 9);
    expect(withoutPower).toBe(1 + 3);
  });

  it('is given whole intervals by a host whose clock shows whole seconds', () => {
    // True times rise by 1.3 s; `date` shows the second in which it is asked.
    const samples = Array.from({ length: 40 }, (_, index) =>
      sampleAt(0, { hostWallMs: startMs + Math.floor(index * 1.3) * 1000 }, 1.3),
    );
    const { powerW } = readHostMetrics(writeAll(samples));
    expect(powerW.length).toBe(39);
    for (const power of powerW) expect(Math.abs(power / 56 - 1)).toBeLessThan(1e-3);
  });
});

describe('a writer that is killed', () => {
  it('costs at most the line in hand, wherever it was', async () => {
    const path = writeAll([1, 2, 3].map((second) => sampleAt(second)));
    const whole = readFileSync(path);
    const second = whole.indexOf(10) + 1;
    const cuts = fc.integer({ min: second, max: whole.length });
    await fc.assert(
      fc.asyncProperty(cuts, async (cut) => {
        writeFileSync(path, whole.subarray(0, cut));
        const lines = whole.subarray(0, cut).toString().split('\n');
        const { entries, brokenLines } = await readMetricsFile(path);
        const isWhole = (text: string): boolean => text.endsWith('}}') && text.startsWith('{"t');
        const count = lines.filter((text) => text !== '' && isWhole(text) && parses(text)).length;
        expect(entries).toHaveLength(count);
        expect(brokenLines.length).toBeLessThanOrEqual(1);
        writeAll([sampleAt(9)], path);
        const after = await readMetricsFile(path);
        expect(after.entries).toHaveLength(count + 1);
        expect(after.entries.at(-1)?.line.wattwin?.['uptimeS']).toBe(1009);
      }),
      { seed: 20_260_104, numRuns: 60 },
    );
  });

  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch (error) {
      return !(error instanceof SyntaxError);
    }
  };
});

describe('the reader', () => {
  it('takes lines of the daemon itself, and names what is none', async () => {
    const daemon =
      '{"timestamp":"2025-04-22T10:00:00.123456","percpu":[{"cpu":0,"usage_percent":6.94,"frequency_mhz":1332.1,"times":{"user":1.5,"guest":0.0}}],"rapl_energy":{"package-0":{"current_uj":1,"delta_uj":30800000}}}\n';
    const path = join(
      directoryWith({ 'metrics.jsonl': `half of a line"}\n${daemon}[1]\n\n` }),
      'metrics.jsonl',
    );
    const { entries, brokenLines } = await readMetricsFile(path);
    expect(entries.map(({ lineNumber }) => lineNumber)).toEqual([2]);
    expect(entries[0]?.line.rapl_energy['package-0']?.delta_uj).toBe(30_800_000);
    expect(brokenLines).toEqual([1, 3]);
  });

  it.each([
    ['none.jsonl', 'a file that can be read'],
    ['.', 'a file that can be read'],
    ['other.jsonl', 'lines with timestamp, percpu and rapl_energy, got line 1: timestamp'],
  ])('says of %s what it expected', async (name, message) => {
    const directory = directoryWith({ 'other.jsonl': '{"a":1}\n{"b":2}\n' });
    await expect(readMetricsFile(join(directory, name))).rejects.toThrow(message);
  });

  it('finds nothing in an empty file, nor in one torn line', async () => {
    const directory = directoryWith({ 'a.jsonl': '', 'b.jsonl': '{"timest' });
    expect(await readMetricsFile(join(directory, 'a.jsonl'))).toEqual({
      entries: [],
      brokenLines: [],
    });
    expect(await readMetricsFile(join(directory, 'b.jsonl'))).toEqual({
      entries: [],
      brokenLines: [1],
    });
  });
});

describe('the writer', () => {
  it('puts a full file aside and keeps so many', async () => {
    const path = join(directoryWith(), 'metrics.jsonl');
    const writer = new MetricsWriter(path, { rotateBytes: 1, keep: 2 });
    for (const second of [1, 2, 3, 4]) writer.write(sampleAt(second));
    writer.close();
    const uptimes = [path, `${path}.1`, `${path}.2`].map(
      (name) => /"uptimeS":(\d+)/.exec(readFileSync(name, 'utf8'))?.[1],
    );
    expect(uptimes).toEqual(['1004', '1003', '1002']);
    expect(existsSync(`${path}.3`)).toBe(false);
  });

  it('trusts no interval when somebody else wrote in between, or cut the file', () => {
    const path = join(directoryWith(), 'metrics.jsonl');
    const writer = new MetricsWriter(path);
    writer.write(sampleAt(1));
    appendFileSync(path, '{}\n');
    writer.write(sampleAt(2));
    truncateSync(path, 0);
    writer.write(sampleAt(3));
    writer.write(sampleAt(4));
    writer.close();
    expect(linesOf(path).map((line) => Object.keys(line['rapl_energy']!).length)).toEqual([0, 5]);
  });
});
