import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IssueList } from '../../traces/issues.ts';
import { parsePercentColumn, readPlanetlab } from '../../traces/planetlab.ts';
import { summarize } from '../../traces/summary.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from './temporary-directory.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('reads one VM per file in UTF-16 order, sizes in blocks, demand in whole percent', () => {
  const directory = directoryWith({
    b: '3\n4\n',
    B: '1\n2\n',
    ä: '100\n0\n',
    a: '7\r\n8',
    c: '0\n5',
  });
  const { workload, report } = readPlanetlab(directory);
  expect(workload.vmNames).toEqual(['B', 'a', 'b', 'c', 'ä']);
  // ceil(5 / 4) = 2 VMs per block.
  expect([...workload.vcpuMips]).toEqual([2500, 2500, 2000, 2000, 1000]);
  expect([...workload.memoryBytes].map((memory) => memory / 1048576)).toEqual([
    870, 870, 1740, 1740, 1740,
  ]);
  expect([...workload.mipsPerUnit]).toEqual([25, 25, 20, 20, 10]);
  expect([...workload.demandUnits]).toEqual([1, 7, 3, 0, 100, 2, 8, 4, 5, 0]);
  expect(workload).toMatchObject({ steps: 2, intervalMs: 300_000 });
  expect(workload.demandUnits.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(report).toEqual({ format: 'planetlab', files: 5, rows: 10, repairs: {} });
});

it('takes the first files, other sizes and another interval when told so', () => {
  const directory = directoryWith({ a: '1\n', b: '2\n', '.DS_Store': '\0\0' });
  const sizes = [{ vcpus: 2, vcpuMips: 1000, memoryBytes: 7 }];
  const { workload } = readPlanetlab(directory, { vms: 1, sizes, intervalMs: 1000 });
  expect(workload.vmNames).toEqual(['a']);
  expect([...workload.mipsPerUnit]).toEqual([20]);
  expect(() => readPlanetlab(directory, { vms: 3 })).toThrow('expected 3 files, got 2 files');
  expect(() => readPlanetlab(directory, { vms: 0, intervalMs: 0.5 })).toThrow(/intervalMs/);
});

it('reads back whatever whole percents were written, with any line ends', () => {
  const ends = fc.constantFrom('\n', '\r\n');
  const values = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(values, ends, fc.boolean(), (percents, end, hasLastEnd) => {
      const issues = new IssueList('x');
      const text = percents.join(end) + (hasLastEnd ? end : '');
      expect([...parsePercentColumn(bytes(text), 'x', issues)]).toEqual(percents);
      expect(issues.count).toBe(0);
    }),
    { seed: 7, numRuns: 200 },
  );
});

it('names file and line of every value that is no percent', () => {
  for (const [text, got] of [
    ['1\nNaN\n', '"NaN"'],
    ['1\n-3\n', '"-3"'],
    ['1\n101\n', '"101"'],
    ['1\n\n2\n', '""'],
    ['1\n2.5\n', '"2.5"'],
    ['1\n0x1\n', '"0x1"'],
    ['1\n \n', '" "'],
  ] as const) {
    const directory = directoryWith({ good: '1\n2\n', vm: text });
    const expected = `${join(directory, 'vm')}:2: expected a whole percent from 0 to 100, got ${got}`;
    expect(() => readPlanetlab(directory)).toThrow(expected);
  }
  const binary = directoryWith({ vm: new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 200]) });
  expect(() => readPlanetlab(binary)).toThrow(/vm:1: expected a whole percent/);
});

it('names every file whose length differs from the others', () => {
  const directory = directoryWith({ a: '1\n2\n', b: '1\n', c: '1\n2\n', d: '1\n2\n3\n' });
  expect(() => readPlanetlab(directory)).toThrow(
    `${join(directory, 'b')}: expected 2 lines, as 2 of 4 files have, got 1 lines\n` +
      `${join(directory, 'd')}: expected 2 lines, as 2 of 4 files have, got 3 lines`,
  );
});

it('counts further issues instead of listing thousands', () => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, file) => [`vm${file}`, 'x\n']));
  const directory = directoryWith(files);
  expect(() => readPlanetlab(directory)).toThrow(
    `${directory}: expected no further issue, got 10 more`,
  );
});

it('refuses missing, empty and nested directories', () => {
  const directory = directoryWith();
  expect(() => readPlanetlab(directory)).toThrow('got an empty directory');
  expect(() => readPlanetlab(join(directory, 'none'))).toThrow('got ENOENT');
  mkdirSync(join(directory, '20110303'));
  expect(() => readPlanetlab(directory)).toThrow('got only subdirectories: 20110303');
  expect(() => readPlanetlab(directoryWith({ vm: '' }))).toThrow('got an empty file');
});

describeWithReference('the published PlanetLab days', () => {
  // Number of VMs, mean, standard deviation and quartiles in percent:
  // Beloglazov & Buyya, CCPE 24(13), 2012, workload characteristics.
  it.each([
    ['20110303', 1052, 12.31, 17.09, 2, 6, 15],
    ['20110306', 898, 11.44, 16.83, 2, 5, 13],
    ['20110309', 1061, 10.7, 15.57, 2, 4, 13],
  ])('%s has the published statistics', (day, vms, mean, deviation, p25, median, p75) => {
    const { workload } = readPlanetlab(referencePath('data', 'planetlab', day));
    const { utilization } = summarize(workload);
    expect(workload).toMatchObject({ steps: 288 });
    expect(workload.vmNames).toHaveLength(vms);
    expect(utilization.mean * 100).toBeCloseTo(mean, 2);
    expect(utilization.standardDeviation * 100).toBeCloseTo(deviation, 2);
    const quartiles = [utilization.p25, utilization.median, utilization.p75];
    expect(quartiles.map((value) => Math.round(value * 100))).toEqual([p25, median, p75]);
  });
});
