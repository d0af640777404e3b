/**
 * What a run amounted to. SLATAH, PDM, SLAV and ESV follow Beloglazov & Buyya (2012),
 * Concurrency and Computation 24(13), eq. 5 to 7, as means over hosts and VMs; CloudSim pools them
 * (ratios of totals), so `slatahPooled` and `pdmPooled` stand beside them and must not be compared
 * across.
 */
import { joulesPerKwh } from './energy-now.ts';
import { type FacilitySummary, summarizeFacility } from './facility/facility-summary.ts';
import { type FaultSummary, summarizeFaults } from './faults/fault-summary.ts';
import { percentile } from './numbers/percentile.ts';
import { type CostVector, costOf } from './objective.ts';
import { answersRequests, requestWork } from './requests/lost-work.ts';
import { type ApplicationSummary, summarizeRequests } from './requests/request-summary.ts';
import { migrationOutcome, vmStatus } from './status.ts';
import type { Twin } from './twin.ts';

/** How often it happened. */
export interface MigrationOutcomes {
  readonly aborted: number;
  readonly failed: number;
  /** VMs that ended with a broken post-copy. */
  readonly vmsLost: number;
  /** Finished, but by post-copy. */
  readonly postCopied: number;
}

/** Totals and means of one run; every field says its unit. */
export interface RunSummary {
  readonly simulatedS: number;
  readonly energyKwh: number;
  /** Mean over hosts that were ever active of overload time / active time. */
  readonly slatah: number;
  readonly slatahPooled: number;
  /** Mean over VMs of work lost to migration / work asked. */
  readonly pdm: number;
  readonly pdmPooled: number;
  /** slatah × pdm */
  readonly slav: number;
  /** energy in kWh × slav */
  readonly esv: number;
  /** Work asked and not delivered for whatever reason / work asked. */
  readonly unservedFraction: number;
  readonly lostVcpuHours: number;
  readonly migrations: number;
  readonly migratedBytes: number;
  readonly meanMigrationS: number;
  readonly meanDowntimeMs: number;
  /** Migrations that did not simply finish; absent when all did. */
  readonly migrationOutcomes?: MigrationOutcomes;
  /** Mean number of hosts not off. */
  readonly meanHostsOn: number;
  readonly hostsSwitchedOn: number;
  readonly hostsSwitchedOff: number;
  readonly pstateChanges: number;
  /** Mean time from a VM's arrival until it has a host, s. */
  readonly meanWaitS: number;
  /** Jain's index of delivered / asked over VMs: 1 = all served alike. */
  readonly fairness: number;
  /** Response times of finished tasks, submission to end, s; absent without tasks. */
  readonly responseS?: {
    readonly mean: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  };
  /** Requests of each application; absent without applications. */
  readonly applications?: readonly ApplicationSummary[];
  /** Energy of all hosts / requests completed by all applications, J; absent without any. */
  readonly joulesPerRequest?: number;
  /** At the wall: energy, money, carbon; absent without a facility. */
  readonly facility?: FacilitySummary;
  /** Failures and what they cost; absent where nothing can fail. */
  readonly faults?: FaultSummary;
  readonly eventsProcessed: number;
}

/** Reads the meters of a finished run. Settles them: call it once, at the end. */
export function summarize(twin: Twin): { readonly summary: RunSummary; readonly cost: CostVector } {
  const cost = costOf(twin);
  const { state } = twin;
  const hosts = hostTotals(twin);
  const vms = vmTotals(twin);
  const nowS = state.nowMs[0]! / 1000;
  const moved = state.migrationTotals[0]!;
  const response = responseTimes(twin);
  const slav = hosts.slatah * vms.pdm;
  const faults = summarizeFaults(twin);
  const facility = summarizeFacility(twin, cost.energyKwh, cost.lostVcpuHours);
  const summary: RunSummary = {
    simulatedS: nowS,
    energyKwh: cost.energyKwh,
    slatah: hosts.slatah,
    slatahPooled: ratio(hosts.overloadMs, hosts.activeMs),
    pdm: vms.pdm,
    pdmPooled: ratio(vms.degradedMi, vms.demandedMi),
    slav,
    esv: cost.energyKwh * slav,
    unservedFraction: ratio(vms.degradedMi + vms.shortMi, vms.demandedMi),
    lostVcpuHours: cost.lostVcpuHours,
    migrations: moved,
    migratedBytes: state.migrationTotals[1]!,
    meanMigrationS: ratio(state.migrationTotals[2]! / 1000, moved),
    meanDowntimeMs: ratio(state.migrationTotals[3]!, moved),
    ...outcomesOf(twin),
    meanHostsOn: ratio(hosts.onMs / 1000, nowS),
    hostsSwitchedOn: state.actionTotals[0]!,
    hostsSwitchedOff: state.actionTotals[1]!,
    pstateChanges: state.actionTotals[2]!,
    meanWaitS: ratio(vms.waitedMs / 1000, vms.arrived),
    fairness: vms.fairness,
    ...(response === undefined ? {} : { responseS: response }),
    ...requestPart(twin, cost.energyKwh),
    ...(facility === undefined ? {} : { facility }),
    ...(faults === undefined ? {} : { faults }),
    eventsProcessed: state.eventsProcessed[0]!,
  };
  return { summary, cost };
}

