import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { readAlibaba } from '../../traces/alibaba.ts';
import { detectFormat } from '../../traces/read.ts';
import { demandOf, unitError } from './demand.ts';
import { directoryWith } from './temporary-directory.ts';

/** A line of machine_usage.csv of 2018. */
const line = (
  machine: string,
  timeS: number,
  cpu: number | string,
  memory: number | string = 50,
): string => `${machine},${timeS},${cpu},${memory},,,43.04,33.08,5`;
const file = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;
/** 100 %: 1000 MIPS. */
const sizes = { vcpus: 10, vcpuMips: 100, memoryBytes: 1e9, intervalMs: 60_000 };

it('takes the mean of the samples of a row, whatever their order', () => {
  const path = directoryWith({
    'machine_usage.csv': file(
      line('m_2', 100, 30, 20),
      line('m_1', 30, 20),
      line('m_1', 0, 10),
      line('m_1', 60, 40),
      line('m_2', 10, 60, 70),
    ),
  });
  expect(detectFormat(path)).toBe('alibaba');
  const { workload, report } = readAlibaba(path, sizes);
  expect(workload.vmNames).toEqual(['m_2', 'm_1']);
  expect(demandOf(workload, 'm_1')).toEqual([150, 400]);
  expect(demandOf(workload, 'm_2')).toEqual([600, 300]);
  expect([...workload.memoryBytes]).toEqual([7e8, 5e8]);
  expect(report.repairs).toMatchObject({ 'samples earlier than the one before, put in place': 2 });
});

it('holds the last value in a gap, then 0, and counts', () => {
  const path = directoryWith({
    'machine_usage.csv': file(
      line('m_1', 0, 50),
      line('m_1', 300, 80),
      line('m_2', 0, 0),
      line('m_2', 359, 0),
    ),
  });
  const { workload, report } = readAlibaba(path, { ...sizes, holdMs: 120_000 });
  expect(demandOf(workload, 'm_1')).toEqual([500, 500, 500, 0, 0, 800]);
  expect(report.repairs).toMatchObject({
    'rows without a sample, last value held': 4,
    'rows without a sample, demand 0': 4,
  });
});

it('takes empty, −1 and 101 for missing, and refuses other impossible percents', () => {
  const path = directoryWith({
    'machine_usage.csv': file(
      line('m_1', 0, 50, 101),
      line('m_1', 10, -1),
      line('m_1', 20, 101),
      line('m_1', 30, ''),
    ),
  });
  const { workload, report } = readAlibaba(path, sizes);
  expect(demandOf(workload, 'm_1')).toEqual([500]);
  expect(report.repairs['samples without CPU, left out']).toBe(3);
  for (const cpu of ['-2', '100.5', 'x', 'NaN', '1e999']) {
    const bad = directoryWith({
      'machine_usage.csv': file(line('m_1', 0, 50), line('m_1', 10, cpu)),
    });
    expect(() => readAlibaba(bad)).toThrow(
      new RegExp(`machine_usage.csv:2: expected CPU: a percent from 0 to 100, got ${cpu}`),
    );
  }
});

it('knows the four tables by their columns', () => {
  const servers = file('39600,7,12.5,40,30,1,1,1', '39900,7,25,40,30,1,1,1');
  const containers2017 = file('39600,7,12.5,40,30,1,1,1,1,1,1,1');
  const containers2018 = file('c_1,m_1,39600,150,40,1,1,1,1,1,5');
  const old = readAlibaba(directoryWith({ 'server_usage.csv': servers }));
  expect([old.workload.vmNames, old.workload.vcpus[0]]).toEqual([['7'], 64]);
  expect(demandOf(old.workload, '7')).toEqual([0.125 * 64 * 2400, 0.25 * 64 * 2400]);
  expect(
    readAlibaba(directoryWith({ 'container_usage.csv': containers2017 })).workload.vcpus[0],
  ).toBe(4);
  const over = readAlibaba(directoryWith({ 'container_usage.csv.gz': gzipSync(containers2018) }));
  expect(over.workload.vmNames).toEqual(['c_1']);
  expect(over.report.repairs['rows above capacity, cut']).toBe(1);
  expect(demandOf(over.workload, 'c_1')).toEqual([4 * 2400]);
  const both = directoryWith({
    'machine_usage.csv': file(line('m_1', 0, 1)),
    'container_usage.csv': containers2018,
  });
  expect(readAlibaba(both).workload.vmNames).toEqual(['m_1']);
  expect(readAlibaba(both, { per: 'container' }).workload.vmNames).toEqual(['c_1']);
  expect(detectFormat(join(both, 'machine_usage.csv'))).toBe('alibaba');
});

