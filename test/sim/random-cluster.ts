/** Random small clusters and random things done to them, for property tests. */
import fc from 'fast-check';
import { smallComponentHost } from '../../scripts/fuzz/small-component-host.ts';
import {
  advance,
  createPolicy,
  decideOnce,
  failHost,
  governors,
  type HostSpec,
  limitPstates,
  migrateVm,
  placeVm,
  powerOff,
  powerOn,
  setDemand,
  setDomainPstate,
  setPstate,
  setQuota,
  type Twin,
  vmStatus,
} from '../../sim/index.ts';
import {
  type ClusterOptions,
  type HostOptions,
  mib,
  threePstates,
  type VmOptions,
} from '../builders.ts';

/**
 * One thing done after some time, legal or not. Ids are taken modulo what there is; `move` and
 * `start` pick among the VMs that run or wait, so that something comes of it more often.
 */
export interface Deed {
  readonly waitMs: number;
  readonly kind:
    | 'place'
    | 'start'
    | 'migrate'
    | 'move'
    | 'powerOn'
    | 'powerOff'
    | 'setPstate'
    | 'setDomainPstate'
    | 'limitPstates'
    | 'suspend'
    | 'setDemand'
    | 'setQuota'
    | 'fail'
    | 'policy';
  readonly vm: number;
  readonly host: number;
  readonly pstate: number;
}

const curve: HostSpec['pstates'] = [
  {
    coreMips: 1200,
    idleW: 60,
    epsilonW: 60,
    fullW: 150,
    curveW: [60, 75, 82, 90, 98, 107, 116, 124, 133, 142, 150],
  },
];

const host: fc.Arbitrary<HostOptions> = fc
  .record({
    pstates: fc.constantFrom(threePstates, curve, [
      { coreMips: 900, idleW: 30, epsilonW: 50, fullW: 90 },
    ]),
    cores: fc.integer({ min: 1, max: 6 }),
    memoryGib: fc.integer({ min: 4, max: 12 }),
    initiallyOn: fc.constantFrom(true, true, true, false),
    bootMs: fc.constantFrom(0, 7_000, 90_000, 400_000),
    shutdownMs: fc.constantFrom(0, 3_000, 50_000),
    governor: fc.option(
      fc
        .record({
          rule: fc.nat({ max: governors.length - 1 }),
          periodMs: fc.constantFrom(7_000, 60_000),
        })
        .map((spec) => ({ ...spec, slots: governors[spec.rule]!.slots ?? 0 })),
      { nil: undefined },
    ),
    split: fc.constantFrom(1, 1, 2, Infinity),
    transition: fc.constantFrom(
      { latencyMs: 0 },
      { latencyMs: 0 },
      { latencyMs: 0.05, haltMs: 0.01 },
      { latencyMs: 400, haltMs: 150, gridMs: 1_000 },
    ),
    heat: fc.option(
      fc.constantFrom(
        { resistanceKPerW: 0.2, capacityJPerK: 500, inletC: 22 },
        { resistanceKPerW: 0.2, capacityJPerK: 500, inletC: 22, limitC: 45, everyMs: 3_000 },
      ),
      { nil: undefined },
    ),
    isParts: fc.constantFrom(false, false, false, true),
    sleep: fc.option(
      fc.constantFrom(
        { suspendMs: 3_000, suspendW: 90, asleepW: 7, resumeMs: 8_000, resumeW: 120 },
        { suspendMs: 0, suspendW: 90, asleepW: 0, resumeMs: 0, resumeW: 0 },
      ),
      { nil: undefined },
    ),
  })
  .map(({ governor, split, transition, sleep, heat, isParts, ...rest }) => ({
    ...rest,
    ...(isParts
      ? { component: { ...smallComponentHost, packages: 1, coresPerPackage: rest.cores } }
      : {}),
    ...(heat === undefined ? {} : { heat }),
    frequency: {
      ...transition,
      domains: rest.cores % split === 0 ? split : splitAll(rest.cores, split),
    },
    ...(governor === undefined ? {} : { governor }),
    ...(sleep === undefined ? {} : { sleep }),
  }));

/** One domain per core, or one in all. */
const splitAll = (cores: number, split: number): number => (split === Infinity ? cores : 1);

const vm = (hosts: number): fc.Arbitrary<VmOptions> =>
  fc
    .record({
      demandMips: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 6 }),
      vcpus: fc.integer({ min: 1, max: 3 }),
      memoryGib: fc.constantFrom(0.5, 1, 2),
      arrivalS: fc.constantFrom(0, 0, 0, 61, 250, 300, 650),
      livesS: fc.oneof(fc.constant(null), fc.constant(null), fc.integer({ min: 1, max: 900 })),
      host: fc.integer({ min: -1, max: 2 * hosts - 1 }),
    })
    .map(({ livesS, host: at, ...rest }) => ({
      ...rest,
      host: at < 0 ? -1 : at % hosts,
      ...(livesS === null ? {} : { departureS: rest.arrivalS + livesS }),
    }));

/** VMs named as placed at time 0 go there only while there is a running host with the memory. */
function legalStart(hosts: readonly HostOptions[], vms: readonly VmOptions[]): VmOptions[] {
  const free = hosts.map((spec) => (spec.initiallyOn === false ? 0 : (spec.memoryGib ?? 16)));
  return vms.map((spec) => {
    const at = spec.host ?? -1;
    const memory = spec.memoryGib ?? 2;
    if (at < 0 || spec.arrivalS !== 0 || free[at]! < memory) return { ...spec, host: -1 };
    free[at]! -= memory;
    return spec;
  });
}