/** What a run with applications says beside the rest. */
function requestPart(
  twin: Twin,
  energyKwh: number,
): Pick<RunSummary, 'applications' | 'joulesPerRequest'> {
  if (twin.model.requests.applications === 0) return {};
  const applications = summarizeRequests(twin);
  const completed = applications.reduce((sum, application) => sum + application.completed, 0);
  if (completed === 0) return { applications };
  return { applications, joulesPerRequest: (energyKwh * joulesPerKwh) / completed };
}

function outcomesOf({ state }: Twin): Pick<RunSummary, 'migrationOutcomes'> {
  const { migrationOutcomes: count } = state;
  const aborted = count[migrationOutcome.aborted]!;
  const failed = count[migrationOutcome.failed]!;
  const vmsLost = count[migrationOutcome.vmLost]!;
  const postCopied = count[migrationOutcome.postCopied]!;
  if (aborted + failed + vmsLost + postCopied === 0) return {};
  return { migrationOutcomes: { aborted, failed, vmsLost, postCopied } };
}

/** 0 / 0 counts as 0: nothing happened, nothing was violated. */
const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

function hostTotals(twin: Twin): {
  slatah: number;
  overloadMs: number;
  activeMs: number;
  onMs: number;
} {
  const { model, state } = twin;
  let fractions = 0;
  let everActive = 0;
  let overloadMs = 0;
  let activeMs = 0;
  let onMs = 0;
  for (let host = 0; host < model.hosts; host++) {
    onMs += state.hostOnMs[host]!;
    if (state.hostActiveMs[host]! <= 0) continue;
    everActive++;
    fractions += state.hostOverloadMs[host]! / state.hostActiveMs[host]!;
    overloadMs += state.hostOverloadMs[host]!;
    activeMs += state.hostActiveMs[host]!;
  }
  return { slatah: ratio(fractions, everActive), overloadMs, activeMs, onMs };
}

function vmTotals(twin: Twin): {
  pdm: number;
  degradedMi: number;
  shortMi: number;
  demandedMi: number;
  waitedMs: number;
  arrived: number;
  fairness: number;
} {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  const requests = requestWork(twin);
  const totals = {
    pdm: 0,
    degradedMi: 0,
    shortMi: requests.lostMi,
    demandedMi: requests.begunMi,
    waitedMs: 0,
    arrived: 0,
  };
  let asking = 0;
  let served = 0;
  let servedSquared = 0;
  for (let vm = 0; vm < model.vms; vm++) {
    const status = state.vmStatus[vm]!;
    if (status === vmStatus.absent) continue;
    totals.arrived++;
    totals.waitedMs += state.vmWaitedMs[vm]!;
    if (status === vmStatus.pending) totals.waitedMs += nowMs - state.vmPendingSinceMs[vm]!;
    const demanded = state.vmDemandedMi[vm]!;
    if (demanded <= 0 || answersRequests(twin, vm)) continue;
    totals.demandedMi += demanded;
    totals.degradedMi += state.vmDegradedMi[vm]!;
    totals.shortMi += state.vmShortMi[vm]!;
    totals.pdm += state.vmDegradedMi[vm]! / demanded;
    const fraction = 1 - (state.vmShortMi[vm]! + state.vmDegradedMi[vm]!) / demanded;
    asking++;
    served += fraction;
    servedSquared += fraction * fraction;
  }
  return {
    ...totals,
    pdm: ratio(totals.pdm, asking),
    fairness: servedSquared > 0 ? (served * served) / (asking * servedSquared) : 1,
  };
}

function responseTimes(twin: Twin): RunSummary['responseS'] {
  const { tasks } = twin.model;
  const times: number[] = [];
  for (let task = 0; task < tasks.count; task++) {
    const finishedMs = twin.state.taskFinishedMs[task]!;
    if (finishedMs > 0) times.push((finishedMs - tasks.startMs[task]!) / 1000);
  }
  if (times.length === 0) return undefined;
  times.sort((a, b) => a - b);
  const at = (fraction: number): number => percentile(times, fraction);
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
