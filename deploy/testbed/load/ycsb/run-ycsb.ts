/** YCSB's two phases against one Redis: `load` creates the records, `run` asks. */
import { askedBetween, type RateStep } from '../arrivals.ts';
import { everySecond } from '../every-second.ts';
import { type LoadedRecords, RedisLoad, type RedisLoadOptions } from './redis-load.ts';
import { type TimelinePoint, timelinePoint, type YcsbReport, ycsbReport } from './report.ts';

export interface YcsbOptions extends RedisLoadOptions {
  readonly phases: readonly ('load' | 'run')[];
  readonly steps: readonly RateStep[];
  /** Answers that are still to come at the end are waited for so long, ms. */
  readonly drainMs: number;
  readonly signal: AbortSignal;
  readonly onSecond?: ((point: TimelinePoint) => void) | undefined;
}

export interface YcsbResult {
  readonly loaded?: LoadedRecords;
  readonly report?: YcsbReport;
}

/**
 * An abort during the run ends it early, with a report of what was done.
 *
 * @throws OperationError when Redis cannot be reached or refuses the records.
 */
export async function runYcsb(options: YcsbOptions): Promise<YcsbResult> {
  const client = new RedisLoad(options);
  const { signal, phases } = options;
  try {
    await client.connect(signal);
    const loaded = phases.includes('load') ? { loaded: await client.loadRecords(signal) } : {};
    if (!phases.includes('run')) return loaded;
    return { ...loaded, report: await measure(client, options) };
  } finally {
    client.close();
  }
}

async function measure(client: RedisLoad, options: YcsbOptions): Promise<YcsbReport> {
  const { clock, signal, steps, drainMs } = options;
  const timeline: TimelinePoint[] = [];
  const startMs = clock.monotonicMs();
  const cut = (): void => {
    const t = Number(((clock.monotonicMs() - startMs) / 1000).toFixed(3));
    const point = timelinePoint(t, client.cut());
    timeline.push(point);
    options.onSecond?.(point);
  };
  const over = new AbortController();
  const slices = everySecond(clock, startMs, over.signal, cut);
  let issuedMs: number;
  try {
    await client.run(steps, startMs, signal);
    issuedMs = clock.monotonicMs();
    await client.drain(drainMs);
  } finally {
    over.abort();
  }
  await slices;
  cut();
  const endMs = Math.max(issuedMs, client.lastDoneMs);
  // Asked is what fell due while the run lasted, which an abort cuts short.
  const lastedMs = Math.min(issuedMs - startMs, steps.at(-1)?.endMs ?? 0);
  const asked = askedBetween(steps, 0, lastedMs / 1000);
  const askedPerS = lastedMs > 0 ? (asked / lastedMs) * 1000 : 0;
  return ycsbReport(client, (endMs - startMs) / 1000, askedPerS, timeline);
}