/** Some hosts and VMs, migrations slow enough to be caught half-way. */
export const randomCluster: fc.Arbitrary<ClusterOptions> = fc
  .array(host, { minLength: 2, maxLength: 4 })
  .chain((hosts) =>
    fc.record({
      hosts: fc.constant(hosts),
      vms: fc.array(vm(hosts.length), { minLength: 1, maxLength: 8 }),
      intervalS: fc.constantFrom(60, 300),
      steps: fc.integer({ min: 1, max: 6 }),
      migration: fc.record({
        bytesPerS: fc.constantFrom(5 * mib, 50 * mib, 200 * mib, 200 * mib),
        dirtyIntensity: fc.constantFrom(0, 0.2, 0.6),
        workingSetBytes: fc.constantFrom(0, 64 * mib, 400 * mib),
      }),
      network: fc.record({
        type: fc.constant('star' as const),
        portBytesPerS: fc.constantFrom(8 * mib, 100 * mib, 1000 * mib),
      }),
      migrationOverheadFraction: fc.constantFrom(0, 0.1, 0.5),
      migrationsMax: fc.integer({ min: 1, max: 10 }),
    }),
  )
  .map((cluster) => ({ ...cluster, vms: legalStart(cluster.hosts, cluster.vms) }));

const kinds: readonly Deed['kind'][] = [
  'place',
  'start',
  'start',
  'migrate',
  'move',
  'move',
  'move',
  'move',
  'powerOn',
  'powerOn',
  'powerOff',
  'setPstate',
  'setDomainPstate',
  'limitPstates',
  'suspend',
  'setDemand',
  'setQuota',
  'policy',
];

const deedOf = (kind: fc.Arbitrary<Deed['kind']>): fc.Arbitrary<Deed> =>
  fc.record({
    waitMs: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 60_000 }),
    ),
    kind,
    vm: fc.nat({ max: 1000 }),
    host: fc.nat({ max: 1000 }),
    pstate: fc.nat({ max: 3 }),
  });

/** A story: what is done to a cluster, in order. */
export const randomDeeds: fc.Arbitrary<Deed[]> = fc.array(deedOf(fc.constantFrom(...kinds)), {
  minLength: 5,
  maxLength: 40,
});

/** The same with hosts that fail, which takes their VMs with them. */
export const randomDeedsAndFailures: fc.Arbitrary<Deed[]> = fc.array(
  deedOf(fc.constantFrom(...kinds, ...kinds, 'fail')),
  { minLength: 5, maxLength: 40 },
);

const policies = ['thr-rs', 'pabfd', 'ondemand'].map((name) => createPolicy(name, 'policy'));

/** Lets time pass, then acts; a refusal is fine. */
export function doDeed(twin: Twin, deed: Deed, afterEvent?: (twin: Twin) => void): void {
  advance(twin, twin.nowMs + deed.waitMs, afterEvent);
  act(twin, deed);
  afterEvent?.(twin);
}

function act(twin: Twin, deed: Deed): void {
  const { model } = twin;
  const vmId = deed.vm % model.vms;
  const hostId = deed.host % model.hosts;
  switch (deed.kind) {
    case 'place':
      placeVm(twin, vmId, hostId);
      return;
    case 'start':
      placeVm(twin, nthWith(twin, vmStatus.pending, deed.vm), hostId);
      return;
    case 'migrate':
      migrateVm(twin, vmId, hostId);
      return;
    case 'move':
      migrateVm(twin, nthWith(twin, vmStatus.running, deed.vm), hostId);
      return;
    case 'powerOn':
      powerOn(twin, hostId);
      return;
    case 'powerOff':
      powerOff(twin, hostId);
      return;
    case 'setPstate':
      setPstate(twin, hostId, deed.pstate);
      return;
    case 'setDomainPstate':
      setDomainPstate(twin, hostId, deed.vm % model.hostDomains[hostId]!, deed.pstate);
      return;
    case 'limitPstates':
      limitPstates(twin, hostId, deed.pstate % 2);
      return;
    case 'suspend':
      powerOff(twin, hostId, deed.pstate % 2 === 0 ? 'S3' : 'S5');
      return;
    case 'setDemand':
      setDemand(twin, vmId, deed.vm * 3);
      return;
    case 'setQuota':
      setQuota(twin, vmId, deed.pstate === 3 ? Infinity : (1 + (deed.vm % 40)) / 16);
      return;
    case 'fail':
      failHost(twin, hostId);
      return;
    case 'policy':
      decideOnce(twin, policies[deed.pstate % policies.length]!, { migrations: deed.vm % 4 });
  }
}

/** One of the VMs in that status, 0 when there is none. */
function nthWith(twin: Twin, status: number, index: number): number {
  const { vmStatus: statuses } = twin.state;
  const vms = Array.from(statuses.keys()).filter((vm) => statuses[vm] === status);
  return vms[index % vms.length] ?? 0;
}

/** How often each property is tried, and from what seed. */
export const tries = (numRuns: number): { readonly seed: number; readonly numRuns: number } => ({
  seed: 7,
  numRuns,
});
