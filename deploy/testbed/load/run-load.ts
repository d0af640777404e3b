/** Carries a plan out on all VMs at once and reports second by second. */
import type { Clock } from '../../clock.ts';
import { askedBetween } from './arrivals.ts';
import { everySecond } from './every-second.ts';
import { JobsLoad } from './jobs/jobs-load.ts';
import { mergedHistogram } from './latency-histogram.ts';
import type { LoadLine } from './load-line.ts';
import {
  derivedSeed,
  jobSteps,
  type LoadKind,
  type LoadPlan,
  phaseAt,
  rateSteps,
} from './load-plan.ts';
import type { Slice } from './meter.ts';
import type { ShiftingLoad } from './shifting-load.ts';
import { RedisLoad } from './ycsb/redis-load.ts';
import { type RecordShape, type WorkloadName, workloads } from './ycsb/workloads.ts';

/** A VM to load. */
export interface LoadTarget {
  readonly vm: string;
  readonly kind: LoadKind;
  readonly address: string;
  readonly port: number;
  /** Requests per second that a utilization of 1 stands for; jobs without it are measured first. */
  readonly fullPerS?: number | undefined;
  /** Units of work of a job; without it such as take `jobMs` at the speed that is measured. */
  readonly cost?: number | undefined;
}

export interface LoadJob {
  readonly targets: readonly LoadTarget[];
  readonly load: ShiftingLoad;
  readonly redis: {
    readonly workload: WorkloadName;
    readonly shape: RecordShape;
    readonly connections: number;
    readonly skipRecords: boolean;
  };
  /** CPU time of a job at the speed that is measured, ms. */
  readonly jobMs: number;
  readonly timeoutMs: number;
  readonly drainMs: number;
}

export interface LoadRunOptions extends LoadJob {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Before the load begins. */
  readonly onNote: (text: string) => void;
  /** The load begins: what will be asked. */
  readonly onPlan: (plan: LoadPlan, startWallMs: number) => void;
  readonly onLine: (line: LoadLine) => void;
}

/** What the runner needs of a client of either kind. */
interface Client {
  connect(signal: AbortSignal): Promise<void>;
  drain(limitMs: number): Promise<void>;
  cut(): Slice | Promise<Slice>;
  close(): void;
  readonly reconnects: number;
}

interface Worker {
  readonly client: Client;
  /** Gets the guest ready; returns what its plan lacks. */
  readonly prepare: () => Promise<{ readonly fullPerS: number; readonly cost?: number }>;
  readonly run: (plan: LoadPlan, startMs: number) => Promise<void>;
}

/** What the run cost its client. */
export interface ClientFigures {
  readonly reconnects: number;
  /** Requests to Redis left so long after they were due, ms. */
  readonly sendDelayP50Ms: number;
  readonly sendDelayP99Ms: number;
}

/**
 * An abort ends the load early; all that was counted has been reported then.
 *
 * @throws OperationError when a guest cannot be reached or prepared before the load begins. One that goes
 *   away later is an error in the counts.
 */
export async function runLoad(options: LoadRunOptions): Promise<ClientFigures> {
  const { targets, load, clock, signal } = options;
  const redisClients: RedisLoad[] = [];
  const workers = targets.map((target, index) => workerOf(target, index, options, redisClients));
  try {
    // One after the other: guests measured at the same time on few CPUs would slow each other.
    const prepared: { readonly fullPerS: number; readonly cost?: number }[] = [];
    for (const { client, prepare } of workers) {
      await client.connect(signal);
      prepared.push(await prepare());
    }
    const plan: LoadPlan = {
      version: 1,
      load,
      vms: targets.map(({ vm, kind }, index) => ({ vm, kind, ...prepared[index]! })),
    };
    // Connections that waited may have been lost by now; that is for the counts to say.
    const startMs = clock.monotonicMs() + 200;
    options.onPlan(plan, clock.wallMs() + 200);
    const cutAll = slicer(workers, plan, startMs, options);
    const asking = new AbortController();
    const slices = everySecond(clock, startMs, asking.signal, () => cutAll());
    try {
      await Promise.all(workers.map(({ run }) => run(plan, startMs)));
    } finally {
      asking.abort();
    }
    await slices;
    // A slice ends with the load: what comes after it was asked for before.
    await cutAll();
    await Promise.all(workers.map(({ client }) => client.drain(options.drainMs)));
    await cutAll(true);
    const delays = mergedHistogram(redisClients.map(({ sendDelay }) => sendDelay.toRecord()));
    return {
      reconnects: workers.reduce((sum, { client }) => sum + client.reconnects, 0),
      sendDelayP50Ms: delays.percentileUs(0.5) / 1000,
      sendDelayP99Ms: delays.percentileUs(0.99) / 1000,
    };
  } finally {
    for (const { client } of workers) client.close();
  }
}

