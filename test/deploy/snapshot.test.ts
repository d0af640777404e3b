/** Telemetry as a snapshot: what hosts say, what they no longer say, and VMs between two of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClusterFile } from '../../deploy/cluster/read-cluster-file.ts';
import type { ClusterSnapshot } from '../../deploy/cluster/snapshot.ts';
import {
  type HostCapabilities,
  type HostSample,
  observeHosts,
  openSsh,
  systemClock,
} from '../../deploy/index.ts';
import { DemandHistory, type SeenVm } from '../../deploy/observation/demand-history.ts';
import { frequenciesOf, meanMhz } from '../../deploy/observation/host-frequencies.ts';
import {
  type HostSight,
  learn,
  matching,
  type SnapshotSources,
  snapshotOf,
} from '../../deploy/observation/snapshot-of.ts';
import type { DomainSample } from '../../deploy/telemetry/domain-sample.ts';
import type { Observed } from '../../deploy/telemetry/doubts.ts';
import { Calibrator } from '../../deploy/twin/calibrator.ts';
import { liveTwin } from '../../deploy/twin/live-twin.ts';
import { parseSnapshot } from '../../deploy/twin/parse-snapshot.ts';
import { predict } from '../../deploy/twin/predict.ts';
import { TwinView } from '../../sim/index.ts';
import { gib } from '../builders.ts';
import { fakeHosts } from './fake-ssh.ts';
import { domstatsOutput, firstMoment, hostTree, secondMoment } from './host-tree.ts';

const startMs = 1_700_000_000_000;
const minute = 60_000;

const clusterFile = `
hosts:
  - { name: a, wake: [wakeonlan, a], idlePower: 50, fullPower: 150, rack: r1 }
  - { name: b, wake: [wakeonlan, b], sleep: S3, offPower: 4, wakeTime: 90 s }
  - { name: c, maintenance: true, cores: 8, memory: 64 GiB }
vms: { fixed: ['db-*'], ignored: [probe], apart: [['web-*']], together: [[web-1, cache]] }
`;

/** A host of 4 CPUs from 1 to 2.6 GHz that was probed. */
function capabilities(host: string, policy: object = {}): HostCapabilities {
  return {
    host,
    observedAtMs: startMs,
    isNested: false,
    user: { groups: [] },
    topology: { onlineCpus: 4 },
    memoryBytes: 32 * gib,
    sleepStates: [],
    cpufreq: {
      policies: [
        {
          policy: 0,
          cpus: [0, 1, 2, 3],
          governors: [],
          availableMhz: [1000, 2600, 1800],
          ...policy,
        },
      ],
    },
    cpuidle: { states: [] },
    energyZones: [],
    cgroup: {},
    libvirt: { uri: 'qemu:///system', isReachable: true },
    access: {},
    abilities: [],
  };
}

const observed = <Value>(value: Value, observedAtMs: number): Observed<Value> => ({
  value,
  observedAtMs,
  ageMs: 0,
  source: 'test',
  confidence: 1,
  doubts: [],
});

interface Said {
  readonly atMs: number;
  readonly busy?: number;
  readonly mhz?: number;
  readonly watts?: number;
  readonly domains?: readonly (Partial<DomainSample> & { readonly name: string })[];
}

/** A sample as recorded, of one interval. */
function sample(
  host: string,
  { atMs, busy = 0.5, mhz = 1800, watts, domains = [] }: Said,
): HostSample {
  const cpus = [0, 1, 2, 3];
  const ticks = { busy: 1, guest: 1, steal: 0, idle: 1 } as never;
  return {
    host,
    observedAtMs: atMs,
    elapsedS: 60,
    uptimeS: 1000,
    ticksPerS: 100,
    doubts: [],
    cpus: observed(
      cpus.map((cpu) => ({ cpu, utilization: busy, guestFraction: 0, stealFraction: 0, ticks })),
      atMs,
    ),
    frequencies: observed(
      cpus.map((cpu) => ({ cpu, policy: 0, mhz, kind: 'mean' as const })),
      atMs,
    ),
    ...(watts === undefined ? {} : { power: observed({ socketW: watts }, atMs) }),
    domains: observed(
      domains.map((domain) => ({
        state: 'running' as const,
        vcpus: 2,
        demandCores: 1,
        usedCores: 0.9,
        memory: { maximumBytes: 2 * gib },
        confidence: 1,
        doubts: [],
        ...domain,
      })),
      atMs,
    ),
    missing: {},
  };
}

