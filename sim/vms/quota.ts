/**
 * CPU quotas: a VM with a quota of q cores gets at most q seconds of CPU per second, all its vCPUs
 * together, as with libvirt's `global_quota` (q × `global_period`). A quota is time, not work: what
 * it is in MIPS depends on the P-state of the moment. On hosts with several frequency domains each
 * running vCPU has an equal part of it.
 *
 * Two reasons limit a VM: the quota that was set (`setQuota`) and the allowance under a power limit
 * (`accounting/power-limits.ts`); the smaller one holds.
 */
import type { Twin } from '../twin.ts';

/** Cores that `vm` may use; Infinity for no limit. */
export function quotaCores({ state }: Twin, vm: number): number {
  const own = state.vmQuota[vm]!;
  if (state.limits.vmCores.length === 0) return own;
  const allowed = state.limits.vmCores[vm]!;
  return allowed < own ? allowed : own;
}

/** The same in MIPS on cores of `coreMips`. */
export function quotaMips(twin: Twin, vm: number, coreMips: number): number {
  const cores = quotaCores(twin, vm);
  return cores === Infinity ? Infinity : cores * coreMips;
}
