/** The live twin: what a policy sees of it is the snapshot, field by field; every policy decides on it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterSnapshot, SnapshotHost } from '../../../deploy/cluster/snapshot.ts';
import { liveTwin } from '../../../deploy/twin/live-twin.ts';
import { parseSnapshot } from '../../../deploy/twin/parse-snapshot.ts';
import { defaultOracle } from '../../../oracle/options.ts';
import { oraclePolicy } from '../../../oracle/oracle-policy.ts';
import {
  applyPlan,
  checkInvariants,
  createPolicy,
  defaultObjective,
  historyMax,
  InputError,
  isLegalPlan,
  Plan,
  policyChance,
  policyKinds,
  policyNames,
  propose,
  proposers,
  TwinView,
  unlimited,
} from '../../../sim/index.ts';
import { bigSnapshot, snapshots } from './snapshots.ts';

/** Power at a frequency, from the snapshot's points: written anew, by the definition. */
function powerAt({ power }: SnapshotHost, mhz: number, load: number): number {
  const sorted = power.toSorted((a, b) => a.mhz - b.mhz);
  const blend = (key: 'idleW' | 'fullW'): number => {
    if (mhz <= sorted[0]!.mhz) return sorted[0]![key];
    for (let at = 1; at < sorted.length; at++) {
      const [low, high] = [sorted[at - 1]!, sorted[at]!];
      if (mhz > high.mhz) continue;
      return low[key] + ((mhz - low.mhz) * (high[key] - low[key])) / (high.mhz - low.mhz);
    }
    return sorted.at(-1)![key];
  };
  return blend('idleW') + load * (blend('fullW') - blend('idleW'));
}

function expectHostSeen(snapshot: ClusterSnapshot, view: TwinView, id: number): void {
  const host = snapshot.hosts[id]!;
  const there = snapshot.vms.filter((vm) => vm.host === host.name);
  const coming = snapshot.vms.filter((vm) => vm.movingTo === host.name);
  const heldBytes = [...there, ...coming].reduce((sum, vm) => sum + vm.memoryBytes, 0);
  expect(view.cores(id)).toBe(host.cores);
  expect(view.memoryBytes(id)).toBe(host.memoryBytes);
  const takesVms = host.acceptsVms && host.state !== 'unknown';
  const freeBytes = host.memoryBytes - heldBytes;
  expect(view.freeMemoryBytes(id)).toBe(takesVms ? freeBytes : Math.min(0, freeBytes));
  const isUp = host.state === 'on' || host.state === 'unknown';
  expect(view.isOn(id)).toBe(isUp);
  expect(view.isAvailable(id)).toBe(isUp || host.state === 'waking');
  expect(view.isOff(id)).toBe(host.state === 'off' || host.state === 'asleep');
  expect(view.maySwitch(id)).toBe(host.canSleep && host.state !== 'unknown');
  expect(view.offW(id)).toBe(host.sleepW ?? host.offW);
  expect(view.bootMs(id)).toBe(host.wakeS * 1000);
  const fastestIdleW = powerAt(host, host.frequenciesMhz[0]!, 0);
  expect(view.bootW(id)).toBeCloseTo(host.wakeW ?? fastestIdleW, 9);
  expect(view.pstates(id)).toBe(host.frequenciesMhz.length);
  host.frequenciesMhz.forEach((mhz, pstate) => {
    expect(view.coreMips(id, pstate)).toBe(mhz);
    for (const load of [0, 0.25, 1]) {
      const usedMips = load * mhz * host.cores;
      expect(view.powerW(id, pstate, usedMips)).toBeCloseTo(powerAt(host, mhz, load), 8);
    }
  });
  const isAtEnd = host.requestedMhz === undefined && /^p/.test(host.governor ?? '');
  const end = host.governor === 'powersave' ? host.frequenciesMhz.at(-1)! : host.frequenciesMhz[0]!;
  const wanted = isAtEnd ? end : (host.requestedMhz ?? host.currentMhz ?? host.frequenciesMhz[0]!);
  const off = (mhz: number): number => Math.abs(mhz - wanted);
  expect(off(view.coreMips(id, view.pstate(id)))).toBe(Math.min(...host.frequenciesMhz.map(off)));
  const residents = Array.from({ length: view.residentCount(id) }, (_, at) =>
    view.resident(id, at),
  );
  expect(residents.map((vm) => snapshot.vms[vm]!.name)).toEqual(there.map(({ name }) => name));
  expect(view.incomingCount(id)).toBe(coming.length);
}

