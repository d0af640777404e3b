import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAzure } from '../../traces/azure.ts';
import { summarize } from '../../traces/summary.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from './temporary-directory.ts';

/** Four arrivals in three batches; bin 0 is 0 s, bin 1 is 300 s, bin 2 is 600 to 900 s. */
const files = {
  'flav_map.txt': '1,1.75 b\n4,28 i\n',
  'v1.interval_map.txt': '0 0\n300 1\n600 2\n900 2\n',
  'v1.dev.txt': '600 b,b,|,i,|\n1200 b,|\n1500 i,|\n',
  'v1.dev.c2100.txt': '600 U0,U1,|,C2,|\n1200 U2,|\n1500 U2,|\n',
};

/** Reads the fixture with some files replaced. */
function read(
  changes: Record<string, string>,
  options: Parameters<typeof readAzure>[1] = { share: 1 },
): ReturnType<typeof readAzure> {
  return readAzure(directoryWith({ ...files, ...changes }), options);
}

it('makes VMs of flavours, arrivals and lifetimes', () => {
  const { workload, report } = read({});
  expect(workload).toMatchObject({ steps: 4, intervalMs: 300_000 });
  expect(workload.vmNames).toEqual([
    'vm-000000',
    'vm-000001',
    'vm-000002',
    'vm-000003',
    'vm-000004',
  ]);
  expect([...workload.vcpus]).toEqual([1, 1, 4, 1, 4]);
  expect([...workload.memoryBytes].map((bytes) => bytes / 2 ** 30)).toEqual([
    1.75, 1.75, 28, 1.75, 28,
  ]);
  expect([...workload.arrivalMs]).toEqual([0, 0, 0, 600_000, 900_000]);
  // U0 lives half an interval, U1 exactly 300 s; the others outlive the four rows.
  const forever = Number.POSITIVE_INFINITY;
  expect([...workload.departureMs]).toEqual([150_000, 300_000, forever, forever, forever]);
  expect(report).toMatchObject({ format: 'azure', files: 4, rows: 5 });
  expect(report.repairs['lifetimes below one interval, half of it taken']).toBe(1);
});

it('draws lifetimes that end before the censoring time', () => {
  const later = '900 \n1200 \n1500 \n1800 \n2100 \n';
  const directory = directoryWith({
    'flav_map.txt': files['flav_map.txt'],
    'v1.interval_map.txt': files['v1.interval_map.txt'],
    'v1.dev.txt': `600 b,|\n${later}`,
    'v1.dev.c1400.txt': `600 U2,|\n${later}`,
  });
  for (let seed = 0; seed < 20; seed++) {
    // Bin 2 holds 600 and 900 s, but only 800 s are left until second 1400.
    expect(readAzure(directory, { share: 1, seed }).workload.departureMs[0]).toBe(600_000);
  }
});

it('demands within capacity while a VM lives and nothing otherwise', () => {
  const { workload } = read({});
  for (let vm = 0; vm < 5; vm++) {
    for (let step = 0; step < workload.steps; step++) {
      const units = workload.demandUnits[step * 5 + vm]!;
      const timeMs = step * workload.intervalMs;
      const isAlive = timeMs >= workload.arrivalMs[vm]! && timeMs < workload.departureMs[vm]!;
      expect(units > 0).toBe(isAlive);
      expect(units * workload.mipsPerUnit[vm]!).toBeLessThanOrEqual(workload.vcpus[vm]! * 2400);
    }
  }
});

it('is the same for the same seed; the share and the steps move no VM', () => {
  const directory = directoryWith(files);
  const whole = readAzure(directory, { share: 1 }).workload;
  expect(readAzure(directory, { share: 1 }).workload).toEqual(whole);
  const part = readAzure(directory, { share: 0.6 }).workload;
  expect(part.vmNames.length).toBeLessThan(5);
  part.vmNames.forEach((name, vm) => {
    const original = whole.vmNames.indexOf(name);
    for (let step = 0; step < whole.steps; step++) {
      expect(part.demandUnits[step * part.vmNames.length + vm]).toBe(
        whole.demandUnits[step * whole.vmNames.length + original],
      );
    }
  });
  expect(read({}, { share: 1, steps: 1 }).workload.vmNames).toHaveLength(3);
});

