/** The twin's queues in virtual time against the plain walk through all calls of `scripts/docs/referees/request-walk.ts`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { arrivalsOf } from '../../../scripts/docs/referees/request-arrivals.ts';
import {
  bruteForce,
  type Capacity,
  type Ended,
} from '../../../scripts/docs/referees/request-walk.ts';
import {
  type ApplicationSpec,
  type ArrivalSpec,
  advance,
  callOutcome,
  checkInvariants,
  type DistributionSpec,
  migrateVm,
  setPstate,
  type Twin,
} from '../../../sim/index.ts';
import { mib, startTwin, threePstates } from '../../builders.ts';
import { tries } from '../random-cluster.ts';

const demand: fc.Arbitrary<DistributionSpec> = fc.oneof(
  fc.record({ type: fc.constant('constant' as const), mean: fc.constantFrom(0, 3, 8) }),
  fc.record({ type: fc.constant('exponential' as const), mean: fc.constantFrom(2, 8) }),
  fc.constant({ type: 'uniform' as const, min: 1, max: 9 }),
  fc.constant({ type: 'lognormal' as const, mean: 6, scv: 2 }),
  fc.constant({ type: 'hyperexponential' as const, mean: 6, scv: 6 }),
  fc.constant({ type: 'empirical' as const, values: [1, 2, 2, 12] }),
);

const arrivals: fc.Arbitrary<Exclude<ArrivalSpec, { type: 'clients' }>> = fc.oneof(
  fc.record({ type: fc.constant('poisson' as const), perS: fc.constantFrom(50, 200) }),
  fc.record({ type: fc.constant('regular' as const), perS: fc.constantFrom(50, 170) }),
  fc.constant({
    type: 'mmpp' as const,
    states: [
      { perS: 300, meanMs: 100 },
      { perS: 0, meanMs: 40 },
      { perS: 60, meanMs: 200 },
    ],
  }),
  fc.constant({ type: 'trace' as const, perS: [100, 0, 350], stepMs: 170 }),
);

/** VM `s` is the only replica of service `s`, alone on a host of its own. */
const application: fc.Arbitrary<ApplicationSpec> = fc
  .record({
    arrivals,
    demands: fc.array(demand, { minLength: 4, maxLength: 4 }),
    network: fc.constantFrom(0, 0, 1.25),
    counts: fc.array(fc.constantFrom(0, 0.3, 1, 1.5, 2), { minLength: 4, maxLength: 4 }),
    parallel: fc.boolean(),
    miss: fc.constantFrom(undefined, { probability: 0.3, waitMs: 7 }, { probability: 0.5 }),
    ownDemand: fc.option(demand, { nil: undefined }),
  })
  .map(({ counts, demands, ...rest }): ApplicationSpec => {
    const missed = demands[3]!;
    const edge = (service: number, count: number) => ({ service, count, networkMs: rest.network });
    return {
      name: 'shop',
      arrivals: rest.arrivals,
      networkMs: rest.network,
      inFlightMax: 20_000,
      operations: [
        {
          name: 'look',
          share: 3,
          service: 0,
          ...(rest.ownDemand === undefined ? {} : { demand: rest.ownDemand }),
          ...(rest.miss === undefined ? {} : { miss: { ...rest.miss, demand: missed } }),
        },
        { name: 'buy', share: 1, service: 1 },
      ],
      services: [
        [
          { parallel: rest.parallel, calls: [edge(1, counts[0]!), edge(2, counts[1]!)] },
          { parallel: false, calls: [edge(3, counts[2]!)] },
        ],
        [{ parallel: true, calls: [edge(2, counts[3]!)] }],
        [],
        [],
      ].map((steps, service) => ({
        name: `service-${service}`,
        replicas: [service],
        queueMax: 5_000,
        variants: [{ name: 'only', demand: demands[service]! }],
        steps,
      })),
    };
  });

interface Change {
  readonly timeMs: number;
  readonly host: number;
  readonly pstate: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  timeMs: fc.integer({ min: 1, max: 390 }),
  host: fc.nat({ max: 3 }),
  pstate: fc.nat({ max: 2 }),
});

const untilMs = 400;
const vcpus = [1, 2, 3, 1];
const demandOfOther = 1500;

/** Requests that were answered, as the twin tells. */
function record(twin: Twin): Ended[] {
  const ended: Ended[] = [];
  twin.recorder = {
    requestEnded: (operation, sentMs, outcome, endedMs) => {
      expect(outcome).toBe(callOutcome.good);
      ended.push({ operation, sentMs, endedMs });
    },
  };
  return ended;
}

