import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { readCsv } from '../../traces/csv.ts';
import { parseMapping } from '../../traces/csv-mapping.ts';
import { isoMs } from '../../traces/iso-time.ts';
import { detectFormat, readTrace } from '../../traces/read.ts';
import { demandOf, unitError } from './demand.ts';
import { directoryWith } from './temporary-directory.ts';

const mapping = `
columns:
  time: { column: t, unit: s }
  vm: { column: vm }
  cpu: { column: cpu, unit: percent }
interval: 60 s
defaults: { vcpus: 10, speed: 100 MIPS, memory: 1 GiB }
`;

it('reads a row per VM and time', () => {
  const path = directoryWith({
    'mapping.yaml': mapping,
    'usage.csv': 't,vm,cpu,other\n0,a,10,x\n30,a,20,x\n60,a,40,x\n60,b,5,x\n119,b,15,x\n',
  });
  expect(detectFormat(path)).toBe('csv');
  const { workload, report } = readTrace(path);
  expect(workload.vmNames).toEqual(['a', 'b']);
  expect(demandOf(workload, 'a')).toEqual([150, 400]);
  expect(demandOf(workload, 'b')).toEqual([0, 100]);
  expect([workload.arrivalMs[1], workload.memoryBytes[1], workload.vcpus[1]]).toEqual([
    60_000,
    2 ** 30,
    10,
  ]);
  expect(report).toMatchObject({ format: 'csv', files: 1, rows: 5 });
  expect(detectFormat(join(path, 'usage.csv'))).toBe('csv');
});

it('reads a column per VM', () => {
  const path = directoryWith({
    'usage.tsv.gz': gzipSync(
      '2021-01-01 00:00\t1\t0.5\n2021-01-01 00:05\tNA\t0.25\n2021-01-01 00:10\t2\t1\n',
    ),
  });
  const given = {
    form: 'wide',
    header: false,
    delimiter: '\t',
    columns: { time: { column: 1, unit: 'iso' }, cpu: { unit: 'cores' } },
    defaults: { vcpus: 4, speed: '1 GHz' },
  };
  const { workload, report } = readCsv(path, { mapping: given });
  expect(workload.vmNames).toEqual(['vm-2', 'vm-3']);
  expect(demandOf(workload, 'vm-2')).toEqual([1000, 1000, 2000]);
  expect(demandOf(workload, 'vm-3')).toEqual([500, 250, 1000]);
  expect(report.repairs).toMatchObject({
    'samples without CPU, left out': 1,
    'rows without a sample, last value held': 1,
  });
  const zero = readCsv(path, { mapping: { ...given, interpolation: 'zero' } });
  expect(demandOf(zero.workload, 'vm-2')).toEqual([1000, 0, 2000]);
});

it('takes sizes and lives from columns, and a file per VM', () => {
  const columns = {
    time: { column: 't', unit: 'ms' },
    cpu: { column: 'mhz', unit: 'MHz' },
    memory: { column: 'gb', unit: 'GB' },
    vcpus: { column: 'n' },
    speed: { column: 'ghz', unit: 'GHz' },
    start: { column: 'from', unit: 'ms' },
    end: { column: 'to', unit: 'ms' },
  };
  const path = directoryWith({
    'one.csv':
      't,mhz,gb,n,ghz,from,to\n0,2000,4,2,1.5,0,\n300000,9000,8,2,1.5,0,\n900000,1,8,2,1.5,0,\n',
    'two.csv':
      't,mhz,gb,n,ghz,from,to\n300000,512,1,1,1,310000,650000\n600000,512,1,1,1,310000,650000\n',
  });
  const { workload, report } = readCsv(path, { mapping: { columns } });
  expect(workload.vmNames).toEqual(['one', 'two']);
  expect([...workload.vcpus, ...workload.vcpuMips]).toEqual([2, 1, 1500, 1000]);
  expect([...workload.memoryBytes]).toEqual([8e9, 1e9]);
  expect([workload.arrivalMs[1], workload.departureMs[1]]).toEqual([310_000, 650_000]);
  expect(demandOf(workload, 'one')).toEqual([2000, 3000, 3000, 1]);
  expect(demandOf(workload, 'two')).toEqual([0, 512, 512, 0]);
  expect(report.repairs['rows above capacity, cut']).toBe(1);
});

it('is strict about the mapping', () => {
  const expectIssue = (text: string, issue: RegExp): void => {
    expect(() => parseMapping(text, 'mapping.yaml')).toThrow(InputError);
    expect(() => parseMapping(text, 'mapping.yaml')).toThrow(issue);
  };
  expectIssue('columns: [', /mapping.yaml:1: expected valid YAML/);
  expectIssue('hello', /mapping.yaml/);
  expectIssue(
    mapping.replace('percent', 'parsec'),
    /mapping.yaml: columns.cpu.unit: expected .*"percent"/,
  );
  expectIssue(
    mapping.replace('column: cpu,', ''),
    /mapping.yaml: columns.cpu.column: expected a column name/,
  );
  expectIssue(`${mapping}\nfoo: 1\n`, /mapping.yaml: foo: expected no such key, got 1/);
  expectIssue(
    mapping.replace('60 s', '60'),
    /mapping.yaml: interval: expected a duration such as "300 s", got 60/,
  );
  expectIssue(
    `${mapping}\ndelimiter: ab\n`,
    /mapping.yaml: delimiter: expected one ASCII character/,
  );
  expectIssue(`${mapping}\nform: tall\n`, /mapping.yaml: form: expected/);
  expectIssue(
    `${mapping}\nheader: false\n`,
    /mapping.yaml: columns.time.column: expected a number from 1 up, .*got "t"/,
  );
});