function expectVmSeen(snapshot: ClusterSnapshot, view: TwinView, id: number): void {
  const vm = snapshot.vms[id]!;
  const at = vm.movingTo ?? vm.host;
  expect(view.vcpus(id)).toBe(vm.vcpus);
  expect(view.vmMemoryBytes(id)).toBe(vm.memoryBytes);
  expect(view.quota(id)).toBe(vm.quotaCores ?? Infinity);
  expect(view.hostOf(id)).toBe(snapshot.hosts.findIndex(({ name }) => name === at));
  expect(view.isPending(id)).toBe(vm.host === null);
  expect(view.isRunning(id)).toBe(vm.host !== null);
  expect(view.isMoving(id)).toBe(vm.movingTo !== undefined);
  const host = snapshot.hosts.find(({ name }) => name === vm.host);
  expect(view.mayMove(id)).toBe(vm.movable && host?.state !== 'unknown');
  expect(view.migrationBytesPerS(id)).toBe(snapshot.migrationBytesPerS);
  expect(view.migration(id)?.target).toBe(vm.movingTo === undefined ? undefined : view.hostOf(id));
  const seen = vm.host === null ? 0 : Math.min(historyMax, vm.demandMhz.length);
  expect(view.observations(id)).toBe(seen);
  for (let lag = 1; lag <= seen; lag++) expect(view.demandAt(id, lag)).toBe(vm.demandMhz.at(-lag));
  const slowestMhz = Math.min(...snapshot.hosts.map(({ frequenciesMhz }) => frequenciesMhz[0]!));
  expect(view.vcpuMips(id)).toBe(slowestMhz);
  expect(view.demandMips(id)).toBe(seen > 0 ? vm.demandMhz.at(-1) : vm.vcpus * slowestMhz);
}

describe('a live twin', () => {
  it('shows policies exactly the snapshot', () => {
    fc.assert(
      fc.property(snapshots(), (snapshot) => {
        const live = liveTwin(snapshot);
        const view = new TwinView(live.twin);
        expect(view.intervalMs).toBe(snapshot.intervalS * 1000);
        expect(live.nowMs).toBe(snapshot.atMs);
        expect([view.hosts, view.vms]).toEqual([snapshot.hosts.length, snapshot.vms.length]);
        snapshot.hosts.forEach(({ name }, id) => {
          expect(live.hostId(name)).toBe(id);
          expectHostSeen(snapshot, view, id);
        });
        snapshot.vms.forEach(({ name }, id) => {
          expect(live.vmId(name)).toBe(id);
          expectVmSeen(snapshot, view, id);
        });
        const waiting = snapshot.vms.filter(({ host }) => host === null).map(({ name }) => name);
        expect(view.pendingCount()).toBe(waiting.length);
        expect(waiting.map((name) => view.isPending(live.vmId(name)))).not.toContain(false);
        const demand = Array.from({ length: view.hosts }, (_, host) => view.hostDemandMips(host));
        const expected = demand.map((_, host) =>
          snapshot.vms
            .map((_, vm) => vm)
            .filter((vm) => view.hostOf(vm) === host)
            .reduce((sum, vm) => sum + view.demandMips(vm), 0),
        );
        expect(demand).toEqual(expected);
        if (live.oddities.every((sentence) => !sentence.includes(' hold '))) {
          const promised = snapshot.vms.some(({ movingTo }) => movingTo !== undefined);
          if (!promised) checkInvariants(live.twin);
        }
      }),
      { seed: 71, numRuns: 300 },
    );
  });

  it('rounds demand that is no multiple of its unit to a 65,535th of the largest', () => {
    const snapshot = bigSnapshot(4, 40);
    const view = new TwinView(liveTwin(snapshot).twin);
    snapshot.vms.forEach(({ demandMhz }, vm) => {
      const most = Math.max(...demandMhz);
      for (let lag = 1; lag <= 36; lag++) {
        const error = Math.abs(view.demandAt(vm, lag) - demandMhz.at(-lag)!);
        expect(error).toBeLessThanOrEqual(most / 65_535);
      }
    });
  });

  it('begins with no energy, no lost work and no decision behind it', () => {
    const { twin } = liveTwin(bigSnapshot(2, 8));
    expect(Math.max(...twin.state.hostEnergyJ)).toBe(0);
    expect(Math.max(...twin.state.vmShortMi, ...twin.state.vmDemandedMi)).toBe(0);
    checkInvariants(twin);
  });

  it('knows its hosts and VMs by name, and no others', () => {
    const live = liveTwin(bigSnapshot(2, 8));
    expect(live.hostNames[live.hostId('host-1')]).toBe('host-1');
    expect(() => live.vmId('nobody')).toThrow('VM: expected a VM of the snapshot, got "nobody"');
  });
});