function expectSame(actual: readonly Ended[], expected: readonly Ended[]): void {
  const order = (a: Ended, b: Ended): number =>
    a.sentMs - b.sentMs || a.operation - b.operation || a.endedMs - b.endedMs;
  const a = actual.toSorted(order);
  const b = expected.toSorted(order);
  expect(a.length).toBe(b.length);
  a.forEach((ended, index) => {
    const other = b[index]!;
    const sentAlike = Math.abs(ended.sentMs - other.sentMs) <= 1e-9 * untilMs;
    const endedAlike = Math.abs(ended.endedMs - other.endedMs) <= 1e-9 * untilMs;
    expect(sentAlike && endedAlike, `${JSON.stringify([ended, other])}`).toBe(true);
  });
}

it('answers every request when the plain walk does, while P-states change and others contend', () => {
  fc.assert(
    fc.property(
      application,
      fc.array(change, { maxLength: 6 }),
      fc.nat(1000),
      (spec, list, seed) => {
        const changes = list.toSorted((a, b) => a.timeMs - b.timeMs);
        const twin = startTwin(
          {
            hosts: Array.from({ length: 4 }, () => ({ cores: 2, pstates: threePstates })),
            vms: [
              ...vcpus.map((count, host) => ({ vcpus: count, host })),
              // One that competes with service 1, at twice its weight.
              { demandMips: demandOfOther, vcpus: 2, host: 1 },
            ],
            applications: [spec],
          },
          seed,
        );
        const ended = record(twin);
        for (const { timeMs, host, pstate } of changes) {
          advance(twin, timeMs, checkInvariants);
          setPstate(twin, host, pstate);
        }
        advance(twin, untilMs);
        const core = (host: number, timeMs: number): number => {
          const last = changes.findLast((one) => one.host === host && one.timeMs <= timeMs);
          return threePstates[last?.pstate ?? 0]!.coreMips;
        };
        const capacity: Capacity = {
          changesMs: changes.map(({ timeMs }) => timeMs),
          mips(service, calls, timeMs) {
            const mips = core(service, timeMs);
            const busy = Math.min(calls, vcpus[service]!);
            const wanted = Math.min(busy * mips, 2 * mips);
            if (service !== 1) return wanted;
            const other = Math.min(demandOfOther, 2 * mips);
            if (busy * mips + other <= 2 * mips) return busy * mips;
            const fair = (2 * mips * busy) / (busy + 2);
            // What one does not need goes to the other.
            return Math.min(busy * mips, Math.max(fair, 2 * mips - other));
          },
        };
        const { arrivals: source } = spec;
        if (source.type === 'clients') throw new Error('not here');
        const incoming = arrivalsOf(spec.name, source, seed, untilMs);
        expectSame(ended, bruteForce(spec, incoming, capacity, untilMs));
      },
    ),
    tries(60),
  );
});

it('answers every request when the plain walk does, while a replica is migrated', () => {
  const times = fc.record({
    startMs: fc.integer({ min: 0, max: 300 }),
    mibPerS: fc.constantFrom(500, 3000, 8000),
  });
  fc.assert(
    fc.property(application, times, fc.nat(1000), (spec, { startMs, mibPerS }, seed) => {
      const overhead = 0.25;
      const twin = startTwin(
        {
          hosts: Array.from({ length: 5 }, () => ({ cores: 4 })),
          vms: vcpus.map((count, host) => ({ vcpus: count, host, memoryGib: 0.25 })),
          applications: [spec],
          migration: { bytesPerS: mibPerS * mib, dirtyIntensity: 0.4, workingSetBytes: 200 * mib },
          network: { type: 'star', portBytesPerS: 20_000 * mib },
          migrationOverheadFraction: overhead,
        },
        seed,
      );
      const ended = record(twin);
      const stops = { pausedMs: Infinity, resumedMs: Infinity };
      twin.recorder = {
        ...twin.recorder,
        vmPaused: (_vm, _host, timeMs) => {
          stops.pausedMs = timeMs;
        },
        vmResumed: (_vm, _host, timeMs) => {
          stops.resumedMs = timeMs;
        },
      };
      advance(twin, startMs);
      expect(migrateVm(twin, 0, 4)).toBeUndefined();
      advance(twin, untilMs, checkInvariants);
      const { pausedMs, resumedMs } = stops;
      const capacity: Capacity = {
        changesMs: [startMs, pausedMs, resumedMs],
        mips(service, calls, timeMs) {
          const mips = 1000 * Math.min(calls, vcpus[service]!);
          if (service > 0 || timeMs < startMs || timeMs >= resumedMs) return mips;
          return timeMs >= pausedMs ? 0 : mips * (1 - overhead);
        },
      };
      const { arrivals: source } = spec;
      if (source.type === 'clients') throw new Error('not here');
      const incoming = arrivalsOf(spec.name, source, seed, untilMs);
      expectSame(ended, bruteForce(spec, incoming, capacity, untilMs));
    }),
    tries(60),
  );
});
