/** Samples of many hosts, each at its own pace: a host that fails holds up no other. */
import type { Clock } from '../clock.ts';
import { OperationError } from '../operation-error.ts';
import type { Transport } from '../ssh/transport.ts';
import type { ReadingOptions } from './reading.ts';
import { HostWatch, type Seen } from './watch.ts';

export interface ObserveOptions extends ReadingOptions {
  /** From one reading to the next, ms. */
  readonly everyMs: number;
  /** Limit for one reading, ms. */
  readonly timeoutMs: number;
  /** Ends a host after so many samples, or after five failures in a row. */
  readonly samplesMax?: number | undefined;
  /** Hosts that are asked at the same time. */
  readonly parallel: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
}

export type Observation =
  | Seen
  | {
      readonly kind: 'failed';
      readonly host: string;
      readonly error: OperationError;
      /** Absent when the host is given up. */
      readonly retryInMs?: number;
    };

/** How observing a host ended. */
export interface HostOutcome {
  readonly host: string;
  readonly samples: number;
  readonly failures: number;
  /** The last failure, if nothing came after it. */
  readonly error?: OperationError;
}

/** Failures in a row after which a host is given up, where the number of samples has an end. */
const failuresMax = 5;
/** Longest pause after failures in a row, ms. */
const retryMaxMs = 60_000;

/**
 * Reads all hosts until the signal, the number of samples, or failures end it.
 *
 * @param onObservation Called as things happen; what it throws ends everything.
 * @returns One outcome per host, in the order of `hosts`.
 */
export async function observeHosts(
  hosts: readonly string[],
  transport: Transport,
  options: ObserveOptions,
  onObservation: (observation: Observation) => void,
): Promise<HostOutcome[]> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  options.signal?.addEventListener('abort', end);
  if (options.signal?.aborted === true) end();
  const gate = new Gate(options.parallel);
  const given = { ...options, signal: stop.signal };
  const failures: unknown[] = [];
  try {
    const outcomes = await Promise.all(
      hosts.map((host) =>
        observeHost(host, transport, given, gate, onObservation).catch((error: unknown) => {
          // Ours, not the host's: stop the others and say so.
          failures.push(error);
          end();
          return { host, samples: 0, failures: 0 };
        }),
      ),
    );
    if (failures.length > 0) throw failures[0];
    return outcomes;
  } finally {
    options.signal?.removeEventListener('abort', end);
  }
}

async function observeHost(
  host: string,
  transport: Transport,
  options: ObserveOptions & { readonly signal: AbortSignal },
  gate: Gate,
  onObservation: (observation: Observation) => void,
): Promise<HostOutcome> {
  const { clock, everyMs, signal, samplesMax = Number.POSITIVE_INFINITY, timeoutMs } = options;
  const watch = new HostWatch(host, transport, options);
  const startMs = clock.monotonicMs();
  let samples = 0;
  let failures = 0;
  let failuresInRow = 0;
  let error: OperationError | undefined;
  while (!signal.aborted && samples < samplesMax) {
    let retryInMs = 0;
    try {
      const observation = await gate.pass(() => watch.read({ timeoutMs, signal }));
      if (observation.kind === 'sample') samples++;
      error = undefined;
      failuresInRow = 0;
      onObservation(observation);
    } catch (caught) {
      if (!(caught instanceof OperationError)) throw caught;
      if (caught.code === 'ERR_INTERRUPTED') break;
      error = caught;
      failures++;
      failuresInRow++;
      const isLast = samplesMax < Number.POSITIVE_INFINITY && failuresInRow >= failuresMax;
      if (!caught.mayPass || isLast) {
        onObservation({ kind: 'failed', host, error: caught });
        break;
      }
      retryInMs = Math.max(everyMs, Math.min(retryMaxMs, everyMs * 2 ** (failuresInRow - 1)));
      onObservation({ kind: 'failed', host, error: caught, retryInMs });
    }
    if (samples >= samplesMax) break;
    await clock.sleep(pauseMs(clock.monotonicMs() - startMs, everyMs, retryInMs), signal);
  }
  return { host, samples, failures, ...(error === undefined ? {} : { error }) };
}

/** Until the next multiple of the interval that is not before `leastMs`; missed ones are left out. */
function pauseMs(sinceStartMs: number, everyMs: number, leastMs: number): number {
  const nextMs = (Math.floor(sinceStartMs / everyMs) + 1) * everyMs;
  const waits = Math.max(0, Math.ceil((leastMs - (nextMs - sinceStartMs)) / everyMs));
  return nextMs - sinceStartMs + waits * everyMs;
}

/** Lets so many through at a time, the others wait in order. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
