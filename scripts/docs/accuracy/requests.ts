/** Request queues against a walk through all calls, histograms, and a cache that is simulated. */
import {
  type ApplicationSpec,
  advance,
  type DistributionSpec,
  hitProbability,
  RandomStream,
  setPstate,
} from '../../../sim/index.ts';
import { bucketMiddleMs, bucketOf } from '../../../sim/requests/histogram.ts';
import { arrivalsOf } from '../referees/request-arrivals.ts';
import { bruteForce, type Ended } from '../referees/request-walk.ts';
import { type AccuracyGroup, type AccuracyRow, apart, percent, Worst } from './row.ts';
import { smallTwin } from './small-twin.ts';

const graphs = 60;
const untilMs = 400;
const speeds = [1000, 750, 500];

export const requests: AccuracyGroup = {
  name: 'requests',
  kind: 'exact',
  measure: () => [walkRow(), histogramRow(), cacheRow()],
};

const demands: readonly DistributionSpec[] = [
  { type: 'constant', mean: 3 },
  { type: 'exponential', mean: 6 },
  { type: 'uniform', min: 1, max: 9 },
  { type: 'lognormal', mean: 5, scv: 2 },
  { type: 'hyperexponential', mean: 5, scv: 6 },
  { type: 'empirical', values: [1, 2, 2, 12] },
];

/** Three services on a VM each: the first calls the others, at once or one after the other. */
function graph(random: RandomStream): ApplicationSpec {
  const demand = (): DistributionSpec => demands[random.integer(demands.length)]!;
  const calls = [1, 2].map((service) => ({
    service,
    count: [0.3, 1, 1.5][random.integer(3)]!,
    networkMs: random.integer(2),
  }));
  return {
    name: 'shop',
    arrivals: { type: 'poisson', perS: 50 + random.integer(150) },
    inFlightMax: 20_000,
    services: [0, 1, 2].map((service) => ({
      name: `service-${service}`,
      replicas: [service],
      queueMax: 5000,
      variants: [{ name: 'only', demand: demand() }],
      steps: service === 0 ? [{ parallel: random.integer(2) === 0, calls }] : [],
    })),
  };
}

function walkRow(): AccuracyRow {
  const random = new RandomStream(1, 'requests');
  const worst = new Worst();
  let answered = 0;
  for (let index = 0; index < graphs; index++) {
    const spec = graph(random);
    const vcpus = [1, 2, 1].map(() => 1 + random.integer(3));
    const twin = smallTwin(
      {
        hosts: vcpus.map(() => ({
          cores: 2,
          pstates: speeds.map((coreMips) => ({ coreMips, idleW: 100, epsilonW: 100, fullW: 200 })),
        })),
        vms: vcpus.map((count, host) => ({ host, vcpus: count, demandMips: 0 })),
        applications: [spec],
      },
      index,
    );
    const ended: Ended[] = [];
    twin.recorder = {
      requestEnded: (operation, sentMs, _outcome, endedMs) => {
        ended.push({ operation, sentMs, endedMs });
      },
    };
    const changes = Array.from({ length: 4 }, () => ({
      timeMs: 1 + random.integer(390),
      host: random.integer(3),
      pstate: random.integer(3),
    })).sort((a, b) => a.timeMs - b.timeMs);
    for (const { timeMs, host, pstate } of changes) {
      advance(twin, timeMs);
      setPstate(twin, host, pstate);
    }
    advance(twin, untilMs);
    const coreMips = (host: number, timeMs: number): number => {
      const last = changes.findLast((one) => one.host === host && one.timeMs <= timeMs);
      return speeds[last?.pstate ?? 0]!;
    };
    const capacity = {
      changesMs: changes.map(({ timeMs }) => timeMs),
      mips: (service: number, calls: number, timeMs: number) =>
        Math.min(calls, vcpus[service]!, 2) * coreMips(service, timeMs),
    };
    if (spec.arrivals.type !== 'poisson') throw new RangeError('expected open arrivals');
    const incoming = arrivalsOf(spec.name, spec.arrivals, index, untilMs);
    const plain = bruteForce(spec, incoming, capacity, untilMs);
    const order = (a: Ended, b: Ended): number => a.sentMs - b.sentMs;
    const theirs = plain.toSorted(order);
    if (ended.length !== theirs.length) worst.add(Number.NaN);
    ended.toSorted(order).forEach((one, at) => {
      worst.add(one.endedMs - one.sentMs - (theirs[at]!.endedMs - theirs[at]!.sentMs));
    });
    answered += ended.length;
  }
  return {
    model: 'Request queues',
    page: 'requests',
    referee: `a plain walk through all calls, ${answered.toLocaleString('en')} requests in ${graphs} random call graphs with changing P-states`,
    error: `latency ${apart(worst.value, 'ms')}`,
  };
}

function histogramRow(): AccuracyRow {
  const random = new RandomStream(2, 'histogram');
  const worst = new Worst();
  for (let sample = 0; sample < 100_000; sample++) {
    // Magnitudes evenly from 4 µs to an hour.
    const latencyMs = 0.004 * 2 ** (29.7 * random.float());
    worst.addRelative(bucketMiddleMs(bucketOf(latencyMs)), latencyMs);
  }
  return {
    model: 'Percentiles of latency',
    page: 'requests',
    referee: 'the latencies themselves, 100,000 from 4 µs to an hour',
    error: `${percent(worst.value, 2)} of the latency`,
  };
}

function cacheRow(): AccuracyRow {
  const [records, cached, warmUp, count] = [2000, 200, 20_000, 200_000];
  const upTo = [0];
  for (let rank = 1; rank <= records; rank++) upTo.push(upTo[rank - 1]! + rank ** -0.99);
  const random = new RandomStream(3, 'keys');
  const cache = new Set<number>();
  let hits = 0;
  for (let request = 0; request < warmUp + count; request++) {
    const at = random.float() * upTo[records]!;
    let [low, high] = [0, records];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (upTo[middle]! <= at) low = middle;
      else high = middle;
    }
    if (cache.delete(low) && request >= warmUp) hits++;
    cache.add(low);
    if (cache.size > cached) cache.delete(cache.values().next().value!);
  }
  const apartBy = hitProbability('zipfian', records, cached, 'lru') - hits / count;
  return {
    model: 'Key-value service, hits of an LRU cache',
    page: 'requests',
    referee: `a simulated cache of ${cached} of ${records} records, ${count.toLocaleString('en')} requests`,
    error: `${(100 * Math.abs(apartBy)).toFixed(1)} percentage points`,
  };
}
