/**
 * A machine with one core, one disk, and a driver VM that serves the disk to client VMs: the testbed
 * of Stoess, Lang & Bellosa (USENIX ATC 2007), request by request, with its accountants and meters.
 *
 * CPU and disk are a Pentium D's core at 3 GHz and a Maxtor disk, by their published constants. What
 * is not published was chosen and is said here: 60 µs of command and interrupt time per request, and
 * the events of one request, such that the driver's CPU takes 9 W at blocks of 0.5 KiB and 1 W at
 * 32 KiB. The machine's meters scatter by ±1 % around the truth, so that estimates and readings
 * differ as they do in practice.
 */
import type { RandomStream } from '../../numbers/rng.ts';
import { AccountingMatrix } from '../accounting-matrix.ts';
import { activeEnergyJ, eventWeightSets, idleEnergyJ } from '../event-weights.ts';
import { shareIdle } from '../idle-policy.ts';
import { Ledger } from '../ledger.ts';
import { RequestCost } from '../request-cost.ts';
import { accessEnergyJ, baseEnergyJ, disks } from '../transfer-device.ts';

export const weights = eventWeightSets['pentium-d'];
export const disk = disks['maxtor-measured'];

/** Command and interrupt time of one request beside its transfer, s. */
const commandS = 60e-6;
/** Events of one request in the driver and in the client, in the order of the weights. */
const driverEvents = [35_000, 35_000, 5500, 140, 8500, 40, 400] as const;
const clientEvents = [9000, 9000, 1500, 30, 2500, 10, 100] as const;
const driverJ = activeEnergyJ(weights, driverEvents);
const clientJ = activeEnergyJ(weights, clientEvents);
/** Meters read up to this much more or less than the truth. */
const meterScatter = 0.01;

export const resource = { cpu: 0, disk: 1 } as const;
/** Domain of the driver; client `c` is domain `c + 1`. */
export const driver = 0;

/** One period of the machine, as its accountants saw it. */
export interface DiskPeriod {
  /** Requests served per client. */
  readonly requests: Float64Array;
  /** Charged per client: disk access and the driver's CPU for it, J. */
  readonly diskJ: Float64Array;
}

/** The machine. Clients read blocks of one size, raw, one request after the other. */
export class DiskMachine {
  readonly clients: number;
  readonly ledger: Ledger;
  /** One device, the disk, with what it and the driver's CPU cost per client. */
  readonly matrix: AccountingMatrix;
  readonly cost = new RequestCost();
  /** Energy of the driver's and the clients' own CPU work, as estimated, J. */
  driverActiveJ = 0;
  clientActiveJ = 0;
  readonly #bytes: number;
  readonly #meter: RandomStream;
  #clockS = 0;
  #nowS = 0;
  #next = 0;

  constructor(clients: number, blockBytes: number, meter: RandomStream) {
    this.clients = clients;
    this.ledger = new Ledger(clients + 1, 2);
    this.matrix = new AccountingMatrix(1, clients + 1, 2);
    this.#bytes = blockBytes;
    this.#meter = meter;
  }

  /**
   * Runs for `elapsedS`.
   *
   * @param allowed Requests that each client may still send; lowered by what it sends.
   */
  run(elapsedS: number, allowed: Float64Array): DiskPeriod {
    const requests = new Float64Array(this.clients);
    const serviceS = commandS + this.#bytes / disk.bytesPerS;
    this.#nowS += elapsedS;
    while (this.#clockS < this.#nowS) {
      const client = this.#nextClient(allowed);
      if (client < 0) {
        this.#clockS = this.#nowS;
        break;
      }
      allowed[client]!--;
      requests[client]!++;
      this.#clockS += serviceS;
    }
    return { requests, diskJ: this.#charge(elapsedS, requests) };
  }

  /** Round robin over the clients that may send. */
  #nextClient(allowed: Float64Array): number {
    for (let tried = 0; tried < this.clients; tried++) {
      const client = (this.#next + tried) % this.clients;
      if (allowed[client]! < 1) continue;
      this.#next = (client + 1) % this.clients;
      return client;
    }
    return -1;
  }

  #charge(elapsedS: number, requests: Float64Array): Float64Array {
    const { ledger, matrix, clients } = this;
    const domains = clients + 1;
    let served = 0;
    for (const count of requests) served += count;
    // The CPU: idle evenly over all VMs, active to who ran.
    const idleJ = new Float64Array(domains);
    shareIdle('even', idleEnergyJ(weights, elapsedS), idleJ, idleJ, idleJ);
    ledger.charge(driver, resource.cpu, idleJ[driver]!, served * driverJ);
    this.driverActiveJ += served * driverJ;
    this.clientActiveJ += served * clientJ;
    // The driver's CPU, recursively, to its clients.
    const base = new Float64Array(clients).fill(idleJ[driver]! / clients);
    const access = new Float64Array(clients);
    this.cost.period(elapsedS, served * driverJ, requests, base, access);
    const diskJ = new Float64Array(clients);
    for (let client = 0; client < clients; client++) {
      const domain = client + 1;
      const count = requests[client]!;
      ledger.charge(domain, resource.cpu, idleJ[domain]!, count * clientJ);
      const transferJ = accessEnergyJ(disk, count * this.#bytes, count);
      const restJ = baseEnergyJ(disk, elapsedS) / clients;
      ledger.charge(domain, resource.disk, restJ, transferJ);
      matrix.record(0, domain, resource.cpu, base[client]!, access[client]!);
      matrix.record(0, domain, resource.disk, restJ, transferJ);
      diskJ[client] = transferJ + access[client]!;
    }
    const cpuJ = idleEnergyJ(weights, elapsedS) + served * (driverJ + clientJ);
    const bytes = served * this.#bytes;
    const spinningJ = baseEnergyJ(disk, elapsedS) + accessEnergyJ(disk, bytes, served);
    ledger.close(resource.cpu, this.#read(cpuJ));
    ledger.close(resource.disk, this.#read(spinningJ));
    return diskJ;
  }

  #read(energyJ: number): number {
    return energyJ * (1 + meterScatter * (2 * this.#meter.float() - 1));
  }
}
