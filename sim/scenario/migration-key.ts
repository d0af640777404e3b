/** The `migration` key of a scenario: its schema, and what it makes of each VM. */
import { z } from 'zod';
import type { Issue } from '../errors.ts';
import type { CopyingCores, MigrationSpec } from '../migration/columns.ts';
import { type MigrationRules, qemuAutoConverge } from '../migration/rules.ts';
import type { Workload } from '../workload.ts';
import { quantity } from './quantity-field.ts';

const fraction = z.number().min(0).max(1);
const below1 = z.number().min(0).max(0.99);

/** Keys that hold for all VMs or, under `perVm`, for some. */
const rules = {
  dirtyRate: quantity('rate')
    .optional()
    .describe('dirtying whatever the load, as QEMU measures it; beside that by work; default: 0'),
  downtimeLimit: quantity('duration')
    .optional()
    .describe('longest stop to aim for; default: 30 ms (SimGrid); QEMU has 300 ms'),
  rounds: z
    .int()
    .min(1)
    .optional()
    .describe('transfers of memory before the VM is stopped; default: no limit'),
  resume: quantity('duration')
    .optional()
    .describe('from the last byte until the VM runs again; default: 0'),
  autoConverge: z
    .strictObject({
      trigger: fraction
        .default(qemuAutoConverge.trigger)
        .describe('a round is too dirty above this fraction of what it sent'),
      initial: below1.default(qemuAutoConverge.initial).describe('first throttle of the CPU'),
      step: below1.default(qemuAutoConverge.step).describe('more at every second such round'),
      max: below1.default(qemuAutoConverge.max).describe('most'),
    })
    .optional()
    .describe('slows a VM down that dirties too much; default: off'),
  stall: z
    .strictObject({
      fraction: z
        .number()
        .min(0)
        .default(0.9)
        .describe('a round is stalled that leaves this fraction of what it sent'),
      rounds: z.int().min(1).default(3).describe('stalled rounds in a row'),
      remedy: z.enum(['goOn', 'stop', 'abort', 'postCopy']).describe('what to do'),
    })
    .optional()
    .describe('migrations that do not converge; default: they go on'),
  timeout: z
    .strictObject({
      after: quantity('duration').describe('longest time before the stop'),
      remedy: z.enum(['stop', 'abort', 'postCopy']).describe('what to do'),
    })
    .optional()
    .describe('migrations that take too long; default: they go on'),
  postCopy: z
    .strictObject({
      when: z
        .enum(['request', 'afterFirstRound', 'start'])
        .default('request')
        .describe('by a remedy or a policy only, or always'),
      pause: quantity('duration').default(100).describe('stop while the VM changes hosts'),
      slowdown: below1
        .default(0.3)
        .describe('fraction of its CPU lost to page faults until all memory is there'),
    })
    .optional()
    .describe('the VM runs on the target before its memory is there'),
  compression: z.number().min(1).optional().describe('memory bytes per byte sent; default: 1'),
  channels: z
    .int()
    .min(1)
    .optional()
    .describe('connections, the weight on a shared link; default: 1'),
  storage: z
    .strictObject({
      size: quantity('size').describe('disk of each VM'),
      rate: quantity('rate').optional().describe('rate of copying at most; default: no limit'),
    })
    .optional()
    .describe('disks that are copied before the memory; default: storage is shared'),
};

/** The key; every rule that is left out is plain pre-copy. */
export const migrationKey = z.strictObject({
  bandwidth: quantity('rate')
    .default(62.5e6)
    .describe('rate cap of one transfer; half a 1 Gbit/s port, as CloudSim has it'),
  dirtyIntensity: z
    .number()
    .min(0)
    .default(0.1)
    .describe('dirtying of one busy vCPU as a fraction of the bandwidth'),
  workingSet: fraction
    .default(0.5)
    .describe('most that one round can find dirty, as a fraction of memory'),
  overhead: below1
    .default(0.1)
    .describe('fraction of its CPU that a VM loses while it is copied; Beloglazov & Buyya (2012)'),
  ...rules,
  cpu: z
    .strictObject({
      source: z.number().min(0).default(1).describe('cores of the source at full bandwidth'),
      target: z.number().min(0).default(0.3).describe('cores of the target at full bandwidth'),
    })
    .optional()
    .describe('CPU that copying takes of the hosts, in proportion to its rate; default: none'),
  perVm: z
    .array(
      z.strictObject({
        vms: z.array(z.string()).min(1).describe('names of the VMs'),
        bandwidth: quantity('rate').optional().describe('as above'),
        dirtyIntensity: z.number().min(0).optional().describe('as above'),
        workingSet: fraction.optional().describe('as above'),
        ...rules,
      }),
    )
    .optional()
    .describe('what differs for some VMs; a key given here replaces the one above'),
});

