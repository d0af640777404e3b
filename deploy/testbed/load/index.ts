/** What commands use of the load generators. */
export type { Spacing } from './arrivals.ts';
export type { ClientCpu, ClientEvent, ClientJob, YcsbJob } from './client-messages.ts';
export { clientCommand, runClient } from './client-process.ts';
export {
  type ComparedFigure,
  compareRuns,
  phasesForInterval,
  type RunRecord,
} from './compare-runs.ts';
export type { LatencyFigures } from './latency-histogram.ts';
export type { LoadLine } from './load-line.ts';
export { type LoadPlan, readLoadPlan } from './load-plan.ts';
export { type LoadFigures, type LoadSummary, summarizeLoad } from './load-summary.ts';
export { errorCount } from './meter.ts';
export { readPlugMeters } from './plug-meters.ts';
export { readRun } from './read-run.ts';
export {
  type ClientFigures,
  type LoadJob,
  type LoadTarget,
  usualRedisFullPerS,
} from './run-load.ts';
export { type ShiftingLoad, shiftingLoad } from './shifting-load.ts';
export { type OperationReport, type YcsbReport, ycsbText } from './ycsb/report.ts';
export { type WorkloadName, workloadNames, ycsbShape } from './ycsb/workloads.ts';
