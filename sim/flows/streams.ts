/**
 * Streams: the traffic of VMs and their use of disks. A stream flows while the VMs at its ends run;
 * it is told when one of them comes, moves, stops, goes on or goes.
 */

import { vmStatus } from '../status.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';
import { flowCap, isDiskFlow, settleFlow, streamOf } from './flows.ts';
import { isOnNetwork, joinNetwork, leaveNetwork } from './network.ts';

/** Values of `streamStatus`. */
export const streamStatus = { waiting: 0, flowing: 1, done: 2 } as const;

/** All streams at time 0. Call once every VM has its place. */
export function initializeStreams(twin: Twin): void {
  const { model, state } = twin;
  if (model.streams === 0) return;
  state.streamLimitBytesPerS.fill(Infinity);
  for (let stream = 0; stream < model.streams; stream++) {
    const flow = model.migrationsMax + stream;
    state.flowRemainingBytes[flow] = Infinity;
    const startMs = model.traffic.startMs[stream] ?? 0;
    if (isDiskFlow(twin, flow)) {
      state.streamLimitBytesPerS[stream] =
        model.disks.vmLimitBytesPerS[stream - model.traffic.count]!;
      startStream(twin, flow);
    } else if (startMs <= 0) startStream(twin, flow);
    else schedule(state, twin.timers.flow + flow, startMs, phases.arrival);
  }
}

/** The stream's timer went off: it begins, or its last byte has arrived. */
export function streamTimer(twin: Twin, flow: number): void {
  const { state } = twin;
  const stream = streamOf(twin, flow);
  if (state.streamStatus[stream] === streamStatus.waiting) {
    startStream(twin, flow);
    return;
  }
  settleFlow(twin, flow);
  leaveNetwork(twin, flow);
  state.flowRemainingBytes[flow] = 0;
  state.streamStatus[stream] = streamStatus.done;
  state.streamDemandBytesPerS[stream] = 0;
}

function startStream(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const stream = streamOf(twin, flow);
  const bytes = model.traffic.bytes[stream] ?? Infinity;
  state.streamStatus[stream] = bytes > 0 ? streamStatus.flowing : streamStatus.done;
  state.streamWantedBytesPerS[stream] = isDiskFlow(twin, flow)
    ? diskDemand(twin, stream - model.traffic.count)
    : model.traffic.bytesPerS[stream]!;
  state.flowRemainingBytes[flow] = bytes;
  state.flowSinceMs[flow] = state.nowMs[0]!;
  refreshStream(twin, flow);
}

/** Something about `vm` changed: where it is, or whether it runs. */
export function refreshStreams(twin: Twin, vm: number): void {
  const { traffic, disks, streams, migrationsMax } = twin.model;
  if (streams === 0) return;
  if (traffic.count > 0) {
    for (let at = traffic.vmStart[vm]!; at < traffic.vmStart[vm + 1]!; at++) {
      refreshStream(twin, migrationsMax + traffic.vmStreams[at]!);
    }
  }
  if (disks.hostBytesPerS.length > 0) {
    const stream = traffic.count + vm;
    twin.state.streamWantedBytesPerS[stream] = diskDemand(twin, vm);
    refreshStream(twin, migrationsMax + stream);
  }
}

/** The demand row has changed: disk demands that follow the CPU change with it. */
export function followDemand(twin: Twin): void {
  const { model } = twin;
  if (!model.disks.followsCpu) return;
  for (let vm = 0; vm < model.vms; vm++) {
    if (model.disks.vmBytesPerMi[vm] === 0) continue;
    setWanted(twin, model.traffic.count + vm, diskDemand(twin, vm));
  }
}

function diskDemand(twin: Twin, vm: number): number {
  const { disks } = twin.model;
  return disks.vmBytesPerS[vm]! + disks.vmBytesPerMi[vm]! * twin.state.vmAskedMips[vm]!;
}

/** Changes what a stream of the traffic wants, bytes/s. */
export function setTraffic(twin: Twin, stream: number, bytesPerS: number): Refusal {
  if (!(stream >= 0 && stream < twin.model.traffic.count)) return 'there is no such stream';
  if (!(bytesPerS >= 0 && bytesPerS < Infinity)) return 'a rate is a number of bytes/s from 0 up';
  if (twin.state.streamStatus[stream] !== streamStatus.flowing) return 'the stream does not flow';
  setWanted(twin, stream, bytesPerS);
  return undefined;
}

