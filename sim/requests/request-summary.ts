/** What requests amounted to: throughput, latency percentiles and losses, over any span of a run. */
import type { Twin } from '../twin.ts';
import { isServing } from './balance.ts';
import { bucketCount, quantileMs } from './histogram.ts';
import { totalCount, totals } from './request-state.ts';

/** Latencies of completed requests, ms. Percentiles are within 0.79 % (see `histogram.ts`). */
export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts of requests; begun = completed + rejected + failed + still under way. */
export interface RequestCounts {
  readonly begun: number;
  readonly completed: number;
  readonly rejected: number;
  readonly failed: number;
  /** Of the completed ones, those that took longer than the timeout. */
  readonly late: number;
  readonly completedPerS: number;
  readonly latencyMs: LatencySummary;
}

export interface OperationSummary extends RequestCounts {
  readonly name: string;
}

export interface ReplicaSummary extends RequestCounts {
  readonly vm: string;
  /** Gets calls now. */
  readonly serving: boolean;
}

export interface ServiceSummary {
  readonly name: string;
  /** The one in use now. */
  readonly variant: string;
  /** Mean accuracy of the calls completed; 1 without any. */
  readonly accuracy: number;
  readonly replicas: readonly ReplicaSummary[];
}

export interface ApplicationSummary extends RequestCounts {
  readonly name: string;
  /** Mean accuracy over the calls of services with more than one variant or less than accuracy 1. */
  readonly accuracy: number;
  readonly operations: readonly OperationSummary[];
  readonly services: readonly ServiceSummary[];
}

/** A copy of all request meters, to measure from. */
export interface RequestMeters {
  readonly nowMs: number;
  readonly operationTotals: Float64Array;
  readonly queueTotals: Float64Array;
  readonly operationCounts: Uint32Array;
  readonly queueCounts: Uint32Array;
  readonly accuracySum: Float64Array;
  readonly accuracyCalls: Float64Array;
}

/** The meters now. What is measured from them leaves out what was before, a warm-up for example. */
export function readRequestMeters(twin: Twin): RequestMeters {
  const { requests: state } = twin.state;
  return {
    nowMs: twin.nowMs,
    operationTotals: Float64Array.from(state.operationTotals),
    queueTotals: Float64Array.from(state.queueTotals),
    operationCounts: Uint32Array.from(state.operationCounts),
    queueCounts: Uint32Array.from(state.queueCounts),
    accuracySum: Float64Array.from(state.accuracySum),
    accuracyCalls: Float64Array.from(state.accuracyCalls),
  };
}

/**
 * One summary per application.
 *
 * @param since Measures only what happened after these were read; `max` then is the longest latency
 *   of the whole run.
 */
export function summarizeRequests(twin: Twin, since?: RequestMeters): ApplicationSummary[] {
  const { requests: model } = twin.model;
  const now = readRequestMeters(twin);
  const meter = new Meter(now, since);
  return model.applicationNames.map((name, application) => {
    const operations = range(model.operationStart, application);
    const services = range(model.serviceStart, application);
    return {
      name,
      ...meter.countsOf('operation', operations),
      accuracy: meter.accuracyOf(services.filter((service) => hasAccuracy(twin, service))),
      operations: operations.map((operation) => ({
        name: model.operationNames[operation]!,
        ...meter.countsOf('operation', [operation]),
      })),
      services: services.map((service) => serviceSummary(twin, meter, service)),
    };
  });
}

function serviceSummary(twin: Twin, meter: Meter, service: number): ServiceSummary {
  const { requests: model, workload } = twin.model;
  const variant = model.variantStart[service]! + twin.state.requests.serviceVariant[service]!;
  return {
    name: model.serviceNames[service]!,
    variant: model.variantNames[variant]!,
    accuracy: meter.accuracyOf([service]),
    replicas: range(model.queueStart, service).map((queue) => ({
      vm: workload.vmNames[model.queueVm[queue]!]!,
      serving: isServing(twin, queue),
      ...meter.countsOf('queue', [queue]),
    })),
  };
}

/** Whether the service's accuracy says anything. */
function hasAccuracy(twin: Twin, service: number): boolean {
  const { variantStart, variantAccuracy } = twin.model.requests;
  const variants = range(variantStart, service);
  return variants.length > 1 || variants.some((variant) => variantAccuracy[variant]! < 1);
}

function range(starts: Int32Array, row: number): number[] {
  return Array.from(
    { length: starts[row + 1]! - starts[row]! },
    (_, index) => starts[row]! + index,
  );
}

/** Differences between two readings. */
class Meter {
  readonly #now: RequestMeters;
  readonly #since: RequestMeters | undefined;

  constructor(now: RequestMeters, since: RequestMeters | undefined) {
    this.#now = now;
    this.#since = since;
  }

  accuracyOf(services: readonly number[]): number {
    let sum = 0;
    let calls = 0;
    for (const service of services) {
      sum += this.#now.accuracySum[service]! - (this.#since?.accuracySum[service] ?? 0);
      calls += this.#now.accuracyCalls[service]! - (this.#since?.accuracyCalls[service] ?? 0);
    }
    return calls > 0 ? sum / calls : 1;
  }

  /** Counts of several operations or queues together. */
  countsOf(kind: 'operation' | 'queue', owners: readonly number[]): RequestCounts {
    const counts = new Float64Array(bucketCount);
    const now = this.#now[`${kind}Counts`];
    const before = this.#since?.[`${kind}Counts`];
    for (const owner of owners) {
      for (let bucket = 0; bucket < bucketCount; bucket++) {
        const at = owner * bucketCount + bucket;
        counts[bucket]! += now[at]! - (before?.[at] ?? 0);
      }
    }
    const sum = (which: number): number => this.#sum(kind, owners, which);
    const completed = sum(totals.completed);
    const latest = this.#now[`${kind}Totals`];
    const maxMs = owners.reduce(
      (max, owner) => Math.max(max, latest[owner * totalCount + totals.latencyMaxMs]!),
      0,
    );
    const elapsedS = (this.#now.nowMs - (this.#since?.nowMs ?? 0)) / 1000;
    return {
      begun: sum(totals.begun),
      completed,
      rejected: sum(totals.rejected),
      failed: sum(totals.failed),
      late: sum(totals.late),
      completedPerS: elapsedS > 0 ? completed / elapsedS : 0,
      latencyMs: {
        mean: completed > 0 ? sum(totals.latencySumMs) / completed : 0,
        p50: quantileMs(counts, 0.5, maxMs),
        p95: quantileMs(counts, 0.95, maxMs),
        p99: quantileMs(counts, 0.99, maxMs),
        p999: quantileMs(counts, 0.999, maxMs),
        max: maxMs,
      },
    };
  }

  #sum(kind: 'operation' | 'queue', owners: readonly number[], which: number): number {
    const now = this.#now[`${kind}Totals`];
    const before = this.#since?.[`${kind}Totals`];
    let sum = 0;
    for (const owner of owners) {
      const at = owner * totalCount + which;
      sum += now[at]! - (before?.[at] ?? 0);
    }
    return sum;
  }
}
