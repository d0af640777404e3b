/**
 * Service time of a request queue from what a load balancer and a host report per interval: arrival
 * rate λ, utilization ρ and mean latency T. Two laws hold for one processor-sharing server and tell the
 * same service time S, once from the load and once from the waiting:
 *
 *   utilization law    ρ = S·λ + ρ₀              ρ₀: load that is not these requests
 *   processor sharing  T = S / (1 − ρ) + T₀      T₀: time off the CPU, as on the network
 *
 * Both are lines in the unknowns with coefficients from 0 up. Where the two S disagree, the server is
 * not what the formula thinks: several servers, a limit on concurrency, or bursts.
 *
 * @see L. Kleinrock, *Queueing Systems* II, 1976, §4.4; E. D. Lazowska et al., *Quantitative System
 *   Performance*, 1984, ch. 3.
 */
import { type Design, predictRows, robustFit } from './robust-fit.ts';
import { type PredictionError, predictionError } from './statistics.ts';

/** Means of intervals, [intervals] each. */
export interface RequestSamples {
  /** Requests per second, above 0. */
  readonly arrivalsPerS: Float64Array;
  /** In [0, 1). */
  readonly utilization: Float64Array;
  /** Mean response time, ms, above 0. */
  readonly latencyMs: Float64Array;
}

export interface QueueFit {
  readonly samples: number;
  /** CPU time of one request by the utilization law, ms. */
  readonly serviceMs: number;
  /** Requests per second at which the server is full. */
  readonly servicesPerS: number;
  /** Load that is not these requests, fraction. */
  readonly backgroundUtilization: number;
  /** CPU time of one request by its latency, ms. */
  readonly serviceByLatencyMs: number;
  /** Time off the CPU, ms. */
  readonly offCpuMs: number;
  /** Of the latency that the second law gives. */
  readonly latencyError: PredictionError;
}

/** Busier intervals say little of T: 1 − ρ is mostly the error of ρ. */
const utilizationMax = 0.97;

/** @returns `undefined` with fewer than 10 intervals that can be used. */
export function fitQueue(samples: RequestSamples): QueueFit | undefined {
  const rows = Array.from(samples.latencyMs, (_, row) => row).filter(
    (row) =>
      samples.arrivalsPerS[row]! > 0 &&
      samples.latencyMs[row]! > 0 &&
      samples.utilization[row]! > 0 &&
      samples.utilization[row]! <= utilizationMax,
  );
  if (rows.length < 10) return undefined;
  const law = (row: (index: number) => readonly number[], value: (index: number) => number) => {
    const design: Design = {
      columns: 2,
      features: Float64Array.from(rows.flatMap(row)),
      measured: Float64Array.from(rows, value),
    };
    const x = robustFit(design, { loss: 'relative-huber' });
    return { x, error: predictionError(design.measured, predictRows(design, x)) };
  };
  const load = law(
    (row) => [samples.arrivalsPerS[row]! / 1000, 1],
    (row) => samples.utilization[row]!,
  );
  const latency = law(
    (row) => [1 / (1 - samples.utilization[row]!), 1],
    (row) => samples.latencyMs[row]!,
  );
  const serviceMs = load.x[0]!;
  return {
    samples: rows.length,
    serviceMs,
    servicesPerS: serviceMs > 0 ? 1000 / serviceMs : Number.POSITIVE_INFINITY,
    backgroundUtilization: load.x[1]!,
    serviceByLatencyMs: latency.x[0]!,
    offCpuMs: latency.x[1]!,
    latencyError: latency.error,
  };
}
