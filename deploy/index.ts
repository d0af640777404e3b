/** The public names of `deploy/`: real hosts, read, understood and acted on over OpenSSH. */
export { createExecutor } from './actions/create-executor.ts';
export type { Effect, Executor, OperationLimits, Prepared } from './actions/executor.ts';
export {
  type CpufreqSetting,
  describeOperation,
  hostsOf,
  type MigrationWay,
  type Operation,
  type OperationType,
} from './actions/operation.ts';
export type { ExecutorOptions, MigrationProgress, Timings } from './actions/site.ts';
export { type Clock, systemClock } from './clock.ts';
export { type ClusterFile, type ClusterHost, clusterSchema } from './cluster/cluster-file.ts';
export { parseClusterFile, readClusterFile } from './cluster/read-cluster-file.ts';
export type {
  ClusterSnapshot,
  SnapshotHost,
  SnapshotInput,
  SnapshotVm,
} from './cluster/snapshot.ts';
export { readSnapshotFile, writeSnapshotFile } from './cluster/snapshot-file.ts';
export { type Approval, Approvals } from './control/approvals.ts';
export { clusterObjective, clusterTranslation } from './control/cluster-terms.ts';
export { type Considered, type ConsiderOptions, consider } from './control/consider.ts';
export {
  type ControllerEnd,
  type ControllerNews,
  type ControllerOptions,
  control,
} from './control/controller.ts';
export { guard } from './control/guard/guard.ts';
export type { GuardLimits, Past } from './control/guard/rules.ts';
export { killSwitch } from './control/kill-switch.ts';
export { ActionMemory } from './control/past.ts';
export { reconcile } from './control/reconcile.ts';
export {
  type ControlSummary,
  type MovedVm,
  type PowerAgreement,
  summarizeControl,
} from './control/summary.ts';
export type {
  Comparison,
  Decision,
  ItemForecast,
  Mode,
  PlanItem,
  Prediction,
  Refusal,
} from './decision.ts';
export { journalHolder, takeControl } from './journal/control-lease.ts';
export { Journal, type JournalOptions, type JournalView } from './journal/journal.ts';
export type { IntentRecord, IntentState } from './journal/journal-index.ts';
export { JournalReader } from './journal/journal-reader.ts';
export { type Lease, type LeaseHolder, takeLease } from './journal/lease.ts';
export type { Entry, JournalRecord } from './journal/record.ts';
export { restore } from './journal/restore.ts';
export type { RestoredGoal, RestoreReport, RestoreStep } from './journal/restore-report.ts';
export type { RestoreOptions } from './journal/restore-run.ts';
export { createVmFinder } from './journal/vm-finder.ts';
export type { VmFinder, VmPlace, VmPlaces } from './journal/vm-places.ts';
export { type MetricsLine, metricsLine, metricsLineSchema } from './metrics-file/line.ts';
export {
  type MetricsEntry,
  type MetricsFile,
  parseMetricsLine,
  readMetricsFile,
} from './metrics-file/reader.ts';
export { MetricsWriter, type MetricsWriterOptions } from './metrics-file/writer.ts';
export { ClusterObserver, type ObserverOptions } from './observation/observer.ts';
export type { ControllerEvent, Sight } from './observation/sight.ts';
export { type OperationCode, OperationError, printable } from './operation-error.ts';
export type { Ability, HostCapabilities } from './probe/capabilities.ts';
export { type ProbeOptions, probeHost } from './probe/probe.ts';
export { commandsOf } from './service/compute/commands.ts';
export { type Compute, type ComputeOptions, computeWith } from './service/compute/compute.ts';
export type { PolicyOf } from './service/compute/decide.ts';
export { forkSearch } from './service/compute/fork-search.ts';
export type { ReschedulePlanner, RescheduleQuestion } from './service/compute/reschedule.ts';
export { isLoopback } from './service/loopback.ts';
export { type RunningService, type StartOptions, startService } from './service/start.ts';
export {
  type DecisionView,
  type ItemView,
  JournalFold,
  type StateView,
} from './service/state-view.ts';
export { readToken, tokenIn } from './service/token.ts';
export { checkHostNames, isHostName } from './ssh/host-name.ts';
export { shellWord } from './ssh/quote.ts';
export { openSsh, type RemoteAnswer, type SshOptions, type Transport } from './ssh/transport.ts';
export { type Doubt, doubts, type Observed } from './telemetry/doubts.ts';
export {
  type HostOutcome,
  type Observation,
  type ObserveOptions,
  observeHosts,
} from './telemetry/observe.ts';
export { type HostReading, readHost, readingSections } from './telemetry/reading.ts';
export type { HostSample } from './telemetry/sample.ts';
export { bandLevel, powerBandW } from './twin/band.ts';
export { Calibrator, type CalibratorState } from './twin/calibrator.ts';
export { demandQuantile, expectedDemand } from './twin/demand-forecast.ts';
export type { Forecast } from './twin/demand-grid.ts';
export {
  type LiveMigration,
  type LiveTwin,
  type LiveTwinOptions,
  liveTwin,
} from './twin/live-twin.ts';
export { parseSnapshot } from './twin/parse-snapshot.ts';
export { type PredictOptions, predict, predictItems } from './twin/predict.ts';
