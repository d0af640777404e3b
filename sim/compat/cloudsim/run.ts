/**
 * The benchmark's day (`PowerDatacenter.java`, `core/CloudSim.java`): VMs are placed at 0, periodic
 * updates come at 300.1 s, 600.1 s, … 86,100.1 s, each followed by a round of the optimizer, and
 * every group of ending migrations brings two updates, before and after the VMs change hosts.
 *
 * As in the original the first 300.1 s cost no energy (no host was in use before), the last 299.9 s
 * are not simulated, VMs that ask for nothing at an update are removed for good, and updates end
 * early when no VM makes progress.
 */

import { assert } from '../../errors.ts';
import { RandomStream } from '../../numbers/rng.ts';
import { type Cluster, createCluster } from './cluster.ts';
import { type Consolidator, createConsolidator, planRound } from './consolidation.ts';
import { intervalS, limitS, samplesPerDay, submitS } from './constants.ts';
import { createDemand, type Demand, remember, updateRequests } from './demand.ts';
import { closeTime, createMetrics, type Metrics, passTime, serviceLevels } from './metrics.ts';
import { endMigrations, hasMigrations, migrationDelaysS, startMigrations } from './migrations.ts';
import {
  type CloudSimOptions,
  type CloudSimRecorder,
  type CloudSimResult,
  defaultParameters,
} from './options.ts';
import { createOverloadTest } from './overload.ts';
import { createHostFinder, placeAll } from './placement.ts';
import { powerAt } from './power.ts';
import { createSelector } from './selection.ts';
import { removeVm, shareInTableOrder, updateHost } from './shares.ts';

const joulesPerKwh = 3_600_000;

/** State of a run; columns live in `cluster`. */
interface Run {
  readonly cluster: Cluster;
  readonly demand: Demand;
  readonly metrics: Metrics;
  readonly recorder: CloudSimRecorder;
  /** All hosts at full power all the time. */
  readonly alwaysFull: boolean;
  readonly consolidator: Consolidator | undefined;
  /** 1 for hosts whose list changed since the last update. */
  readonly touched: Uint8Array;
  lastUpdateS: number;
  energyJ: number;
  liveVms: number;
  removedVms: number;
  migrations: number;
  passes: number;
}

/**
 * Runs one day of the PlanetLab power benchmark and returns the totals CloudSim 4.0 returns, bit
 * for bit (selection `rs` excepted, which CloudSim does not seed).
 */
export function runCloudSim(options: CloudSimOptions): CloudSimResult {
  checkOptions(options);
  const run = createRun(options);
  const { cluster, recorder } = run;
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    if (cluster.vmHost[vm]! >= 0) recorder.place?.(vm, cluster.vmHost[vm]!);
  }
  let goesOn = run.liveVms > 0;
  for (let timeS = submitS + intervalS; goesOn && timeS < limitS; timeS += intervalS) {
    goesOn = updatePeriodically(run, timeS);
  }
  closeTime(run.metrics, cluster);
  const { slaOverall, slatah, pdm, slaAverage, shutdowns } = serviceLevels(
    run.metrics,
    cluster.hostCount,
  );
  return {
    energyJ: run.energyJ,
    energyKwh: run.energyJ / joulesPerKwh,
    migrations: run.migrations,
    slaOverall,
    slatah,
    pdm,
    slav: slatah * pdm,
    slaAverage,
    shutdowns,
    removedVms: run.removedVms,
    passes: run.passes,
  };
}

function checkOptions(options: CloudSimOptions): void {
  const { hosts = 800, parameter = 0, traces } = options;
  assert(Number.isInteger(hosts) && hosts > 0, () => `hosts is a positive integer, not ${hosts}`);
  assert(parameter >= 0, () => `parameter is a number from 0 up, not ${parameter}`);
  for (const [vm, trace] of traces.entries()) {
    assert(
      trace.length === samplesPerDay,
      () => `trace ${vm} has ${trace.length} samples, not ${samplesPerDay}`,
    );
    assert(!trace.some((percent) => percent > 100), () => `trace ${vm} goes above 100 %`);
  }
}

function createRun(options: CloudSimOptions): Run {
  const { detector, hosts = 800, selection = 'mmt', seed = 1, traces } = options;
  const migrating = detector !== 'npa' && detector !== 'dvfs';
  const cluster = createCluster(hosts, traces.length);
  const demand = createDemand(traces);
  const test = createOverloadTest(
    detector,
    options.parameter ?? defaultParameters[detector],
    hosts,
  );
  const finder = createHostFinder(cluster, demand, test);
  const liveVms = placeAll(finder, migrating);
  const selector = createSelector(selection, new RandomStream(seed, 'vm-selection'));
  return {
    cluster,
    demand,
    metrics: createMetrics(hosts, traces.length, migrating),
    recorder: options.recorder ?? {},
    alwaysFull: detector === 'npa',
    consolidator: migrating ? createConsolidator(finder, selector) : undefined,
    touched: new Uint8Array(hosts),
    lastUpdateS: 0,
    energyJ: 0,
    liveVms,
    removedVms: 0,
    migrations: 0,
    passes: 0,
  };
}