function workerOf(
  target: LoadTarget,
  index: number,
  options: LoadRunOptions,
  redisClients: RedisLoad[],
): Worker {
  const { load, clock, signal, timeoutMs, redis, onNote } = options;
  const { vm: name, address, port } = target;
  if (target.kind === 'jobs') {
    const client = new JobsLoad({ name, address, port, timeoutMs, clock });
    return {
      client,
      prepare: async () => {
        const { fullPerS, cost } = target;
        if (fullPerS !== undefined && cost !== undefined) return { fullPerS, cost };
        const speed = await client.calibrate();
        const measured = cost ?? Math.max(1, Math.round((speed.unitsPerS * options.jobMs) / 1000));
        const full = fullPerS ?? (speed.unitsPerS * speed.cpus) / measured;
        onNote(`${name}: ${speed.unitsPerS.toFixed(0)} units/s on each of ${speed.cpus} CPUs`);
        return { fullPerS: Number(full.toPrecision(6)), cost: measured };
      },
      run: (plan, startMs) =>
        client.run(jobSteps(plan, index), plan.vms[index]!.cost ?? 1, startMs, signal),
    };
  }
  const fullPerS = target.fullPerS ?? usualRedisFullPerS;
  const client = new RedisLoad({
    ...{ name, address, port, timeoutMs, clock },
    workload: workloads[redis.workload],
    shape: redis.shape,
    // Of every VM its own keys and arrivals.
    seed: derivedSeed(load.seed, `redis ${index}`),
    spacing: 'poisson',
    connections: redis.connections,
  });
  redisClients.push(client);
  return {
    client,
    prepare: async () => {
      if (!redis.skipRecords) {
        const { records, seconds } = await client.loadRecords(signal);
        onNote(`${name}: ${records} records in ${seconds.toFixed(1)} s`);
      }
      return { fullPerS };
    },
    run: (plan, startMs) => client.run(rateSteps(plan, index), startMs, signal),
  };
}

/** YCSB operations per second of one emulated guest: 1 to 2 ms of CPU each, on 0.4 of a core. */
export const usualRedisFullPerS = 300;

/** Reports every VM whenever it is called; `isAfter` the load nothing is asked any more. */
function slicer(
  workers: readonly Worker[],
  plan: LoadPlan,
  startMs: number,
  { clock, onLine }: LoadRunOptions,
): (isAfter?: boolean) => Promise<void> {
  const fromS = plan.vms.map(() => 0);
  const steps = plan.vms.map((_, index) => rateSteps(plan, index));
  const cutOne = async (index: number, isAfter: boolean): Promise<void> => {
    const slice = await workers[index]!.client.cut();
    const from = fromS[index]!;
    const toS = Math.max(from, round((clock.monotonicMs() - startMs) / 1000));
    fromS[index] = toS;
    const { vm, kind } = plan.vms[index]!;
    const { p50Ms, p99Ms, maxMs } = mergedHistogram([slice.histogram]).figures();
    const { histogram, ...counts } = slice;
    onLine({
      timestamp: new Date(clock.wallMs()).toISOString(),
      fromS: from,
      toS,
      phase: phaseAt(plan.load, (from + toS) / 2),
      vm,
      kind,
      asked: isAfter ? 0 : round(askedBetween(steps[index]!, from, toS)),
      ...counts,
      p50Ms,
      p99Ms,
      maxMs,
      histogram: { ...histogram, buckets: histogram.buckets.map(([a, b]) => [a, b]) },
    });
  };
  return async (isAfter = false) => {
    await Promise.all(workers.map((_, index) => cutOne(index, isAfter)));
  };
}

const round = (value: number): number => Number(value.toFixed(3));
