/**
 * What is known of a cluster at one moment, by name and in plain JSON: what telemetry gathers, what
 * the decision service is sent, and what a live twin is made from.
 */
import { z } from 'zod';

const name = z.string().min(1).max(253);
const positive = z.number().positive();
const notNegative = z.number().min(0);
const fraction = z.number().min(0).max(1);

/** Power of a host at one frequency, W: with all cores idle and all busy. */
const powerPoint = z.strictObject({
  mhz: positive.describe('frequency of the cores'),
  idleW: notNegative.describe('power with no load'),
  fullW: notNegative.describe('power with all cores busy'),
});

/** Linux's governors, of which the twin has the rules. */
export const snapshotGovernors = [
  'performance',
  'powersave',
  'ondemand',
  'conservative',
  'schedutil',
  'userspace',
] as const;

const snapshotHost = z.strictObject({
  name,
  state: z.enum(['on', 'off', 'asleep', 'waking', 'unknown']).default('on'),
  cores: z.int().min(1).max(4096),
  memoryBytes: positive,
  frequenciesMhz: z
    .array(positive)
    .min(1)
    .max(64)
    .describe('frequencies that can be asked for, fastest first'),
  currentMhz: positive.optional().describe('mean of its cores over the newest interval'),
  requestedMhz: positive.optional().describe('what it was told to run at, where it was told'),
  governor: z
    .enum(snapshotGovernors)
    .optional()
    .describe('rule by which the host chooses its frequency itself; requestedMhz goes before it'),
  power: z
    .array(powerPoint)
    .min(1)
    .max(64)
    .describe('power by frequency, fastest first; frequencies between are interpolated'),
  offW: notNegative.default(0),
  sleepW: notNegative.optional().describe('suspended to memory; absent: it cannot be'),
  wakeS: notNegative.default(120).describe('from off or asleep until VMs can be sent there'),
  wakeW: notNegative.optional().describe('meanwhile; default: idle power'),
  shutdownS: notNegative.default(20),
  measuredW: notNegative.optional().describe('mean over the newest interval'),
  utilization: fraction.optional().describe('busy share of its cores over the newest interval'),
  rack: name.optional(),
  acceptsVms: z.boolean().default(true).describe('false: maintenance, or it cannot be reached'),
  canSleep: z.boolean().default(false).describe('it may be switched off and can be woken'),
  confidence: fraction.default(1).describe('of what is said about it'),
});

const snapshotVm = z.strictObject({
  name,
  host: name.nullable().describe('null: it waits for a host'),
  vcpus: z.int().min(1).max(1024),
  memoryBytes: positive,
  demandMhz: z
    .array(notNegative)
    .max(4096)
    .default([])
    .describe(
      'CPU asked for in each complete interval, oldest first: cores wanted × MHz; may be shorter than for other VMs',
    ),
  quotaCores: positive.optional(),
  movingTo: name.optional().describe('target of a migration under way'),
  movable: z.boolean().default(true),
  dirtyBytesPerS: notNegative.optional(),
  diskBytes: notNegative.default(0).describe('to be copied with it; 0: shared, or none'),
  weight: positive.default(1),
  confidence: fraction.default(1),
});

export const snapshotSchema = z.strictObject({
  atMs: notNegative.describe('ms since 1970: end of the newest interval'),
  intervalS: z.number().min(0.1).max(86_400).describe('length of one interval'),
  hosts: z.array(snapshotHost).min(1).max(20_000),
  vms: z.array(snapshotVm).max(200_000),
  migrationBytesPerS: positive.default(117 * 2 ** 20).describe('rate of a migration that is alone'),
  apart: z.array(z.array(name)).default([]).describe('sets of VMs of which no two share a host'),
  together: z.array(z.array(name)).default([]).describe('sets of VMs that share one host'),
});

/** A cluster at one moment, with all defaults filled in. */
export type ClusterSnapshot = z.output<typeof snapshotSchema>;
export type SnapshotInput = z.input<typeof snapshotSchema>;
export type SnapshotHost = ClusterSnapshot['hosts'][number];
export type SnapshotVm = ClusterSnapshot['vms'][number];
