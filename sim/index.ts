/** The twin's public names. */
export { type Bill, type BillRow, type BillSpec, billOf, formatBill } from './accounting/bill.ts';
export {
  type BlockSizeRow,
  blockSizeSweep,
} from './accounting/experiments/block-size-sweep.ts';
export { type CpuLimitRow, cpuLimit } from './accounting/experiments/cpu-limit.ts';
export { type DiskLimitRow, diskLimits } from './accounting/experiments/disk-limits.ts';
export {
  type Enforcement,
  type EnforcementRow,
  guestContainers,
} from './accounting/experiments/guest-containers.ts';
export { type IdlePolicy, idlePolicies } from './accounting/idle-policy.ts';
export { limitHostPower, limitVmPower } from './accounting/power-limits.ts';
export { type AccountingKey, accountingKey, billSpecOf } from './accounting/scenario-key.ts';
export { billOfTwin } from './accounting/twin-bill.ts';
export { virtualEnergyFiles } from './accounting/twin-counters.ts';
export {
  type UnattributedEnergy,
  unattributedEnergy,
  type VmEnergy,
  vmEnergy,
} from './accounting/twin-ledger.ts';
export {
  fitMigrations,
  type MigrationFit,
  type MigrationRecord,
} from './calibration/migration-fit.ts';
export { type Design, predictRow, robustFit } from './calibration/robust-fit.ts';
export { conformalQuantile, median } from './calibration/statistics.ts';
export { energyNowJ, hostEnergyNowJ, joulesPerKwh } from './energy-now.ts';
export { type AfterEvent, advance } from './engine.ts';
export {
  assert,
  formatIssue,
  InputError,
  InvariantError,
  type Issue,
  inputError,
} from './errors.ts';
export { type FacilityReading, facilityNow } from './facility/facility-meter.ts';
export type {
  FacilityModel,
  FacilitySpec,
  ForecastSpec,
  TariffSpec,
} from './facility/facility-model.ts';
export type { FacilityCost, FacilitySummary } from './facility/facility-summary.ts';
export type { FaultModel } from './faults/fault-model.ts';
export type {
  CrashedVms,
  FailureRow,
  FailureTraceSpec,
  FaultsSpec,
  HostFaultSpec,
  MigrationFaultSpec,
  TelemetryFaultSpec,
  VmFaultSpec,
} from './faults/fault-spec.ts';
export type { FaultSummary } from './faults/fault-summary.ts';
export { drawLifetime, type LifetimeSpec } from './faults/lifetime.ts';
export { type DiskDemand, type DiskSpec, diskResponseS } from './flows/disk-spec.ts';
export type { NetworkSpec, RoutedNetwork, StarNetwork } from './flows/network-spec.ts';
export { setDiskLimit, setTraffic, streamBytes, streamStatus } from './flows/streams.ts';
export type { TrafficEnd, TrafficSpec } from './flows/traffic-spec.ts';
export {
  createGovernor,
  type GovernorKind,
  type GovernorRule,
  type GovernorSample,
  governorKind,
  governorKinds,
  governorNamed,
  governors,
} from './governors/index.ts';
export { limitPstates, setDomainPstate, setPstate } from './hosts/frequency.ts';
export type {
  FrequencySpec,
  GovernorSpec,
  HeatSpec,
  HostSpec,
  IdleSpec,
  PstateSpec,
  SleepSpec,
} from './hosts/host-spec.ts';
export { failHost, powerOff, powerOn } from './hosts/power-transitions.ts';
export { checkInvariants } from './invariants.ts';
export { type RunSummary, summarize } from './metrics.ts';
export type { CopyingCores, MigrationSpec } from './migration/columns.ts';
export {
  estimateMigration,
  type MigrationConditions,
  type MigrationEstimate,
} from './migration/estimate.ts';
export { type EndVm, failMigration } from './migration/fail.ts';
export { expectMigration, type MigrationForecast } from './migration/forecast.ts';
export type { MigrationProgress } from './migration/progress.ts';
export { abortMigration, switchMigration } from './migration/requests.ts';
export {
  type AutoConverge,
  defaultMigrationRules,
  type MigrationRemedy,
  type MigrationRules,
  migrationRules,
  qemuAutoConverge,
  qemuMigration,
} from './migration/rules.ts';
export {
  buildModel,
  type ClusterModel,
  type ModelSpec,
} from './model.ts';
export { sharedFloat64, sharedInt32, sharedUint16 } from './numbers/columns.ts';
export { percentile } from './numbers/percentile.ts';
export { CarbonTrace, PriceTrace } from './numbers/rated-trace.ts';
export { RandomStream } from './numbers/rng.ts';
export { type OutsideRule, StepTrace, type StepTraceOptions } from './numbers/step-trace.ts';
export {
  type CostVector,
  costBetween,
  costOf,
  defaultObjective,
  hostsOn,
  type Objective,
  scalarCost,
  settleAll,
} from './objective.ts';
export {
  type Action,
  applyAction,
  applyPlan,
  type Budget,
  countMigrations,
  Plan,
  type RefusedAction,
  unlimited,
} from './plan.ts';
export { createPolicy, policyKinds, policyNames } from './policies/index.ts';
export { type Chance, inSequence, type Policy } from './policy.ts';
export { type Present, twinAt } from './present.ts';
export {
  type Candidate,
  distinctPlans,
  headrooms,
  mutations,
  planKey,
  propose,
  proposers,
  usualHeadroom,
  withFrequencies,
} from './proposals/candidates.ts';
export { plannedDemand, withHeadroom, withPstates } from './proposals/frequency.ts';
export { isLegalPlan } from './proposals/legality.ts';
export type { Recorder } from './recorder.ts';
export type { DistributionSpec } from './requests/distribution.ts';
export {
  type CachePolicy,
  hitProbability,
  type KeyChoice,
  type KeyValueOptions,
  type KeyValueWorkload,
  keyValueApplication,
} from './requests/key-value.ts';
export {
  activateReplica,
  activeReplicas,
  parkReplica,
  setReplicas,
  setVariant,
} from './requests/request-actions.ts';
export type { RequestModel } from './requests/request-model.ts';
export {
  type ApplicationSpec,
  type ArrivalSpec,
  balanceRules,
  type CallSpec,
  type OperationSpec,
  type ServiceSpec,
  type StepSpec,
  type VariantSpec,
} from './requests/request-spec.ts';
export { callOutcome } from './requests/request-state.ts';
export {
  type ApplicationSummary,
  type LatencySummary,
  type OperationSummary,
  type ReplicaSummary,
  type RequestCounts,
  type RequestMeters,
  readRequestMeters,
  type ServiceSummary,
  summarizeRequests,
} from './requests/request-summary.ts';
export type { RestrictionSpec, Restrictions } from './restrictions.ts';
export {
  type Decision,
  decideOnce,
  policyChance,
  type RunOptions,
  type RunResult,
  runPolicy,
  type SeriesRow,
} from './run.ts';
export { budgetOf, endOf, modelOf, objectiveOf } from './scenario/build.ts';
export type { FacilityTraces } from './scenario/facility-key.ts';
export { type HostPreset, hostFromPreset, hostPresets } from './scenario/host-presets.ts';
export { issuesOf, parseScenario, parseYaml } from './scenario/parse.ts';
export { parseQuantity, quantityExamples } from './scenario/quantity.ts';
export { objectiveWeights, quantity, type Scenario, scenarioSchema } from './scenario/schema.ts';
export { deliveredMips } from './sharing.ts';
export { decodeSnapshot, encodeSnapshot, fingerprint, modelFingerprint } from './snapshot.ts';
export { ClusterState } from './state.ts';
export { hostPower, migrationOutcome, migrationStage, taskStatus, vmStatus } from './status.ts';
export {
  migrateVm,
  placeVm,
  type Refusal,
  setDemand,
} from './transitions.ts';
export { Twin } from './twin.ts';
export { type ClusterView, historyMax, TwinView } from './view.ts';
export { setQuota } from './vms/set-quota.ts';
export type { PhaseSpec, TaskSpec } from './vms/task-spec.ts';
export { createWorkload, sliceWorkload, type VmSpec, type Workload } from './workload.ts';
