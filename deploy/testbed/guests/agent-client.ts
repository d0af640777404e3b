/** The agent of a test VM, spoken to from this machine (see `agent.c` for what it does). */
import { z } from 'zod';
import { assert } from '../../../sim/index.ts';
import type { Clock } from '../../clock.ts';
import { agentPort, type TestbedLayout, type VmLayout } from '../layout.ts';
import { TestbedError } from '../testbed-error.ts';
import { LineConnection, type LineTarget } from './line-connection.ts';

const counts = {
  /** Of the guest's clock, which stands still while the VM is paused. */
  uptimeS: z.number(),
  /** Jobs that fell due, that are done, and that found the queue full. */
  issued: z.number(),
  done: z.number(),
  dropped: z.number(),
  /** Units, whoever asked for them. */
  work: z.number(),
  dirtyMib: z.number(),
  /** Jobs that wait now. */
  queue: z.number(),
  ncpu: z.number(),
  loadPercent: z.number(),
  ratePerS: z.number(),
  cost: z.number(),
  dirtyMibPerS: z.number(),
};

/** Totals since the agent's start. */
const statSchema = z.looseObject(counts);
export type AgentStat = z.output<typeof statSchema>;

/** Since the last report, whoever asked for it. Latencies are from the time a job fell due. */
const reportSchema = z.looseObject({
  ...counts,
  intervalS: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** The histogram behind them, in the buckets of `LatencyHistogram`. */
  latency: z.looseObject({
    sumUs: z.number(),
    minUs: z.number(),
    maxUs: z.number(),
    buckets: z.array(z.tuple([z.int(), z.int()])),
  }),
});
export type AgentReport = z.output<typeof reportSchema>;

const calibrationSchema = z.looseObject({ unitsPerS: z.number(), seconds: z.number() });

export interface AgentOptions {
  readonly clock: Clock;
  /** Limit for one answer, ms. Default 10,000. */
  readonly timeoutMs?: number;
}

/** The agent of one VM over one connection that stays open. */
export class AgentClient {
  readonly #connection: LineConnection;
  readonly #timeoutMs: number;

  /** @param command Instead of the helper that reaches into the testbed's network. */
  constructor(target: LineTarget, { timeoutMs = 10_000 }: AgentOptions, command?: string[]) {
    this.#connection = new LineConnection(target, command);
    this.#timeoutMs = timeoutMs;
  }

  /** Keeps every online CPU busy so many percent of the time; 0 ends it. */
  async load(percent: number): Promise<void> {
    await this.#order(`load ${number(percent)}`);
  }

  /**
   * Lets jobs fall due at random times, so many a second on average, whatever becomes of them.
   *
   * @param ratePerS 0 ends it; jobs that wait are still done.
   * @param costUnits Of each job.
   * @param seed Of the times; without it they go on from the last seed.
   */
  async jobs(ratePerS: number, costUnits: number, seed?: number): Promise<void> {
    const words = ['jobs', number(ratePerS), number(costUnits)];
    await this.#order([...words, ...(seed === undefined ? [] : [number(seed)])].join(' '));
  }

  /** Writes to so many MiB of memory pages a second; 0 ends it. */
  async dirty(mibPerS: number): Promise<void> {
    await this.#order(`dirty ${number(mibPerS)}`);
  }

  async report(): Promise<AgentReport> {
    return reportSchema.parse(await this.#question('report'));
  }

  async stat(): Promise<AgentStat> {
    return statSchema.parse(await this.#question('stat'));
  }

  /** Units of work that one vCPU gets done a second at present; takes 0.25 s. */
  async calibrate(): Promise<number> {
    return calibrationSchema.parse(await this.#question('calibrate')).unitsPerS;
  }

  close(): void {
    this.#connection.close();
  }

  async #order(line: string): Promise<void> {
    const answer = await this.#ask(line);
    if (!answer.startsWith('ok ')) throw strange(line, answer);
  }

  async #question(line: string): Promise<unknown> {
    const answer = await this.#ask(line);
    try {
      return JSON.parse(answer);
    } catch (error) {
      throw strange(line, answer, error);
    }
  }

  async #ask(line: string): Promise<string> {
    const answer = await this.#connection.ask(line, this.#timeoutMs);
    if (answer.startsWith('error ')) throw strange(line, answer);
    return answer;
  }
}

/** Connects to the agent of a VM; what fails shows when it is first asked. */
export function openAgent(
  testbed: TestbedLayout,
  vm: Pick<VmLayout, 'address'>,
  options: AgentOptions,
): AgentClient {
  const { clock } = options;
  const target = { netns: testbed.controlNetns, address: vm.address, port: agentPort, clock };
  return new AgentClient(target, options);
}

/** As the agent reads it. */
function number(value: number): string {
  assert(Number.isFinite(value) && value >= 0, () => `${value} is no quantity for the agent`);
  return String(value);
}

const strange = (line: string, answer: string, cause?: unknown): TestbedError =>
  new TestbedError('ERR_AGENT', `the agent answers to \`${line}\`: ${answer.slice(0, 200)}`, {
    cause,
  });