/** A cluster that is watched, an interval at a time. */
class Watched {
  readonly history = new DemandHistory();
  readonly calibrator = new Calibrator();
  readonly sights = new Map<string, HostSight>();
  readonly cluster: SnapshotSources['cluster'];
  nowMs = startMs;

  constructor(more = '') {
    this.cluster = parseClusterFile(clusterFile + more, 'cluster.yaml');
    for (const host of ['a', 'b']) this.sights.set(host, { capabilities: capabilities(host) });
  }

  get sources(): SnapshotSources {
    const { cluster, history, calibrator, nowMs } = this;
    return { cluster, hosts: this.sights, history, calibrator, nowMs };
  }

  /** One more interval, in which these hosts said this. */
  pass(said: Readonly<Record<string, Omit<Said, 'atMs'>>>, change: Partial<HostSight> = {}): void {
    this.nowMs += minute;
    for (const [host, what] of Object.entries(said)) {
      const known = { ...this.sights.get(host), ...change };
      this.sights.set(host, {
        ...known,
        sample: sample(host, { atMs: this.nowMs - 5000, ...what }),
      });
    }
    learn(this.sources);
  }

  get now(): ClusterSnapshot {
    return snapshotOf(this.sources).snapshot!;
  }

  vm(name: string) {
    return this.now.vms.find((vm) => vm.name === name);
  }

  host(name: string) {
    return this.now.hosts.find((host) => host.name === name)!;
  }
}

const web = { name: 'web-1' };