it('names the rows it cannot use, at most twenty', () => {
  const expectIssue = (content: string | Uint8Array, issue: RegExp): void => {
    const path = directoryWith({ 'machine_usage.csv': content });
    expect(() => readAlibaba(path)).toThrow(InputError);
    expect(() => readAlibaba(path)).toThrow(issue);
  };
  const good = line('m_1', 0, 50);
  expectIssue(file(good, 'm_1,10,4'), /usage.csv:2: expected 9 columns, got 3: m_1,10,4/);
  expectIssue(file(good, line('m_1', -10, 4)), /:2: expected a time from 0 up, s, got -10/);
  expectIssue(file(good, line('', 10, 4)), /:2: expected the id of a machine, got nothing/);
  expectIssue(file(good, line('m_1', 10, 4, 'y')), /:2: expected memory: a percent/);
  expectIssue(file(line('m_1', 1e15, 4)), /:1: expected a time from 0 to/);
  expectIssue(new Uint8Array([0x6d, 0, 1, 2, 0x2c, 3]), /usage.csv/);
  expectIssue('', /usage.csv:1: expected 8, 9, 11 or 12 columns .*, got an empty line/);
  const bad = Array.from({ length: 500 }, () => 'x');
  let issues = 0;
  try {
    readAlibaba(directoryWith({ 'machine_usage.csv': file(good, ...bad) }));
  } catch (error) {
    issues = (error as InputError).issues.length;
  }
  expect(issues).toBe(20);
});

it('agrees with a plain mean on random samples', () => {
  const sample = fc.record({
    machine: fc.nat({ max: 3 }),
    timeS: fc.nat({ max: 1200 }),
    cpu: fc.oneof(fc.nat({ max: 100 }), fc.constantFrom(-1, 101)),
  });
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 1, maxLength: 80 }),
      fc.constantFrom(10_000, 60_000, 300_000),
      (list, intervalMs) => {
        const rows = list.map(({ machine, timeS, cpu }) => line(`m_${machine}`, timeS, cpu));
        const path = directoryWith({ 'machine_usage.csv': file(...rows) });
        const used = list.filter(({ cpu }) => cpu >= 0 && cpu <= 100);
        if (used.length === 0) {
          expect(() => readAlibaba(path)).toThrow(/at least one sample, got none/);
          return;
        }
        const { workload } = readAlibaba(path, { ...sizes, intervalMs, holdMs: 0 });
        const rowOf = (timeS: number): number => Math.floor((timeS * 1000) / intervalMs);
        const start = Math.min(...used.map(({ timeS }) => rowOf(timeS)));
        for (const name of workload.vmNames) {
          demandOf(workload, name).forEach((mips, step) => {
            const here = used.filter(
              ({ machine, timeS }) => `m_${machine}` === name && rowOf(timeS) === start + step,
            );
            const mean = here.reduce((sum, { cpu }) => sum + cpu, 0) / Math.max(1, here.length);
            expect(Math.abs(mips - mean * 10)).toBeLessThanOrEqual(unitError(workload, name));
          });
        }
      },
    ),
    { seed: 7, numRuns: 150 },
  );
});
