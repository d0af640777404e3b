import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { readGoogle } from '../../traces/google.ts';
import { detectFormat, readTrace } from '../../traces/read.ts';
import { demandOf, unitError, workOf } from './demand.ts';
import { parquetBytes } from './parquet-file.ts';
import { directoryWith } from './temporary-directory.ts';

interface Usage {
  readonly startS: number;
  readonly endS: number;
  readonly job: number;
  readonly index: number;
  readonly machine: number;
  readonly cpu: number;
  readonly memory: number;
}

const row2011 = ({ startS, endS, job, index, machine, cpu, memory }: Usage): string =>
  `${[startS * 1e6, endS * 1e6, job, index, machine, cpu, memory].join(',')},0.1,0,0,0,0,0,0,0,1,1,1,0,0.02`;
const rowJson = ({ startS, endS, job, index, machine, cpu, memory }: Usage): string =>
  JSON.stringify({
    start_time: String(startS * 1e6),
    end_time: String(endS * 1e6),
    collection_id: String(job),
    ...(index === 0 ? {} : { instance_index: index }),
    machine_id: String(machine),
    average_usage: { cpus: cpu, memory },
  });
const rowCsv = ({ startS, endS, job, index, machine, cpu, memory }: Usage): string =>
  `${startS * 1e6},${endS * 1e6},${job},${index},${machine},${cpu},${memory},`;
const headerCsv =
  'start_time,end_time,collection_id,instance_index,machine_id,average_usage.cpus,average_usage.memory,alloc_collection_id';

const file = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;
/** 10 vCPUs of 100 MIPS: a CPU of 0.5 is 500 MIPS. */
const sizes = { vcpus: 10, vcpuMips: 100, memoryBytes: 1e9 };

it('adds up what the tasks of a machine use, by the time in each row', () => {
  const usage = [
    { startS: 600, endS: 900, job: 1, index: 0, machine: 5, cpu: 0.25, memory: 0.1 },
    // Half of each of two rows.
    { startS: 750, endS: 1050, job: 2, index: 3, machine: 5, cpu: 0.5, memory: 0.2 },
    { startS: 900, endS: 1200, job: 1, index: 0, machine: 6, cpu: 0.125, memory: 0.05 },
  ];
  const path = directoryWith({ 'part-00000-of-00500.csv': file(...usage.map(row2011)) });
  expect(detectFormat(path)).toBe('google');
  const { workload, report } = readGoogle(path, sizes);
  expect(workload.vmNames).toEqual(['machine-5', 'machine-6']);
  expect(workload.steps).toBe(2);
  expect(demandOf(workload, 'machine-5')).toEqual([500, 250]);
  expect(demandOf(workload, 'machine-6')).toEqual([0, 125]);
  // The largest row: 0.1 + 0.2 / 2.
  expect(workload.memoryBytes[0]).toBe(2e8);
  expect(report).toMatchObject({ format: 'google', files: 1, rows: 3 });
});

it('makes a VM of a task: arrival, departure, a gap of demand 0', () => {
  const life = { job: 7, index: 1, machine: 1, memory: 0.3 };
  const usage = [
    { startS: 600, endS: 3000, job: 1, index: 0, machine: 1, cpu: 0.1, memory: 0.1 },
    { ...life, startS: 1000, endS: 1200, cpu: 0.3 },
    { ...life, startS: 1800, endS: 1900, cpu: 0.15 },
  ];
  const path = directoryWith({ 'task_usage/part.csv': file(...usage.map(row2011)) });
  const { workload } = readGoogle(path, { ...sizes, per: 'task' });
  expect(workload.vmNames).toEqual(['task-1-0', 'task-7-1']);
  expect([workload.arrivalMs[1], workload.departureMs[1]]).toEqual([400_000, 1_300_000]);
  // In its first row it lives from 1000 s to 1200 s, in its last from 1800 s to 1900 s.
  expect(demandOf(workload, 'task-7-1').slice(0, 6)).toEqual([0, 300, 0, 0, 150, 0]);
  // 0.3 of 10 vCPUs; 0.3 of the memory.
  expect([workload.vcpus[1], workload.memoryBytes[1]]).toEqual([3, 3e8]);
});

