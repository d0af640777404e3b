/** What is done to a cluster: random deeds in order, legal or not. A refusal is fine. */
import {
  abortMigration,
  activateReplica,
  createPolicy,
  decideOnce,
  failHost,
  failMigration,
  limitHostPower,
  limitPstates,
  limitVmPower,
  migrateVm,
  type Policy,
  parkReplica,
  placeVm,
  policyNames,
  powerOff,
  powerOn,
  setDemand,
  setDiskLimit,
  setDomainPstate,
  setPstate,
  setQuota,
  setReplicas,
  setTraffic,
  setVariant,
  switchMigration,
  type Twin,
  vmStatus,
} from '../../sim/index.ts';
import { Dice } from './dice.ts';
import type { Without } from './features.ts';

/** One thing done after `waitMs`. The numbers are taken modulo what there is. */
export interface Deed {
  readonly waitMs: number;
  readonly kind: keyof typeof acts;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

type Act = (twin: Twin, a: number, b: number, c: number) => unknown;

/** `start`, `move` and the like pick among the VMs to which it can be done. */
const acts = {
  place: (twin, a, b) => placeVm(twin, a % twin.model.vms, b % twin.model.hosts),
  start: (twin, a, b) => placeVm(twin, vmIn(twin, vmStatus.pending, a), b % twin.model.hosts),
  startAll: (twin, _a, b) => startAll(twin, b),
  migrate: (twin, a, b) => migrateVm(twin, a % twin.model.vms, b % twin.model.hosts),
  move: (twin, a, b) => migrateVm(twin, vmIn(twin, vmStatus.running, a), b % twin.model.hosts),
  abort: (twin, a) => abortMigration(twin, migrating(twin, a)),
  switch: (twin, a) => switchMigration(twin, migrating(twin, a)),
  breakMigration: (twin, a) => failMigration(twin, a % twin.model.migrationsMax),
  powerOn: (twin, _a, b) => powerOn(twin, b % twin.model.hosts),
  powerOff: (twin, _a, b) => powerOff(twin, b % twin.model.hosts),
  suspend: (twin, a, b) => powerOff(twin, b % twin.model.hosts, a % 2 === 0 ? 'S3' : 'S5'),
  crash: (twin, _a, b) => failHost(twin, b % twin.model.hosts),
  setPstate: (twin, _a, b, c) => setPstate(twin, b % twin.model.hosts, c % 6),
  setDomainPstate: (twin, a, b, c) => {
    const host = b % twin.model.hosts;
    return setDomainPstate(twin, host, a % twin.model.hostDomains[host]!, c % 6);
  },
  limitPstates: (twin, _a, b, c) => limitPstates(twin, b % twin.model.hosts, c % 4),
  setDemand: (twin, a, _b, c) => setDemand(twin, a % twin.model.vms, [0, 50, 900, 1e5][c % 4]!),
  liftBound: (twin, a) => {
    const vm = a % twin.model.vms;
    return twin.model.vmTaskDriven[vm] === 1 ? setDemand(twin, vm, Infinity) : undefined;
  },
  setTraffic: (twin, a, b) =>
    setTraffic(twin, a % Math.max(1, twin.model.traffic.count), [0, 1, 1e6, 1e9][b % 4]!),
  setDiskLimit: (twin, a, b) =>
    setDiskLimit(twin, a % twin.model.vms, [0, 1000, 1e7, Infinity][b % 4]!),
  setQuota: (twin, a, b) => setQuota(twin, a % twin.model.vms, [0.1, 1, 2.5, Infinity][b % 4]!),
  limitVm: (twin, a, b, c) =>
    limitVmPower(twin, a % twin.model.vms, [0, 5, 40, Infinity][b % 4]!, c % 2 ? 'cpu' : 'disk'),
  limitHost: (twin, a, b) =>
    limitHostPower(twin, b % twin.model.hosts, [0, 90, 150, Infinity][a % 4]!),
  setVariant: (twin, a, b, c) => setVariant(twin, a % 2, b % 3, c % 3),
  park: (twin, a) => parkReplica(twin, replica(twin, a)),
  activate: (twin, a) => activateReplica(twin, replica(twin, a)),
  setReplicas: (twin, a, b, c) => setReplicas(twin, a % 2, b % 3, 1 + (c % 3)),
  policy: (twin, a, b) => decideOnce(twin, policies[a % policies.length]!, { migrations: b % 5 }),
} satisfies Record<string, Act>;

const policies: readonly Policy[] = policyNames.map((name) => createPolicy(name, 'policy'));

/** Frequent kinds several times. */
const kinds: readonly Deed['kind'][] = [
  ...(Object.keys(acts) as Deed['kind'][]),
  'start',
  'startAll',
  'startAll',
  'startAll',
  'move',
  'move',
  'move',
  'move',
  'move',
  'move',
  'powerOn',
  'powerOn',
  'powerOn',
  'policy',
  'policy',
  'policy',
];

/** The deeds of case `seed`. */
export function randomStory(seed: number, without: Without, spanMs: number): Deed[] {
  const dice = new Dice(seed, 'story');
  const length = dice.integer(3, 60);
  const isAllowed = ({ kind }: Deed): boolean =>
    !(without.has('policies') && kind === 'policy') &&
    !(without.has('failures') && (kind === 'crash' || kind === 'breakMigration'));
  return dice
    .list(
      length,
      (): Deed => ({
        waitMs: dice.pick([0, 1, 0.5, 2, 2, 4]) * dice.between(0, spanMs / length),
        kind: dice.pick(kinds),
        a: dice.integer(0, 1000),
        b: dice.integer(0, 1000),
        c: dice.integer(0, 1000),
      }),
    )
    .filter(isAllowed);
}

/** Carries out a deed, now. */
export function act(twin: Twin, deed: Deed): void {
  acts[deed.kind](twin, deed.a, deed.b, deed.c);
}

/** Places all VMs that wait, on one host after the other. */
function startAll(twin: Twin, first: number): void {
  const { model, state } = twin;
  for (let vm = 0; vm < model.vms; vm++) {
    if (state.vmStatus[vm] !== vmStatus.pending) continue;
    for (let offset = 0; offset < model.hosts; offset++) {
      if (placeVm(twin, vm, (first + vm + offset) % model.hosts) === undefined) break;
    }
  }
}

/** One of the VMs in that status, 0 when there is none. */
function vmIn(twin: Twin, status: number, index: number): number {
  const { vmStatus: statuses } = twin.state;
  const vms = Array.from(statuses.keys()).filter((vm) => statuses[vm] === status);
  return vms[index % vms.length] ?? 0;
}

/** One of the VMs that are being moved, 0 when there is none. */
function migrating(twin: Twin, index: number): number {
  const { vmMigration } = twin.state;
  const vms = Array.from(vmMigration.keys()).filter((vm) => vmMigration[vm]! >= 0);
  return vms[index % vms.length] ?? 0;
}

/** One of the VMs that answer requests, 0 when there is none. */
function replica(twin: Twin, index: number): number {
  const { queueVm, queues } = twin.model.requests;
  return queueVm[index % Math.max(1, queues)] ?? 0;
}
