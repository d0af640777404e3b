/** What may be asked of the decision service: the bodies of its requests, and their limits. */
import { z } from 'zod';
import { clusterSchema } from '../../cluster/cluster-file.ts';
import { snapshotSchema } from '../../cluster/snapshot.ts';
import { operationSchema } from './operation-schema.ts';

const name = z.string().min(1).max(253);

/** Most of what one request may ask for; each bounds the time that its answer takes. */
export const requestLimits = {
  /** Intervals that are looked ahead. */
  horizon: 288,
  operations: 1000,
  /** Hosts that a placement compares by simulation. */
  candidates: 200,
  migrations: 10_000,
} as const;

const policy = z
  .union([
    z.string().min(1).max(64),
    z.looseObject({ name: z.string().min(1).max(64) }).describe('a name with options'),
  ])
  .describe('who decides: a heuristic, with its options or without, or what else the service has');

const horizon = z
  .int()
  .min(1)
  .max(requestLimits.horizon)
  .describe('intervals that the twin looks ahead');

/** As in a cluster file. */
const objective = clusterSchema.shape.objective
  .unwrap()
  .describe('kWh-equivalents per kWh, per vCPU·h lost and per migration');

/** Those of a cluster file's limits that need no knowledge of the past. */
const limits = clusterSchema.shape.guard
  .unwrap()
  .pick({ migrations: true, hosts: true, hostsOn: true, utilization: true, confidence: true })
  .describe(
    'the guard’s limits, as in a cluster file; where the service has its own, the stricter holds',
  );

const whole = (maximum: number) => z.int().min(0).max(maximum);

export const decideRequest = z.strictObject({
  snapshot: snapshotSchema,
  policy: policy.default('pabfd'),
  budget: z
    .strictObject({ migrations: whole(requestLimits.migrations) })
    .optional()
    .describe('most that the policy may plan; the guard’s limits come on top'),
  horizon: horizon.optional(),
  objective: objective.optional(),
  limits: limits.optional(),
  forecasts: z
    .boolean()
    .default(true)
    .describe('what each operation adds, which costs one simulation each'),
});

export const placeRequest = z.strictObject({
  snapshot: snapshotSchema,
  vm: z.strictObject({
    name: name.default('new-vm'),
    vcpus: z.int().min(1).max(1024),
    memoryBytes: z.number().positive(),
    demandMhz: z
      .number()
      .min(0)
      .optional()
      .describe('CPU it will ask for; default: all of its vCPUs at full frequency'),
    apart: z.array(name).max(10_000).default([]).describe('VMs with which it shares no host'),
  }),
  horizon: horizon.optional(),
  objective: objective.optional(),
  limits: limits.optional(),
  candidates: z
    .int()
    .min(1)
    .max(requestLimits.candidates)
    .default(20)
    .describe('hosts that are simulated: those with the least estimated power'),
});

export const whatIfRequest = z.strictObject({
  snapshot: snapshotSchema,
  operations: z.array(operationSchema).max(requestLimits.operations),
  horizon: horizon.optional(),
  objective: objective.optional(),
  limits: limits.optional(),
});

export const rescheduleRequest = z.strictObject({
  snapshot: snapshotSchema,
  migrations: whole(requestLimits.migrations).describe('most moves (MNL)'),
  goal: z
    .enum(['pack', 'energy'])
    .default('energy')
    .describe('pack: fewest hosts with VMs; energy: least by the objective'),
  horizon: horizon.optional(),
  objective: objective.optional(),
  limits: limits.optional(),
});

export type DecideRequest = z.output<typeof decideRequest>;
export type PlaceRequest = z.output<typeof placeRequest>;
export type WhatIfRequest = z.output<typeof whatIfRequest>;
export type RescheduleRequest = z.output<typeof rescheduleRequest>;
export type PolicySpec = DecideRequest['policy'];