it('reads all shapes of the tables to the same workload', () => {
  const usage = Array.from({ length: 40 }, (_, row) => ({
    startS: 600 + 300 * (row % 8),
    endS: 900 + 300 * (row % 8),
    job: 100 + (row % 5),
    index: row % 3,
    machine: 1 + (row % 4),
    cpu: (row % 10) / 64,
    memory: (row % 7) / 64,
  }));
  const structs = usage.map((one) =>
    rowCsv(one).replace(
      `,${one.cpu},${one.memory},`,
      `,"{'cpus': ${one.cpu}, 'memory': ${one.memory}}",`,
    ),
  );
  const headerStruct = headerCsv.replace('.cpus,average_usage.memory', '');
  const paths = [
    directoryWith({ 'task_usage.csv': file(...usage.map(row2011)) }),
    directoryWith({ 'part-00000-of-00500.csv.gz': gzipSync(file(...usage.map(row2011))) }),
    directoryWith({ 'instance_usage-0.json.gz': gzipSync(file(...usage.map(rowJson))) }),
    directoryWith({ 'instance_usage.csv': file(headerCsv, ...usage.map(rowCsv)) }),
    directoryWith({ 'instance_usage.csv': file(headerStruct, ...structs) }),
  ];
  for (const per of ['machine', 'task'] as const) {
    const [first, ...others] = paths.map((path) => readGoogle(path, { ...sizes, per }).workload);
    for (const other of others) expect({ ...other, name: '' }).toEqual({ ...first!, name: '' });
  }
  const one = join(paths[3]!, 'instance_usage.csv');
  expect(readTrace({ type: 'google', path: one, ...sizes }).workload.vmNames).toHaveLength(4);
  expect(detectFormat(one)).toBe('google');
});

it('reads Parquet of flat columns as it reads CSV, whatever the row groups', () => {
  const usage = Array.from({ length: 30 }, (_, row) => ({
    startS: 600 + 300 * (row % 5),
    endS: 900 + 300 * (row % 5),
    job: 100 + (row % 4),
    index: row % 3,
    machine: 1 + (row % 4),
    cpu: (row % 10) / 64,
    memory: (row % 7) / 64,
  }));
  const csv = directoryWith({ 'instance_usage.csv': file(headerCsv, ...usage.map(rowCsv)) });
  const whole = (name: string, of: (one: Usage) => number) =>
    ({ name, type: 'INT64', values: usage.map((one) => BigInt(of(one))) }) as const;
  const real = (name: string, values: readonly number[]) =>
    ({ name, type: 'DOUBLE', values }) as const;
  const columns = [
    whole('start_time', ({ startS }) => startS * 1e6),
    whole('end_time', ({ endS }) => endS * 1e6),
    whole('collection_id', ({ job }) => job),
    whole('instance_index', ({ index }) => index),
    whole('machine_id', ({ machine }) => machine),
    real(
      'average_usage_cpus',
      usage.map(({ cpu }) => cpu),
    ),
    real(
      'average_usage_memory',
      usage.map(({ memory }) => memory),
    ),
  ];
  for (const perGroup of [7, 1000]) {
    const path = directoryWith({ 'instance_usage.parquet': parquetBytes(columns, perGroup) });
    expect(detectFormat(join(path, 'instance_usage.parquet'))).toBe('google');
    for (const per of ['machine', 'task'] as const) {
      const read = readGoogle(path, { ...sizes, per });
      const same = readGoogle(csv, { ...sizes, per });
      expect({ ...read.workload, name: '' }).toEqual({ ...same.workload, name: '' });
      expect(read.report).toEqual(same.report);
    }
  }
  const lacking = directoryWith({ 'instance_usage.parquet': parquetBytes(columns.slice(1)) });
  expect(() => readGoogle(lacking)).toThrow(/usage.parquet: expected a column start_time/);
  const backwards = [columns[1]!, columns[0]!].map(({ values }, at) => ({
    ...columns[at]!,
    values,
  }));
  const wrong = directoryWith({
    'instance_usage.parquet': parquetBytes([...backwards, ...columns.slice(2)]),
  });
  expect(() => readGoogle(wrong)).toThrow(
    /usage.parquet: row 1: expected an end from 900000000 up/,
  );
});

it('leaves out and counts what cannot count', () => {
  const usage = { startS: 600, endS: 900, job: 1, index: 1, machine: 5, cpu: 0.25, memory: 0.1 };
  const lines = [
    rowCsv(usage),
    `${rowCsv(usage)}77`,
    rowCsv({ ...usage, endS: 600 }),
    rowCsv(usage).replace(',0.25,', ',,'),
    rowCsv({ ...usage, machine: 0 }),
    rowCsv({ ...usage, machine: 8, cpu: 3 }),
    rowCsv({ ...usage, machine: 9 }),
  ];
  const path = directoryWith({ 'instance_usage.csv': file(headerCsv, ...lines) });
  const { workload, report } = readGoogle(path, { ...sizes, vms: 2 });
  expect(demandOf(workload, 'machine-5')).toEqual([250]);
  expect(demandOf(workload, 'machine-8')).toEqual([1000]);
  expect(report.repairs).toMatchObject({
    'samples inside another instance, left out': 1,
    'samples of no length, left out': 1,
    'samples without CPU, left out': 1,
    'samples without a machine, left out': 1,
    'samples of VMs beyond the first, left out': 1,
    'rows above capacity, cut': 1,
  });
});

