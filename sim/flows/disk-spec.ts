/** Disks of hosts and what VMs ask of them, as immutable columns. */

import { assert } from '../errors.ts';
import { fillFloat64 } from '../numbers/columns.ts';

/** What one VM asks of the disk of its host, reads and writes together. */
export interface DiskDemand {
  /** Whatever the VM does, bytes/s. Default 0. */
  readonly bytesPerS?: number;
  /** With the CPU it asks for, bytes per MIPS·s. Default 0. */
  readonly bytesPerMi?: number;
  /** Throttle, bytes/s, and requests/s of `requestBytes` each; default: none. */
  readonly limitBytesPerS?: number;
  readonly limitRequestsPerS?: number;
  readonly requestBytes?: number;
}

export interface DiskSpec {
  /** Rate of the disk of host `host`, bytes/s. */
  readonly bytesPerS: (host: number) => number;
  readonly demand: (vm: number) => DiskDemand;
}

/** Immutable disk columns; all of length 0 where disks are not modelled. */
export interface DiskModel {
  /** [hosts] */
  readonly hostBytesPerS: Float64Array;
  /** [vms] Demand, and the throttle as bytes/s (Infinity for none). */
  readonly vmBytesPerS: Float64Array;
  readonly vmBytesPerMi: Float64Array;
  readonly vmLimitBytesPerS: Float64Array;
  /** True when some VM's demand follows its CPU. */
  readonly followsCpu: boolean;
}

/** Size of one request where none is given, bytes: 64 KiB. */
const usualRequestBytes = 65536;

/** @throws InvariantError for a disk without a rate. */
export function buildDisks(spec: DiskSpec | undefined, hosts: number, vms: number): DiskModel {
  const hostRows = spec === undefined ? 0 : hosts;
  const demands = spec === undefined ? [] : Array.from({ length: vms }, (_, vm) => spec.demand(vm));
  const hostBytesPerS = fillFloat64(hostRows, (host) => spec!.bytesPerS(host));
  hostBytesPerS.forEach((rate, host) => {
    assert(rate > 0 && rate < Infinity, () => `the disk of host ${host} does ${rate} bytes/s`);
  });
  return {
    hostBytesPerS,
    vmBytesPerS: fillFloat64(demands.length, (vm) => demands[vm]!.bytesPerS ?? 0),
    vmBytesPerMi: fillFloat64(demands.length, (vm) => demands[vm]!.bytesPerMi ?? 0),
    vmLimitBytesPerS: fillFloat64(demands.length, (vm) => limitOf(demands[vm]!)),
    followsCpu: demands.some((demand) => (demand.bytesPerMi ?? 0) > 0),
  };
}

function limitOf(demand: DiskDemand): number {
  const requests = demand.limitRequestsPerS ?? Infinity;
  return Math.min(
    demand.limitBytesPerS ?? Infinity,
    requests * (demand.requestBytes ?? usualRequestBytes),
  );
}

/**
 * Mean time that one request spends at a disk, waiting included, s: one server with a fixed
 * service time and requests that come at random (M/D/1, Pollaczek–Khinchine):
 * s + s · ρ / (2 · (1 − ρ)). Infinity from ρ = 1 on.
 *
 * @param busy Fraction of time that the disk works, ρ in [0, 1].
 */
export function diskResponseS(requestBytes: number, bytesPerS: number, busy: number): number {
  const serviceS = requestBytes / bytesPerS;
  return busy < 1 ? serviceS + (serviceS * busy) / (2 * (1 - busy)) : Infinity;
}
