/**
 * What the load client, a process of its own inside the testbed's network, is told and tells. One JSON
 * object a line: the job on its standard input, events on its standard output. The end of its input is
 * the order to stop, so a client never outlives who started it.
 */

import type { Spacing } from './arrivals.ts';
import type { LoadLine } from './load-line.ts';
import type { LoadPlan } from './load-plan.ts';
import type { ClientFigures, LoadJob } from './run-load.ts';
import type { LoadedRecords } from './ycsb/redis-load.ts';
import type { TimelinePoint, YcsbReport } from './ycsb/report.ts';
import type { RecordShape, WorkloadName } from './ycsb/workloads.ts';

/** YCSB against one Redis. */
export interface YcsbJob {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly phases: readonly ('load' | 'run')[];
  readonly workload: WorkloadName;
  readonly shape: RecordShape;
  readonly seed: number;
  readonly perS: number;
  readonly durationS: number;
  readonly spacing: Spacing;
  readonly connections: number;
  readonly timeoutMs: number;
  readonly drainMs: number;
}

export type ClientJob =
  | { readonly type: 'shifting'; readonly job: LoadJob }
  | { readonly type: 'ycsb'; readonly job: YcsbJob };

/** CPU time that the client itself used while it asked, as a part of one core. */
export interface ClientCpu {
  readonly cpuFraction: number;
}

export type ClientEvent =
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'plan'; readonly plan: LoadPlan; readonly startWallMs: number }
  | { readonly type: 'line'; readonly line: LoadLine }
  | { readonly type: 'second'; readonly point: TimelinePoint }
  | { readonly type: 'loaded'; readonly loaded: LoadedRecords }
  | { readonly type: 'shifting-end'; readonly client: ClientFigures & ClientCpu }
  | { readonly type: 'ycsb-end'; readonly report?: YcsbReport; readonly client: ClientCpu }
  /** The world failed; the code is an `OperationCode`. */
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly host: string;
      readonly message: string;
    };