it('names the rows it cannot use', () => {
  const good = row2011({ startS: 600, endS: 900, job: 1, index: 1, machine: 5, cpu: 1, memory: 0 });
  const expectIssue = (content: string | Uint8Array, issue: RegExp): void => {
    const path = directoryWith({ 'part-00000-of-00500.csv': content });
    expect(() => readGoogle(path)).toThrow(InputError);
    expect(() => readGoogle(path)).toThrow(issue);
  };
  expectIssue(
    `${good}\n${good.slice(0, 30)}`,
    /csv:2: expected 19 or 20 columns, got 8: 600000000,/,
  );
  expectIssue(
    `${good}\n900000000,600000000${good.slice(19)}`,
    /:2: expected an end from 900000000 up/,
  );
  expectIssue(`${good}\n-5${good.slice(9)}`, /:2: expected a start time from 0 up, µs, got -5/);
  expectIssue(`${good}\n${good.replace(',1,0,', ',-1,0,')}`, /:2: expected CPU from 0 up, got -1/);
  expectIssue(`${good}\n${good.replace(',1,0,', ',x,0,')}`, /:2: expected CPU from 0 up/);
  expectIssue(`${good}\n${good.replace(',1,0,', ',NaN,0,')}`, /:2: expected CPU from 0 up/);
  expectIssue(`${good}\n\0\n`, /:2: expected text, got a NUL byte/);
  expectIssue('', /:?.*expected at least one row/);
  expectIssue('{"start_time":"1"', /:1: expected a JSON object/);
  expectIssue('start_time,end_time\n1,2\n', /:1: expected a column collection_id, .*average_usage/);
  expectIssue('hello\n', /expected rows of task_usage/);
});

it('agrees with a plain resampler on random usage, in any order of rows', () => {
  const usage = fc.record({
    startS: fc.integer({ min: 600, max: 6000 }),
    length: fc.integer({ min: 1, max: 900 }),
    job: fc.nat({ max: 3 }),
    index: fc.nat({ max: 1 }),
    machine: fc.integer({ min: 1, max: 3 }),
    cpu: fc.integer({ min: 0, max: 64 }).map((part) => part / 1024),
    memory: fc.constant(0.1),
  });
  fc.assert(
    fc.property(
      fc.array(usage, { minLength: 1, maxLength: 60 }),
      fc.constantFrom('machine' as const, 'task' as const),
      (list, per) => {
        const rows = list.map((one) => ({ ...one, endS: one.startS + one.length }));
        const path = directoryWith({ 'part-00000-of-00500.csv': file(...rows.map(row2011)) });
        const { workload } = readGoogle(path, { ...sizes, per, vcpus: 1000 });
        const nameOf = (one: (typeof rows)[number]): string =>
          per === 'machine' ? `machine-${one.machine}` : `task-${one.job}-${one.index}`;
        const startS = Math.floor(Math.min(...rows.map((row) => row.startS)) / 300) * 300;
        for (const name of workload.vmNames) {
          const mine = rows.filter((row) => nameOf(row) === name);
          const sorted = mine.toSorted((a, b) => a.startS - b.startS);
          const overlap = sorted.some((row, at) => at > 0 && row.startS < sorted[at - 1]!.endS);
          // Two samples of a task at once may ask for more than the larger one: that is cut.
          if (per === 'task' && overlap) continue;
          const work = mine.reduce((sum, row) => sum + row.cpu * row.length, 0) * 1000 * 100 * 1000;
          const livesMs = workload.steps * 300_000;
          expect(Math.abs(workOf(workload, name) - work)).toBeLessThanOrEqual(
            unitError(workload, name) * livesMs,
          );
          if (per === 'task') continue;
          // Second by second.
          const plain = new Float64Array(workload.steps);
          for (const row of mine) {
            for (let second = row.startS; second < row.endS; second++) {
              plain[Math.floor((second - startS) / 300)]! += (row.cpu * 100_000) / 300;
            }
          }
          demandOf(workload, name).forEach((mips, step) => {
            expect(Math.abs(mips - plain[step]!)).toBeLessThanOrEqual(unitError(workload, name));
          });
        }
      },
    ),
    { seed: 7, numRuns: 60 },
  );
});
