/**
 * A scenario as data: which hosts, which workload, which policy, how it is judged. Strict: unknown
 * keys are errors, quantities carry their unit, and all problems are reported at once.
 */
import { z } from 'zod';
import { accountingKey } from '../accounting/scenario-key.ts';
import { governors } from '../governors/index.ts';
import { defaultObjective } from '../objective.ts';
import { application } from './application-schema.ts';
import { hostPresets } from './host-presets.ts';
import { quantity } from './quantity-field.ts';

export { quantity };

const whole = (minimum: number) => z.int().min(minimum);
const fraction = z.number().min(0).max(1);

const pstate = z
  .strictObject({
    speed: quantity('speed').describe('speed of one core'),
    idle: quantity('power').describe('power without any load'),
    epsilon: quantity('power')
      .optional()
      .describe('power as load tends to 0 from above; default: idle'),
    full: quantity('power').describe('power with all cores busy'),
    curve: z
      .array(z.number().min(0))
      .length(11)
      .optional()
      .describe('W at 0, 10, …, 100 % load; replaces the line from epsilon to full'),
  })
  .describe('one P-state, fastest first');

const host = z.strictObject({
  name: z.string().min(1).optional().describe('name of one host, or prefix of several'),
  count: whole(1).default(1).describe('hosts of this kind'),
  model: z
    .enum(Object.keys(hostPresets))
    .optional()
    .describe('preset; the other keys take precedence over it'),
  cores: whole(1).optional().describe('cores; needed without a model'),
  memory: quantity('size').optional().describe('memory; needed without a model'),
  pstates: z
    .array(pstate)
    .min(1)
    .optional()
    .describe('P-states, fastest first; needed without a model'),
  off: quantity('power').optional().describe('power while off'),
  boot: z
    .strictObject({
      time: quantity('duration').describe('time to boot'),
      power: quantity('power').describe('power meanwhile'),
    })
    .optional()
    .describe('switching on'),
  shutdown: z
    .strictObject({
      time: quantity('duration').describe('time to shut down'),
      power: quantity('power').describe('power meanwhile'),
    })
    .optional()
    .describe('switching off'),
  governor: z
    .strictObject({
      rule: z.enum(governors.map((rule) => rule.name)).describe('frequency rule'),
      every: quantity('duration').default(10_000).describe('sampling period'),
    })
    .optional()
    .describe('frequency rule that the host runs by itself'),
  on: z.boolean().default(true).describe('whether the host is on at the start'),
  vms: z.array(z.string()).default([]).describe('names of the VMs that are there at the start'),
});

/** The schema; defaults live here and nowhere else. */
export const scenarioSchema = z.strictObject({
  name: z.string().min(1).describe('name of the scenario'),
  seed: whole(0).default(1).describe('every random stream derives from it'),
  hosts: z.array(host).min(1).describe('groups of hosts'),
  /** The trace readers own the details. */
  workload: z.looseObject({ type: z.string().min(1) }).describe('type and options'),
  decisionEvery: quantity('duration').default(300_000).describe('time between decisions'),
  duration: quantity('duration')
    .optional()
    .describe('end of the run; default: the end of the workload'),
  policy: z
    .union([z.string(), z.looseObject({ name: z.string() })])
    .default('all-on')
    .describe('a policy name, or a name with options'),
  budget: z
    .strictObject({ migrations: whole(0).describe('most migrations of one decision') })
    .optional()
    .describe('limits of one decision; default: none'),
  objective: z
    .strictObject({
      energy: z.number().min(0).default(defaultObjective.energyPerKwh).describe('per kWh'),
      lost: z
        .number()
        .min(0)
        .default(defaultObjective.lostPerVcpuHour)
        .describe('per vCPU·h asked for and not delivered'),
      migration: z
        .number()
        .min(0)
        .default(defaultObjective.perMigration)
        .describe('per finished migration'),
    })
    .prefault({})
    .describe('weights of the cost, kWh-equivalents'),
  accounting: accountingKey.optional().describe('charges energy to VMs and tenants; default: off'),
  applications: z
    .array(application)
    .optional()
    .describe(
      'what answers requests; each replica is a VM of its own, beside those of the workload',
    ),
  network: z
    .strictObject({
      port: quantity('rate').default(125e6).describe('port of each host, both directions together'),
    })
    .prefault({})
    .describe('what migrations share'),
  migration: z
    .strictObject({
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
      overhead: z
        .number()
        .min(0)
        .max(0.99)
        .default(0.1)
        .describe(
          'fraction of its CPU that a VM loses while it is copied; Beloglazov & Buyya (2012)',
        ),
    })
    .prefault({})
    .describe('live migration of every VM'),
});

/** A scenario, checked, with every default filled in and every quantity in its base unit. */
export type Scenario = z.output<typeof scenarioSchema>;