describe('a snapshot', () => {
  it('says of hosts what they, their samples and the cluster file say', () => {
    const watched = new Watched();
    // What the cluster file says of it.
    const watts = 50 + 0.25 * 100 * (2000 / 2600) ** 2;
    watched.pass({ a: { busy: 0.25, mhz: 2000, watts }, b: {} });
    const { hosts, intervalS, atMs } = watched.now;
    expect([intervalS, atMs]).toEqual([60, watched.nowMs]);
    expect(hosts[0]).toEqual({
      name: 'a',
      state: 'on',
      cores: 4,
      memoryBytes: 32 * gib,
      frequenciesMhz: [2600, 1800, 1000],
      currentMhz: 2000,
      power: [2600, 1800, 1000].map((mhz) => ({
        mhz,
        idleW: expect.closeTo(50, 6) as number,
        fullW: expect.closeTo(50 + 100 * (mhz / 2600) ** 2, 6) as number,
      })),
      offW: 0,
      wakeS: 120,
      shutdownS: 20,
      measuredW: watts,
      utilization: 0.25,
      rack: 'r1',
      acceptsVms: true,
      canSleep: true,
      confidence: 1,
    });
    expect(hosts[1]).toMatchObject({ name: 'b', offW: 4, sleepW: 4, wakeS: 90, canSleep: true });
    // It was never reached: no more than the cluster file says of it.
    expect(hosts[2]).toMatchObject({
      name: 'c',
      state: 'unknown',
      cores: 8,
      memoryBytes: 64 * gib,
      acceptsVms: false,
      canSleep: false,
      confidence: 0,
    });
  });

  it('leaves out hosts of which nothing is known', () => {
    const watched = new Watched();
    watched.sights.delete('b');
    expect(snapshotOf(watched.sources).missing).toEqual(['b']);
    const { hosts } = watched.now;
    expect(hosts.map(({ name }) => name)).toEqual(['a', 'c']);
    const unknown = { ...watched.sources, cluster: { ...watched.cluster, hosts: [] } };
    expect(snapshotOf(unknown)).toEqual({ missing: [] });
  });

  it('has the demand of each VM in cores wanted times MHz, oldest first', () => {
    const watched = new Watched();
    watched.pass({ a: { mhz: 1800, domains: [{ ...web, demandCores: 1 }] }, b: {} });
    watched.pass({ a: { mhz: 2600, domains: [{ ...web, demandCores: 0.5 }] }, b: {} });
    expect(watched.vm('web-1')).toMatchObject({
      host: 'a',
      vcpus: 2,
      memoryBytes: 2 * gib,
      demandMhz: [1800, 1300],
      movable: true,
      confidence: 1,
    });
  });

  it('takes what was used where nobody tells what was wanted', () => {
    const watched = new Watched();
    const domain = { ...web, demandCores: undefined as never, usedCores: 0.75 };
    watched.pass({ a: { mhz: 2000, domains: [domain] }, b: {} });
    expect(watched.vm('web-1')!.demandMhz).toEqual([1500]);
    watched.pass({ a: { mhz: 2000, domains: [{ ...domain, throttledFraction: 0.4 }] }, b: {} });
    expect(watched.vm('web-1')!.demandMhz).toEqual([1500, 1.25 * 1500]);
  });

  it.each([
    ['', 0.3],
    ['\nlibvirt: { globalQuota: false }\n', 0.5],
  ])("takes the tighter quota that is the VM's own: %j", (more, quotaCores) => {
    const watched = new Watched(more);
    const domains = [{ ...web, demandCores: 0.2, quotaCores: 0.3, vcpuQuotaCores: 0.5 }];
    watched.pass({ a: { mhz: 2000, domains }, b: {} });
    expect(watched.vm('web-1')!.quotaCores).toBe(quotaCores);
  });

  it('raises what a VM without room asked for, at most to what its vCPUs can use', () => {
    const watched = new Watched();
    watched.pass({ a: { mhz: 1000, domains: [{ ...web, demandCores: 1.95 }] }, b: {} });
    watched.pass({ a: { mhz: 2600, domains: [{ ...web, demandCores: 2 }] }, b: {} });
    watched.pass({ a: { mhz: 2600, domains: [{ ...web, demandCores: 1.85 }] }, b: {} });
    const [first, second, third] = watched.vm('web-1')!.demandMhz;
    expect(first).toBeCloseTo(1.25 * 1950, 9);
    expect(second).toBe(2 * 2600);
    expect(third).toBeCloseTo(1.85 * 2600, 9);
  });

  it('keeps the rules for VMs', () => {
    const watched = new Watched();
    const names = ['web-1', 'web-2', 'db-main', 'probe', 'cache'];
    watched.pass({ a: { domains: names.map((name) => ({ name })) }, b: {} });
    const { vms, apart, together } = watched.now;
    expect(vms.filter(({ movable }) => !movable).map(({ name }) => name)).toEqual([
      'db-main',
      'probe',
    ]);
    expect(apart).toEqual([['web-1', 'web-2']]);
    expect(together).toEqual([['cache', 'web-1']]);
  });

  it('holds a VM once while it moves, and its past goes with it', () => {
    const watched = new Watched();
    watched.pass({ a: { mhz: 1000, domains: [{ ...web, demandCores: 0.5 }] }, b: {} });
    const arriving = { ...web, state: 'paused' as const, demandCores: 0, usedCores: 0 };
    watched.pass({
      a: { mhz: 1000, domains: [{ ...web, demandCores: 0.6 }] },
      b: { domains: [arriving] },
    });
    expect(watched.now.vms).toHaveLength(1);
    expect(watched.vm('web-1')).toMatchObject({ host: 'a', movingTo: 'b', demandMhz: [500, 600] });
    watched.pass({ a: {}, b: { mhz: 2000, domains: [{ ...web, demandCores: 0.7 }] } });
    const { movingTo, ...there } = watched.vm('web-1')!;
    expect(movingTo).toBeUndefined();
    expect(there).toMatchObject({ host: 'b', demandMhz: [500, 600, 1400] });
  });

  it('leaves two VMs of one name alone', () => {
    const watched = new Watched();
    watched.pass({ a: { domains: [web] }, b: {} });
    watched.pass({ a: { domains: [web] }, b: { domains: [web] } });
    expect(watched.now.vms).toHaveLength(1);
    expect(watched.vm('web-1')).toMatchObject({ host: 'a', movable: false, confidence: 0.5 });
  });

  it('believes a silent host less and less, and keeps its VMs where they were', () => {
    const watched = new Watched();
    watched.pass({ a: { mhz: 2000, domains: [{ ...web, demandCores: 0.5 }] }, b: {} });
    watched.pass({ b: {} });
    expect(watched.host('a')).toMatchObject({ state: 'on', confidence: expect.closeTo(0.94, 1) });
    watched.pass({ b: {} });
    expect(watched.host('a').confidence).toBeLessThan(0.6);
    watched.pass({ b: {} });
    const host = watched.host('a');
    expect(host).toMatchObject({ state: 'unknown', acceptsVms: false, confidence: 0 });
    expect(host.measuredW).toBeUndefined();
    expect(watched.vm('web-1')).toMatchObject({
      host: 'a',
      demandMhz: [1000, 1000, 1000, 1000],
      confidence: 0.125,
    });
    const view = new TwinView(liveTwin(watched.now).twin);
    expect([view.isOn(0), view.maySwitch(0), view.mayMove(0)]).toEqual([true, false, false]);
    watched.pass({ a: { mhz: 2000, domains: [{ ...web, demandCores: 0.25 }] }, b: {} });
    expect(watched.host('a').state).toBe('on');
    expect(watched.vm('web-1')).toMatchObject({ confidence: 1 });
  });

  it('drops a VM as soon as its host says that it is gone, and knows its past if it comes back', () => {
    const watched = new Watched();
    watched.pass({ a: { mhz: 1000, domains: [web] }, b: {} });
    watched.pass({ a: {}, b: {} });
    expect(watched.now.vms).toEqual([]);
    watched.pass({ a: {}, b: { mhz: 1000, domains: [web] } });
    expect(watched.vm('web-1')!.demandMhz).toEqual([1000, 1000, 1000]);
    for (let interval = 0; interval < 4; interval++) watched.pass({ a: {}, b: {} });
    watched.pass({ a: { mhz: 2000, domains: [web] }, b: {} });
    expect(watched.vm('web-1')!.demandMhz).toEqual([2000]);
    watched.pass({ a: { domains: [{ ...web, state: 'shut-off' }] }, b: {} });
    expect(watched.now.vms).toEqual([]);
  });

  it('keeps the VMs of a host whose libvirt does not answer', () => {
    const watched = new Watched();
    watched.pass({ a: { mhz: 1000, domains: [web] }, b: {} });
    watched.nowMs += minute;
    const { domains: _, ...mute } = sample('a', { atMs: watched.nowMs });
    const { sample: spoken } = watched.sights.get('b')!;
    watched.sights.set('a', { capabilities: capabilities('a'), sample: mute });
    watched.sights.set('b', {
      capabilities: capabilities('b'),
      sample: { ...spoken!, observedAtMs: watched.nowMs },
    });
    learn(watched.sources);
    expect(watched.host('a')).toMatchObject({ state: 'on', confidence: 0 });
    expect(watched.vm('web-1')).toMatchObject({ host: 'a', confidence: 0.5 });
  });

  it('believes the controller about hosts that cannot speak', () => {
    const watched = new Watched();
    watched.pass({ a: { domains: [web] }, b: {} });
    watched.sights.set('b', { capabilities: capabilities('b'), state: 'asleep' });
    watched.sights.set('a', { ...watched.sights.get('a'), requestedMhz: 1800 });
    watched.pass({ a: { domains: [web] } });
    expect(watched.host('b')).toMatchObject({ state: 'asleep', acceptsVms: true, confidence: 1 });
    expect(watched.host('a').requestedMhz).toBe(1800);
    const view = new TwinView(liveTwin(watched.now).twin);
    expect([view.isOff(1), view.offW(1), view.pstate(0)]).toEqual([true, 4, 1]);
  });

  it('knows power better with every interval', () => {
    const watched = new Watched();
    for (let interval = 0; interval < 40; interval++) {
      const busy = (interval % 8) / 8;
      const watts = 30 + 70 * busy * (1800 / 2600) ** 2;
      watched.pass({ a: { busy, watts, mhz: 1800 }, b: {} });
    }
    const [fastest, middle] = watched.host('a').power;
    expect(middle!.idleW).toBeCloseTo(30, 0);
    expect(middle!.fullW).toBeGreaterThan(60);
    expect(middle!.fullW).toBeLessThan(68);
    // Believed were 50 and 150 W there.
    expect(fastest!.fullW).toBeLessThan(125);
    expect(watched.calibrator.recentError('a')).toBeLessThan(0.06);
  });

  it('learns from each sample once', () => {
    const watched = new Watched();
    watched.pass({ a: { watts: 70, domains: [web] }, b: {} });
    for (let again = 0; again < 2; again++) learn(watched.sources);
    expect(watched.calibrator.state.hosts[0]!.power.samples).toHaveLength(1);
    expect(watched.vm('web-1')!.confidence).toBeLessThan(1);
  });
});

