/**
 * What flows over links, and who it belongs to. Flow numbers are dense: first the slots of
 * migrations, then the traffic of VMs, then one flow per VM for the disk of its host. The last two
 * are *streams*: they follow a demand, and what they carried is metered.
 *
 * Hosts that a flow burdens are told of every change of its rate, where the model asks for it:
 * bytes/s at the network interface, bytes/s at the disk, and the CPU that copying takes. Sums are
 * kept in multiples of a small power of two, so that they are exact and end at 0.
 */
import { slowedCap } from '../faults/migration-faults.ts';
import { settleHost, shareHost } from '../sharing.ts';
import { migrationStage } from '../status.ts';
import type { Twin } from '../twin.ts';

/** Index of the flow among the streams; negative for a migration. */
export function streamOf(twin: Twin, flow: number): number {
  return flow - twin.model.migrationsMax;
}

/** True for a VM's flow to and from the disk of its host. */
export function isDiskFlow(twin: Twin, flow: number): boolean {
  return streamOf(twin, flow) >= twin.model.traffic.count;
}

/** True for a flow that takes part in the sharing of disks. */
export function usesDisks(twin: Twin, flow: number): boolean {
  if (streamOf(twin, flow) >= 0) return isDiskFlow(twin, flow);
  return (
    twin.state.migrationStage[flow] === migrationStage.disk &&
    twin.model.disks.hostBytesPerS.length > 0
  );
}

/** Host where the flow begins; the row of limbo stands for outside. */
export function flowSource(twin: Twin, flow: number): number {
  const stream = streamOf(twin, flow);
  return stream < 0 ? twin.state.migrationSource[flow]! : twin.state.streamSource[stream]!;
}

/** Host where the flow ends; the row of limbo stands for outside. */
export function flowTarget(twin: Twin, flow: number): number {
  const stream = streamOf(twin, flow);
  return stream < 0 ? twin.state.migrationTarget[flow]! : twin.state.streamTarget[stream]!;
}

/** Most that the flow takes by itself, bytes/s of payload. */
export function flowCap(twin: Twin, flow: number): number {
  const { model, state } = twin;
  const stream = streamOf(twin, flow);
  if (stream >= 0) {
    const allowed = state.limits.vmDiskBytesPerS[stream - model.traffic.count] ?? Infinity;
    return Math.min(
      state.streamDemandBytesPerS[stream]!,
      state.streamLimitBytesPerS[stream]!,
      allowed,
    );
  }
  const { network } = model;
  const vm = state.migrationVm[flow]!;
  const wanted = model.migrationBytesPerS[vm]!;
  let own = wanted > 0 ? wanted : Infinity;
  if (state.migrationStage[flow] === migrationStage.disk) {
    own = Math.min(own, model.migrationRules[model.migrationRule[vm]!]!.storageBytesPerS);
  }
  own = slowedCap(twin, flow, own);
  if (network.star) return own;
  const pair = state.migrationSource[flow]! * network.hosts + state.migrationTarget[flow]!;
  return Math.min(own, network.routeBytesPerS[pair]! * network.rateFactor);
}

/** Weight of the flow among those on its links. */
export function flowWeight(twin: Twin, flow: number): number {
  const { model, state } = twin;
  const { network } = model;
  const migration = streamOf(twin, flow) < 0;
  const channels = migration
    ? model.migrationRules[model.migrationRule[state.migrationVm[flow]!]!]!.channels
    : 1;
  if (network.star || isDiskFlow(twin, flow)) return channels;
  const source = flowSource(twin, flow);
  const target = flowTarget(twin, flow);
  return network.routeWeight[source * network.hosts + target]! * channels;
}

/** Brings what is left of the flow, and a stream's meters, up to now. */
export function settleFlow(twin: Twin, flow: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  const elapsedS = (nowMs - state.flowSinceMs[flow]!) / 1000;
  const carried = state.flowBytesPerS[flow]! * elapsedS;
  state.flowRemainingBytes[flow]! -= carried;
  state.flowSinceMs[flow] = nowMs;
  const stream = streamOf(twin, flow);
  if (stream < 0) return;
  state.streamCarriedBytes[stream]! += carried;
  state.streamDemandedBytes[stream]! += state.streamDemandBytesPerS[stream]! * elapsedS;
}

/** Sets the rate of a flow that is settled, bytes/s, and tells the hosts that it burdens. */
export function changeRate(twin: Twin, flow: number, bytesPerS: number): void {
  const { model, state } = twin;
  const before = state.flowBytesPerS[flow]!;
  if (before === bytesPerS) return;
  state.flowBytesPerS[flow] = bytesPerS;
  if (!model.flowsBurdenHosts) return;
  const source = flowSource(twin, flow);
  const target = flowTarget(twin, flow);
  burden(twin, flow, source, before, bytesPerS);
  if (target !== source) burden(twin, flow, target, before, bytesPerS);
}

function burden(twin: Twin, flow: number, host: number, before: number, after: number): void {
  const { model, state } = twin;
  if (host >= model.limbo) return;
  settleHost(twin, host, state.nowMs[0]!);
  const wasBusy = isBusy(twin, host);
  const changed = wholeUnits(after) - wholeUnits(before);
  if (state.hostNicBytesPerS.length > 0 && flowSource(twin, flow) !== flowTarget(twin, flow)) {
    state.hostNicBytesPerS[host]! += changed;
  }
  if (usesDisks(twin, flow)) {
    state.hostDiskBytesPerS[host]! += changed;
    state.hostDiskBusy[host] = Math.min(
      1,
      state.hostDiskBytesPerS[host]! / model.disks.hostBytesPerS[host]!,
    );
  }
  if (streamOf(twin, flow) < 0) {
    const cost = flowSource(twin, flow) === host ? 'source' : 'target';
    state.hostBackgroundMips[host]! +=
      wholeUnits(copyingMips(twin, host, cost, after)) -
      wholeUnits(copyingMips(twin, host, cost, before));
  }
  // The fused tick knows neither interfaces nor disks.
  const isBusyNow = isBusy(twin, host);
  if (isBusyNow !== wasBusy) state.hostSpecial[host]! += isBusyNow ? 1 : -1;
  shareHost(twin, host);
}

function isBusy(twin: Twin, host: number): boolean {
  const { hostNicBytesPerS, hostDiskBytesPerS } = twin.state;
  return (hostNicBytesPerS[host] ?? 0) > 0 || (hostDiskBytesPerS[host] ?? 0) > 0;
}

/** CPU that copying at `bytesPerS` takes on `host`, MIPS. */
export function copyingMips(
  twin: Twin,
  host: number,
  end: 'source' | 'target',
  bytesPerS: number,
): number {
  const { model } = twin;
  const cores = end === 'source' ? model.copyingCores.source : model.copyingCores.target;
  return cores === 0
    ? 0
    : cores * model.hostFastestMips[host]! * (bytesPerS / model.copyingCores.atBytesPerS);
}

/** Multiples of 2⁻¹⁶: their sums are exact up to 2³⁷ = 137 GB/s. */
const unitsPerOne = 65536;

function wholeUnits(value: number): number {
  return Math.round(value * unitsPerOne) / unitsPerOne;
}