describe('restrictions of a snapshot', () => {
  const closed = (change: (snapshot: ClusterSnapshot) => ClusterSnapshot) =>
    change(bigSnapshot(6, 30));
  const plansOf = (snapshot: ClusterSnapshot) => {
    const { twin } = liveTwin(snapshot);
    const view = new TwinView(twin);
    return propose(view, unlimited, policyChance(twin), proposers()).flatMap(({ actions }) => {
      expect(isLegalPlan(view, actions)).toBe(true);
      return actions;
    });
  };

  it('sends nothing to a host in maintenance', () => {
    const hosts = (snapshot: ClusterSnapshot): ClusterSnapshot => ({
      ...snapshot,
      hosts: snapshot.hosts.map((host, id) => ({ ...host, acceptsVms: id !== 2 })),
    });
    const actions = plansOf(closed(hosts));
    expect(actions.some(({ type }) => type === 'migrate')).toBe(true);
    expect(actions.filter((action) => action.type === 'migrate' && action.host === 2)).toEqual([]);
  });

  it('switches off no host that could not be woken', () => {
    const hosts = (snapshot: ClusterSnapshot): ClusterSnapshot => ({
      ...snapshot,
      hosts: snapshot.hosts.map((host, id) => ({ ...host, canSleep: id < 3 })),
    });
    const off = plansOf(closed(hosts)).filter(({ type }) => type === 'powerOff');
    expect(off.length).toBeGreaterThan(0);
    for (const action of off) expect('host' in action && action.host).toBeLessThan(3);
  });

  it('leaves VMs alone that stay, and hosts that do not answer', () => {
    const some = (snapshot: ClusterSnapshot): ClusterSnapshot => ({
      ...snapshot,
      hosts: snapshot.hosts.map((host, id) => ({ ...host, state: id === 1 ? 'unknown' : 'on' })),
      vms: snapshot.vms.map((vm, id) => ({ ...vm, movable: id !== 0 })),
    });
    const snapshot = closed(some);
    for (const action of plansOf(snapshot)) {
      if (action.type === 'migrate') {
        expect(action.vm).not.toBe(0);
        expect(snapshot.vms[action.vm]!.host).not.toBe('host-1');
        expect(action.host).not.toBe(1);
      } else if (action.type === 'powerOff') expect(action.host).not.toBe(1);
    }
  });

  it('are refused by the twin itself', () => {
    const snapshot = bigSnapshot(3, 6);
    const { twin } = liveTwin({
      ...snapshot,
      hosts: snapshot.hosts.map((host, id) => ({
        ...host,
        acceptsVms: id !== 1,
        canSleep: id !== 2,
      })),
      vms: snapshot.vms.map((vm, id) => ({ ...vm, movable: id !== 3 })),
    });
    const reasons = applyPlan(twin, [
      { type: 'migrate', vm: 0, host: 1 },
      { type: 'migrate', vm: 3, host: 2 },
      { type: 'powerOff', host: 2 },
    ]).map(({ reason }) => reason);
    expect(reasons).toEqual([
      'the host takes no VMs',
      'the VM stays where it is',
      'the host is not to be switched',
    ]);
  });
});

