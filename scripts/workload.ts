/** The `workload` part of a scenario → a workload, with the same strictness as the rest. */
import { resolve } from 'node:path';
import { z } from 'zod';
import {
  createWorkload,
  InputError,
  inputError,
  issuesOf,
  quantity,
  type Scenario,
  sharedUint16,
  sliceWorkload,
  type Workload,
} from '../sim/index.ts';
import {
  type DemandProfileName,
  demandProfiles,
  readWorkload,
  type VmSize,
} from '../traces/index.ts';

const size = z.strictObject({
  vcpus: z.int().min(1).describe('virtual CPUs'),
  speed: quantity('speed').describe('nominal speed of one'),
  memory: quantity('size').describe('memory of the VM'),
  share: z.int().min(1).default(1).describe('how often the size is drawn, relative to the others'),
});

const profile = z
  .enum(Object.keys(demandProfiles) as [DemandProfileName, ...DemandProfileName[]])
  .optional()
  .describe('how demand behaves, see traces.md; default: office');

const window = z
  .strictObject({
    from: z.int().min(0).describe('first row'),
    to: z.int().min(1).describe('row after the last'),
  })
  .optional()
  .describe('rows of the grid to use; default: all');

const path = z
  .string()
  .min(1)
  .describe('the trace; a relative path starts at the folder of the scenario');
const vms = z.int().min(1).optional();
const steps = z.int().min(1).optional();
const every = quantity('duration').optional();
const speed = quantity('speed').optional();
const memory = quantity('size').optional();
const vcpus = z.int().min(1).max(65_535).optional();
const seed = z.int().min(0).optional().describe("default: the run's seed");

/** What a scenario's `workload` may hold, by type. */
export const workloadSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('none').describe('no VMs but those of applications; needs a duration'),
    every: every.describe('length of a telemetry interval; default: 300 s'),
    window,
  }),
  z.strictObject({
    type: z.literal('synthetic').describe('generated; no files needed'),
    vms: vms.describe('VMs; default: 150'),
    steps: steps.describe('rows of the demand grid; default: 288'),
    every: every.describe('time between rows; default: 300 s'),
    seed,
    profile,
    churn: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('share of VMs that arrive and leave during the run; default: 0'),
    sizes: z
      .array(size)
      .min(1)
      .optional()
      .describe("VM types to draw from; default: those of Bitbrains' rnd trace"),
    window,
  }),
  z.strictObject({
    type: z.literal('planetlab').describe('a directory with a file per VM, whole percent'),
    path,
    vms: vms.describe('only the first so many; default: all'),
    every: every.describe('time between lines; default: 300 s'),
    window,
  }),
  z.strictObject({
    type: z.literal('bitbrains').describe('a directory of GWA-T-12 files'),
    path,
    vms: vms.describe('only the first so many; default: all'),
    steps: steps.describe('only the first so many rows; default: all'),
    window,
  }),
  z.strictObject({
    type: z.literal('azure').describe('a directory of the processed Azure 2017 tables'),
    path,
    share: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('share of the batches to keep; default: 0.05'),
    steps: steps.describe('only the first so many rows; default: all'),
    seed,
    profile,
    window,
  }),
  z.strictObject({
    type: z
      .literal('azure-packing')
      .describe('the two tables of the Azure Trace for Packing 2020 as CSV files'),
    path,
    machine: z
      .string()
      .min(1)
      .optional()
      .describe('machine whose sizes are taken, by id; default: the one that most types fit on'),
    share: z.number().gt(0).max(1).optional().describe('share of the VMs to keep; default: 0.005'),
    steps: steps.describe('only the first so many rows; default: all'),
    every: every.describe('time between rows; default: 300 s'),
    seed,
    profile,
    machineVcpus: vcpus.describe('vCPUs of a whole machine; default: 64'),
    machineMemory: memory.describe('memory of a whole machine; default: 512 GiB'),
    speed: speed.describe('speed of a vCPU; default: 2400 MIPS'),
    window,
  }),
  z.strictObject({
    type: z.literal('google').describe("usage tables of Google's traces of 2011 or 2019"),
    path,
    per: z.enum(['machine', 'task']).optional().describe('what a VM is; default: machine'),
    vms: vms.describe('only the first so many; default: all'),
    steps: steps.describe('only the first so many rows; default: all'),
    every: every.describe('time between rows; default: 300 s'),
    vcpus: vcpus.describe('vCPUs of the largest machine; default: 32'),
    speed: speed.describe('speed of a vCPU; default: 2400 MIPS'),
    memory: memory.describe('memory of the largest machine; default: 128 GiB'),
    window,
  }),
  z.strictObject({
    type: z.literal('alibaba').describe("usage tables of Alibaba's traces of 2017 or 2018"),
    path,
    per: z
      .enum(['machine', 'container'])
      .optional()
      .describe('what a VM is; default: machine, where there are any'),
    vms: vms.describe('only the first so many; default: all'),
    steps: steps.describe('only the first so many rows; default: all'),
    every: every.describe('time between rows; default: 300 s'),
    hold: every.describe('how long a value holds in a gap; default: 1 h'),
    vcpus: vcpus.describe(
      'vCPUs of a VM; default: 96 or 64 for a machine of 2018 or 2017, 4 for a container',
    ),
    speed: speed.describe('speed of a vCPU; default: 2400 MIPS'),
    memory: memory.describe(
      'memory of a VM at 100 %; default: 256 GiB for a machine, 16 GiB for a container',
    ),
    window,
  }),
  z.strictObject({
    type: z.literal('opendc').describe('tasks.parquet and fragments.parquet of OpenDC'),
    path,
    vms: vms.describe('only the first so many tasks; default: all'),
    steps: steps.describe('only the first so many rows; default: all'),
    every: every.describe('time between rows; default: 300 s'),
    window,
  }),
  z.strictObject({
    type: z.literal('csv').describe('CSV files with a mapping of their columns'),
    path,
    mapping: z
      .string()
      .min(1)
      .optional()
      .describe('the mapping, YAML; default: mapping.yaml beside the files'),
    vms: vms.describe('only the first so many; default: all'),
    steps: steps.describe('only the first so many rows; default: all'),
    window,
  }),
  z.strictObject({ type: z.literal('columns').describe('a binary file of columns'), path, window }),
]);

