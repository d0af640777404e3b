/** Histogram, distributions, actions and the key-value service, each by itself. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activateReplica,
  advance,
  type DistributionSpec,
  hitProbability,
  keyValueApplication,
  parkReplica,
  RandomStream,
  setReplicas,
  setVariant,
  summarizeRequests,
} from '../../../sim/index.ts';
import {
  DistributionTableBuilder,
  meanOf,
  sample,
  scaled,
} from '../../../sim/requests/distribution.ts';
import {
  bucketCount,
  bucketMiddleMs,
  bucketOf,
  quantileMs,
} from '../../../sim/requests/histogram.ts';
import { startTwin } from '../../builders.ts';
import { tries } from '../random-cluster.ts';

describe('histogram', () => {
  it('a bucket stands for its latencies to 0.79 %, from 3.9 µs to 70 minutes', () => {
    const latency = fc.double({ min: 0.0039063, max: 4.19e6, noNaN: true });
    fc.assert(
      fc.property(latency, (ms) => {
        const bucket = bucketOf(ms);
        expect(bucket).toBeLessThan(bucketCount);
        expect(Math.abs(bucketMiddleMs(bucket) / ms - 1)).toBeLessThanOrEqual(0.0079);
      }),
      tries(20_000),
    );
  });

  it('buckets rise with latency and never leave their range', () => {
    const any = fc.oneof(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.constantFrom(0, 5e-324, 1e300, Infinity),
    );
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [low, high] = a <= b ? [bucketOf(a), bucketOf(b)] : [bucketOf(b), bucketOf(a)];
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThan(bucketCount);
        expect(low).toBeLessThanOrEqual(high);
      }),
      tries(20_000),
    );
  });

  it('percentiles are those of the sorted latencies, to the width of a bucket', () => {
    const many = fc.array(fc.double({ min: 0.01, max: 1e5, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(many, fc.constantFrom(0.5, 0.9, 0.99, 1), (latencies, q) => {
        const counts = new Float64Array(bucketCount);
        for (const ms of latencies) counts[bucketOf(ms)]!++;
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
        const found = quantileMs(counts, q, sorted.at(-1)!);
        expect(Math.abs(found / exact - 1)).toBeLessThanOrEqual(0.0079);
      }),
      tries(500),
    );
    expect(quantileMs(new Float64Array(bucketCount), 0.5, 0)).toBe(0);
  });
});

describe('distributions', () => {
  it.each<[DistributionSpec, number]>([
    [{ type: 'constant', mean: 3 }, 0],
    [{ type: 'exponential', mean: 3 }, 1],
    [{ type: 'uniform', min: 1, max: 5 }, 4 / 3 / 9],
    [{ type: 'lognormal', mean: 3, scv: 0.5 }, 0.5],
    [{ type: 'hyperexponential', mean: 3, scv: 3 }, 3],
    [{ type: 'empirical', values: [1, 1, 7] }, 8 / 9],
  ])('%o has its mean and squared coefficient of variation', (spec, scv) => {
    const builder = new DistributionTableBuilder();
    const row = builder.row(scaled(spec, 2));
    const table = builder.build();
    const seeds = new RandomStream(1, 'seeds');
    const count = 200_000;
    let sum = 0;
    let squares = 0;
    for (let index = 0; index < count; index++) {
      const value = sample(table, row, seeds.integer(2 ** 32), 8);
      sum += value;
      squares += value * value;
    }
    const mean = sum / count;
    expect(mean / (2 * meanOf(spec))).toBeCloseTo(1, 1.7);
    expect(squares / count / mean / mean - 1).toBeGreaterThan(scv * 0.93 - 1e-9);
    expect(squares / count / mean / mean - 1).toBeLessThan(scv * 1.07 + 1e-9);
  });

  it('what is no distribution is refused', () => {
    const builder = new DistributionTableBuilder();
    for (const spec of [
      { type: 'exponential', mean: -1 },
      { type: 'constant', mean: Number.NaN },
      { type: 'uniform', min: 2, max: 1 },
      { type: 'hyperexponential', mean: 1, scv: 0.5 },
      { type: 'empirical', values: [] },
    ] as const) {
      expect(() => builder.row(spec)).toThrow('distribution');
    }
  });
});

describe('actions', () => {
  const start = (switchMs = 0) =>
    startTwin({
      hosts: 1,
      vms: [
        { vcpus: 1, memoryGib: 1, host: 0 },
        { vcpus: 1, memoryGib: 1, host: 0 },
        { vcpus: 1, memoryGib: 1 },
        { vcpus: 1, host: 0 },
      ],
      applications: [
        {
          name: 'a',
          arrivals: { type: 'regular', perS: 100 },
          services: [
            {
              name: 's',
              replicas: [0, 1, 2],
              active: 1,
              switchMs,
              variants: [
                { name: 'small', demand: { type: 'constant', mean: 1 }, accuracy: 0.8 },
                { name: 'large', demand: { type: 'constant', mean: 2 }, accuracy: 1 },
                { name: 'huge', demand: { type: 'constant', mean: 2 }, memoryBytes: 2 ** 31 },
              ],
            },
          ],
        },
      ],
    });

  it('each says why not', () => {
    const twin = start(100);
    expect(setVariant(twin, 1, 0, 0)).toBe('there is no such application');
    expect(setVariant(twin, 0, 1, 0)).toBe('the application has no such service');
    expect(setVariant(twin, 0, 0, 3)).toBe('the service has no such variant');
    expect(setVariant(twin, 0, 0, 2)).toBe('a replica has not enough memory for the variant');
    expect(setVariant(twin, 0, 0, 1)).toBeUndefined();
    expect(setVariant(twin, 0, 0, 0)).toBe('the service is being switched to another variant');
    expect(parkReplica(twin, 3)).toBe('the VM is no replica of a service');
    expect(parkReplica(twin, 0)).toBe('it is the last active replica of its service');
    expect(parkReplica(twin, 1)).toBe('the replica is already parked');
    expect(activateReplica(twin, 0)).toBe('the replica is already active');
    expect(activateReplica(twin, 2)).toBe('the VM of the replica is not running');
    expect(setReplicas(twin, 0, 0, 0)).toBe('a service needs at least one active replica');
    expect(setReplicas(twin, 0, 0, 4)).toBe('the service has only 3 replicas');
    expect(setReplicas(twin, 0, 0, 3)).toBe('too few VMs of parked replicas are running');
    expect(setReplicas(twin, 0, 0, 2)).toBeUndefined();
    expect(setReplicas(twin, 0, 0, 1)).toBeUndefined();
    expect([...twin.state.requests.queueActive]).toEqual([1, 0, 0]);
  });

  it('a variant holds for requests that come after the switch; accuracy is weighted by requests', () => {
    const twin = start(250);
    setVariant(twin, 0, 0, 1);
    // Requests at 10, 20, …, 250 ms: the switch at 250 ms comes first.
    advance(twin, 1005);
    const [summary] = summarizeRequests(twin);
    expect(summary!.completed).toBe(100);
    expect(summary!.services[0]!.variant).toBe('large');
    expect(summary!.accuracy).toBeCloseTo((24 * 0.8 + 76 * 1) / 100, 12);
    expect(summary!.latencyMs.mean).toBeCloseTo((24 * 1 + 76 * 2) / 100, 9);
  });

  it('a parked replica gets nothing, an active one its share', () => {
    const twin = start();
    advance(twin, 1005);
    setReplicas(twin, 0, 0, 2);
    advance(twin, 2005);
    const { replicas } = summarizeRequests(twin)[0]!.services[0]!;
    expect(replicas.map(({ completed }) => completed)).toEqual([150, 50, 0]);
    expect(replicas.map(({ serving }) => serving)).toEqual([true, true, false]);
  });
});

describe('key-value service', () => {
  it('uniform: the chance of a hit is the share of records cached; all cached: 1', () => {
    expect(hitProbability('uniform', 1000, 300, 'most-popular')).toBeCloseTo(0.3, 12);
    expect(hitProbability('uniform', 1000, 300, 'lru')).toBeCloseTo(0.3, 9);
    expect(hitProbability('zipfian', 1000, 1000, 'lru')).toBe(1);
    expect(hitProbability('zipfian', 1000, 0, 'lru')).toBe(0);
  });

  it('zipfian: the sum of the popularities of the records cached, binned or not', () => {
    for (const [records, cached] of [
      [1000, 100],
      [300_000, 9000],
    ] as const) {
      let inside = 0;
      let whole = 0;
      for (let rank = 1; rank <= records; rank++) {
        const weight = rank ** -0.99;
        whole += weight;
        if (rank <= cached) inside += weight;
      }
      const found = hitProbability('zipfian', records, cached, 'most-popular');
      expect(found / (inside / whole)).toBeCloseTo(1, 5);
    }
  });

  it('LRU: Che’s approximation is within half a point of a cache that is simulated', () => {
    const records = 2000;
    const cached = 200;
    const sums = [0];
    for (let rank = 1; rank <= records; rank++) sums.push(sums[rank - 1]! + rank ** -0.99);
    const draws = new RandomStream(3, 'keys');
    const cache = new Map<number, true>();
    let hits = 0;
    const count = 400_000;
    for (let request = 0; request < count + 20_000; request++) {
      const at = draws.float() * sums[records]!;
      let low = 0;
      let high = records;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (sums[middle]! <= at) low = middle;
        else high = middle;
      }
      if (cache.delete(low) && request >= 20_000) hits++;
      cache.set(low, true);
      if (cache.size > cached) cache.delete(cache.keys().next().value!);
    }
    const found = hitProbability('zipfian', records, cached, 'lru');
    expect(Math.abs(found - hits / count)).toBeLessThan(0.005);
  });

  it.each([
    ['a', ['read', 'update'], [0.5, 0.5]],
    ['b', ['read', 'update'], [0.95, 0.05]],
    ['c', ['read'], [1]],
    ['d', ['read', 'insert'], [0.95, 0.05]],
    ['e', ['scan', 'insert'], [0.95, 0.05]],
    ['f', ['read', 'read-modify-write'], [0.5, 0.5]],
  ] as const)('workload %s has its operations in their shares', (workload, names, shares) => {
    const application = keyValueApplication({
      name: 'store',
      workload,
      records: 100,
      read: { type: 'constant', mean: 0.1 },
      write: { type: 'constant', mean: 0.2 },
      scannedMi: 0.01,
      arrivals: { type: 'poisson', perS: 1000 },
      service: { replicas: [0] },
    });
    const twin = startTwin({ hosts: 1, vms: [{ host: 0 }], applications: [application] });
    advance(twin, 20_000);
    const [summary] = summarizeRequests(twin);
    expect(summary!.operations.map(({ name }) => name)).toEqual(names);
    summary!.operations.forEach(({ begun }, index) => {
      expect(begun / summary!.begun).toBeCloseTo(shares[index]!, 1.7);
    });
  });

  it('misses take their further work and wait', () => {
    const application = keyValueApplication({
      name: 'store',
      workload: 'c',
      keys: 'uniform',
      records: 100,
      cached: 75,
      read: { type: 'constant', mean: 1 },
      write: { type: 'constant', mean: 1 },
      missMi: 0.5,
      missWaitMs: 10,
      arrivals: { type: 'regular', perS: 50 },
      service: { replicas: [0] },
    });
    const twin = startTwin({ hosts: 1, vms: [{ host: 0 }], applications: [application] });
    const latencies: number[] = [];
    twin.recorder = {
      requestEnded: (_operation, sentMs, _outcome, timeMs) => {
        latencies.push(Number((timeMs - sentMs).toFixed(6)));
      },
    };
    advance(twin, 100_000);
    expect([...new Set(latencies)].sort((a, b) => a - b)).toEqual([1, 11.5]);
    const missed = latencies.filter((ms) => ms > 1).length / latencies.length;
    expect(Math.abs(missed - 0.25)).toBeLessThan(0.03);
  });
});
