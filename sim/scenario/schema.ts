/**
 * A scenario as data: which hosts, which workload, which policy, how it is judged. Strict: unknown
 * keys are errors, quantities carry their unit, and all problems are reported at once.
 */
import { z } from 'zod';
import { governors } from '../governors/index.ts';
import { defaultObjective } from '../objective.ts';
import { hostPresets } from './host-presets.ts';
import { parseQuantity, type QuantityKind, quantityExamples } from './quantity.ts';

/** A quantity string, read into its base unit. */
const quantity = (kind: QuantityKind) =>
  z.unknown().transform((value, context) => {
    const parsed = typeof value === 'string' ? parseQuantity(kind, value) : undefined;
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: quantityExamples[kind], input: value });
    return z.NEVER;
  });

const whole = (minimum: number) => z.int().min(minimum);
const fraction = z.number().min(0).max(1);

const pstate = z
  .strictObject({
    speed: quantity('speed'),
    idle: quantity('power'),
    epsilon: quantity('power').optional(),
    full: quantity('power'),
    curve: z.array(z.number().min(0)).length(11).optional(),
  })
  .describe('one P-state, fastest first');

const host = z.strictObject({
  /** Name of one host, or prefix of several. */
  name: z.string().min(1).optional(),
  count: whole(1).default(1),
  model: z.enum(Object.keys(hostPresets)).optional(),
  cores: whole(1).optional(),
  memory: quantity('size').optional(),
  pstates: z.array(pstate).min(1).optional(),
  off: quantity('power').optional(),
  boot: z.strictObject({ time: quantity('duration'), power: quantity('power') }).optional(),
  shutdown: z.strictObject({ time: quantity('duration'), power: quantity('power') }).optional(),
  governor: z
    .strictObject({
      rule: z.enum(governors.map((rule) => rule.name)),
      every: quantity('duration').default(10_000),
    })
    .optional(),
  on: z.boolean().default(true),
  /** Names of the VMs that are on the host at the start. */
  vms: z.array(z.string()).default([]),
});

/** The schema; defaults live here and nowhere else. */
export const scenarioSchema = z.strictObject({
  name: z.string().min(1),
  seed: whole(0).default(1),
  hosts: z.array(host).min(1),
  /** Type and options; the trace readers own the details. */
  workload: z.looseObject({ type: z.string().min(1) }),
  decisionEvery: quantity('duration').default(300_000),
  /** End of the run; default: the end of the workload. */
  duration: quantity('duration').optional(),
  policy: z.union([z.string(), z.looseObject({ name: z.string() })]).default('all-on'),
  budget: z.strictObject({ migrations: whole(0) }).optional(),
  objective: z
    .strictObject({
      energy: z.number().min(0).default(defaultObjective.energyPerKwh),
      lost: z.number().min(0).default(defaultObjective.lostPerVcpuHour),
      migration: z.number().min(0).default(defaultObjective.perMigration),
    })
    .prefault({}),
  network: z.strictObject({ port: quantity('rate').default(125e6) }).prefault({}),
  migration: z
    .strictObject({
      /** Rate cap of one transfer; half a 1 Gbit/s port, as CloudSim has it. */
      bandwidth: quantity('rate').default(62.5e6),
      /** Dirtying of one busy vCPU as a fraction of the bandwidth. */
      dirtyIntensity: z.number().min(0).default(0.1),
      /** Working set as a fraction of memory. */
      workingSet: fraction.default(0.5),
      /** CPU lost while being copied; 10 % in Beloglazov & Buyya (2012). */
      overhead: z.number().min(0).max(0.99).default(0.1),
    })
    .prefault({}),
});

/** A scenario, checked, with every default filled in and every quantity in its base unit. */
export type Scenario = z.output<typeof scenarioSchema>;