type MigrationKey = z.output<typeof migrationKey>;
type Own = Omit<NonNullable<MigrationKey['perVm']>[number], 'vms'>;

/** Settings of every VM. @param issues Receives VMs that are unknown or named twice. */
export function migrationSpecs(
  key: MigrationKey,
  workload: Workload,
  path: string,
  issues: Issue[],
): (vm: number) => MigrationSpec {
  const index = new Map(workload.vmNames.map((name, vm) => [name, vm]));
  const own = new Map<number, Own>();
  key.perVm?.forEach(({ vms, ...settings }, entry) => {
    for (const name of vms) {
      const vm = index.get(name);
      const at = `${path}: migration.perVm[${entry}].vms`;
      if (vm === undefined) {
        issues.push({ path: at, expected: 'a VM of the workload', got: `"${name}"` });
      } else if (own.has(vm)) {
        issues.push({ path: at, expected: 'each VM once', got: `"${name}" again` });
      } else {
        own.set(vm, settings);
      }
    }
  });
  return (vm) => {
    const given: Partial<Own> = own.get(vm) ?? {};
    const all = {
      ...key,
      ...given,
      bandwidth: given.bandwidth ?? key.bandwidth,
      dirtyIntensity: given.dirtyIntensity ?? key.dirtyIntensity,
      workingSet: given.workingSet ?? key.workingSet,
    };
    return specOf(all, workload.memoryBytes[vm]!);
  };
}

function specOf(key: Omit<MigrationKey, 'perVm' | 'cpu'>, memoryBytes: number): MigrationSpec {
  return {
    bytesPerS: key.bandwidth,
    dirtyIntensity: key.dirtyIntensity,
    workingSetBytes: Math.floor(key.workingSet * memoryBytes),
    ...(key.dirtyRate === undefined ? {} : { dirtyBytesPerS: key.dirtyRate }),
    ...(key.storage === undefined ? {} : { storageBytes: key.storage.size }),
    ...rulesOf(key),
  };
}

function rulesOf(key: Omit<MigrationKey, 'perVm' | 'cpu'>): Partial<MigrationRules> {
  const { downtimeLimit, rounds, resume, autoConverge, stall, timeout, postCopy } = key;
  return {
    ...(downtimeLimit === undefined ? {} : { downtimeLimitS: downtimeLimit / 1000 }),
    ...(rounds === undefined ? {} : { roundsMax: rounds }),
    ...(resume === undefined ? {} : { resumeS: resume / 1000 }),
    ...(autoConverge === undefined ? {} : { autoConverge }),
    ...(stall === undefined
      ? {}
      : { stallFraction: stall.fraction, stallRounds: stall.rounds, onStall: stall.remedy }),
    ...(timeout === undefined ? {} : { timeoutS: timeout.after / 1000, onTimeout: timeout.remedy }),
    ...(postCopy === undefined
      ? {}
      : {
          postCopy: postCopy.when,
          postCopyPauseS: postCopy.pause / 1000,
          postCopySlowdown: postCopy.slowdown,
        }),
    ...(key.compression === undefined ? {} : { compression: key.compression }),
    ...(key.channels === undefined ? {} : { channels: key.channels }),
    ...(key.storage?.rate === undefined ? {} : { storageBytesPerS: key.storage.rate }),
  };
}

/** CPU of the hosts that copying takes; nothing where the key does not say so. */
export function copyingCoresOf(key: MigrationKey): { copyingCores?: CopyingCores } {
  if (key.cpu === undefined) return {};
  return { copyingCores: { ...key.cpu, atBytesPerS: key.bandwidth } };
}