describe('what a host was told of its frequency', () => {
  const limits = { limitMinMhz: 1000, limitMaxMhz: 2600 };
  const told = (policy: object, change: Partial<HostSight> = {}) => {
    const watched = new Watched();
    watched.sights.set('a', { capabilities: capabilities('a', { ...limits, ...policy }) });
    watched.pass({ a: { mhz: 1500 } }, change);
    const snapshot = parseSnapshot(JSON.parse(JSON.stringify(watched.now)), 'snapshot');
    expect(snapshot).toEqual(watched.now);
    const { governor, requestedMhz } = watched.host('a');
    return [governor, requestedMhz];
  };

  it.each([
    ['schedutil', undefined],
    ['ondemand', undefined],
    ['conservative', undefined],
    ['userspace', undefined],
    ['performance', 2600],
    ['powersave', 1000],
  ])('is %s and %s MHz by its governor', (governor, mhz) => {
    expect(told({ governor })).toEqual([governor, mhz]);
  });

  it('is the highest and the lowest that its limits allow', () => {
    const narrow = { limitMinMhz: 1800, limitMaxMhz: 1800 };
    expect(told({ governor: 'schedutil', ...narrow })).toEqual(['schedutil', 1800]);
    expect(told({ governor: 'performance', limitMaxMhz: 1800 })).toEqual(['performance', 1800]);
    expect(told({ governor: 'powersave', limitMinMhz: 1800 })).toEqual(['powersave', 1800]);
  });

  it('is nothing that the twin knows where driver or hardware choose', () => {
    expect(told({ governor: 'powersave', driver: 'intel_pstate' })).toEqual([undefined, undefined]);
    expect(told({ governor: 'performance', driver: 'intel_pstate' })).toEqual([
      'performance',
      2600,
    ]);
    expect(told({ governor: 'powersave', driver: 'acpi-cpufreq' })).toEqual(['powersave', 1000]);
    expect(told({ governor: 'schedhorizon' })).toEqual([undefined, undefined]);
    expect(told({})).toEqual([undefined, undefined]);
  });

  it('is what the controller has told it since', () => {
    const governor = 'performance';
    expect(told({ governor }, { requestedMhz: 1800 })).toEqual([undefined, 1800]);
    expect(told({ governor }, { requestedMhz: null })).toEqual([undefined, undefined]);
  });
});

