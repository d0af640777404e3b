/** The key `faults` of a scenario: its schema, and what it makes of a model. */
import { z } from 'zod';
import type { Issue } from '../errors.ts';
import { quantity } from '../scenario/quantity-field.ts';
import type { FaultsSpec, HostFaultSpec, TelemetryFaultSpec } from './fault-spec.ts';
import type { LifetimeSpec } from './lifetime.ts';

const distributions = ['exponential', 'constant', 'weibull', 'lognormal', 'gamma'] as const;
const probability = z.number().min(0).max(1);
const shape = z.number().min(0.05).max(1000);
const scv = z.number().min(0).max(1e6);

/** Time to failure, under whatever name, and time to repair. */
const cycle = {
  mtbf: quantity('duration').describe('mean time from a repair, or the start, to the next failure'),
  distribution: z.enum(distributions).default('exponential').describe('of that time'),
  shape: shape.default(0.7).describe('for weibull and gamma; below 1 failures come in bursts'),
  scv: scv.default(1).describe('variance / mean², for lognormal'),
  repair: quantity('duration').describe('mean time to repair'),
  repairDistribution: z.enum(distributions).default('exponential').describe('of that time'),
  repairShape: shape.default(1).describe('for weibull and gamma'),
  repairScv: scv.default(1).describe('variance / mean², for lognormal'),
};

const hostFaults = z.strictObject({
  hosts: z.array(z.string()).min(1).optional().describe('names of the hosts; default: all'),
  together: z
    .enum(['alone', 'rack', 'all'])
    .default('alone')
    .describe(
      'each host by itself, all hosts of a rack (as in network.racks) at once, all at once',
    ),
  ...cycle,
});

const failureTrace = z.strictObject({
  hosts: z.array(z.string()).min(1).optional().describe('names of the hosts; default: all'),
  rows: z
    .array(
      z.strictObject({
        interval: quantity('duration').describe('from the end of the failure before to this one'),
        duration: quantity('duration').describe('how long the hosts are down'),
        intensity: z.number().gt(0).max(1).default(1).describe('share of the hosts that fail'),
      }),
    )
    .min(1)
    .describe('failures in order'),
  repeat: z.boolean().default(false).describe('from the first row again after the last'),
});

const telemetryFaults = z.strictObject({
  kind: z
    .enum(['stale', 'missing', 'clock'])
    .describe('values are old, values do not come, or their time stamps are off'),
  scope: z
    .enum(['all', 'host', 'vm'])
    .default('all')
    .describe('whose values are hit together; a clock is that of all'),
  every: quantity('duration').describe(
    'mean time, exponential, from the end of a spell to the next',
  ),
  lasts: quantity('duration').describe('mean length, exponential, of a spell'),
  intervals: z.int().min(0).max(1000).default(1).describe('age of stale values, in intervals'),
  jump: quantity('duration').default(0).describe('how far the clock is off'),
  direction: z.enum(['ahead', 'behind']).default('behind').describe('where to'),
});

/** Schema of the key. */
export const faultsKey = z.strictObject({
  hosts: z.array(hostFaults).default([]).describe('hosts that fail and are repaired'),
  traces: z.array(failureTrace).default([]).describe('failures of hosts as recorded'),
  vms: z
    .strictObject({
      mtbf: cycle.mtbf.describe('mean time that a VM runs until it crashes'),
      distribution: cycle.distribution,
      shape: cycle.shape,
      scv: cycle.scv,
    })
    .optional()
    .describe('VMs that crash by themselves; default: none does'),
  migrations: z
    .strictObject({
      fail: probability.default(0).describe('chance that one breaks while memory is copied'),
      slow: probability.default(0).describe('chance that one is slow'),
      slowFactor: z.number().gt(0).max(1).default(0.2).describe('rate of a slow one by the usual'),
    })
    .optional()
    .describe('migrations that go wrong; default: none does'),
  telemetry: z
    .array(telemetryFaults)
    .default([])
    .describe('spells in which policies see old values, none, or wrong times'),
  crashedVms: z
    .enum(['pending', 'lost'])
    .default('pending')
    .describe('whether VMs of a failed host wait for another or are gone'),
  restart: quantity('duration').default(0).describe('time until a crashed VM can be placed again'),
  repaired: z
    .enum(['on', 'off'])
    .default('on')
    .describe('whether a repaired host that was on boots, or stays off'),
});

export type FaultsKey = z.output<typeof faultsKey>;

/** Names of the hosts, and the rack of each where the scenario has racks. */
export interface FaultContext {
  readonly hostNames: readonly string[];
  readonly rackOf?: (host: number) => number;
}