/** Throttles the disk use of a VM, bytes/s (`Infinity`: no limit). */
export function setDiskLimit(twin: Twin, vm: number, bytesPerS: number): Refusal {
  const { model, state } = twin;
  if (model.disks.hostBytesPerS.length === 0) return 'disks are not modelled';
  if (!(vm >= 0 && vm < model.vms)) return 'there is no such VM';
  if (!(bytesPerS >= 0)) return 'a limit is a number of bytes/s from 0 up';
  const stream = model.traffic.count + vm;
  leave(twin, model.migrationsMax + stream);
  state.streamLimitBytesPerS[stream] = bytesPerS;
  refreshStream(twin, model.migrationsMax + stream);
  return undefined;
}

/** The same under a power limit, beside the throttle: the smaller one holds. */
export function setDiskAllowance(twin: Twin, vm: number, bytesPerS: number): void {
  const { model, state } = twin;
  const flow = model.migrationsMax + model.traffic.count + vm;
  leave(twin, flow);
  state.limits.vmDiskBytesPerS[vm] = bytesPerS;
  refreshStream(twin, flow);
}

function setWanted(twin: Twin, stream: number, bytesPerS: number): void {
  if (twin.state.streamWantedBytesPerS[stream] === bytesPerS) return;
  twin.state.streamWantedBytesPerS[stream] = bytesPerS;
  refreshStream(twin, twin.model.migrationsMax + stream);
}

/** Puts the stream where its VMs are now, with the demand that they have now. */
function refreshStream(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const stream = streamOf(twin, flow);
  if (state.streamStatus[stream] !== streamStatus.flowing) return;
  const disk = isDiskFlow(twin, flow);
  const from = disk ? stream - model.traffic.count : model.traffic.fromVm[stream]!;
  const to = disk ? from : model.traffic.toVm[stream]!;
  const wanted =
    isThere(twin, from) && isThere(twin, to) ? state.streamWantedBytesPerS[stream]! : 0;
  const source = placeOf(twin, from);
  const target = placeOf(twin, to);
  const flows = source >= 0 && target >= 0;
  const same =
    state.streamDemandBytesPerS[stream] === wanted &&
    isOnNetwork(twin, flow) === flows &&
    (!flows || (state.streamSource[stream] === source && state.streamTarget[stream] === target));
  if (same) return;
  leave(twin, flow);
  state.streamDemandBytesPerS[stream] = wanted;
  if (!flows) return;
  state.streamSource[stream] = source;
  state.streamTarget[stream] = target;
  if (flowCap(twin, flow) > 0) joinNetwork(twin, flow);
}

function leave(twin: Twin, flow: number): void {
  settleFlow(twin, flow);
  if (!isOnNetwork(twin, flow)) return;
  leaveNetwork(twin, flow);
  cancel(twin.state, twin.timers.flow + flow);
}

/** True while a VM waits, runs or stands still; what it asks for then counts as demand. */
function isThere(twin: Twin, vm: number): boolean {
  if (vm < 0) return true;
  const status = twin.state.vmStatus[vm]!;
  return status !== vmStatus.absent && status !== vmStatus.departed;
}

/** Host of a running VM, the row of limbo for outside, -1 for a VM that does not run. */
function placeOf(twin: Twin, vm: number): number {
  if (vm < 0) return twin.model.limbo;
  return twin.state.vmStatus[vm] === vmStatus.running ? twin.state.vmHost[vm]! : -1;
}

/** What a stream asked for and what it carried up to now, bytes; reads without settling. */
export function streamBytes(
  twin: Twin,
  stream: number,
): { readonly demanded: number; readonly carried: number } {
  const { model, state } = twin;
  const flow = model.migrationsMax + stream;
  const elapsedS = (state.nowMs[0]! - state.flowSinceMs[flow]!) / 1000;
  return {
    demanded: state.streamDemandedBytes[stream]! + state.streamDemandBytesPerS[stream]! * elapsedS,
    carried: state.streamCarriedBytes[stream]! + state.flowBytesPerS[flow]! * elapsedS,
  };
}
