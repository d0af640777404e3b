/**
 * Jobs in a guest: the agent there makes the arrivals and measures how long jobs took, the client sets
 * the rate of each phase and collects. What a guest does not see is its own pause: `RedisLoad` is the
 * client outside that does.
 */
import { percentile } from '../../../../sim/index.ts';
import type { Clock } from '../../../clock.ts';
import { OperationError } from '../../../operation-error.ts';
import { type HistogramRecord, mergedHistogram } from '../latency-histogram.ts';
import type { Slice } from '../meter.ts';
import { parsedJson } from '../parsed-json.ts';
import { type Answer, PipelinedConnection } from '../pipelined-connection.ts';
import { type AgentReport, agentProtocol, agentReport, agentSpeed } from './agent-lines.ts';

export interface JobStep {
  readonly startMs: number;
  readonly endMs: number;
  /** Jobs per second. */
  readonly perS: number;
  /** Of the arrivals within the step. */
  readonly seed: number;
}

export interface JobsLoadOptions {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Limit for one answer, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A report is waited for so long; one that comes later counts in the next slice. */
const cutWaitMs = 500;
/** Measurements of the speed, of a quarter of a second each; the median counts. */
const calibrations = 3;
/** Between two attempts to set a rate, and two looks at a queue, ms. */
const retryMs = 200;

interface Rate {
  readonly perS: number;
  readonly command: string;
}

/** The speed of a guest: units of work per second of one CPU, and its CPUs. */
export interface GuestSpeed {
  readonly unitsPerS: number;
  readonly cpus: number;
}

export class JobsLoad {
  readonly #options: JobsLoadOptions;
  readonly #connection: PipelinedConnection<string, string>;
  #reports: AgentReport[] = [];
  /** The report that is on its way. */
  #asked: Promise<void> | undefined;
  #wanted: Rate | undefined;
  /** What the agent was last told and confirmed. */
  #set: Rate | undefined;
  #queue = 0;

  constructor(options: JobsLoadOptions) {
    this.#options = options;
    this.#connection = new PipelinedConnection(agentProtocol, { ...options, inFlightMax: 16 });
  }

  get reconnects(): number {
    return this.#connection.reconnects;
  }

  /**
   * Waits for the agent; ends the jobs of others before, and forgets what was counted.
   *
   * @throws OperationError when it does not answer within the limit.
   */
  async connect(signal: AbortSignal): Promise<void> {
    const { clock, timeoutMs, name } = this.#options;
    const limit = new AbortController();
    const cancel = clock.after(timeoutMs, () => limit.abort());
    await this.#connection.connected(AbortSignal.any([signal, limit.signal]));
    cancel();
    if (signal.aborted) throw new OperationError('ERR_INTERRUPTED', name, 'stopped');
    await this.#mustAsk('jobs 0 0');
    await this.#mustAsk('report');
  }