describe('frequencies of a host', () => {
  it('are those that its driver lists, or even steps between its limits', () => {
    expect(frequenciesOf(capabilities('a'))).toEqual([2600, 1800, 1000]);
    const range = { availableMhz: [], hardwareMinMhz: 800, hardwareMaxMhz: 3600 };
    expect(frequenciesOf(capabilities('a', range))).toEqual([
      3600, 3200, 2800, 2400, 2000, 1600, 1200, 800,
    ]);
    const single = { availableMhz: [], baseMhz: 2400 };
    expect(frequenciesOf(capabilities('a', single))).toEqual([2400]);
    expect(frequenciesOf(undefined)).toEqual([2000]);
  });

  it('in an interval are the mean over the work that was done', () => {
    const one = sample('a', { atMs: startMs });
    const uneven = {
      ...one,
      cpus: observed(
        one.cpus!.value.map((cpu, index) => ({ ...cpu, utilization: index === 0 ? 0.9 : 0.1 })),
        startMs,
      ),
      frequencies: observed(
        one.frequencies!.value.map((cpu, index) => ({ ...cpu, mhz: index === 0 ? 3000 : 1000 })),
        startMs,
      ),
    };
    expect(meanMhz(uneven)).toBeCloseTo((0.9 * 3000 + 0.3 * 1000) / 1.2, 9);
    expect(meanMhz(sample('a', { atMs: startMs, busy: 0, mhz: 1200 }))).toBe(1200);
  });
});

