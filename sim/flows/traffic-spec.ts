/** Network traffic of VMs beside migrations, as immutable columns: who talks to whom, how much. */

import { assert } from '../errors.ts';
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';

/** One end of a stream: a VM, or what lies outside the cluster. */
export type TrafficEnd = { readonly vm: number } | 'outside';

/** A stream of bytes in one direction. It flows while the VMs at its ends run. */
export interface TrafficSpec {
  readonly from: TrafficEnd;
  readonly to: TrafficEnd;
  /** Most it takes, bytes/s; it gets less where links are full. */
  readonly bytesPerS: number;
  /** Bytes to send, after which it is over. Default: it never ends. */
  readonly bytes?: number;
  /** Default 0. */
  readonly startMs?: number;
}

/** Immutable traffic columns. */
export interface TrafficModel {
  readonly count: number;
  /** VM at each end, -1 for outside, [count]. */
  readonly fromVm: Int32Array;
  readonly toVm: Int32Array;
  readonly bytesPerS: Float64Array;
  /** Infinity where it never ends. */
  readonly bytes: Float64Array;
  readonly startMs: Float64Array;
  /** Streams of VM `vm`: `vmStreams[vmStart[vm] … vmStart[vm + 1] - 1]`; [vms + 1], or [0]. */
  readonly vmStart: Int32Array;
  readonly vmStreams: Int32Array;
}

/** @throws InvariantError when an end names no VM or a rate is not a number from 0 up. */
export function buildTraffic(specs: readonly TrafficSpec[], vms: number): TrafficModel {
  const vmOf = (end: TrafficEnd): number => (end === 'outside' ? -1 : end.vm);
  const lists: number[][] = Array.from({ length: specs.length === 0 ? 0 : vms }, () => []);
  specs.forEach(({ from, to, bytesPerS }, stream) => {
    for (const vm of new Set([vmOf(from), vmOf(to)])) {
      assert(vm < vms, () => `stream ${stream} names VM ${vm} of ${vms}`);
      if (vm >= 0) lists[vm]!.push(stream);
    }
    assert(
      bytesPerS >= 0 && bytesPerS < Infinity,
      () => `stream ${stream} wants ${bytesPerS} bytes/s`,
    );
  });
  const starts = [0];
  for (const list of lists) starts.push(starts.at(-1)! + list.length);
  const flat = lists.flat();
  return {
    count: specs.length,
    fromVm: fillInt32(specs.length, (stream) => vmOf(specs[stream]!.from)),
    toVm: fillInt32(specs.length, (stream) => vmOf(specs[stream]!.to)),
    bytesPerS: fillFloat64(specs.length, (stream) => specs[stream]!.bytesPerS),
    bytes: fillFloat64(specs.length, (stream) => specs[stream]!.bytes ?? Infinity),
    startMs: fillFloat64(specs.length, (stream) => specs[stream]!.startMs ?? 0),
    vmStart: fillInt32(lists.length === 0 ? 0 : starts.length, (vm) => starts[vm]!),
    vmStreams: fillInt32(flat.length, (index) => flat[index]!),
  };
}
