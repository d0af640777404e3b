import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBitbrains } from '../../traces/bitbrains.ts';
import { resample } from '../../traces/resample.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from './temporary-directory.ts';

const header =
  'Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tCPU usage [%];\t' +
  'Memory capacity provisioned [KB];\tMemory usage [KB];\tDisk read throughput [KB/s];\t' +
  'Disk write throughput [KB/s];\tNetwork received throughput [KB/s];\tNetwork transmitted throughput [KB/s]';

/** First time of the fixtures, Unix s. */
const start = 1_372_629_804;

/** A line: time after `start`, usage in MHz; 2 cores of 1024 MHz and 4 GiB unless told. */
function sample(
  afterS: number,
  usage: number | string,
  cores = 2,
  memory = 4194304,
  mhz = 1024,
): string {
  const cells = [start + afterS, cores, cores * mhz, usage, 50, memory, 9, 0, 0, 0, 0];
  return cells.join(';\t');
}

const file = (...lines: readonly string[]): string => `${[header, ...lines].join('\n')}\n`;

/** Demand of VM `vm` in every row, MIPS. */
function demand(trace: ReturnType<typeof readBitbrains>, vm = 0): number[] {
  const { workload } = trace;
  const vms = workload.vmNames.length;
  return Array.from(
    { length: workload.steps },
    (_, step) => workload.demandUnits[step * vms + vm]! * workload.mipsPerUnit[vm]!,
  );
}

it('reads a regular file exactly: MHz as MIPS, KB as KiB, one row per sample', () => {
  const directory = directoryWith({
    '7.csv': file(sample(0, 100), sample(300, 512.5), sample(600, 0)),
  });
  const trace = readBitbrains(directory);
  expect(demand(trace)).toEqual([100, 512.5, 0]);
  expect(trace.workload.vmNames).toEqual(['7']);
  expect([...trace.workload.vcpus]).toEqual([2]);
  expect([...trace.workload.vcpuMips]).toEqual([1024]);
  expect([...trace.workload.memoryBytes]).toEqual([4 * 1024 * 1024 * 1024]);
  expect([...trace.workload.arrivalMs]).toEqual([0]);
  expect([...trace.workload.departureMs]).toEqual([Number.POSITIVE_INFINITY]);
  expect(trace.report.rows).toBe(3);
});

