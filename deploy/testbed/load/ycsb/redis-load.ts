/** A client of one Redis: creates the records, then asks in an open loop and counts. */
import { RandomStream } from '../../../../sim/index.ts';
import type { Clock } from '../../../clock.ts';
import { OperationError } from '../../../operation-error.ts';
import { arrivalTimes, type RateStep, type Spacing } from '../arrivals.ts';
import { LatencyHistogram } from '../latency-histogram.ts';
import { LoadMeter, type Slice } from '../meter.ts';
import { openLoop } from '../open-loop.ts';
import { type Answer, PipelinedConnection } from '../pipelined-connection.ts';
import { insertCommands, type Operation, operationSource } from './operations.ts';
import { type Reply, RespErrorReply, redisProtocol } from './resp.ts';
import type { OperationKind, RecordShape, Workload } from './workloads.ts';

export interface RedisLoadOptions {
  /** How the server is called in messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly workload: Workload;
  readonly shape: RecordShape;
  readonly seed: number;
  readonly spacing: Spacing;
  readonly connections: number;
  /** Limit for one answer, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

type RedisConnection = PipelinedConnection<readonly string[], Reply>;

/** What the load phase did. */
export interface LoadedRecords {
  readonly records: number;
  readonly seconds: number;
}

/** Requests under way per connection: while records are created, and at most. */
const loadWindow = 8;
const inFlightMax = 20_000;
/** Failed attempts one after the other with which creating records is given up. */
const loadFailuresMax = 30;
/** Before asking again a server that is not there yet, ms. */
const loadRetryMs = 250;

export class RedisLoad {
  readonly meter = new LoadMeter<OperationKind>();
  /** Requests left so long after they were due: what the client itself adds to latencies. */
  readonly sendDelay = new LatencyHistogram();
  readonly #options: RedisLoadOptions;
  readonly #connections: readonly RedisConnection[];
  #issued = 0;
  #lastDoneMs = 0;
  #whenIdle: (() => void) | undefined;

  constructor(options: RedisLoadOptions) {
    this.#options = options;
    const { address, port, clock, timeoutMs } = options;
    this.#connections = Array.from(
      { length: options.connections },
      (): RedisConnection =>
        new PipelinedConnection(redisProtocol, { address, port, clock, timeoutMs, inFlightMax }),
    );
  }

  get reconnects(): number {
    return this.#connections.reduce((sum, connection) => sum + connection.reconnects, 0);
  }

  /** When the last answer came, on the clock's monotonic time; 0 before the first. */
  get lastDoneMs(): number {
    return this.#lastDoneMs;
  }

  /**
   * Waits until the server can be asked.
   *
   * @throws OperationError when it cannot within the limit, or the signal aborts before.
   */
  async connect(signal: AbortSignal): Promise<void> {
    const { clock, timeoutMs, name, address, port } = this.#options;
    const limit = new AbortController();
    const cancel = clock.after(timeoutMs, () => limit.abort());
    const either = AbortSignal.any([signal, limit.signal]);
    try {
      const all = this.#connections.map((connection) => connection.connected(either));
      if ((await Promise.all(all)).every(Boolean)) return;
    } finally {
      cancel();
    }
    if (signal.aborted) throw new OperationError('ERR_INTERRUPTED', name, 'stopped');
    const where = `${address}:${port}`;
    throw new OperationError('ERR_UNREACHABLE', name, `${name}: no Redis answers at ${where}`);
  }

