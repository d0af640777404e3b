import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { writeColumns } from '../../traces/columns.ts';
import { detectFormat, readTrace, readWorkload } from '../../traces/read.ts';
import { summarize } from '../../traces/summary.ts';
import { createSynthetic } from '../../traces/synthetic.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';
import { directoryWith } from './temporary-directory.ts';

const bitbrains =
  'Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tCPU usage [%];\t' +
  'Memory capacity provisioned [KB]\n1372629804;\t1;\t1024;\t512;\t50;\t1048576\n';

it('finds out the format and reads it', () => {
  const planetlab = directoryWith({ vm1: '50\n' });
  expect(detectFormat(planetlab)).toBe('planetlab');
  expect([...readWorkload(planetlab).demandUnits]).toEqual([50]);

  const csv = directoryWith({ '1.csv': bitbrains });
  expect(detectFormat(csv)).toBe('bitbrains');
  const workload = readWorkload(csv);
  expect(workload.demandUnits[0]! * workload.mipsPerUnit[0]!).toBe(512);

  const azure = directoryWith({ 'flav_map.txt': '1,2 b\n' });
  expect(detectFormat(azure)).toBe('azure');

  const trace = createSynthetic({ vms: 3, steps: 2 });
  const path = join(directoryWith(), 'cached');
  writeColumns(path, trace);
  expect(detectFormat(path)).toBe('columns');
  expect(readTrace(path)).toEqual(trace);
  expect(readTrace({ type: 'synthetic', vms: 3, steps: 2 })).toEqual(trace);
});

it('passes options on and caches by them', () => {
  const path = directoryWith({ vm1: '50\n', vm2: '60\n' });
  const cache = directoryWith();
  for (let round = 0; round < 2; round++) {
    expect(readWorkload({ type: 'planetlab', path, vms: 1 }, cache).vmNames).toEqual(['vm1']);
    expect(readWorkload(path, cache).vmNames).toEqual(['vm1', 'vm2']);
  }
});

it('says what it found when nothing fits', () => {
  const expectIssue = (path: string, issue: RegExp): void => {
    expect(() => readTrace(path)).toThrow(issue);
  };
  expectIssue('/nonexistent', /expected a directory of traces or a cached trace, got ENOENT/);
  expectIssue(directoryWith(), /got an empty directory/);
  expectIssue(directoryWith({ 'a/b': '1\n' }), /got only subdirectories: a/);
  expectIssue(
    directoryWith({ a: 'hello\n' }),
    /PlanetLab files .* got 1 files, the first a: hello/,
  );
  expectIssue(directoryWith({ a: '' }), /the first a: an empty line/);
  expectIssue(directoryWith({ 'x.csv': 'a,b\n1,2\n' }), /the first x.csv: a,b/);
  expectIssue(directoryWith({ a: new Uint8Array([0, 255, 7]) }), /the first a: /);
  expectIssue(join(directoryWith({ a: 'hello' }), 'a'), /got a file: hello/);
});

it('answers damaged files with an InputError or a workload, never with another error', () => {
  const csv = new TextEncoder().encode(
    bitbrains + bitbrains.split('\n')[1]!.replace('9804', '9999'),
  );
  const sources: readonly Readonly<Record<string, Uint8Array>>[] = [
    { '1.csv': csv },
    { vm1: new TextEncoder().encode('1\n22\n100\n'), vm2: new TextEncoder().encode('1\n2\n3') },
    {
      'flav_map.txt': new TextEncoder().encode('1,1.75 b\n4,28 i\n'),
      'v1.interval_map.txt': new TextEncoder().encode('0 0\n300 1\n600 2\n900 2\n'),
      'v1.dev.txt': new TextEncoder().encode('600 b,b,|,i,|\n1200 b,|\n1500 i,|\n'),
      'v1.dev.c2100.txt': new TextEncoder().encode('600 U0,U1,|,C2,|\n1200 U2,|\n1500 U2,|\n'),
    },
  ];
  const directory = directoryWith();
  const changes = fc.array(
    fc.tuple(fc.nat(), fc.constantFrom('cut', 'set', 'digit'), fc.nat({ max: 255 })),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...sources), fc.nat(), changes, (files, which, edits) => {
      const names = Object.keys(files);
      const changed = names[which % names.length]!;
      let bytes = files[changed]!.slice();
      for (const [position, kind, value] of edits) {
        const at = position % Math.max(1, bytes.length);
        if (kind === 'cut') bytes = bytes.subarray(0, at);
        else bytes[at] = kind === 'set' ? value : 0x30 + (value % 10);
      }
      rmSync(join(directory, 'trace'), { recursive: true, force: true });
      mkdirSync(join(directory, 'trace'));
      for (const name of names) {
        const content = name === changed ? bytes : files[name]!;
        writeFileSync(join(directory, 'trace', name), content);
      }
      try {
        const { workload } = readTrace(join(directory, 'trace'));
        expect(workload.demandUnits.length).toBe(workload.steps * workload.vmNames.length);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }),
    { seed: 7, numRuns: 1000 },
  );
});

it('summarizes utilization while VMs live, totals and lifetimes', () => {
  const path = directoryWith({ a: '0\n100\n', b: '50\n50\n' });
  const sizes = [{ vcpus: 1, vcpuMips: 1000, memoryBytes: 4 }];
  const summary = summarize(readWorkload({ type: 'planetlab', path, sizes }));
  expect(summary).toMatchObject({
    vms: 2,
    steps: 2,
    durationMs: 600_000,
    capacityMips: 2000,
    memoryBytes: 8,
    initialVms: 2,
    arrivals: 0,
    departures: 0,
    vmsByVcpus: [[1, 2]],
  });
  expect(summary.utilization).toMatchObject({ count: 4, mean: 0.5, min: 0, median: 0.5, max: 1 });
  expect(summary.totalDemandMips).toMatchObject({ min: 500, max: 1500, mean: 1000 });
  expect(summary.lifetimeMs.count).toBe(0);
});

describeWithReference('the reference directories', () => {
  it.each([
    ['planetlab', 'planetlab/20110303', 1052],
    ['bitbrains', 'bitbrains-rnd-2013-7', 56],
  ])('%s is recognised', (format, directory, vms) => {
    const trace = readTrace(referencePath('data', ...directory.split('/')));
    expect(trace.report.format).toBe(format);
    expect(trace.workload.vmNames).toHaveLength(vms);
  });
});
