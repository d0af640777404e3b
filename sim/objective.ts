/**
 * The one objective: what the oracle minimises, what baselines are compared by, what the learner
 * imitates and what reports show.
 *
 * A vector in physical units becomes one number in kWh-equivalents:
 *
 *   cost = energy · 1/kWh  +  lost · w_lost  +  migrations · w_migration
 *          +  money · w_money  +  carbon · w_carbon
 *
 * - energy: electric energy of all hosts, boots and idling included, kWh.
 * - lost: CPU time asked for and not delivered, vCPU·h: contention, too slow a P-state, waiting for
 *   a host, degradation and downtime of migrations. One vCPU·h is one vCPU at its nominal speed.
 *   Of VMs that answer requests: the work of requests that were rejected, failed or late.
 * - migrations: finished moves; a small price for the risk that each one carries beyond the CPU
 *   time it takes.
 * - money and carbon: of a facility, where there is one, with weight 0 by default; electricity at the
 *   wall (PUE included), penalties and revenue forgone in units of the currency, kgCO₂eq.
 *
 * Default weights: 2 kWh per lost vCPU·h, 0.001 kWh per migration. One core busy for an hour takes
 * 0.01 to 0.07 kWh on the bundled hosts, so losing an hour of work costs some 30 to 200 times what
 * doing it would have: saving energy by starving VMs never pays, riding out a short peak may.
 */
import { joulesPerKwh } from './energy-now.ts';
import { facilityCost } from './facility/facility-summary.ts';
import { answersRequests, requestWork } from './requests/lost-work.ts';
import { settleHost, settleVm } from './sharing.ts';
import { isOut, vmStatus } from './status.ts';
import type { Twin } from './twin.ts';

/** Weights in kWh-equivalents per unit. */
export interface Objective {
  readonly energyPerKwh: number;
  readonly lostPerVcpuHour: number;
  readonly perMigration: number;
  /** Per unit of the facility's currency, and per kgCO₂eq. Default: 0. */
  readonly moneyPerUnit?: number;
  readonly carbonPerKg?: number;
}

export const defaultObjective: Objective = {
  energyPerKwh: 1,
  lostPerVcpuHour: 2,
  perMigration: 0.001,
};

/** The cost vector, in physical units. */
export interface CostVector {
  readonly energyKwh: number;
  readonly lostVcpuHours: number;
  readonly migrations: number;
  /** Of a facility with prices, currency; see `FacilityCost`. */
  readonly money?: number;
  /** Of a facility with a carbon intensity, kgCO₂eq. */
  readonly carbonKg?: number;
}

/** Totals since time 0. Settles the meters of `twin`: call it on a fork or at the end of a run. */
export function costOf(twin: Twin): CostVector {
  const { model, state } = twin;
  settleAll(twin);
  let energyJ = 0;
  for (let host = 0; host < model.hosts; host++) energyJ += state.hostEnergyJ[host]!;
  let { lostVcpuS } = requestWork(twin);
  for (let vm = 0; vm < model.vms; vm++) {
    if (answersRequests(twin, vm)) continue;
    const lost = state.vmShortMi[vm]! + state.vmDegradedMi[vm]!;
    if (lost > 0) lostVcpuS += lost / model.workload.vcpuMips[vm]!;
  }
  const lostVcpuHours = lostVcpuS / 3600;
  return {
    energyKwh: energyJ / joulesPerKwh,
    lostVcpuHours,
    migrations: state.migrationTotals[0]!,
    ...facilityCost(twin, lostVcpuHours),
  };
}

/** Brings every meter up to now. Rates do not change, but later sums may round differently. */
export function settleAll(twin: Twin): void {
  const { model, state } = twin;
  const nowMs = state.nowMs[0]!;
  for (let host = 0; host <= model.limbo; host++) settleHost(twin, host, nowMs);
  for (let vm = 0; vm < model.vms; vm++) {
    const status = state.vmStatus[vm]!;
    if (status !== vmStatus.absent && status !== vmStatus.departed) settleVm(twin, vm, nowMs);
  }
}

/** `after - before`, component by component. */
export function costBetween(before: CostVector, after: CostVector): CostVector {
  return {
    energyKwh: after.energyKwh - before.energyKwh,
    lostVcpuHours: after.lostVcpuHours - before.lostVcpuHours,
    migrations: after.migrations - before.migrations,
    ...(after.money === undefined ? {} : { money: after.money - (before.money ?? 0) }),
    ...(after.carbonKg === undefined ? {} : { carbonKg: after.carbonKg - (before.carbonKg ?? 0) }),
  };
}

/** The scalar, kWh-equivalents. */
export function scalarCost(cost: CostVector, objective: Objective): number {
  const { moneyPerUnit = 0, carbonPerKg = 0 } = objective;
  const value =
    cost.energyKwh * objective.energyPerKwh +
    cost.lostVcpuHours * objective.lostPerVcpuHour +
    cost.migrations * objective.perMigration;
  if (moneyPerUnit === 0 && carbonPerKg === 0) return value;
  return value + (cost.money ?? 0) * moneyPerUnit + (cost.carbonKg ?? 0) * carbonPerKg;
}

/** Hosts that draw running power now. */
export function hostsOn(twin: Twin): number {
  let count = 0;
  for (let host = 0; host < twin.model.hosts; host++) {
    if (!isOut(twin.state, host)) count++;
  }
  return count;
}