type WorkloadEntry = z.output<typeof workloadSchema>;

/**
 * @param directory Relative trace paths start here.
 * @param file Name of the scenario's file, for messages.
 * @param seed Seed of the run, for generated demand without a seed of its own.
 * @throws InputError naming every problem.
 */
export function workloadOf(
  scenario: Scenario,
  directory: string,
  file: string,
  seed: number,
): Workload {
  const parsed = workloadSchema.safeParse(scenario.workload);
  if (!parsed.success) {
    throw new InputError(issuesOf(parsed.error, scenario.workload, file, ['workload']));
  }
  const { window: rows, ...entry } = parsed.data;
  const workload = readEntry(entry, directory, seed);
  if (rows === undefined) return workload;
  if (rows.from >= rows.to || rows.to > workload.steps) {
    throw inputError(
      `${file}: workload.window`,
      `from < to ≤ ${workload.steps}`,
      `${rows.from} to ${rows.to}`,
    );
  }
  return sliceWorkload(workload, rows.from, rows.to);
}

function readEntry(
  entry: Omit<WorkloadEntry, 'window'>,
  directory: string,
  seed: number,
): Workload {
  const given = entry as WorkloadEntry;
  switch (given.type) {
    case 'none':
      return createWorkload('none', given.every ?? 300_000, [], sharedUint16(0));
    case 'synthetic': {
      const { type, profile: name, vms: count, steps, churn, every, sizes } = given;
      const expanded = sizes?.flatMap(repeated);
      return readWorkload({
        type,
        seed: given.seed ?? seed,
        ...defined({ profile: name, vms: count, steps, churn, intervalMs: every, sizes: expanded }),
      });
    }
    case 'planetlab': {
      const { type, vms: count, every } = given;
      const at = resolve(directory, given.path);
      return readWorkload({ type, path: at, ...defined({ vms: count, intervalMs: every }) });
    }
    case 'bitbrains': {
      const { type, vms: count, steps } = given;
      const at = resolve(directory, given.path);
      return readWorkload({ type, path: at, ...defined({ vms: count, steps }) });
    }
    case 'azure': {
      const { type, share, steps, profile: name } = given;
      const at = resolve(directory, given.path);
      const options = defined({ share, steps, profile: name });
      return readWorkload({ type, path: at, seed: given.seed ?? seed, ...options });
    }
    case 'azure-packing': {
      const { type, machine, share, steps, every, profile: name, machineVcpus } = given;
      const sizes = { machineVcpus, machineMemoryBytes: given.machineMemory };
      const at = resolve(directory, given.path);
      const options = { machine, share, steps, intervalMs: every, profile: name, ...sizes };
      const seeded = { seed: given.seed ?? seed, vcpuMips: given.speed };
      return readWorkload({ type, path: at, ...defined({ ...options, ...seeded }) });
    }
    case 'google': {
      const { type, path: from, every, speed: vcpuMips, memory: memoryBytes, ...rest } = given;
      const options = defined({ ...rest, intervalMs: every, vcpuMips, memoryBytes });
      return readWorkload({ ...options, type, path: resolve(directory, from) });
    }
    case 'alibaba': {
      const {
        type,
        path: from,
        every,
        hold,
        speed: vcpuMips,
        memory: memoryBytes,
        ...rest
      } = given;
      const times = { intervalMs: every, holdMs: hold };
      const options = defined({ ...rest, ...times, vcpuMips, memoryBytes });
      return readWorkload({ ...options, type, path: resolve(directory, from) });
    }
    case 'opendc': {
      const { type, vms: count, steps, every } = given;
      const at = resolve(directory, given.path);
      return readWorkload({ type, path: at, ...defined({ vms: count, steps, intervalMs: every }) });
    }
    case 'csv': {
      const { type, vms: count, steps } = given;
      const mapping = given.mapping && resolve(directory, given.mapping);
      const at = resolve(directory, given.path);
      return readWorkload({ type, path: at, ...defined({ vms: count, steps, mapping }) });
    }
    case 'columns':
      return readWorkload({ type: 'columns', path: resolve(directory, given.path) });
  }
}

/** The same object without the keys that are undefined. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Sizes are drawn with equal chance, so a share is a repetition. */
function repeated(entry: z.output<typeof size>): VmSize[] {
  const { vcpus, speed, memory, share } = entry;
  return Array.from({ length: share }, () => ({ vcpus, vcpuMips: speed, memoryBytes: memory }));
}