describe('what cannot be used', () => {
  it.each([
    ['v1.dev.txt', '600 b,b,|,x,|\n1200 b,|\n1500 i,|\n', ':1: expected a known flavour, got x'],
    ['v1.dev.txt', '600 b,b,|,i,|\n500 b,|\n1500 i,|\n', ':2: expected a later time in seconds'],
    ['v1.dev.txt', '600 b,b,|,i,|\n1200\n1500 i,|\n', ':2: expected a later time in seconds'],
    ['v1.dev.txt', '', ': expected at least one line, got an empty file'],
    [
      'v1.dev.c2100.txt',
      '600 U0,|,C2,|\n1200 U2,|\n1500 U2,|\n',
      ':1: expected batches as arrived',
    ],
    ['v1.dev.c2100.txt', '600 U0,U1,|,C2,|\n1200 U2,|\n', ':3: expected batches as arrived'],
    [
      'v1.dev.c2100.txt',
      '600 U0,U9,|,C2,|\n1200 U2,|\n1500 U2,|\n',
      ':1: expected a lifetime bin below 3',
    ],
    [
      'v1.dev.c2100.txt',
      '600 U0,NaN,|,C2,|\n1200 U2,|\n1500 U2,|\n',
      ':1: expected U or C and a lifetime bin',
    ],
    [
      'flav_map.txt',
      '1,1.75 b\n4,-28 i\n',
      ':2: expected "vcpus,GB letter" with a new letter, got 4,-28 i',
    ],
    ['flav_map.txt', '1,1.75 b\n4,28 b\n', ':2: expected "vcpus,GB letter" with a new letter'],
    ['v1.interval_map.txt', '0 0\n300 2\n', ':2: expected "seconds bin", both ascending'],
    ['v1.interval_map.txt', '0 0\0', ': expected a text file, got a NUL byte at offset 3'],
  ])('%s: %j', (name, text, issue) => {
    const directory = directoryWith({ ...files, [name]: text });
    expect(() => readAzure(directory)).toThrow(`${join(directory, name)}${issue}`);
  });

  it('names missing files and unclear choices at once', () => {
    const directory = directoryWith({ 'v1.dev.txt': '0 a\n' });
    expect(() => readAzure(directory)).toThrow(
      /flav_map\.txt, got none\n.*interval_map\.txt, got 0\n.*one pair <split>\.txt/,
    );
    expect(() => read({}, { split: 'v1.test' })).toThrow('got v1.dev');
    expect(() => read({}, { share: 0 })).toThrow('share: expected above 0');
  });
});

describeWithReference('the processed Azure 2017 arrivals', () => {
  it('has the batches, flavours and lifetimes of the files', () => {
    const { workload, report } = readAzure(referencePath('data', 'azure-2017-arrivals'), {
      share: 0.2,
      steps: 300,
    });
    const { vmsByVcpus, lifetimeMs } = summarize(workload);
    expect(workload).toMatchObject({ steps: 300, intervalMs: 300_000 });
    expect(report.rows).toBeGreaterThan(50_000);
    // Binomial share of batches; batches differ in size, hence the wide margin.
    expect(workload.vmNames.length / report.rows).toBeGreaterThan(0.15);
    expect(workload.vmNames.length / report.rows).toBeLessThan(0.25);
    expect(vmsByVcpus.map(([vcpus]) => vcpus).slice(0, 4)).toEqual([1, 2, 4, 8]);
    // 53 % of all lifetimes in the file are at most 1500 s.
    expect(lifetimeMs.median).toBeGreaterThanOrEqual(900_000);
    expect(lifetimeMs.median).toBeLessThanOrEqual(2_100_000);
  });
});