describe('policies on live twins', () => {
  const names = [...new Set([...policyKinds.map(({ name }) => name), ...policyNames])];

  it.each(names)('%s plans legally on any snapshot', (name) => {
    const policy = createPolicy(name, 'policy');
    fc.assert(
      fc.property(snapshots(), (snapshot) => {
        const { twin } = liveTwin(snapshot);
        const before = twin.fork();
        const plan = new Plan({ migrations: 4 });
        policy.decide(new TwinView(twin), plan, policyChance(twin));
        before.state.rng.set(twin.state.rng);
        expect(twin.state.equals(before.state)).toBe(true);
        expect(isLegalPlan(new TwinView(twin), plan.actions)).toBe(true);
        expect(applyPlan(twin, plan.actions)).toEqual([]);
      }),
      { seed: 5, numRuns: 25 },
    );
  });

  it('the oracle searches on it', () => {
    const policy = oraclePolicy({
      ...defaultOracle,
      decisionEveryMs: 60_000,
      budget: { migrations: 4 },
      objective: defaultObjective,
    });
    fc.assert(
      fc.property(snapshots(4), (snapshot) => {
        const { twin } = liveTwin(snapshot);
        const plan = new Plan({ migrations: 4 });
        policy.decide(new TwinView(twin), plan, policyChance(twin));
        expect(isLegalPlan(new TwinView(twin), plan.actions)).toBe(true);
      }),
      { seed: 5, numRuns: 12 },
    );
  });
});

describe('parseSnapshot', () => {
  const issuesOf = (value: unknown): string[] => {
    try {
      parseSnapshot(value, 'snapshot.json');
      return [];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return error.message.split('\n');
    }
  };
  const host = (name: string) => ({
    name,
    cores: 4,
    memoryBytes: 8e9,
    frequenciesMhz: [2000, 1000],
    power: [{ mhz: 2000, idleW: 50, fullW: 90 }],
  });
  const vm = (name: string, at: string | null) => ({ name, host: at, vcpus: 2, memoryBytes: 5e9 });
  const cluster = (change: object) => ({
    atMs: 1,
    intervalS: 60,
    hosts: [host('a'), host('b')],
    vms: [vm('x', 'a')],
    ...change,
  });

  it('takes what is right, with defaults', () => {
    expect(issuesOf(cluster({}))).toEqual([]);
    expect(parseSnapshot(cluster({}), 's').hosts[0]!.canSleep).toBe(false);
  });

  it('names every field that is wrong', () => {
    expect(
      issuesOf(cluster({ intervalS: 0, hosts: [{ ...host('a'), cores: 0.5, colour: 'red' }] })),
    ).toEqual([
      'snapshot.json: intervalS: expected a number of at least 0.1, got 0',
      'snapshot.json: hosts[0].cores: expected int, got 0.5',
      'snapshot.json: hosts[0].colour: expected no such key, got "red"',
    ]);
  });

  it('names every contradiction', () => {
    expect(
      issuesOf(
        cluster({
          hosts: [
            host('a'),
            host('a'),
            { ...host('c'), state: 'off' },
            { ...host('d'), frequenciesMhz: [1000, 2000] },
            { ...host('e'), power: [{ mhz: 1000, idleW: 5, fullW: 4 }] },
          ],
          vms: [
            vm('x', 'a'),
            vm('x', 'd'),
            vm('y', 'nowhere'),
            vm('z', 'c'),
            { ...vm('u', 'a'), movingTo: 'a' },
            { ...vm('v', null), movingTo: 'c' },
          ],
        }),
      ),
    ).toEqual([
      'snapshot.json: hosts[1].name: expected a name used once, got "a" again',
      'snapshot.json: hosts[3].frequenciesMhz: expected the fastest first, each once, got 2000 after 1000',
      'snapshot.json: hosts[4].power[0].fullW: expected at least the 5 W without load, got 4',
      'snapshot.json: vms[1].name: expected each VM in one place, got "x" again',
      'snapshot.json: vms[2].host: expected one of the hosts, got "nowhere"',
      'snapshot.json: vms[3].host: expected a host that is on, got "c", which is off',
      'snapshot.json: vms[4].movingTo: expected a host other than its own, got "a", where it is',
      'snapshot.json: vms[5].movingTo: expected a host that is on, got "c", which is off',
      'snapshot.json: vms[5].movingTo: expected a host other than its own, got to "c" from nowhere',
    ]);
  });

  it('accepts what is odd, and says so', () => {
    const odd = cluster({
      vms: [vm('x', 'a'), { ...vm('y', 'a'), vcpus: 6, demandMhz: [1, 99_000] }],
      apart: [['x', 'ghost']],
    });
    expect(liveTwin(parseSnapshot(odd, 's')).oddities).toEqual([
      'y asks for 99000 MHz; its 6 vCPUs can use 12000',
      'y has 6 vCPUs, its host a 4 cores',
      'the VMs on a hold 9537 of 7629 MiB',
      'a rule names ghost, which is not there',
    ]);
  });
});