/** What the key says; nothing without one. @param issues Receives unknown hosts and empty times. */
export function faultsOf(
  key: FaultsKey | undefined,
  context: FaultContext,
  path: string,
  issues: Issue[],
): { readonly faults?: FaultsSpec } {
  if (key === undefined) return {};
  const before = issues.length;
  const at = `${path}: faults`;
  const hosts = key.hosts.flatMap((entry, index) =>
    hostFaultsOf(entry, context, `${at}.hosts[${index}]`, issues),
  );
  const traces = key.traces.map((entry, index) => ({
    hosts: hostsNamed(entry.hosts, context, `${at}.traces[${index}].hosts`, issues),
    rows: entry.rows.map(({ interval, duration, intensity }) => ({
      intervalMs: interval,
      durationMs: duration,
      intensity,
    })),
    repeat: entry.repeat,
  }));
  key.traces.forEach(({ rows, repeat }, index) => {
    const spanMs = rows.reduce((sum, row) => sum + row.interval + row.duration, 0);
    if (repeat && spanMs === 0) {
      issues.push({
        path: `${at}.traces[${index}]`,
        expected: 'a row that takes time',
        got: 'none',
      });
    }
  });
  const telemetry = key.telemetry.map((entry, index) =>
    telemetryOf(entry, `${at}.telemetry[${index}]`, issues),
  );
  if (key.vms !== undefined) positive(key.vms.mtbf, `${at}.vms.mtbf`, issues);
  if (issues.length > before) return {};
  const { vms, migrations } = key;
  return {
    faults: {
      ...(hosts.length === 0 ? {} : { hosts }),
      ...(traces.length === 0 ? {} : { traces }),
      ...(telemetry.length === 0 ? {} : { telemetry }),
      ...(vms === undefined
        ? {}
        : { vms: { upMs: lifetimeOf(vms.distribution, vms.mtbf, vms.shape, vms.scv) } }),
      ...(migrations === undefined
        ? {}
        : {
            migrations: {
              failProbability: migrations.fail,
              slowProbability: migrations.slow,
              slowFactor: migrations.slowFactor,
            },
          }),
      crashedVms: key.crashedVms,
      restartMs: key.restart,
      repaired: key.repaired,
    },
  };
}

function hostFaultsOf(
  entry: FaultsKey['hosts'][number],
  context: FaultContext,
  path: string,
  issues: Issue[],
): HostFaultSpec[] {
  positive(entry.mtbf, `${path}.mtbf`, issues);
  positive(entry.repair, `${path}.repair`, issues);
  const hosts = hostsNamed(entry.hosts, context, `${path}.hosts`, issues);
  const { rackOf } = context;
  if (entry.together === 'rack' && rackOf === undefined) {
    issues.push({ path: `${path}.together`, expected: 'network.racks', got: 'none' });
    return [];
  }
  const base = {
    upMs: lifetimeOf(entry.distribution, entry.mtbf, entry.shape, entry.scv),
    downMs: lifetimeOf(entry.repairDistribution, entry.repair, entry.repairShape, entry.repairScv),
  };
  if (entry.together !== 'rack') return [{ ...base, hosts, together: entry.together === 'all' }];
  const racks = new Map<number, number[]>();
  for (const host of hosts) {
    const rack = rackOf!(host);
    racks.set(rack, [...(racks.get(rack) ?? []), host]);
  }
  return [...racks.values()].map((members) => ({ ...base, hosts: members, together: true }));
}

function hostsNamed(
  names: readonly string[] | undefined,
  { hostNames }: FaultContext,
  path: string,
  issues: Issue[],
): number[] {
  if (names === undefined) return [...hostNames.keys()];
  return names.flatMap((name) => {
    const host = hostNames.indexOf(name);
    if (host >= 0) return [host];
    issues.push({ path, expected: 'a host of the scenario', got: `"${name}"` });
    return [];
  });
}

function telemetryOf(
  entry: FaultsKey['telemetry'][number],
  path: string,
  issues: Issue[],
): TelemetryFaultSpec {
  positive(entry.every, `${path}.every`, issues);
  positive(entry.lasts, `${path}.lasts`, issues);
  return {
    kind: entry.kind,
    scope: entry.scope,
    upMs: { type: 'exponential', mean: entry.every },
    downMs: { type: 'exponential', mean: entry.lasts },
    intervals: entry.intervals,
    jumpMs: entry.direction === 'ahead' ? entry.jump : -entry.jump,
  };
}

function lifetimeOf(
  type: (typeof distributions)[number],
  mean: number,
  shapeOf: number,
  scvOf: number,
): LifetimeSpec {
  if (type === 'lognormal') return { type, mean, scv: scvOf };
  if (type === 'weibull' || type === 'gamma') return { type, mean, shape: shapeOf };
  return { type, mean };
}

function positive(ms: number, path: string, issues: Issue[]): void {
  if (!(ms > 0)) issues.push({ path, expected: 'a time above 0', got: `${ms} ms` });
}
