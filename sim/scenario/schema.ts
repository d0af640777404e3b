/**
 * A scenario as data: which hosts, which workload, which policy, how it is judged. Strict: unknown
 * keys are errors, quantities carry their unit, and all problems are reported at once.
 */
import { z } from 'zod';
import { accountingKey } from '../accounting/scenario-key.ts';
import { faultsKey } from '../faults/scenario-key.ts';
import { defaultObjective } from '../objective.ts';
import { application } from './application-schema.ts';
import { facilityKey } from './facility-key.ts';
import { hostKey } from './host-key.ts';
import { migrationKey } from './migration-key.ts';
import { diskKey, networkKey } from './network-key.ts';
import { quantity } from './quantity-field.ts';

export { quantity };

const whole = (minimum: number) => z.int().min(minimum);

/** Weights of the cost that every cluster has, simulated or real. */
export const objectiveWeights = {
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
};

/** The schema; defaults live here and nowhere else. */
export const scenarioSchema = z.strictObject({
  name: z.string().min(1).describe('name of the scenario'),
  seed: whole(0).default(1).describe('every random stream derives from it'),
  hosts: z
    .array(hostKey)
    .min(1)
    .describe('groups of hosts, or a file with such a list, as calibrate writes'),
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
      ...objectiveWeights,
      money: z
        .number()
        .min(0)
        .optional()
        .describe('per unit of the currency of the facility; default: 0'),
      carbon: z.number().min(0).optional().describe('per kg of CO₂ equivalents; default: 0'),
    })
    .prefault({})
    .describe('weights of the cost, kWh-equivalents'),
  accounting: accountingKey.optional().describe('charges energy to VMs and tenants; default: off'),
  faults: faultsKey
    .optional()
    .describe('hosts, VMs, migrations and telemetry that fail; default: nothing does'),
  facility: facilityKey
    .optional()
    .describe('overhead, price and carbon of electricity, prices of VMs; default: not modelled'),
  quotas: z
    .record(z.string(), z.number().positive())
    .optional()
    .describe('most CPU that a VM by its name may use, in cores; default: no limit'),
  applications: z
    .array(application)
    .optional()
    .describe(
      'what answers requests; each replica is a VM of its own, beside those of the workload',
    ),
  network: networkKey.prefault({}).describe('what migrations and the traffic of VMs share'),
  disk: diskKey.optional().describe('disks of the hosts; default: not modelled'),
  migration: migrationKey.prefault({}).describe('live migration of every VM'),
});

/** A scenario, checked, with every default filled in and every quantity in its base unit. */
export type Scenario = z.output<typeof scenarioSchema>;