describe('the history of demand', () => {
  const seen = (name: string, demandMhz: number): SeenVm => ({
    name,
    host: 'a',
    vcpus: 1,
    memoryBytes: gib,
    hasDisk: false,
    isDoubled: false,
    demandMhz,
    confidence: 1,
  });

  it('fills intervals that nobody watched, and trusts what comes after', () => {
    const history = new DemandHistory();
    history.record(startMs, minute, [seen('x', 100), seen('y', 10)], () => false);
    history.record(startMs + 4 * minute + 2000, minute, [seen('x', 300)], () => true);
    expect(
      history.vms.map(({ name, demandMhz, confidence }) => [name, demandMhz, confidence]),
    ).toEqual([
      ['x', [100, 100, 100, 100, 300], 1],
      ['y', [10, 10, 10, 10, 10], 0.0625],
    ]);
  });

  it('keeps the newest values only, and comes back from JSON as it was', () => {
    const history = new DemandHistory(5);
    for (let interval = 0; interval < 9; interval++) {
      history.record(startMs + interval * minute, minute, [seen('x', interval)], () => false);
    }
    expect(history.vms[0]!.demandMhz).toEqual([4, 5, 6, 7, 8]);
    const again = DemandHistory.restore(JSON.parse(JSON.stringify(history.state)), 'history', 5);
    for (const one of [history, again]) {
      one.record(startMs + 9 * minute, minute, [seen('x', 99)], () => false);
    }
    expect(again.state).toEqual(history.state);
    expect(() => DemandHistory.restore({ version: 1, vms: {} }, 'history.json')).toThrow(
      /history.json: atMs: .*\n.*vms: expected array/,
    );
  });
});

describe('patterns of names', () => {
  it('match with any text for *, and nothing else specially', () => {
    const names = ['web-1', 'web-22', 'db.1', 'dbx1', 'web-'];
    expect(matching(['web-*'], names)).toEqual(['web-1', 'web-22', 'web-']);
    expect(matching(['*2*', 'db.1'], names)).toEqual(['web-22', 'db.1']);
    expect(matching(['w*b*1'], names)).toEqual(['web-1']);
    expect(matching(['*'], names)).toEqual(names);
    expect(matching(['ab*ba'], ['aba', 'abba'])).toEqual(['abba']);
    expect(matching([], names)).toEqual([]);
  });
});

