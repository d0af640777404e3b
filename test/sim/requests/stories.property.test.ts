/** Whatever is done to hosts, VMs and applications: nothing is lost, and forks and snapshots agree. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type ApplicationSpec,
  activateReplica,
  advance,
  checkInvariants,
  decodeSnapshot,
  encodeSnapshot,
  failHost,
  migrateVm,
  parkReplica,
  placeVm,
  powerOff,
  powerOn,
  setPstate,
  setReplicas,
  setVariant,
  summarizeRequests,
  type Twin,
} from '../../../sim/index.ts';
import { type ClusterOptions, mib, startTwin, threePstates } from '../../builders.ts';
import { tries } from '../random-cluster.ts';

const hosts = 4;

const shop: fc.Arbitrary<ApplicationSpec> = fc
  .record({
    arrivals: fc.constantFrom<ApplicationSpec['arrivals'][]>(
      { type: 'poisson', perS: 120 },
      {
        type: 'mmpp',
        states: [
          { perS: 20, meanMs: 300 },
          { perS: 300, meanMs: 100 },
        ],
      },
      { type: 'clients', clients: 30, thinkMs: { type: 'constant', mean: 0 }, backoffMs: 5 },
      { type: 'clients', clients: 30, thinkMs: { type: 'exponential', mean: 50 } },
    ),
    networkMs: fc.constantFrom(0, 0.7),
    queueMax: fc.constantFrom(3, 200),
    inFlightMax: fc.constantFrom(10, 500),
    wakeMs: fc.constantFrom(0, 2),
    switchMs: fc.constantFrom(0, 40),
    balance: fc.constantFrom('round-robin', 'least-requests', 'random'),
    parallel: fc.boolean(),
  })
  .map(({ arrivals, networkMs, queueMax, inFlightMax, wakeMs, switchMs, balance, parallel }) => ({
    name: 'shop',
    arrivals,
    networkMs,
    inFlightMax,
    timeoutMs: 60,
    services: [
      {
        name: 'web',
        replicas: [0, 1],
        balance,
        queueMax,
        wakeMs,
        variants: [{ name: 'v', demand: { type: 'exponential', mean: 4 } }],
        steps: [
          {
            parallel,
            calls: [
              { service: 1, count: 1.5 },
              { service: 2, count: 0.4, networkMs },
            ],
          },
        ],
      },
      {
        name: 'catalogue',
        replicas: [2, 3, 4],
        active: 2,
        balance,
        queueMax,
        switchMs,
        variants: [
          { name: 'quick', demand: { type: 'constant', mean: 2 }, accuracy: 0.9 },
          { name: 'slow', demand: { type: 'constant', mean: 5 }, accuracy: 0.99 },
          { name: 'huge', demand: { type: 'constant', mean: 5 }, memoryBytes: 1e15 },
        ],
      },
      {
        name: 'extra',
        replicas: [5],
        queueMax,
        variants: [{ name: 'v', demand: { type: 'exponential', mean: 3 } }],
      },
    ],
  }));

const cluster = (application: ApplicationSpec): ClusterOptions => ({
  // One of them has a frequency domain for each core.
  hosts: Array.from({ length: hosts }, (_, host) => ({
    cores: 2,
    pstates: threePstates,
    bootMs: 300,
    shutdownMs: 50,
    frequency: { domains: host === 1 ? 2 : 1 },
  })),
  vms: [
    ...Array.from({ length: 6 }, (_, vm) => ({
      vcpus: 1 + (vm % 2),
      memoryGib: 0.25,
      host: vm % 3,
    })),
    { demandMips: [700, 1900, 100], vcpus: 2, memoryGib: 1, host: 1 },
    { demandMips: 400, vcpus: 1, memoryGib: 0.25, departureS: 0.6, host: 2 },
  ],
  intervalS: 1,
  migration: { bytesPerS: 800 * mib, dirtyIntensity: 0.3, workingSetBytes: 100 * mib },
  applications: [application],
});

interface Deed {
  readonly waitMs: number;
  readonly kind: string;
  readonly a: number;
  readonly b: number;
}

const deeds = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 150 })),
    kind: fc.constantFrom(
      ...['migrate', 'migrate', 'pstate', 'park', 'activate', 'replicas', 'variant', 'variant'],
      ...['off', 'on', 'place', 'fail'],
    ),
    a: fc.nat(7),
    b: fc.nat(7),
  }),
  { minLength: 3, maxLength: 25 },
);

function act(twin: Twin, { kind, a, b }: Deed): string | undefined {
  switch (kind) {
    case 'migrate':
      return migrateVm(twin, a, b % hosts);
    case 'pstate':
      return setPstate(twin, a % hosts, b % 3);
    case 'park':
      return parkReplica(twin, a);
    case 'activate':
      return activateReplica(twin, a);
    case 'replicas':
      return setReplicas(twin, 0, a % 4, b % 5);
    case 'variant':
      return setVariant(twin, 0, a % 4, b % 4);
    case 'off':
      return powerOff(twin, a % hosts);
    case 'on':
      return powerOn(twin, a % hosts);
    case 'place':
      return placeVm(twin, a, b % hosts);
    default:
      return failHost(twin, a % hosts);
  }
}

function play(twin: Twin, story: readonly Deed[], afterEvent?: (twin: Twin) => void): void {
  for (const deed of story) {
    advance(twin, twin.nowMs + deed.waitMs, afterEvent);
    act(twin, deed);
    afterEvent?.(twin);
  }
  advance(twin, twin.nowMs + 300, afterEvent);
}

it('every invariant holds after every event, and every request is accounted for', () => {
  fc.assert(
    fc.property(shop, deeds, fc.nat(100), (application, story, seed) => {
      const twin = startTwin(cluster(application), seed);
      play(twin, story, checkInvariants);
      const [summary] = summarizeRequests(twin);
      const { begun, completed, rejected, failed, late, latencyMs } = summary!;
      expect(begun).toBeGreaterThanOrEqual(completed + rejected + failed);
      expect(late).toBeLessThanOrEqual(completed);
      expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p999);
      expect(latencyMs.p999).toBeLessThanOrEqual(latencyMs.max);
    }),
    tries(60),
  );
});

it('fork, snapshot and go on is the same, byte for byte, as never having stopped', () => {
  fc.assert(
    fc.property(shop, deeds, deeds, fc.nat(100), (application, before, after, seed) => {
      const twin = startTwin(cluster(application), seed);
      play(twin, before);
      const fork = twin.fork();
      const restored = decodeSnapshot(encodeSnapshot(twin), twin.model, 'snapshot');
      play(twin, after);
      play(restored, after);
      expect(restored.state.equals(twin.state)).toBe(true);
      expect(fork.state.equals(twin.state)).toBe(false);
      play(fork, after);
      expect(fork.state.equals(twin.state)).toBe(true);
    }),
    tries(40),
  );
});

it('arrivals are the same in every fork, whatever is done to it', () => {
  fc.assert(
    fc.property(shop, deeds, fc.nat(100), (application, story, seed) => {
      if (application.arrivals.type === 'clients') return;
      const idle = startTwin(cluster(application), seed);
      const busy = idle.fork();
      play(busy, story);
      advance(idle, busy.nowMs);
      const begun = (twin: Twin): number => summarizeRequests(twin)[0]!.begun;
      expect(begun(busy)).toBe(begun(idle));
      expect([...busy.state.requests.sourceRng]).toEqual([...idle.state.requests.sourceRng]);
    }),
    tries(30),
  );
});