  /** Creates the records, as fast as the server does. @throws OperationError when it does not. */
  async loadRecords(signal: AbortSignal): Promise<LoadedRecords> {
    const { clock, shape, seed, name } = this.#options;
    const commands = insertCommands(shape, seed);
    const startMs = clock.monotonicMs();
    let records = 0;
    let failures = 0;
    const createOne = async (connection: RedisConnection, command: readonly string[]) => {
      while (!signal.aborted) {
        const problem = failureOf(await request(connection, command));
        if (problem === undefined) {
          failures = 0;
          records += 1;
          return;
        }
        failures += 1;
        if (failures > loadFailuresMax) {
          throw new OperationError(
            'ERR_REMOTE_FAILED',
            name,
            `${name}: ${problem} for new records`,
          );
        }
        await clock.sleep(loadRetryMs, signal);
      }
    };
    const work = async (connection: RedisConnection): Promise<void> => {
      for (const command of commands) {
        await createOne(connection, command);
        if (signal.aborted) throw new OperationError('ERR_INTERRUPTED', name, 'stopped');
      }
    };
    await Promise.all(
      this.#connections.flatMap((connection) =>
        Array.from({ length: loadWindow }, () => work(connection)),
      ),
    );
    return { records, seconds: (clock.monotonicMs() - startMs) / 1000 };
  }

  /** Asks from `startMs` (monotonic) until the steps are over or the signal aborts. */
  async run(steps: readonly RateStep[], startMs: number, signal: AbortSignal): Promise<void> {
    const { workload, shape, seed, spacing, clock } = this.#options;
    const source = operationSource(workload, shape, seed);
    const due = arrivalTimes(steps, spacing, new RandomStream(seed, 'arrivals'));
    await openLoop({
      due,
      startMs,
      clock,
      signal,
      issue: (dueMs) => {
        const operation = source.next();
        this.#issue(operation, dueMs, () => source.settled(operation));
      },
    });
    // The time after the last request belongs to the load too.
    await clock.sleep(startMs + (steps.at(-1)?.endMs ?? 0) - clock.monotonicMs(), signal);
  }

  /** Waits for answers that are still to come; what has none after `limitMs` has failed. */
  async drain(limitMs: number): Promise<void> {
    if (this.meter.inFlight === 0) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(limitMs, resolve);
      this.#whenIdle = () => {
        cancel();
        resolve();
      };
    });
    this.#whenIdle = undefined;
  }

  /** What happened since the last cut. */
  cut(): Slice {
    return this.meter.cut();
  }

  /** Ends the connections; requests under way have failed. */
  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #issue(operation: Operation, dueMs: number, settled: () => void): void {
    const { clock } = this.#options;
    const connection = this.#connections[this.#issued++ % this.#connections.length]!;
    const { kind, commands } = operation;
    this.meter.issued(kind);
    this.sendDelay.add(clock.monotonicMs() - dueMs);
    const finish = (problem: string | undefined): void => {
      const nowMs = clock.monotonicMs();
      this.#lastDoneMs = nowMs;
      if (problem === undefined) this.meter.done(kind, nowMs - dueMs);
      else this.meter.failed(kind, problem);
      settled();
      if (this.meter.inFlight === 0) this.#whenIdle?.();
    };
    const sendFrom = (index: number, sinceMs: number): void => {
      connection.send(commands[index]!, (answer) => {
        const problem = failureOf(answer);
        if (commands.length > 1 && problem === undefined) {
          this.meter.part(index === 0 ? 'read' : 'update', clock.monotonicMs() - sinceMs);
        }
        if (problem !== undefined || index === commands.length - 1) finish(problem);
        else sendFrom(index + 1, clock.monotonicMs());
      });
    };
    sendFrom(0, dueMs);
  }
}

const request = (connection: RedisConnection, command: readonly string[]): Promise<Answer<Reply>> =>
  new Promise((resolve) => connection.send(command, resolve));

/**
 * What is wrong with an answer: the client's word, or the first of Redis's own (`OOM`, `LOADING`, …). A
 * record without fields is one that is not there.
 */
function failureOf(answer: Answer<Reply>): string | undefined {
  if (answer.failure !== undefined) return answer.failure;
  const { reply } = answer;
  if (reply instanceof RespErrorReply) return reply.message.split(' ', 1)[0]!.slice(0, 32);
  return Array.isArray(reply) && reply.length === 0 ? 'NOT_FOUND' : undefined;
}
