/** What a reader hands back: the workload and an account of how it came about. */
import type { Workload } from '../sim/index.ts';

/** Every format there is, `columns` left out: those files tell what they were made from. */
export const traceFormats = [
  'planetlab',
  'bitbrains',
  'azure',
  'azure-packing',
  'google',
  'alibaba',
  'opendc',
  'csv',
  'synthetic',
] as const;

export type TraceFormat = (typeof traceFormats)[number];

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
