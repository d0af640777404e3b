/**
 * A key-value service under the YCSB core workloads: the mix of operations, how skewed the choice of
 * keys is, and a cache that holds some of the records.
 *
 * | | mix | keys |
 * |---|---|---|
 * | a | 50 % read, 50 % update | zipfian |
 * | b | 95 % read, 5 % update | zipfian |
 * | c | 100 % read | zipfian |
 * | d | 95 % read, 5 % insert | latest |
 * | e | 95 % scan of 1 to 100 records, 5 % insert | zipfian |
 * | f | 50 % read, 50 % read-modify-write | zipfian |
 *
 * Source: Cooper et al., "Benchmarking cloud serving systems with YCSB", SoCC 2010, and the property
 * files of the core workloads (zipfian constant 0.99).
 *
 * Chance that a key is in the cache, with p(i) the chance that the i-th most popular of N records is
 * asked for and C records cached:
 *
 *   most-popular   Σ p(i), i ≤ C                                         the best any cache can do
 *   lru            Σ p(i)·(1 − exp(−p(i)·t)) with Σ (1 − exp(−p(i)·t)) = C    Che's approximation
 *
 * (Che, Tung & Wang, IEEE JSAC 20(7), 2002.) For `latest`, i counts from the newest record. Keys are
 * drawn independently, inserts do not change N, and YCSB's hashing of keys changes no popularity.
 */
import { expm1, pow } from '../numbers/exact-math.ts';
import { type DistributionSpec, meanOf, scaled } from './distribution.ts';
import type { ApplicationSpec, OperationSpec, ServiceSpec } from './request-spec.ts';

export const keyValueWorkloads = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
export type KeyValueWorkload = (typeof keyValueWorkloads)[number];
export const keyChoices = ['zipfian', 'uniform', 'latest'] as const;
export type KeyChoice = (typeof keyChoices)[number];
export const cachePolicies = ['most-popular', 'lru'] as const;
export type CachePolicy = (typeof cachePolicies)[number];

type OperationName = 'read' | 'update' | 'insert' | 'scan' | 'read-modify-write';

const mixes: Readonly<Record<KeyValueWorkload, readonly (readonly [OperationName, number])[]>> = {
  a: [
    ['read', 0.5],
    ['update', 0.5],
  ],
  b: [
    ['read', 0.95],
    ['update', 0.05],
  ],
  c: [['read', 1]],
  d: [
    ['read', 0.95],
    ['insert', 0.05],
  ],
  e: [
    ['scan', 0.95],
    ['insert', 0.05],
  ],
  f: [
    ['read', 0.5],
    ['read-modify-write', 0.5],
  ],
};

/** Longest scan of workload e, records. */
const scanMax = 100;

/** Zipfian constant of YCSB. */
const zipfianConstant = 0.99;

export interface KeyValueOptions {
  readonly name: string;
  readonly workload: KeyValueWorkload;
  /** Instead of the workload's own. */
  readonly keys?: KeyChoice;
  readonly records: number;
  /** Records that the cache holds. @default all */
  readonly cached?: number;
  /** @default 'most-popular' */
  readonly cache?: CachePolicy;
  /** Work of a read that hits, of an update or insert, and of each further record of a scan, MIPS·s. */
  readonly read: DistributionSpec;
  readonly write: DistributionSpec;
  readonly scannedMi?: number;
  /** What a read, scan or read-modify-write that misses costs in addition. */
  readonly missMi?: number;
  readonly missWaitMs?: number;
  readonly arrivals: ApplicationSpec['arrivals'];
  /** Replicas and the rest; keys are in all of them. */
  readonly service: Omit<ServiceSpec, 'name' | 'variants'>;
  readonly networkMs?: number;
  readonly timeoutMs?: number;
  readonly inFlightMax?: number;
}

