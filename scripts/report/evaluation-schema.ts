/** What `evaluation.json` must look like to be read back. */
import { z } from 'zod';
import type { Evaluation } from '../evaluate/results.ts';

const number = z.number();
const amount = z.number().min(0);
const count = z.int().min(0);
/** JSON has no NaN; what was not measured is stored as null. */
const measured = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const summary = z.object({
  simulatedS: amount,
  energyKwh: amount,
  slatah: number,
  slatahPooled: number,
  pdm: number,
  pdmPooled: number,
  slav: number,
  esv: number,
  unservedFraction: number,
  lostVcpuHours: number,
  migrations: count,
  migratedBytes: amount,
  meanMigrationS: amount,
  meanDowntimeMs: amount,
  meanHostsOn: amount,
  hostsSwitchedOn: count,
  hostsSwitchedOff: count,
  pstateChanges: count,
  meanWaitS: amount,
  fairness: number,
  responseS: z.object({ mean: amount, p50: amount, p95: amount, p99: amount }).exactOptional(),
  facility: z
    .object({
      energyKwh: amount,
      meanPue: amount,
      carbonKg: amount.exactOptional(),
      currency: z.string().exactOptional(),
      electricity: number.exactOptional(),
      revenue: number.exactOptional(),
      forgone: number.exactOptional(),
      penalty: number.exactOptional(),
      profit: number.exactOptional(),
    })
    .exactOptional(),
  eventsProcessed: count,
});

const record = z.object({
  scenario: z.string(),
  policy: z.string().min(1),
  seed: number,
  objective: number,
  cost: z.object({
    energyKwh: amount,
    lostVcpuHours: number,
    migrations: count,
    money: number.exactOptional(),
    carbonKg: number.exactOptional(),
  }),
  summary,
  decisionMs: z.array(amount),
  series: z.array(z.object({ timeMs: amount, powerW: amount, hostsOn: count, migrations: count })),
});

const learning = z.object({
  curve: z.array(
    z.object({
      epoch: number,
      trainLoss: measured,
      heldOutRegret: measured,
      heldOutAgreement: measured,
    }),
  ),
  bestFixed: z.object({ source: z.string(), heldOutRegret: measured }),
});

export const evaluationSchema = z.object({
  format: z.literal('wattwin-evaluation'),
  version: z.literal(1),
  title: z.string(),
  objective: z.object({
    energyPerKwh: number,
    lostPerVcpuHour: number,
    perMigration: number,
    moneyPerUnit: number.exactOptional(),
    carbonPerKg: number.exactOptional(),
  }),
  workload: z.string(),
  trainedOn: z.string(),
  testedOn: z.string(),
  hosts: count,
  vms: count,
  decisionEveryMs: z.number().gt(0),
  records: z.array(record).min(1),
  learning: learning.exactOptional(),
  optimalityGap: z
    .object({ instances: count, mean: number, largest: number, solvedExactly: count })
    .exactOptional(),
}) satisfies z.ZodType<Evaluation, unknown>;
