/** The `applications` of a scenario as data. What the types need of each other is checked in `applications.ts`. */
import { z } from 'zod';
import { cachePolicies, keyChoices, keyValueWorkloads } from '../requests/key-value.ts';
import { balanceRules } from '../requests/request-spec.ts';
import { quantity } from './quantity-field.ts';

const whole = (minimum: number) => z.int().min(minimum);
const rate = z.number().min(0).max(1e9);

/** Times; as work they are times of one vCPU at its nominal speed. */
const distribution = z.strictObject({
  type: z
    .enum(['exponential', 'constant', 'uniform', 'lognormal', 'hyperexponential', 'empirical'])
    .default('exponential')
    .describe('form'),
  mean: quantity('duration').optional().describe('mean; for all but uniform and empirical'),
  min: quantity('duration').optional().describe('shortest, for uniform'),
  max: quantity('duration').optional().describe('longest, for uniform'),
  scv: z
    .number()
    .min(0)
    .max(1e6)
    .optional()
    .describe(
      'variance / mean², for lognormal and hyperexponential (there at least 1); default: 1 and 4',
    ),
  values: z
    .array(quantity('duration'))
    .min(1)
    .optional()
    .describe('equally likely values, for empirical'),
});

const arrivals = z.strictObject({
  type: z
    .enum(['poisson', 'regular', 'mmpp', 'trace', 'clients'])
    .default('poisson')
    .describe('`clients` is a closed loop: each waits for its answer, thinks and asks again'),
  rate: rate.optional().describe('requests per second, for poisson and regular'),
  states: z
    .array(
      z.strictObject({
        rate: rate.describe('requests per second'),
        mean: quantity('duration').describe('mean time in the state; then the next, around'),
      }),
    )
    .min(1)
    .optional()
    .describe('for mmpp: Poisson with a rate that changes at random times'),
  rates: z
    .array(rate)
    .min(1)
    .optional()
    .describe('requests per second in each step, for trace; after the last the first again'),
  every: quantity('duration').optional().describe('length of a step, for trace'),
  clients: whole(1).max(1e6).optional().describe('number of clients'),
  think: distribution.optional().describe('time between answer and next request; default: none'),
  backoff: quantity('duration')
    .default(100)
    .describe('shortest pause of a client after a request that failed'),
});

const variant = z.strictObject({
  name: z.string().min(1).describe('name'),
  demand: distribution.describe('work of a call, as time of one vCPU at its nominal speed'),
  accuracy: z.number().min(0).max(1).default(1).describe('share of answers that are right'),
  memory: quantity('size').default(0).describe('memory that a replica needs for it'),
});

const call = z.strictObject({
  service: z.string().describe('name of the service called'),
  count: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('calls on average; a fraction is a chance'),
  network: quantity('duration').default(0).describe('delay there, and again back'),
});

const replicaKeys = {
  replicas: whole(1).max(10_000).default(1).describe('VMs, called APPLICATION/SERVICE-NUMBER'),
  vm: z
    .strictObject({
      vcpus: whole(1).default(1).describe('virtual CPUs'),
      speed: quantity('speed').describe('nominal speed of one'),
      memory: quantity('size').describe('memory'),
    })
    .describe('each of them'),
  active: whole(1).optional().describe('replicas that are not parked at the start; default: all'),
  balance: z.enum(balanceRules).default('least-requests').describe('which replica gets a call'),
  queue: whole(1).max(1e6).default(500).describe('most calls in one replica; more are rejected'),
  wake: quantity('duration')
    .default(0)
    .describe('delay before an idle replica begins, such as the exit from a C-state'),
};

const service = z.strictObject({
  name: z.string().min(1).describe('name'),
  ...replicaKeys,
  demand: distribution
    .optional()
    .describe('work of a call, as time of one vCPU at its nominal speed; instead of variants'),
  variants: z.array(variant).min(1).optional().describe('ways to deploy it, one in use'),
  variant: z.string().optional().describe('the one in use at the start; default: the first'),
  switch: quantity('duration').default(0).describe('time until another variant is in use'),
  steps: z
    .array(
      z.strictObject({
        parallel: z.boolean().default(false).describe('all calls at once'),
        calls: z.array(call).min(1).describe('calls of the step'),
      }),
    )
    .default([])
    .describe('what it calls after its own work; a step begins when the one before is done'),
});

const keyValue = z.strictObject({
  workload: z.enum(keyValueWorkloads).default('a').describe('YCSB core workload'),
  keys: z.enum(keyChoices).optional().describe("choice of keys; default: the workload's"),
  records: whole(1).max(1e12).default(1000).describe('records'),
  cached: whole(0).max(1e12).optional().describe('records that the cache holds; default: all'),
  cache: z.enum(cachePolicies).default('most-popular').describe('which records it holds'),
  read: distribution.describe('work of a read that hits'),
  write: distribution.describe('work of an update or insert'),
  scanned: quantity('duration').default(0).describe('work of each further record of a scan'),
  missWork: quantity('duration').default(0).describe('further work of a miss'),
  missWait: quantity('duration').default(0).describe('time of a miss that takes no CPU'),
  ...replicaKeys,
});

/** One application. */
export const application = z.strictObject({
  name: z.string().min(1).describe('name, used once'),
  arrivals: arrivals.describe('where requests come from'),
  services: z.array(service).min(1).optional().describe('services; instead of keyValue'),
  keyValue: keyValue.optional().describe('a key-value store under YCSB; instead of services'),
  operations: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('name'),
        share: z.number().gt(0).default(1).describe('relative frequency'),
        service: z.string().optional().describe('the service that gets it; default: the first'),
        demand: distribution.optional().describe("its work there; default: the variant's"),
      }),
    )
    .min(1)
    .optional()
    .describe('kinds of requests to services; default: one'),
  network: quantity('duration')
    .default(0)
    .describe('delay between client and application, each way'),
  timeout: quantity('duration')
    .optional()
    .describe('an answer after this counts as late; default: never'),
  inFlight: whole(1)
    .max(1e6)
    .default(2000)
    .describe('most calls under way, waiting ones included; more are rejected'),
});

export type ApplicationEntry = z.output<typeof application>;
export type DistributionEntry = z.output<typeof distribution>;
export type ServiceEntry = z.output<typeof service>;
export type KeyValueEntry = z.output<typeof keyValue>;