/** The application: one service, one operation for each of the workload's. */
export function keyValueApplication(options: KeyValueOptions): ApplicationSpec {
  const { name, workload, records, cached = records, read, arrivals, service } = options;
  const keys = options.keys ?? (workload === 'd' ? 'latest' : 'zipfian');
  const hit = hitProbability(keys, records, cached, options.cache ?? 'most-popular');
  const { networkMs, timeoutMs, inFlightMax } = options;
  return {
    name,
    arrivals,
    operations: mixes[workload].map(([kind, share]) => operationOf(options, kind, share, 1 - hit)),
    services: [{ ...service, name: 'store', variants: [{ name: workload, demand: read }] }],
    ...(networkMs === undefined ? {} : { networkMs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(inFlightMax === undefined ? {} : { inFlightMax }),
  };
}

function operationOf(
  options: KeyValueOptions,
  name: OperationName,
  share: number,
  probability: number,
): OperationSpec {
  const { missMi = 0, missWaitMs = 0 } = options;
  const demand = demandOf(options, name);
  const plain = { name, share, service: 0, demand };
  if (name === 'update' || name === 'insert' || probability <= 0) return plain;
  return {
    ...plain,
    miss: { probability, demand: increased(demand, missMi), waitMs: missWaitMs },
  };
}

function demandOf(
  { read, write, scannedMi = 0 }: KeyValueOptions,
  name: OperationName,
): DistributionSpec {
  switch (name) {
    case 'read':
      return read;
    case 'update':
    case 'insert':
      return write;
    case 'read-modify-write':
      return increased(read, meanOf(write));
    case 'scan': {
      const first = meanOf(read);
      return { type: 'uniform', min: first, max: first + (scanMax - 1) * scannedMi };
    }
  }
}

/** The distribution scaled so that its mean is larger by `by`. */
function increased(spec: DistributionSpec, by: number): DistributionSpec {
  const mean = meanOf(spec);
  return mean > 0 ? scaled(spec, (mean + by) / mean) : { type: 'constant', mean: by };
}

/** Ranks up to this one stand alone; those beyond share a bin with others of almost their popularity. */
const exactRanks = 4096;

/** Ranks of similar popularity: how many, and the relative popularity of each. */
interface Bin {
  readonly ranks: number;
  readonly weight: number;
}

function popularity(keys: KeyChoice, from: number, to: number): Bin[] {
  if (keys === 'uniform') return to > from ? [{ ranks: to - from, weight: 1 }] : [];
  const bins: Bin[] = [];
  let rank = from;
  while (rank < to) {
    const next = Math.min(to, rank < exactRanks ? rank + 1 : Math.ceil(rank * 1.005));
    // Ranks count from 1; the middle of the bin stands for all.
    const middle = (rank + 1 + next) / 2;
    bins.push({ ranks: next - rank, weight: pow(middle, -zipfianConstant) });
    rank = next;
  }
  return bins;
}

/** Chance that the record asked for is among the `cached` of `records`. */
export function hitProbability(
  keys: KeyChoice,
  records: number,
  cached: number,
  cache: CachePolicy,
): number {
  if (cached >= records) return 1;
  if (cached <= 0) return 0;
  const inside = popularity(keys, 0, cached);
  const all = [...inside, ...popularity(keys, cached, records)];
  const sum = (bins: readonly Bin[], of: (bin: Bin) => number): number =>
    bins.reduce((total, bin) => total + bin.ranks * of(bin), 0);
  const whole = sum(all, ({ weight }) => weight);
  if (cache === 'most-popular') return sum(inside, ({ weight }) => weight) / whole;
  const present =
    (time: number) =>
    ({ weight }: Bin): number =>
      -expm1((-weight / whole) * time);
  let low = 0;
  let high = 1;
  while (sum(all, present(high)) < cached) high *= 2;
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (sum(all, present(middle)) < cached) low = middle;
    else high = middle;
  }
  return sum(all, (bin) => bin.weight * present(high)(bin)) / whole;
}
