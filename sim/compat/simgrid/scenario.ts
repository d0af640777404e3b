/**
 * The scenario files with which this twin and SimGrid 3.32 are compared: hosts, network, VMs and
 * tasks by name, and dated events. Units: flop/s, W, J, bytes, s.
 */
import { z } from 'zod';

const countMax = 1_000_000;

const name = z.string().min(1, 'a name');
const positive = z.number().refine((value) => value > 0, 'a number above 0');
const notNegative = z.number().min(0);
const count = z.int().min(1).max(countMax);
const index = z.int().min(0);

const pstate = z.strictObject({
  /** Speed of one core. 0 stands for booting and the like: the host then draws `max`. */
  speed: notNegative,
  idle: notNegative,
  /** Power just above no load. Default: `idle`. */
  epsilon: notNegative.optional(),
  max: notNegative,
});

/** A P-state that is shown for a while when a host is switched. */
const transition = z.strictObject({ pstate: index, duration: notNegative });

const host = z.strictObject({
  name,
  cores: count,
  pstates: z.array(pstate).min(1),
  watts_off: notNegative.default(0),
  pstate: index.default(0),
  initially_on: z.boolean().default(true),
  boot: transition.optional(),
  shutdown: transition.optional(),
  governor: z
    .strictObject({
      name: z.enum(['performance', 'powersave', 'ondemand', 'conservative']),
      sampling_rate: positive,
    })
    .optional(),
});

const network = z.strictObject({
  model: z.enum(['CM02', 'LV08']).default('CM02'),
  crosstraffic: z.union([z.literal(0), z.literal(1), z.boolean()], '0 or 1').default(0),
  links: z.array(z.strictObject({ name, bandwidth: positive, latency: notNegative.default(0) })),
  routes: z.array(z.strictObject({ src: name, dst: name, links: z.array(name).min(1) })),
});

const vm = z.strictObject({
  name,
  host: name,
  cores: count,
  ram_bytes: notNegative.default(0),
  /** Most flop/s of the VM together; 0 or absent: no limit. */
  bound: notNegative.optional(),
  migration: z
    .strictObject({
      /** Rate cap of each transfer; 0: no cap, and no page gets dirty. */
      speed: notNegative.default(0),
      dp_intensity: notNegative.default(0),
      working_set: notNegative.default(0),
    })
    .optional(),
});

const phase = z
  .strictObject({
    flops: notNegative.optional(),
    threads: count.optional(),
    bound: notNegative.optional(),
    priority: positive.optional(),
    sleep: notNegative.optional(),
    sleep_until: notNegative.optional(),
  })
  .refine(
    ({ flops, sleep, sleep_until }) =>
      [flops, sleep, sleep_until].filter((part) => part !== undefined).length === 1,
    'exactly one of flops, sleep and sleep_until',
  )
  .refine(
    ({ flops, threads, bound, priority }) =>
      flops !== undefined || (threads ?? bound ?? priority) === undefined,
    'threads, bound and priority with flops only',
  );

const task = z
  .strictObject({
    id: name,
    /** A host or a VM. */
    on: name,
    start: notNegative.default(0),
    phases: z.array(phase).optional(),
    /** Number of endless loops of one thread each. */
    background_threads: count.optional(),
    /** Work of one turn of a loop; makes no difference, since the next follows at once. */
    background_flops: positive.optional(),
  })
  .refine(
    ({ phases, background_threads }) =>
      (phases === undefined) !== (background_threads === undefined),
    'either phases or background_threads',
  )
  .refine(
    ({ background_threads, background_flops }) =>
      background_threads !== undefined || background_flops === undefined,
    'background_flops with background_threads only',
  );

const event = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ t: notNegative, type: z.literal('pstate'), host: name, pstate: index }),
    z.strictObject({ t: notNegative, type: z.literal('vm_bound'), vm: name, bound: notNegative }),
    z.strictObject({ t: notNegative, type: z.literal('migrate'), vm: name, dst: name }),
    z.strictObject({ t: notNegative, type: z.literal('power_off'), host: name }),
    z.strictObject({ t: notNegative, type: z.literal('power_on'), host: name }),
  ],
  'an event with type pstate, vm_bound, migrate, power_off or power_on',
);

/** A cluster with tasks and events. What is dated after `end` does not happen. */
export const simGridScenarioSchema = z.strictObject({
  name,
  description: z.string().optional(),
  hosts: z.array(host).min(1),
  network: network.optional(),
  vms: z.array(vm).default([]),
  tasks: z.array(task).default([]),
  events: z.array(event).default([]),
  sample_times: z.array(notNegative).default([]),
  end: positive,
});

/** A cluster of equal hosts whose VMs all change their demand at every step, by a formula. */
export const simGridGeneratorSchema = z.strictObject({
  name,
  description: z.string().optional(),
  generator: z.strictObject({
    host_count: count,
    cores: count,
    speed: positive,
    idle: notNegative,
    epsilon: notNegative,
    max: notNegative,
    watts_off: notNegative.default(0),
    vm_count: count,
    vm_vcpus_cycle: z.array(count).min(1),
    interval: positive,
    steps: count,
    seed0: z.int().min(0).max(0xffffffff),
    /** The formulas in words; `generator.ts` is what runs. */
    placement: z.string().optional(),
    prng: z.string().optional(),
    demand: z.string().optional(),
  }),
});

export type SimGridScenario = z.infer<typeof simGridScenarioSchema>;
export type SimGridGeneratorScenario = z.infer<typeof simGridGeneratorSchema>;
export type SimGridGenerator = SimGridGeneratorScenario['generator'];
export type SimGridEvent = SimGridScenario['events'][number];