/** A periodic update, the round after it and the ends of its migrations; false to stop. */
function updatePeriodically(run: Run, timeS: number): boolean {
  const { cluster, consolidator, recorder, touched } = run;
  const progress = updateAll(run, timeS, true);
  if (consolidator === undefined) return progress;
  const { plan } = consolidator;
  planRound(consolidator);
  startMigrations(cluster, plan, timeS, touched, recorder);
  run.migrations += plan.count;
  updateTouched(run);
  for (const delayS of migrationDelaysS) {
    if (!hasMigrations(cluster, plan, delayS)) continue;
    updateAll(run, timeS + delayS, false);
    endMigrations(cluster, plan, delayS, touched);
    updateTouched(run);
    removeIdleVms(run, false);
    notePass(run, timeS + delayS);
  }
  return progress;
}

/**
 * Brings all hosts to `timeS`, adds the energy since the last update and removes VMs that ask for
 * nothing.
 *
 * @returns Whether any VM gets on with its task: it asks for MIPS and had some until now.
 */
function updateAll(run: Run, timeS: number, periodic: boolean): boolean {
  const { cluster, demand } = run;
  passTime(run.metrics, cluster, timeS);
  updateRequests(demand, cluster, timeS);
  if (periodic && run.consolidator !== undefined) remember(demand, cluster, timeS);
  const progress = makesProgress(cluster);
  run.energyJ += updateHosts(run, timeS - run.lastUpdateS);
  removeIdleVms(run, periodic);
  run.lastUpdateS = timeS;
  notePass(run, timeS);
  return progress;
}

function makesProgress(cluster: Cluster): boolean {
  const { vmHost, vmRequestMips, vmShareMips } = cluster;
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    if (vmHost[vm]! >= 0 && vmRequestMips[vm]! > 0 && vmShareMips[vm]! > 0) return true;
  }
  return false;
}

/**
 * Updates every host in use and returns the energy of the past `elapsedS`, J: the mean of the
 * powers before and now, but nothing for a host that was not in use before.
 */
function updateHosts(run: Run, elapsedS: number): number {
  const { cluster } = run;
  const { hostPowerW, hostState, hostType, hostUtilization, hostVms } = cluster;
  let energyJ = 0;
  for (let host = 0; host < cluster.hostCount; host++) {
    const powerBeforeW = hostPowerW[host]!;
    const usedBefore = hostUtilization[host]! !== 0;
    if (hostVms[host]! > 0 || hostState[host] !== 0) updateHost(cluster, host);
    if (run.alwaysFull) energyJ += powerAt(hostType[host]!, 1) * elapsedS;
    else if (usedBefore)
      energyJ += (powerBeforeW + (hostPowerW[host]! - powerBeforeW) / 2) * elapsedS;
  }
  return energyJ;
}

/** Updates the hosts whose lists changed since the last update, at the same time as that. */
function updateTouched(run: Run): void {
  const { cluster, touched } = run;
  for (let host = 0; host < cluster.hostCount; host++) {
    if (touched[host] === 0) continue;
    updateHost(cluster, host);
    touched[host] = 0;
  }
}

/**
 * Removes the VMs that ask for nothing and are not migrating. In a periodic update their hosts
 * share out anew for the round to come; between rounds nobody looks before the next update.
 */
function removeIdleVms(run: Run, periodic: boolean): void {
  const { cluster } = run;
  const { vmHost, vmMigrating, vmRequestMips } = cluster;
  for (let vm = 0; vm < cluster.vmCount; vm++) {
    const host = vmHost[vm]!;
    if (host < 0 || vmRequestMips[vm] !== 0 || vmMigrating[vm] === 1) continue;
    removeVm(cluster, host, vm);
    if (periodic) shareInTableOrder(cluster, host);
    vmHost[vm] = -1;
    run.liveVms--;
    run.removedVms++;
  }
}

function notePass(run: Run, timeS: number): void {
  const { cluster, recorder } = run;
  run.passes++;
  if (recorder.pass === undefined) return;
  let activeHosts = 0;
  let nonEmptyHosts = 0;
  let usedMips = 0;
  for (let host = 0; host < cluster.hostCount; host++) {
    if (cluster.hostUtilization[host]! > 0) activeHosts++;
    if (cluster.hostVms[host]! > 0) nonEmptyHosts++;
    usedMips += cluster.hostUsedMips[host]!;
  }
  recorder.pass({
    timeS,
    energyJ: run.energyJ,
    activeHosts,
    nonEmptyHosts,
    liveVms: run.liveVms,
    usedMips,
    migrationsStarted: run.migrations,
  });
}
