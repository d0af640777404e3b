/**
 * The energy manager of one host: it collects what the accountants report, and lets each control loop
 * act at its own period. Accounting, policy and control are apart: the manager knows watts and
 * budgets, strides and allowances, but neither devices nor schedulers.
 */
import { assert } from '../../errors.ts';
import type { Budgets } from './budgets.ts';
import { adjustStrides, defaultStride, initialStrides, type StrideRule } from './cpu-stride.ts';
import { DiskThrottle, defaultThrottle, type ThrottleRule } from './disk-throttle.ts';

/** Periods of the manager, ms; those of the loops are multiples of the collection's. */
export interface ManagerPeriods {
  readonly collectMs: number;
  readonly cpuMs: number;
  readonly diskMs: number;
}

export const defaultPeriods: ManagerPeriods = { collectMs: 20, cpuMs: 100, diskMs: 200 };

/** What the accountants report for one collection period, per domain. */
export interface EnergyReport {
  /** Energy of the domain's CPU use and of its disk requests, driver included, J. */
  readonly cpuJ: ArrayLike<number>;
  readonly diskJ: ArrayLike<number>;
  /** Disk requests. */
  readonly requests: ArrayLike<number>;
}

/** Budget enforcement for `domains` domains on one CPU and one disk. */
export class EnergyManager {
  readonly periods: ManagerPeriods;
  readonly strideRule: StrideRule;
  readonly strides: Float64Array;
  readonly throttle: DiskThrottle;
  /** Window that disk allowances are for, ms. */
  readonly windowMs: number;
  readonly #budgets: Budgets;
  /** [2] Collections since each loop acted; [domains × 3] CPU J, disk J and requests since. */
  readonly #since: Float64Array;

  constructor(
    budgets: Budgets,
    options: {
      readonly periods?: ManagerPeriods;
      readonly stride?: StrideRule;
      readonly throttle?: ThrottleRule;
      readonly windowMs?: number;
    } = {},
  ) {
    const {
      periods = defaultPeriods,
      stride = defaultStride,
      throttle = defaultThrottle,
    } = options;
    for (const loop of [periods.cpuMs, periods.diskMs]) {
      assert(loop % periods.collectMs === 0, () => `a loop of ${loop} ms between collections`);
    }
    this.periods = periods;
    this.strideRule = stride;
    this.strides = initialStrides(budgets.domains, stride);
    this.throttle = new DiskThrottle(budgets.domains, throttle);
    this.windowMs = options.windowMs ?? 30;
    this.#budgets = budgets;
    this.#since = new Float64Array(2 + 3 * budgets.domains);
  }

  /** Takes in one collection period and lets the loops act whose time it is. */
  collect({ cpuJ, diskJ, requests }: EnergyReport): void {
    const { domains } = this.#budgets;
    const since = this.#since;
    for (let domain = 0; domain < domains; domain++) {
      since[2 + 3 * domain]! += cpuJ[domain]!;
      since[3 + 3 * domain]! += diskJ[domain]!;
      since[4 + 3 * domain]! += requests[domain]!;
    }
    since[0]!++;
    since[1]!++;
    const { collectMs, cpuMs, diskMs } = this.periods;
    if (since[0]! * collectMs >= cpuMs) this.#limitCpu();
    if (since[1]! * collectMs >= diskMs) this.#limitDisk();
  }

  #limitCpu(): void {
    const { domains } = this.#budgets;
    const powerW = new Float64Array(domains);
    const budgetW = new Float64Array(domains);
    for (let domain = 0; domain < domains; domain++) {
      powerW[domain] = this.#since[2 + 3 * domain]! / (this.periods.cpuMs / 1000);
      budgetW[domain] = this.#budgets.get('cpu0', domain);
      this.#since[2 + 3 * domain] = 0;
    }
    this.#since[0] = 0;
    adjustStrides(this.strides, powerW, budgetW, this.strideRule);
  }

  #limitDisk(): void {
    const { diskMs } = this.periods;
    for (let domain = 0; domain < this.#budgets.domains; domain++) {
      const powerW = this.#since[3 + 3 * domain]! / (diskMs / 1000);
      const used = (this.#since[4 + 3 * domain]! * this.windowMs) / diskMs;
      this.throttle.adjust(domain, powerW, this.#budgets.get('disk', domain), used);
      this.#since[3 + 3 * domain] = 0;
      this.#since[4 + 3 * domain] = 0;
    }
    this.#since[1] = 0;
  }
}
