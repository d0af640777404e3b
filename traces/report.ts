/** What a reader hands back: the workload and an account of how it came about. */
import type { Workload } from '../sim/index.ts';

export type TraceFormat = 'planetlab' | 'bitbrains' | 'azure' | 'synthetic';

/** What was read and what had to be repaired, as data. */
export interface TraceReport {
  readonly format: TraceFormat;
  /** Files read. */
  readonly files: number;
  /** Samples or table rows read, before any repair. */
  readonly rows: number;
  /** How often each repair happened, by a phrase for people; repairs that never happened are 0. */
  readonly repairs: Readonly<Record<string, number>>;
}

/** A workload with its report. */
export interface Trace {
  readonly workload: Workload;
  readonly report: TraceReport;
}