describe('oddities of the files', () => {
  it('reads seconds and milliseconds alike', () => {
    const seconds = file(sample(0, 1), sample(300, 2));
    const milliseconds = seconds.replaceAll(/^(\d+);/gm, '$1000;');
    const a = readBitbrains(directoryWith({ 'a.csv': seconds }));
    const b = readBitbrains(directoryWith({ 'a.csv': milliseconds }));
    expect(demand(b)).toEqual(demand(a));
    expect(a.report.repairs['files with times in seconds']).toBe(1);
    expect(b.report.repairs['files with times in seconds']).toBe(0);
  });

  it('keeps the last of equal times and sorts what is out of order', () => {
    const lines = [sample(300, 5), sample(0, 1), sample(0, 2), sample(600, 3)];
    const trace = readBitbrains(directoryWith({ 'a.csv': file(...lines) }));
    expect(demand(trace)).toEqual([2, 5, 3]);
    expect(trace.report.repairs['duplicate times, last kept']).toBe(1);
    expect(trace.report.repairs['times out of order, sorted']).toBe(1);
  });

  it('cuts demand above capacity to it', () => {
    const trace = readBitbrains(
      directoryWith({ 'a.csv': file(sample(0, 2100), sample(300, 2048)) }),
    );
    expect(demand(trace)).toEqual([2048, 2048]);
    expect(trace.report.repairs['samples above capacity, cut']).toBe(1);
  });

  it('reads CRLF, a missing last end, blank last lines, other delimiters and no header', () => {
    const plain = file(sample(0, 10), sample(300, 20));
    const expected = demand(readBitbrains(directoryWith({ 'a.csv': plain })));
    for (const variant of [
      plain.replaceAll('\n', '\r\n'),
      plain.trimEnd(),
      `${plain}\n \n`,
      `\ufeff${plain}`,
      plain.replaceAll(';\t', ';'),
      plain.replace('[MHZ]', '[MHz]').replace('Timestamp [ms]', 'timestamp [s]'),
      plain.slice(plain.indexOf('\n') + 1),
    ]) {
      expect(demand(readBitbrains(directoryWith({ 'a.csv': variant })))).toEqual(expected);
    }
  });

  it('lets a VM live from its first to its last running sample', () => {
    const whole = file(...Array.from({ length: 10 }, (_, row) => sample(row * 300, 1)));
    const short = file(
      sample(600, 0, 0),
      sample(900, 7),
      sample(1200, 9, 0),
      sample(1500, 8),
      sample(1800, 0, 0),
      sample(2100, 0, 0),
    );
    const trace = readBitbrains(directoryWith({ 'a.csv': whole, 'b.csv': short }));
    expect(trace.workload.arrivalMs[1]).toBe(900_000);
    expect(trace.workload.departureMs[1]).toBe(1_800_000);
    expect(demand(trace, 1)).toEqual([0, 0, 0, 7, 0, 8, 0, 0, 0, 0]);
    expect(trace.report.repairs['stopped samples in a life, demand 0']).toBe(1);
  });

  it('leaves out VMs that never run', () => {
    const trace = readBitbrains(
      directoryWith({ 'a.csv': file(sample(0, 1)), 'b.csv': file(sample(0, 0, 0)) }),
    );
    expect(trace.workload.vmNames).toEqual(['a']);
    expect(trace.report.repairs['VMs never running, left out']).toBe(1);
  });

  it('holds a value over missing samples for an hour, then takes 0', () => {
    const trace = readBitbrains(directoryWith({ 'a.csv': file(sample(0, 6), sample(6000, 3)) }));
    // Rows 0…11 are the hour; row 20 is the second sample.
    expect(demand(trace)).toEqual([...Array(12).fill(6), ...Array(8).fill(0), 3]);
    expect(trace.report.repairs['missing samples, last value held']).toBe(11);
    expect(trace.report.repairs['missing samples, demand 0']).toBe(8);
  });

  it('resamples steps of 299 and 301 s by time-weighted mean', () => {
    const trace = readBitbrains(
      directoryWith({ 'a.csv': file(sample(0, 300), sample(299, 600), sample(600, 900)) }),
    );
    // Row 0: 299 s of 300 and 1 s of 600; quantized to 2048 / 65535 of a MIPS at most.
    const [first, second, third] = demand(trace);
    expect(first).toBeCloseTo((299 * 300 + 600) / 300, 1);
    expect([second, third]).toEqual([600, 900]);
    expect(trace.report.repairs['steps off the grid, resampled']).toBe(2);
  });

  it('takes the largest capacity and memory of a VM that was resized', () => {
    const lines = [sample(0, 1, 2, 1024), sample(300, 1, 4, 4096), sample(600, 1, 2, 2048)];
    const { workload, report } = readBitbrains(directoryWith({ 'a.csv': file(...lines) }));
    expect([workload.vcpus[0], workload.vcpuMips[0], workload.memoryBytes[0]]).toEqual([
      4, 1024, 4194304,
    ]);
    expect(report.repairs['VMs with changing capacity, largest taken']).toBe(1);
    expect(report.repairs['VMs with changing memory, largest taken']).toBe(1);
  });

  it('keeps the first rows when told so, and only VMs that run in them', () => {
    const whole = file(...Array.from({ length: 10 }, (_, row) => sample(row * 300, row)));
    const late = file(sample(1500, 7), sample(1800, 7));
    const directory = directoryWith({ 'a.csv': whole, 'b.csv': late });
    const { workload } = readBitbrains(directory, { steps: 3 });
    expect(workload.vmNames).toEqual(['a']);
    expect(workload.steps).toBe(3);
    expect(workload.departureMs[0]).toBe(Number.POSITIVE_INFINITY);
  });
});

