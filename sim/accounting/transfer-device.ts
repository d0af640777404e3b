/**
 * Devices whose energy follows the bytes they move: disk, NIC, DRAM.
 *
 *   time of a request = seek + bytes / rate            access = (active − idle) · time
 *   base of a period  = idle · period, shared by the idle policy
 *
 * Valid for constant power while active; seek and rotation only where a seek time is given.
 */

/** One device. */
export interface TransferDevice {
  readonly name: string;
  readonly idleW: number;
  /** While a transfer is under way; at least `idleW`. */
  readonly activeW: number;
  readonly bytesPerS: number;
  /** Time before each request's transfer, s. @default 0 */
  readonly seekS?: number;
  readonly source: string;
}

/** Disks with published constants, by name. */
export const disks = {
  /** Idle and active power as metered. */
  'maxtor-measured': {
    name: 'Maxtor DiamondMax Plus 9, 160 GB',
    idleW: 4.083,
    activeW: 6.714,
    bytesPerS: 57e6,
    source: 'L4Ka resource monitor, earm disk accounting: measured values',
  },
  'maxtor-data-sheet': {
    name: 'Maxtor DiamondMax Plus 9, 160 GB',
    idleW: 3.45,
    activeW: 5.6,
    bytesPerS: 57e6,
    source: 'L4Ka resource monitor, earm disk accounting: data-sheet values',
  },
  ibm: {
    name: 'IBM disk',
    idleW: 10.2,
    activeW: 13.5,
    bytesPerS: 55e6,
    source: 'L4Ka resource monitor, earm disk accounting: second set of constants',
  },
} as const satisfies Readonly<Record<string, TransferDevice>>;

/** A device that takes `joulesPerByte` for each byte at any rate, as NIC and DRAM are described. */
export function byteDevice(
  name: string,
  idleW: number,
  joulesPerByte: number,
  bytesPerS: number,
  source: string,
): TransferDevice {
  return { name, idleW, activeW: idleW + joulesPerByte * bytesPerS, bytesPerS, source };
}

/** Time that one request keeps the device busy, s. */
export function requestS(device: TransferDevice, bytes: number): number {
  return (device.seekS ?? 0) + bytes / device.bytesPerS;
}

/** Energy that `requests` requests of together `bytes` add to idling, J. */
export function accessEnergyJ(device: TransferDevice, bytes: number, requests: number): number {
  const activeS = (device.seekS ?? 0) * requests + bytes / device.bytesPerS;
  return (device.activeW - device.idleW) * activeS;
}

/** Energy of the device doing nothing for `elapsedS`, J. */
export function baseEnergyJ(device: TransferDevice, elapsedS: number): number {
  return device.idleW * elapsedS;
}