it('names rows and columns it cannot use', () => {
  const expectIssue = (content: string, issue: RegExp, text = mapping): void => {
    const path = directoryWith({ 'usage.csv': content, 'mapping.yaml': text });
    expect(() => readCsv(path)).toThrow(InputError);
    expect(() => readCsv(path)).toThrow(issue);
  };
  expectIssue('t,vm,load\n0,a,1\n', /usage.csv:1: expected a column "cpu", got t,vm,load/);
  expectIssue('t,vm,cpu\n0,a\n', /usage.csv:2: expected 3 columns, got 2: 0,a/);
  expectIssue('t,vm,cpu\n0,a,x\n', /usage.csv:2: expected column "cpu": a number from 0 up, got x/);
  expectIssue(
    't,vm,cpu\n0,a,-3\n',
    /usage.csv:2: expected column "cpu": a number from 0 up, got -3/,
  );
  expectIssue('t,vm,cpu\nx,a,3\n', /usage.csv:2: expected column "t": a time from 0 up, s, got x/);
  expectIssue(
    't,vm,cpu\n-1,a,3\n',
    /usage.csv:2: expected column "t": a time from 0 up, s, got -1/,
  );
  expectIssue('t,vm,cpu\n', /usage.csv: expected at least one row, got a header only/);
  expectIssue('', /usage.csv: expected at least one row, got an empty file/);
  expectIssue(
    't,vm,cpu\n2021-02-30,a,3\n',
    /usage.csv:2: expected column "t": an ISO 8601 time after 1970, got 2021-02-30/,
    mapping.replace('unit: s', 'unit: iso'),
  );
  expect(() => readCsv(directoryWith({ 'a.csv': 'x\n' }))).toThrow(
    /mapping.yaml: expected a readable file/,
  );
  const marked = directoryWith({
    'usage.csv': 't,vm,cpu\n0,a,-1\n0,b,7\n',
    'mapping.yaml': `${mapping}\nmissing: ["-1"]\n`,
  });
  expect(readCsv(marked).report.repairs['samples without CPU, left out']).toBe(1);
});

it('reads ISO times and refuses what is none', () => {
  expect(isoMs('2021-03-04')).toBe(Date.UTC(2021, 2, 4));
  expect(isoMs('2021-03-04 05:06')).toBe(Date.UTC(2021, 2, 4, 5, 6));
  expect(isoMs('2021-03-04T05:06:07.25Z')).toBe(Date.UTC(2021, 2, 4, 5, 6, 7, 250));
  expect(isoMs('2021-03-04T05:06:07+01:30')).toBe(Date.UTC(2021, 2, 4, 3, 36, 7));
  for (const text of [
    '',
    '2021',
    '2021-13-01',
    '2021-02-30',
    '2021-01-01 25:00',
    '1.2.2021',
    '2021-1-1',
  ]) {
    expect(isoMs(text), text).toBeNaN();
  }
});

it('agrees with a plain mean on random files, long and wide', () => {
  const table = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 30 }))
    .chain(([vms, rows]) =>
      fc.array(fc.array(fc.nat({ max: 1000 }), { minLength: vms, maxLength: vms }), {
        minLength: rows,
        maxLength: rows,
      }),
    );
  fc.assert(
    fc.property(table, fc.integer({ min: 1, max: 200 }), (cells, stepS) => {
      const names = cells[0]!.map((_, vm) => `v${vm}`);
      const long = cells.flatMap((row, index) =>
        row.map((cpu, vm) => `${index * stepS},${names[vm]},${cpu / 10}`),
      );
      const wide = cells.map((row, index) =>
        [index * stepS, ...row.map((cpu) => cpu / 10)].join(','),
      );
      const path = directoryWith({
        'long/usage.csv': `t,vm,cpu\n${long.toReversed().join('\n')}`,
        'long/mapping.yaml': mapping,
        'wide/usage.csv': `t,${names.join(',')}\n${wide.join('\n')}`,
        'wide/mapping.yaml': mapping
          .replace(/ {2}vm:.*\n/, '')
          .replace('column: cpu, ', '')
          .replace('columns:', 'form: wide\ncolumns:'),
      });
      const longRead = readCsv(join(path, 'long'));
      const wideRead = readCsv(join(path, 'wide'));
      names.forEach((name, vm) => {
        const demand = demandOf(longRead.workload, name);
        let last = 0;
        const plain = demand.map((_, step) => {
          const here = cells
            .filter((_, index) => Math.floor((index * stepS) / 60) === step)
            .map((row) => row[vm]!);
          last = here.length > 0 ? here.reduce((sum, cpu) => sum + cpu, 0) / here.length : last;
          return last;
        });
        const error = unitError(longRead.workload, name);
        for (const [step, mips] of demand.entries()) {
          expect(Math.abs(mips - plain[step]!)).toBeLessThanOrEqual(error);
        }
        demandOf(wideRead.workload, name).forEach((mips, step) => {
          expect(Math.abs(mips - demand[step]!)).toBeLessThanOrEqual(2 * error);
        });
      });
    }),
    { seed: 7, numRuns: 80 },
  );
});
