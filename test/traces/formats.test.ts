import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { workloadOf, workloadSchema } from '../../scripts/workload.ts';
import { InputError, parseScenario } from '../../sim/index.ts';
import { cachedName } from '../../traces/cache.ts';
import { readColumns } from '../../traces/columns.ts';
import { detectFormat, readTrace, type WorkloadSpec } from '../../traces/read.ts';
import { traceFormats } from '../../traces/report.ts';
import { directoryWith } from './temporary-directory.ts';

const usage = 'columns: { time: { column: t }, vm: { column: vm }, cpu: { column: cpu } }\n';
const rest = ',0.1,0,0,0,0,0,0,0,1,1,1,0,0.02';
/** A small trace of every format of tables, by the format's name. */
const samples = {
  google: {
    'part-00000-of-00500.csv': `600000000,900000000,1,0,5,0.25,0.1${rest}\n900000000,1200000000,1,0,6,0.5,0.1${rest}\n`,
  },
  alibaba: { 'machine_usage.csv': 'm_1,0,10,20,,,1,2,3\nm_2,300,20,30,,,1,2,3\n' },
  'azure-packing': {
    'vm.csv':
      'vmId,tenantId,vmTypeId,priority,starttime,endtime\n1,7,10,0,-0.5,0.01\n2,7,10,1,0.01,\n',
    'vmType.csv': 'id,vmTypeId,machineId,core,memory\n1,10,0,0.25,0.125\n',
  },
  csv: { 'usage.csv': 't,vm,cpu\n0,a,10\n300,a,20\n300,b,30\n', 'mapping.yaml': usage },
} as const;
type Format = keyof typeof samples;
const formats = Object.keys(samples) as Format[];
const all = { 'azure-packing': { share: 1 } } as const;

function specOf(format: Format, path: string): WorkloadSpec {
  return { type: format, path, ...(format === 'azure-packing' ? all[format] : {}) } as WorkloadSpec;
}

it.each(formats)('%s is found out, read, cached and read again', (format) => {
  const path = directoryWith(samples[format]);
  expect(detectFormat(path)).toBe(format);
  const spec = specOf(format, path);
  const read = readTrace(spec);
  expect(read.report.format).toBe(format);
  expect(read.workload.vmNames).toHaveLength(2);
  const cache = directoryWith();
  expect(readTrace(spec, cache)).toEqual(read);
  expect(readTrace(spec, cache)).toEqual(read);
});

it('a changed mapping or file is read anew', () => {
  const path = directoryWith(samples.csv);
  const cache = directoryWith();
  const spec = { type: 'csv', path: join(path, 'usage.csv') } as const;
  const first = readTrace(spec, cache).workload;
  const doubled = {
    ...spec,
    mapping: {
      columns: { time: { column: 't' }, vm: { column: 'vm' }, cpu: { column: 'cpu', unit: 'MHz' } },
    },
  };
  expect(readTrace(doubled, cache).workload).not.toEqual(first);
  expect(readTrace(spec, cache).workload).toEqual(first);
  const name = cachedName({ path: join(path, 'usage.csv'), options: 1 });
  expect(name).toMatch(/^usage\.csv-[0-9a-f]{32}\.columns$/);
  expect(() => readColumns(join(cache, name))).toThrow(/ENOENT/);
});

it.each(formats)('a scenario can ask for %s', (format) => {
  const directory = directoryWith(
    Object.fromEntries(
      Object.entries(samples[format]).map(([name, text]) => [`data/${name}`, text]),
    ),
  );
  const options = format === 'azure-packing' ? ', share: 1, machineMemory: 1 TiB' : ', vms: 1';
  const every = format === 'csv' ? '' : ', every: 300 s, speed: 1 GHz';
  const text = `name: x\nhosts: [{ model: hp-ml110-g5 }]\nworkload: { type: ${format}, path: data${options}${every} }\n`;
  const workload = workloadOf(parseScenario(text, 'x.yaml'), directory, 'x.yaml', 1);
  expect(workload.vmNames).toHaveLength(format === 'azure-packing' ? 2 : 1);
  expect(workload.vcpuMips[0]).toBe(format === 'csv' ? 2400 : 1000);
  const wrong = parseScenario(text.replace('data', 'data, foo: 1, path2: x'), 'x.yaml');
  expect(() => workloadOf(wrong, directory, 'x.yaml', 1)).toThrow(
    /x.yaml: workload.foo: expected no such key/,
  );
});

it('scenarios know every format that files have', () => {
  const types = workloadSchema.options.map((option) => option.shape.type.value);
  for (const format of [...traceFormats, 'columns']) expect(types).toContain(format);
});

it('answers damaged files with an InputError or a workload, never with another error', () => {
  const changes = fc.array(
    fc.tuple(fc.nat(), fc.constantFrom('cut', 'set', 'digit', 'drop'), fc.nat({ max: 255 })),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...formats), fc.nat(), changes, (format, which, edits) => {
      const files: Readonly<Record<string, string>> = samples[format];
      const names = Object.keys(files);
      const changed = names[which % names.length]!;
      let bytes = new Uint8Array(Buffer.from(files[changed]!));
      for (const [position, kind, value] of edits) {
        const at = position % Math.max(1, bytes.length);
        if (kind === 'cut') bytes = bytes.slice(0, at);
        else if (kind === 'drop')
          bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1)]);
        else if (at < bytes.length) bytes[at] = kind === 'set' ? value : 0x30 + (value % 10);
      }
      const path = directoryWith({ ...files, [changed]: bytes });
      try {
        const { workload } = readTrace(specOf(format, path));
        expect(workload.demandUnits.length).toBe(workload.steps * workload.vmNames.length);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        expect(error.message).toMatch(/expected .+, got /);
      }
    }),
    { seed: 7, numRuns: 800 },
  );
});

it('a damaged gzip file is an InputError', () => {
  const packed = gzipSync(samples.alibaba['machine_usage.csv'].repeat(50));
  for (let cut = 1; cut < packed.length; cut += 7) {
    const path = directoryWith({ 'machine_usage.csv.gz': packed.subarray(0, cut) });
    expect(() => readTrace({ type: 'alibaba', path })).toThrow(InputError);
  }
});
