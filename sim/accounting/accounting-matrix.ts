/**
 * Who spent what for whom: each device driver records, per client domain, what its service cost of
 * every resource. A disk driver enters the disk's energy and the energy of its own CPU, so the cost
 * of a virtual device is found where it arises and billed to the client that caused it (Stoess et
 * al. 2007).
 */
import { assert } from '../errors.ts';

/** Energy by device, domain and the resource it was spent on; base and access apart, J. */
export class AccountingMatrix {
  readonly devices: number;
  readonly domains: number;
  readonly resources: number;
  /** [devices × domains × resources] */
  readonly baseJ: Float64Array;
  readonly accessJ: Float64Array;

  /** @param column `2 × devices × domains × resources` floats; by default a place of its own. */
  constructor(
    devices: number,
    domains: number,
    resources: number,
    column: Float64Array = new Float64Array(2 * devices * domains * resources),
  ) {
    const cells = devices * domains * resources;
    assert(column.length === 2 * cells, () => `${2 * cells} cells in ${column.length} floats`);
    this.devices = devices;
    this.domains = domains;
    this.resources = resources;
    this.baseJ = column.subarray(0, cells);
    this.accessJ = column.subarray(cells);
  }

  /** The driver of `device` records what serving `domain` cost on `resource`. */
  record(device: number, domain: number, resource: number, baseJ: number, accessJ: number): void {
    assert(baseJ >= 0 && accessJ >= 0, () => `a record of ${baseJ} + ${accessJ} J`);
    const cell = this.#cell(device, domain, resource);
    this.baseJ[cell]! += baseJ;
    this.accessJ[cell]! += accessJ;
  }

  /** Everything `domain` has to pay, over all devices and resources, J. */
  billJ(domain: number): { readonly baseJ: number; readonly accessJ: number } {
    let baseJ = 0;
    let accessJ = 0;
    for (let device = 0; device < this.devices; device++) {
      for (let resource = 0; resource < this.resources; resource++) {
        const cell = this.#cell(device, domain, resource);
        baseJ += this.baseJ[cell]!;
        accessJ += this.accessJ[cell]!;
      }
    }
    return { baseJ, accessJ };
  }

  /** Everything spent on `resource`, over all devices and domains, J. */
  spentJ(resource: number): number {
    let sum = 0;
    for (let device = 0; device < this.devices; device++) {
      for (let domain = 0; domain < this.domains; domain++) {
        const cell = this.#cell(device, domain, resource);
        sum += this.baseJ[cell]! + this.accessJ[cell]!;
      }
    }
    return sum;
  }

  #cell(device: number, domain: number, resource: number): number {
    assert(
      device >= 0 && device < this.devices && domain >= 0 && domain < this.domains,
      () => `no device ${device} or domain ${domain}`,
    );
    assert(resource >= 0 && resource < this.resources, () => `no resource ${resource}`);
    return (device * this.domains + domain) * this.resources + resource;
  }
}