describe('a host as it really answers', () => {
  it('becomes a twin that draws what it draws', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    fake.virsh('node1', domstatsOutput({ timeNs: 5e9, delayNs: 1e9 }));
    const samples: HostSample[] = [];
    const transport = openSsh({ clock: systemClock });
    try {
      const options = {
        virshUri: 'qemu:///system',
        sudo: false,
        everyMs: 30,
        timeoutMs: 10_000,
        samplesMax: 1,
        parallel: 1,
        clock: systemClock,
      };
      await observeHosts(['node1'], transport, options, (observation) => {
        if (observation.kind === 'sample') samples.push(observation.sample);
        if (observation.kind !== 'baseline') return;
        fake.put('node1', hostTree(secondMoment));
        fake.virsh('node1', domstatsOutput({ timeNs: 5.3e9, delayNs: 1.5e9 }));
      });
    } finally {
      await transport.close();
    }
    const [seen] = samples;
    const sources: SnapshotSources = {
      cluster: parseClusterFile('hosts: [{ name: node1, idlePower: 70, fullPower: 150 }]', 'c'),
      hosts: new Map([['node1', { capabilities: capabilities('node1'), sample: seen! }]]),
      history: new DemandHistory(),
      calibrator: new Calibrator(),
      nowMs: seen!.observedAtMs + 100,
    };
    learn(sources);
    const { snapshot } = snapshotOf(sources);
    expect(snapshot!.hosts[0]).toMatchObject({
      currentMhz: 1550,
      utilization: 0.25,
      measuredW: expect.closeTo(90, 6) as number,
    });
    const smiling = snapshot!.vms.find(({ name }) => name.startsWith('web'))!;
    // 0.8 cores of its first vCPU; the second did nothing to speak of.
    expect(smiling.demandMhz[0]).toBeCloseTo(0.8 * 1550, 0);
    const live = liveTwin(snapshot!);
    const { meanW } = predict(live, []);
    const { idleW, fullW } = snapshot!.hosts[0]!.power[1]!;
    expect(meanW).toBeGreaterThan(idleW);
    expect(meanW).toBeLessThan(fullW);
  });
});

describe('whatever hosts say', () => {
  const odd = fc.constantFrom(0, -1, Number.NaN, Infinity, 1e300, 0.3, 2);
  const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
    fc.option(value, { nil: undefined });
  const domain = fc.record({
    name: fc.constantFrom('web-1', 'web-2', 'db-main', 'x'.repeat(300), '', '__proto__', '\u0000*'),
    state: fc.constantFrom('running', 'paused', 'shut-off', 'crashed', 'blocked', 'suspended'),
    vcpus: maybe(fc.oneof(odd, fc.integer({ min: 1, max: 3000 }))),
    demandCores: maybe(odd),
    usedCores: maybe(odd),
    quotaCores: maybe(odd),
    throttledFraction: maybe(odd),
    memory: maybe(fc.record({ maximumBytes: maybe(odd), currentBytes: maybe(odd) })),
    doubts: fc.constantFrom([], ['reset'], ['stale'], ['coarse-counter']),
  });
  const said = fc.record({
    busy: odd,
    mhz: odd,
    watts: maybe(odd),
    domains: fc.uniqueArray(domain, { selector: ({ name }) => name, maxLength: 5 }),
  });
  const interval = fc.record({ a: maybe(said), b: maybe(said) });
  const policy = fc.record({
    availableMhz: fc.array(fc.oneof(odd, fc.integer({ min: 1, max: 9999 })), { maxLength: 90 }),
    hardwareMinMhz: maybe(odd),
    hardwareMaxMhz: maybe(odd),
    limitMinMhz: maybe(odd),
    limitMaxMhz: maybe(odd),
    governor: maybe(fc.constantFrom('schedutil', 'performance', 'powersave', 'userspace', 'x')),
  });

  it('makes a snapshot that is right, and a twin of it', () => {
    fc.assert(
      fc.property(
        fc.array(interval, { minLength: 1, maxLength: 6 }),
        policy,
        maybe(fc.constantFrom('off', 'asleep', 'waking')),
        (intervals, frequencies, state) => {
          const watched = new Watched();
          watched.sights.set('a', { capabilities: capabilities('a', frequencies) });
          for (const hosts of intervals) {
            const speaking = Object.entries(hosts).filter(([, what]) => what !== undefined);
            watched.pass(Object.fromEntries(speaking) as never);
          }
          if (state !== undefined) watched.sights.set('b', { ...watched.sights.get('b'), state });
          learn(watched.sources);
          const snapshot = parseSnapshot(JSON.parse(JSON.stringify(watched.now)), 'snapshot');
          expect(predict(liveTwin(snapshot), []).meanW).toBeGreaterThanOrEqual(0);
          const { calibrator, history } = watched;
          expect(Calibrator.restore(calibrator.state, 'calibration').state).toEqual(
            calibrator.state,
          );
          expect(DemandHistory.restore(history.state, 'history').state).toEqual(history.state);
        },
      ),
      { seed: 23, numRuns: 300 },
    );
  });
});
