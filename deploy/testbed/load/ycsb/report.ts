/** What a run of a YCSB client came to: as data, and in YCSB's own text form. */
import { type LatencyFigures, mergedHistogram } from '../latency-histogram.ts';
import { errorCount, type KindTotals, type Slice } from '../meter.ts';
import type { RedisLoad } from './redis-load.ts';
import type { OperationKind } from './workloads.ts';

/** Requests of one kind, or all. Latencies count from the time a request was due. */
export interface OperationReport extends LatencyFigures {
  readonly issued: number;
  readonly done: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly minMs: number;
}

/** One slice of a run, as a line of a table. */
export interface TimelinePoint {
  /** End of the slice, s from the start. */
  readonly t: number;
  readonly issued: number;
  readonly done: number;
  readonly errors: number;
  readonly inFlight: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface YcsbReport extends OperationReport {
  /** From the start to the last answer, and at least as long as was asked for. */
  readonly seconds: number;
  readonly askedPerS: number;
  readonly opsPerS: number;
  /** Neither answered nor failed when the run ended. */
  readonly unfinished: number;
  readonly reconnects: number;
  /** From the time a request was due until it left. */
  readonly sendDelay: LatencyFigures;
  readonly operations: Readonly<Partial<Record<OperationKind, OperationReport>>>;
  readonly timeline: readonly TimelinePoint[];
}

export function operationReport({ issued, done, errors, latency }: KindTotals): OperationReport {
  return { issued, done, errors, minMs: latency.minUs / 1000, ...latency.figures() };
}

/** @param t End of the slice, s from the start. */
export function timelinePoint(t: number, slice: Slice): TimelinePoint {
  const { p50Ms, p99Ms, maxMs } = mergedHistogram([slice.histogram]).figures();
  const { issued, done, inFlight } = slice;
  return { t, issued, done, errors: errorCount(slice.errors), inFlight, p50Ms, p99Ms, maxMs };
}

/** The report of a client whose run lasted `seconds`. */
export function ycsbReport(
  client: RedisLoad,
  seconds: number,
  askedPerS: number,
  timeline: readonly TimelinePoint[],
): YcsbReport {
  const all = client.meter.total();
  const operations = Object.fromEntries(
    [...client.meter.kinds()].map(([kind, totals]) => [kind, operationReport(totals)]),
  );
  return {
    seconds,
    askedPerS,
    opsPerS: seconds > 0 ? all.done / seconds : 0,
    ...operationReport(all),
    unfinished: all.issued - all.done - errorCount(all.errors),
    reconnects: client.reconnects,
    sendDelay: client.sendDelay.figures(),
    operations,
    timeline,
  };
}

/** The summary as YCSB prints it, for programs that read that. */
export function ycsbText(report: YcsbReport): string {
  const lines = [
    `[OVERALL], RunTime(ms), ${Math.round(report.seconds * 1000)}`,
    `[OVERALL], Throughput(ops/sec), ${report.opsPerS}`,
  ];
  for (const [kind, one] of Object.entries(report.operations)) {
    const name = `[${kind.toUpperCase()}]`;
    const us = (ms: number): number => Math.round(ms * 1000);
    lines.push(
      `${name}, Operations, ${one.done + errorCount(one.errors)}`,
      `${name}, AverageLatency(us), ${one.meanMs * 1000}`,
      `${name}, MinLatency(us), ${us(one.minMs)}`,
      `${name}, MaxLatency(us), ${us(one.maxMs)}`,
      `${name}, 50thPercentileLatency(us), ${us(one.p50Ms)}`,
      `${name}, 95thPercentileLatency(us), ${us(one.p95Ms)}`,
      `${name}, 99thPercentileLatency(us), ${us(one.p99Ms)}`,
      `${name}, 99.9PercentileLatency(us), ${us(one.p999Ms)}`,
      `${name}, Return=OK, ${one.done}`,
    );
    for (const [reason, count] of Object.entries(one.errors)) {
      lines.push(`${name}, Return=${reason.toUpperCase()}, ${count}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
