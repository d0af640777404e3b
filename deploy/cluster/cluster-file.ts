/** The cluster file: which real hosts there are, how they are reached and woken, what must hold. */
import { z } from 'zod';
import { objectiveWeights, quantity } from '../../sim/index.ts';

const name = z.string().min(1).max(253);
const whole = (minimum: number) => z.int().min(minimum);
const fraction = z.number().min(0).max(1);
const argumentList = z.array(z.string().min(1)).min(1);

const host = z.strictObject({
  name: name.describe('[USER@]HOST as ssh knows it'),
  address: name.optional().describe('as other hosts reach it for migrations; default: its name'),
  rack: name.optional().describe('where it stands'),
  cores: whole(1).optional().describe('default: what the host says'),
  memory: quantity('size').optional().describe('for VMs; default: what the host says'),
  wake: argumentList
    .optional()
    .describe(
      'command here that wakes it, as a list: no shell; without it the host is never switched off',
    ),
  sleep: z.enum(['S3', 'S5']).default('S5').describe('how it is switched off: suspended, or off'),
  offPower: z.number().min(0).default(0).describe('W while it is off'),
  idlePower: z
    .number()
    .positive()
    .optional()
    .describe('W idle at full frequency, until calibrated'),
  fullPower: z.number().positive().optional().describe('W with all cores busy, until calibrated'),
  wakeTime: quantity('duration').default(120_000).describe('until VMs can be sent there'),
  maintenance: z.boolean().default(false).describe('sends no VM there'),
});

export const clusterSchema = z.strictObject({
  name: z.string().min(1).default('cluster').describe('of the cluster'),
  hosts: z.array(host).min(1).describe('all hosts that may be looked at and acted on'),
  ssh: z
    .strictObject({
      config: z
        .string()
        .optional()
        .describe('ssh configuration instead of ~/.ssh/config; relative to this file'),
      timeout: quantity('duration').default(20_000).describe('limit for one answer of a host'),
      sudo: z.boolean().default(false).describe('`sudo -n` for what only root may do'),
    })
    .prefault({})
    .describe('how hosts are reached'),
  libvirt: z
    .strictObject({
      uri: z.string().default('qemu:///system').describe('on each host'),
      globalQuota: z
        .boolean()
        .default(true)
        .describe(
          "count quotas of whole VMs (libvirt's global_quota); false where they stand for the speed of the hardware, as in a testbed",
        ),
      migration: z
        .strictObject({
          uri: z
            .string()
            .default('qemu+ssh://{address}/system')
            .describe('how one host reaches the libvirt of another'),
          storage: z
            .enum(['none', 'shared', 'copy'])
            .default('shared')
            .describe('of VMs that have a disk: all hosts see it, or it is copied with the VM'),
          unsafe: z
            .boolean()
            .default(false)
            .describe('allow what libvirt cannot prove safe, as a shared disk on a plain folder'),
          bandwidth: quantity('rate').optional().describe('rate at most; default: the link'),
          autoConverge: z
            .boolean()
            .default(true)
            .describe('slow a VM down that writes faster than can be sent'),
          postCopy: z
            .boolean()
            .default(false)
            .describe('let a VM that does not get there go on at its target'),
          timeout: quantity('duration').default(600_000).describe('after that it is called off'),
        })
        .prefault({})
        .describe('how VMs are moved'),
    })
    .prefault({})
    .describe('libvirt on the hosts'),
  vms: z
    .strictObject({
      fixed: z.array(name).default([]).describe('VMs that are never moved; * stands for any text'),
      ignored: z
        .array(name)
        .default([])
        .describe('VMs that are not touched and not moved, only counted'),
      apart: z
        .array(z.array(name).min(1))
        .default([])
        .describe('sets of which no two share a host'),
      together: z.array(z.array(name).min(2)).default([]).describe('sets that share one host'),
    })
    .prefault({})
    .describe('what holds for VMs'),
  interval: quantity('duration')
    .default(60_000)
    .describe('from one decision to the next, and of telemetry'),
  history: whole(1).default(36).describe('intervals of demand that policies see'),
  horizon: whole(1).default(6).describe('intervals that the twin looks ahead'),
  policy: z
    .union([z.string(), z.looseObject({ name: z.string() })])
    .default('best-fit')
    .describe('a policy name, or a name with options, as in scenarios'),
  objective: z
    .strictObject(objectiveWeights)
    .prefault({})
    .describe('weights of the cost, kWh-equivalents'),
  guard: z
    .strictObject({
      migrations: whole(0).default(2).describe('most in one decision (MNL)'),
      hosts: whole(1).default(4).describe('most hosts that one decision may touch (blast radius)'),
      hostsOn: whole(1).default(1).describe('fewest hosts that stay on'),
      vmCooldown: quantity('duration')
        .default(300_000)
        .describe('after a move, a VM stays that long'),
      hostCooldown: quantity('duration')
        .default(600_000)
        .describe('after a change of power, a host stays that long'),
      utilization: fraction
        .default(0.9)
        .describe('most CPU that a plan may ask of a host, of what it has at the frequency then'),
      confidence: fraction
        .default(0.5)
        .describe('least confidence of the telemetry a decision rests on'),
      benefit: z
        .number()
        .min(0)
        .default(0)
        .describe('least gain of a plan by the objective, as a fraction of doing nothing'),
      killSwitch: z
        .string()
        .default('STOP')
        .describe('while this file exists nothing is done; relative to this file'),
    })
    .prefault({})
    .describe('limits that no plan passes'),
});

/** A cluster file with all defaults filled in; times in ms, sizes in bytes, rates in bytes/s. */
export type ClusterFile = z.output<typeof clusterSchema>;
export type ClusterHost = ClusterFile['hosts'][number];
