/**
 * Estimates against a meter, interval by interval. Domains (VMs, drivers, the hypervisor) are charged
 * what a model says they took of each resource (CPUs, disk, NIC, DRAM, …), split into base (what the
 * resource takes anyway) and access (what their use of it adds); closing the interval sets the
 * meter's reading against the sum.
 *
 *   Σ charges + unattributed − overdrawn = Σ meter readings       for every resource, always
 *
 * `unattributed` is energy that the meter saw and no model explains, `overdrawn` what was charged
 * beyond the meter; at most one of them is above 0, and none is ever dropped.
 */
import { assert } from '../errors.ts';

/** What to do when more was charged than the meter saw: carry it on, or scale the charges down. */
export type Overrun = 'carry' | 'scale';

/** What closing an interval found, J. */
export interface IntervalBalance {
  readonly meterJ: number;
  /** Sum of the charges as estimated. */
  readonly estimatedJ: number;
  /** meterJ − estimatedJ, before any scaling. */
  readonly residualJ: number;
}

/** Energy by domain and resource, as columns over one stretch of floats. */
export class Ledger {
  readonly domains: number;
  readonly resources: number;
  /** [domains × resources] Energy charged in closed intervals, J. */
  readonly baseJ: Float64Array;
  readonly accessJ: Float64Array;
  /** [resources] Meter readings of closed intervals, and what they and the charges differ by, J. */
  readonly meterJ: Float64Array;
  readonly unattributedJ: Float64Array;
  readonly overdrawnJ: Float64Array;
  /** [domains × resources] Charges of the open interval, J. */
  readonly #openBaseJ: Float64Array;
  readonly #openAccessJ: Float64Array;

  /**
   * @param column Where the ledger lives: `Ledger.length` floats, zeroed or of the same shape. By
   *   default a place of its own.
   */
  constructor(
    domains: number,
    resources: number,
    column: Float64Array = new Float64Array(Ledger.length(domains, resources)),
  ) {
    const cells = domains * resources;
    assert(
      column.length === Ledger.length(domains, resources),
      () => `a ledger of ${domains} × ${resources} has no room in ${column.length} floats`,
    );
    this.domains = domains;
    this.resources = resources;
    this.baseJ = column.subarray(0, cells);
    this.accessJ = column.subarray(cells, 2 * cells);
    this.#openBaseJ = column.subarray(2 * cells, 3 * cells);
    this.#openAccessJ = column.subarray(3 * cells, 4 * cells);
    const rest = column.subarray(4 * cells);
    this.meterJ = rest.subarray(0, resources);
    this.unattributedJ = rest.subarray(resources, 2 * resources);
    this.overdrawnJ = rest.subarray(2 * resources);
  }

  /** Floats that a ledger takes. */
  static length(domains: number, resources: number): number {
    return 4 * domains * resources + 3 * resources;
  }

  /** Charges `domain` for the open interval; both at least 0. */
  charge(domain: number, resource: number, baseJ: number, accessJ: number): void {
    assert(
      baseJ >= 0 && accessJ >= 0 && baseJ + accessJ < Infinity,
      () => `a charge of ${baseJ} + ${accessJ} J to domain ${domain}`,
    );
    const cell = this.#cell(domain, resource);
    this.#openBaseJ[cell]! += baseJ;
    this.#openAccessJ[cell]! += accessJ;
  }

  /** Ends the resource's interval: sets `meterJ`, what the meter saw in it, against the charges. */
  close(resource: number, meterJ: number, overrun: Overrun = 'carry'): IntervalBalance {
    assert(meterJ >= 0 && meterJ < Infinity, () => `a meter reading of ${meterJ} J`);
    let estimatedJ = 0;
    for (let domain = 0; domain < this.domains; domain++) {
      const cell = this.#cell(domain, resource);
      estimatedJ += this.#openBaseJ[cell]! + this.#openAccessJ[cell]!;
    }
    const scale = overrun === 'scale' && estimatedJ > meterJ ? meterJ / estimatedJ : 1;
    let chargedJ = 0;
    for (let domain = 0; domain < this.domains; domain++) {
      const cell = this.#cell(domain, resource);
      const baseJ = this.#openBaseJ[cell]! * scale;
      const accessJ = this.#openAccessJ[cell]! * scale;
      this.baseJ[cell]! += baseJ;
      this.accessJ[cell]! += accessJ;
      this.#openBaseJ[cell] = 0;
      this.#openAccessJ[cell] = 0;
      chargedJ += baseJ + accessJ;
    }
    this.meterJ[resource]! += meterJ;
    const balance = this.unattributedJ[resource]! - this.overdrawnJ[resource]!;
    // What scaling leaves over is rounding.
    const carried = balance + (scale === 1 ? meterJ - chargedJ : 0);
    this.unattributedJ[resource] = Math.max(0, carried);
    this.overdrawnJ[resource] = Math.max(0, -carried);
    return { meterJ, estimatedJ, residualJ: meterJ - estimatedJ };
  }

  /** Energy of `domain` in closed intervals, base and access together, J. */
  domainJ(domain: number): number {
    let sum = 0;
    for (let resource = 0; resource < this.resources; resource++) {
      const cell = this.#cell(domain, resource);
      sum += this.baseJ[cell]! + this.accessJ[cell]!;
    }
    return sum;
  }

  /** Energy of all domains on `resource` in closed intervals, J. */
  resourceJ(resource: number): number {
    let sum = 0;
    for (let domain = 0; domain < this.domains; domain++) {
      const cell = this.#cell(domain, resource);
      sum += this.baseJ[cell]! + this.accessJ[cell]!;
    }
    return sum;
  }

  #cell(domain: number, resource: number): number {
    assert(
      domain >= 0 && domain < this.domains && resource >= 0 && resource < this.resources,
      () => `no cell ${domain}, ${resource} in a ledger of ${this.domains} × ${this.resources}`,
    );
    return domain * this.resources + resource;
  }
}
