import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { readAzurePacking } from '../../traces/azure-packing.ts';
import { detectFormat } from '../../traces/read.ts';
import { demandOf } from './demand.ts';
import { directoryWith } from './temporary-directory.ts';

const types =
  'id,vmTypeId,machineId,core,memory\n1,10,0,0.25,0.125\n2,11,0,0.5,0.25\n3,10,16,0.5,0.5\n';
const header = 'vmId,tenantId,vmTypeId,priority,starttime,endtime\n';
const hourDays = 1 / 24;

it('makes VMs of requests: sizes of the machine, lives in days', () => {
  const path = directoryWith({
    'vm.csv': `${header}1,7,10,0,-0.5,${hourDays}\n2,7,11,1,${hourDays},\n3,8,10,0,${2 * hourDays},NULL\n4,8,10,0,-2,-1\n`,
    'vmType.csv.gz': gzipSync(types),
  });
  expect(detectFormat(path)).toBe('azure-packing');
  const { workload, report } = readAzurePacking(path, { share: 1, machineVcpus: 8 });
  expect(workload.vmNames).toEqual(['vm-1', 'vm-2', 'vm-3']);
  // The last VM starts after two hours.
  expect(workload.steps).toBe(25);
  expect([...workload.vcpus]).toEqual([2, 4, 2]);
  expect([...workload.memoryBytes]).toEqual([64, 128, 64].map((gib) => gib * 2 ** 30));
  expect([...workload.arrivalMs]).toEqual([0, 3_600_000, 7_200_000]);
  expect([...workload.departureMs]).toEqual([3_600_000, Infinity, Infinity]);
  expect(report).toMatchObject({ format: 'azure-packing', files: 2, rows: 4 });
  expect(report.repairs).toMatchObject({
    'VMs from before the start, there from the start': 1,
    'VMs outside the steps, left out': 1,
  });
  for (const [step, mips] of demandOf(workload, 'vm-1').entries()) {
    expect(mips > 0, `row ${step}`).toBe(step < 12);
  }
  const other = readAzurePacking(path, { share: 1, machine: '16', machineVcpus: 8 });
  expect(other.workload.vcpus[0]).toBe(4);
  expect(other.report.repairs['VMs that do not fit on the machine, left out']).toBe(1);
});

it('reads the plain columns of exports without tenants, machines and priorities', () => {
  const path = directoryWith({
    'vm_instances.csv': `vmId,vmTypeId,starttime,endtime\n1,10,0,0.5\n2,10,0.25,\n`,
    'vm_types.csv': 'id,vmTypeId,core,memory\n1,10,0.25,0.125\n',
  });
  expect(readAzurePacking(path, { share: 1 }).workload.vmNames).toEqual(['vm-1', 'vm-2']);
});

it('keeps a VM with its name and demand whatever the share', () => {
  const rows = Array.from(
    { length: 300 },
    (_, vm) => `${vm},${vm % 9},${10 + (vm % 2)},0,${vm / 1000},`,
  );
  const path = directoryWith({ 'vm.csv': `${header}${rows.join('\n')}\n`, 'vmType.csv': types });
  const all = readAzurePacking(path, { share: 1, seed: 3 }).workload;
  const some = readAzurePacking(path, { share: 0.2, seed: 3, steps: 40 }).workload;
  expect(some.vmNames.length).toBeGreaterThan(10);
  expect(some.vmNames.length).toBeLessThan(120);
  const shorter = readAzurePacking(path, { share: 1, seed: 3, steps: 40 }).workload;
  for (const name of some.vmNames) expect(demandOf(some, name)).toEqual(demandOf(shorter, name));
  expect(readAzurePacking(path, { share: 1, seed: 3 }).workload).toEqual(all);
});

it('names what it cannot use', () => {
  const expectIssue = (vms: string, issue: RegExp, typeTable = types): void => {
    const path = directoryWith({ 'vm.csv': vms, 'vmType.csv': typeTable });
    expect(() => readAzurePacking(path, { share: 1 })).toThrow(InputError);
    expect(() => readAzurePacking(path, { share: 1 })).toThrow(issue);
  };
  expectIssue(`${header}1,7,10,0,0\n`, /vm.csv:2: expected 6 columns, got 5/);
  expectIssue(`${header}1,7,10,0,x,1\n`, /vm.csv:2: expected a start in days, got x/);
  expectIssue(
    `${header}1,7,10,0,1,0.5\n`,
    /vm.csv:2: expected an end from 1 days up, or none, got 0.5/,
  );
  expectIssue(`${header}1,7,10,0,1,NaN\n`, /vm.csv:2: expected an end from 1 days up/);
  expectIssue(`${header}1,7,99,0,0,1\n`, /vm.csv:2: expected a known vmTypeId, got 99/);
  expectIssue(
    `${header}1,7,10,0,0,1\n`,
    /vmType.csv:2: expected core and memory as fractions/,
    types.replace('0.25', '-1'),
  );
  expectIssue(header, /expected a VM kept/);
  expectIssue('a,b\n1,2\n', /expected CSV files with columns vmTypeId, starttime, endtime/);
  const path = directoryWith({ 'vm.csv': `${header}1,7,10,0,0,1\n`, 'vmType.csv': types });
  expect(() => readAzurePacking(path, { machine: '5' })).toThrow(
    /types of machine 5, got machines 0, 16/,
  );
  expect(() => readAzurePacking(path, { share: 0 })).toThrow(/share: expected above 0/);
});

it('gives every VM exactly the life of its row', () => {
  const life = fc.tuple(
    fc.integer({ min: -100, max: 500 }),
    fc.option(fc.integer({ min: 1, max: 500 })),
  );
  fc.assert(
    fc.property(fc.array(life, { minLength: 1, maxLength: 30 }), (lives) => {
      const rows = lives.map(
        ([start, length], vm) =>
          `${vm},${vm % 3},10,0,${start / 100},${length === null ? '' : (start + length) / 100}`,
      );
      const path = directoryWith({
        'vm.csv': `${header}${rows.join('\n')}\n`,
        'vmType.csv': types,
      });
      const lastMs = Math.max(0, ...lives.map(([start]) => (start / 100) * 86_400_000));
      const end = (Math.floor(lastMs / 300_000) + 1) * 300_000;
      const expected = lives.flatMap(([start, length], vm) => {
        const from = (start / 100) * 86_400_000;
        const until = length === null ? Infinity : ((start + length) / 100) * 86_400_000;
        if (from >= end || until <= 0) return [];
        return [[`vm-${vm}`, Math.max(0, from), until < end ? until : Infinity]];
      });
      if (expected.length === 0) {
        expect(() => readAzurePacking(path, { share: 1 })).toThrow(/a VM kept/);
        return;
      }
      const { workload } = readAzurePacking(path, { share: 1 });
      expect(
        workload.vmNames.map((name, vm) => [
          name,
          workload.arrivalMs[vm],
          workload.departureMs[vm],
        ]),
      ).toEqual(expected);
    }),
    { seed: 7, numRuns: 100 },
  );
});
