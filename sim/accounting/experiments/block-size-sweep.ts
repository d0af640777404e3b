/**
 * Where the energy of a disk stress test goes, by block size: small blocks cost the driver's CPU,
 * large ones the disk. One client reads raw blocks as fast as it can.
 */
import { RandomStream } from '../../numbers/rng.ts';
import { DiskMachine, driver, resource } from './disk-machine.ts';

/** Mean power of one block size, W. */
export interface BlockSizeRow {
  readonly blockKib: number;
  readonly requestsPerS: number;
  readonly driverIdleW: number;
  readonly clientIdleW: number;
  readonly driverActiveW: number;
  readonly clientActiveW: number;
  readonly diskIdleW: number;
  readonly diskActiveW: number;
  /** Meter minus all parts; below 0 where more was estimated than metered. */
  readonly unattributedW: number;
  readonly meterW: number;
  /** What the client pays in the end, driver included. */
  readonly clientBillW: number;
}

export const blockSizesKib = [0.5, 1, 2, 4, 8, 16, 32] as const;
const periodS = 0.02;
const seconds = 4;

/** One row per block size, each `seconds` long. */
export function blockSizeSweep(seed: number): BlockSizeRow[] {
  return blockSizesKib.map((blockKib) => {
    const machine = new DiskMachine(
      1,
      blockKib * 1024,
      new RandomStream(seed, `meter ${blockKib}`),
    );
    const { ledger, matrix } = machine;
    let requests = 0;
    for (let period = 0; period < seconds / periodS; period++) {
      requests += machine.run(periodS, Float64Array.of(Infinity)).requests[0]!;
    }
    const watts = (joules: number): number => joules / seconds;
    const cell = (domain: number, of: number): number => domain * ledger.resources + of;
    const client = 1;
    const own = watts(ledger.baseJ[cell(client, resource.cpu)]! + machine.clientActiveJ);
    const service = matrix.billJ(client);
    let residualJ = 0;
    let meterJ = 0;
    for (const of of [resource.cpu, resource.disk]) {
      residualJ += ledger.unattributedJ[of]! - ledger.overdrawnJ[of]!;
      meterJ += ledger.meterJ[of]!;
    }
    return {
      blockKib,
      requestsPerS: requests / seconds,
      driverIdleW: watts(ledger.baseJ[cell(driver, resource.cpu)]!),
      clientIdleW: watts(ledger.baseJ[cell(client, resource.cpu)]!),
      driverActiveW: watts(ledger.accessJ[cell(driver, resource.cpu)]!),
      clientActiveW: watts(ledger.accessJ[cell(client, resource.cpu)]!),
      diskIdleW: watts(ledger.baseJ[cell(client, resource.disk)]!),
      diskActiveW: watts(ledger.accessJ[cell(client, resource.disk)]!),
      unattributedW: watts(residualJ),
      meterW: watts(meterJ),
      clientBillW: own + watts(service.baseJ + service.accessJ),
    };
  });
}