it('names file, line, expected and got of what cannot be used', () => {
  const expectIssue = (text: string, issue: string): void => {
    const directory = directoryWith({ 'a.csv': text });
    expect(() => readBitbrains(directory)).toThrow(`${join(directory, 'a.csv')}${issue}`);
  };
  const good = sample(0, 1);
  expectIssue(file(good, sample(300, 'NaN')), ':3: expected cpu usage [mhz]: a number from 0 up');
  expectIssue(
    file(good, sample(300, -1)),
    ':3: expected cpu usage [mhz]: a number from 0 up, got ',
  );
  expectIssue(file(good, sample(300, '')), ':3: expected cpu usage [mhz]');
  expectIssue(file(sample(0, 1, 2, -5)), ':2: expected memory capacity provisioned [kb]');
  expectIssue(
    file(sample(0, 1, 1.5)),
    ':2: expected cpu cores: a whole number from 0 to 65535, got ',
  );
  expectIssue(file(good, sample(300, 1).slice(0, 30)), ':3: expected 11 columns, got ');
  expectIssue(file(good, '', sample(300, 1)), ':3: expected 11 columns, got a blank line');
  expectIssue(file(), ': expected at least one sample, got a header only');
  expectIssue('', ': expected a header and one line per sample, got an empty file');
  expectIssue('a;b;c\n1;2;3\n', ':1: expected a column "timestamp", got a;b;c');
  expectIssue('PK\u0003\u0004\0\0', ': expected a text file, got a NUL byte at offset 4');
});

it('says when there is nothing to run', () => {
  expect(() => readBitbrains(directoryWith({ 'a.txt': 'x' }))).toThrow(
    'expected 1 CSV files or more',
  );
  expect(() => readBitbrains(directoryWith({ 'a.csv': file(sample(0, 0, 0)) }))).toThrow(
    'expected a VM with cores > 0, got only stopped VMs',
  );
  const farApart = { 'a.csv': file(sample(0, 1)), 'b.csv': file(sample(5e10, 1)) };
  expect(() => readBitbrains(directoryWith(farApart))).toThrow(/expected at most \d+ steps/);
});

it('conserves work when resampling: mean × covered time equals value × held time', () => {
  const steps = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 1000 })),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 500 }), (samples, offset) => {
      const fromMs = new Float64Array(samples.length);
      const untilMs = new Float64Array(samples.length);
      let time = offset;
      samples.forEach(([held], index) => {
        fromMs[index] = time;
        time += held;
        untilMs[index] = time;
      });
      const values = Float64Array.from(samples, ([, value]) => value);
      const rows = Math.ceil(time / 300);
      const mean = resample({ fromMs, untilMs, values }, 0, 300, rows);
      const covered = (row: number): number =>
        Math.min(time, row * 300 + 300) - Math.max(offset, row * 300);
      const work = mean.reduce((sum, value, row) => sum + value * Math.max(0, covered(row)), 0);
      const expected = samples.reduce((sum, [held, value]) => sum + held * value, 0);
      // Sums of up to 60 products, each rounded: relative 1e-9 is ample.
      expect(Math.abs(work - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, expected));
    }),
    { seed: 7, numRuns: 300 },
  );
});

describeWithReference('58 files of Bitbrains rnd, 2013-7', () => {
  it('reads them with their known oddities', () => {
    const { workload, report } = readBitbrains(referencePath('data', 'bitbrains-rnd-2013-7'));
    expect(workload.vmNames).toHaveLength(56);
    expect(workload.steps).toBe(8640);
    expect(report).toMatchObject({ files: 58, rows: 48_462 });
    expect(report.repairs).toMatchObject({
      'files with times in seconds': 58,
      'VMs never running, left out': 2,
      'samples above capacity, cut': 25,
      'missing samples, last value held': 120,
      'missing samples, demand 0': 1098,
    });
    for (let vm = 0; vm < 56; vm++) {
      expect(workload.memoryBytes[vm]).toBeGreaterThan(0);
      expect(workload.arrivalMs[vm]!).toBeLessThan(workload.departureMs[vm]!);
    }
  });
});
