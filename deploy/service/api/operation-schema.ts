/** Operations as they are sent: the schema of `Operation`. */
import { z } from 'zod';
import type { Operation } from '../../actions/operation.ts';

const name = z.string().min(1).max(253);
const cpu = z.int().min(0).max(65_535);
const khz = z.number().positive().max(1e9);
const cpufreqPolicies = z.array(cpu).max(4096).optional();
const vmThere = { vm: name, host: name };

const setting = z.strictObject({
  policy: cpu,
  governor: z.string().min(1).max(64),
  minKhz: khz,
  maxKhz: khz,
  setKhz: khz.optional(),
});

const variants = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('migrate'),
    vm: name,
    from: name,
    to: name,
    storage: z.enum(['none', 'shared', 'copy']).default('shared'),
    bandwidthMibps: z.number().positive().optional(),
    autoConverge: z.boolean().optional(),
    postCopy: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('startVm'), ...vmThere }),
  z.strictObject({ type: z.literal('stopVm'), ...vmThere, force: z.boolean().optional() }),
  z.strictObject({ type: z.literal('setVcpus'), ...vmThere, vcpus: z.int().min(1).max(1024) }),
  z.strictObject({
    type: z.literal('setQuota'),
    ...vmThere,
    coresPerVcpu: z.number().positive().max(1).nullable(),
  }),
  z.strictObject({ type: z.literal('setShares'), ...vmThere, shares: z.int().min(1) }),
  z.strictObject({
    type: z.literal('pinVcpus'),
    ...vmThere,
    cpus: z
      .array(
        z
          .string()
          .max(4096)
          .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, 'a list such as 0-3,8'),
      )
      .max(1024),
  }),
  z.strictObject({ type: z.literal('setMemory'), ...vmThere, bytes: z.number().positive() }),
  z.strictObject({
    type: z.literal('setGovernor'),
    host: name,
    governor: z.string().min(1).max(64),
    policies: cpufreqPolicies,
  }),
  z.strictObject({ type: z.literal('setFrequency'), host: name, khz, policies: cpufreqPolicies }),
  z.strictObject({
    type: z.literal('setCpufreq'),
    host: name,
    settings: z.array(setting).max(4096),
  }),
  z.strictObject({ type: z.literal('sleepHost'), host: name, to: z.enum(['S3', 'S5']) }),
  z.strictObject({ type: z.literal('wakeHost'), host: name }),
]);

/** One operation; keys that are absent stay absent. */
export const operationSchema = variants.transform(
  (operation) =>
    Object.fromEntries(
      Object.entries(operation).filter(([, value]) => value !== undefined),
    ) as unknown as Operation,
);
