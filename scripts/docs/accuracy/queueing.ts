/** Request queues against queueing theory: means of independent runs with their confidence. */
import {
  type ApplicationSpec,
  advance,
  type DistributionSpec,
  readRequestMeters,
  type ServiceSpec,
  summarizeRequests,
} from '../../../sim/index.ts';
import { type AccuracyGroup, interval, percent } from './row.ts';
import { smallTwin } from './small-twin.ts';

const replications = 10;

export const queueing: AccuracyGroup = {
  name: 'queueing',
  kind: 'exact',
  isSlow: true,
  measure: () =>
    cases.map(({ name, exactMs, vcpus, seconds, application }) => {
      const { mean, halfWidth } = interval(latencies(application, vcpus, seconds));
      return {
        model: name,
        page: 'requests',
        referee: `theory: ${exactMs.toPrecision(4)} ms; ${replications} runs of ${seconds * 200} s`,
        error: `${mean.toFixed(2)} ± ${halfWidth.toFixed(2)} ms (95 %): ${percent(mean / exactMs - 1)}`,
      };
    }),
};

/** Mean latency of each run, ms, after a warm-up of a tenth. */
function latencies(
  application: Omit<ApplicationSpec, 'name'>,
  vcpus: readonly number[],
  seconds: number,
): number[] {
  return Array.from({ length: replications }, (_, seed) => {
    const twin = smallTwin(
      {
        hosts: vcpus.map((cores) => ({ cores })),
        vms: vcpus.map((count, host) => ({ host, vcpus: count, demandMips: 0 })),
        applications: [{ name: 'a', ...application }],
      },
      seed,
    );
    advance(twin, seconds * 20_000);
    const meters = readRequestMeters(twin);
    advance(twin, seconds * 220_000);
    return summarizeRequests(twin, meters)[0]!.latencyMs.mean;
  });
}

const exponential = (mean: number): DistributionSpec => ({ type: 'exponential', mean });

const single = (demand: DistributionSpec, perS: number, more: Partial<ServiceSpec> = {}) => ({
  arrivals: { type: 'poisson' as const, perS },
  services: [{ name: 's', replicas: [0], variants: [{ name: 'v', demand }], ...more }],
});

/** Erlang's C: chance that all of `servers` are busy, with `offered` of them busy on average. */
function waitChance(servers: number, offered: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < servers; n++) {
    term *= offered / n;
    sum += term;
  }
  const last = ((term * offered) / servers) * (1 / (1 - offered / servers));
  return last / (sum + last);
}

interface Case {
  readonly name: string;
  readonly exactMs: number;
  readonly vcpus: readonly number[];
  /** The runs last 200 times as long. */
  readonly seconds: number;
  readonly application: Omit<ApplicationSpec, 'name'>;
}

const cases: readonly Case[] = [
  {
    ...{ name: 'M/M/1-PS, load 0.8', exactMs: 5, vcpus: [1], seconds: 1 },
    application: single(exponential(1), 800),
  },
  {
    ...{ name: 'M/G/1-PS, hyperexponential, load 0.8', exactMs: 5, vcpus: [1], seconds: 1 },
    application: single({ type: 'hyperexponential', mean: 1, scv: 4 }, 800),
  },
  {
    ...{ name: 'M/M/4, load 0.8', vcpus: [4], seconds: 0.5 },
    exactMs: 1 + waitChance(4, 3.2) / (4 - 3.2),
    application: single(exponential(1), 3200),
  },
  {
    ...{ name: 'Jackson tandem with repeated calls', vcpus: [1, 1, 1], seconds: 1 },
    // λ = 0.3, 0.6 and 0.15 per ms; delays of 0.25 ms and 0.5 ms on the way.
    exactMs: 0.5 + 1 / (1 / 2 - 0.3) + 2 / (1 / 1.2 - 0.6) + 0.5 * (1 / (1 / 4 - 0.15) + 1),
    application: {
      arrivals: { type: 'poisson', perS: 300 },
      networkMs: 0.25,
      services: [
        {
          name: 'front',
          replicas: [0],
          variants: [{ name: 'v', demand: exponential(2) }],
          steps: [
            { parallel: false, calls: [{ service: 1, count: 2 }] },
            { parallel: false, calls: [{ service: 2, count: 0.5, networkMs: 0.5 }] },
          ],
        },
        { name: 'middle', replicas: [1], variants: [{ name: 'v', demand: exponential(1.2) }] },
        { name: 'rare', replicas: [2], variants: [{ name: 'v', demand: exponential(4) }] },
      ],
    },
  },
];
