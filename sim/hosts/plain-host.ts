/**
 * Plain hosts: switched on, one frequency, nothing on them but VMs that follow their demand. The
 * common case of a single change of demand, without the questions that the general path asks.
 */
import { contendedLevel } from '../contention.ts';
import { hostPower } from '../status.ts';
import type { Twin } from '../twin.ts';
import { pstatePowerW } from './pstate-power.ts';

/** Whether nothing makes `host` special; see `ClusterState.hostSpecial`. */
export function isPlain({ state }: Twin, host: number): boolean {
  return state.hostSpecial[host] === 0 && state.hostPower[host] === hostPower.on;
}

/** Level, delivered CPU and power of a plain host, bit for bit as the general path computes them. */
export function sharePlainHost(twin: Twin, host: number): void {
  const { model, state } = twin;
  const { slots, vmAskedMips, vmThreads } = state;
  const row = model.pstateStart[host]! + state.hostPstate[host]!;
  const coreMips = model.pstateCoreMips[row]!;
  const cores = model.hostCores[host]!;
  const capacity = coreMips * cores;
  const first = state.hostSlot[host]!;
  const end = first + state.hostVms[host]!;
  let askedSum = 0;
  let capSum = 0;
  for (let slot = first; slot < end; slot++) {
    const vm = slots[slot]!;
    const want = vmAskedMips[vm]!;
    const top = vmThreads[vm]! * coreMips;
    askedSum += want;
    capSum += want < top ? want : top;
  }
  const used = Math.min(capSum, capacity);
  state.hostAskedMips[host] = askedSum;
  state.hostUsedMips[host] = used;
  state.hostLevel[host] = capSum > capacity ? plainLevel(twin, host, coreMips) : Infinity;
  state.hostPowerW[host] = pstatePowerW(model, row, cores, used);
}

/** Water level of a plain host that is asked for more than it has, MIPS per unit of weight. */
export function plainLevel(twin: Twin, host: number, coreMips: number): number {
  const { slots, vmAskedMips, vmThreads, vmShareWeight, hostSlot, hostVms } = twin.state;
  const { caps, weights } = twin.scratch;
  const first = hostSlot[host]!;
  const count = hostVms[host]!;
  for (let claim = 0; claim < count; claim++) {
    const vm = slots[first + claim]!;
    const want = vmAskedMips[vm]!;
    const top = vmThreads[vm]! * coreMips;
    caps[claim] = want < top ? want : top;
    weights[claim] = vmShareWeight[vm]!;
  }
  return contendedLevel(caps, weights, count, coreMips * twin.model.hostCores[host]!);
}