  /** Measures the speed at which the guest runs now: with nothing else running, of its frequency. */
  async calibrate(): Promise<GuestSpeed> {
    const { name } = this.#options;
    const speeds: number[] = [];
    for (let times = 0; times < calibrations; times++) {
      const speed = parsedJson(agentSpeed, await this.#mustAsk('calibrate'));
      if (speed !== undefined) speeds.push(speed.unitsPerS);
    }
    const report = parsedJson(agentReport, await this.#mustAsk('report'));
    if (speeds.length === calibrations && report !== undefined) {
      speeds.sort((a, b) => a - b);
      return { unitsPerS: percentile(speeds, 0.5), cpus: report.ncpu };
    }
    throw new OperationError('ERR_REMOTE_FAILED', name, `${name}: an agent that speaks otherwise`);
  }

  /**
   * Sets the rate of each step when it begins, from `startMs` (monotonic), until the last is over or the
   * signal aborts.
   *
   * @param cost Units of work of a job.
   * @throws OperationError when the agent refuses a rate.
   */
  async run(
    steps: readonly JobStep[],
    cost: number,
    startMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    for (const step of steps) {
      await clock.sleep(startMs + step.startMs - clock.monotonicMs(), signal);
      if (signal.aborted) break;
      this.#wanted = { perS: step.perS, command: `jobs ${step.perS} ${cost} ${step.seed}` };
      await this.#setRate(startMs + step.endMs, signal);
    }
    const endMs = startMs + (steps.at(-1)?.endMs ?? 0);
    await clock.sleep(endMs - clock.monotonicMs(), signal);
    this.#wanted = { perS: 0, command: 'jobs 0 0' };
    // Also after an abort: a guest goes on until it is told, if it is there.
    if (!this.#connection.isConnected) return;
    await this.#setRate(clock.monotonicMs() + this.#options.timeoutMs, neverAborts);
  }

  /** Waits until the queue is empty, or `limitMs` are over. */
  async drain(limitMs: number): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + limitMs;
    for (;;) {
      await this.#collect();
      if (this.#queue === 0 || clock.monotonicMs() >= untilMs) return;
      if (!this.#connection.isConnected) return;
      await clock.sleep(retryMs);
    }
  }

  /** What the agent reported since the last cut; `missing` when it said nothing. */
  async cut(): Promise<Slice> {
    await this.#collect();
    const reports = this.#reports;
    this.#reports = [];
    const sum = (of: (report: AgentReport) => number): number =>
      reports.reduce((all, report) => all + of(report), 0);
    const dropped = sum((report) => report.dropped);
    const latencies: HistogramRecord[] = reports.map(({ latency }) => latency);
    return {
      issued: sum((report) => report.issued),
      done: sum((report) => report.done),
      errors: dropped === 0 ? {} : { dropped },
      inFlight: this.#queue,
      histogram: mergedHistogram(latencies).toRecord(),
      ...(reports.length === 0 ? { missing: true } : {}),
    };
  }

  close(): void {
    this.#connection.close();
  }

  async #collect(): Promise<void> {
    const { clock } = this.#options;
    this.#asked ??= this.#askReport();
    const limit = new AbortController();
    const waited = clock.sleep(cutWaitMs, limit.signal);
    await Promise.race([this.#asked, waited]);
    limit.abort();
  }

  async #askReport(): Promise<void> {
    const set = this.#set;
    const answer = await this.#ask('report');
    this.#asked = undefined;
    const report = answer.reply === undefined ? undefined : parsedJson(agentReport, answer.reply);
    if (report === undefined) return;
    this.#reports.push(report);
    this.#queue = report.queue;
    // A guest that was started anew has no jobs; one whose rate is being changed is not meant.
    const isLost = set !== undefined && set === this.#wanted && !isAbout(report.ratePerS, set.perS);
    if (isLost) await this.#ask(set.command);
  }

  async #setRate(untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const wanted = this.#wanted!;
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      const answer = await this.#ask(wanted.command);
      if (answer.reply?.startsWith('ok') === true) {
        this.#set = wanted;
        return;
      }
      if (answer.reply !== undefined) {
        const { name } = this.#options;
        throw new OperationError('ERR_REMOTE_FAILED', name, `${name}: ${answer.reply}`);
      }
      await clock.sleep(retryMs, signal);
    }
  }

  #ask(line: string): Promise<Answer<string>> {
    return new Promise((resolve) => this.#connection.send(line, resolve));
  }

  async #mustAsk(line: string): Promise<string> {
    const { name, address, port } = this.#options;
    const { reply, failure } = await this.#ask(line);
    if (reply !== undefined && !reply.startsWith('error')) return reply;
    const why = failure ?? reply ?? '';
    const message = `${name}: no answer to ${line} at ${address}:${port} (${why})`;
    throw new OperationError('ERR_UNREACHABLE', name, message);
  }
}

const neverAborts = new AbortController().signal;

/** The agent answers with six digits. */
const isAbout = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(a, b);
