/** The transition that sets a VM's CPU quota; what a quota is stands in `quota.ts`. */
import { settleHost, shareHost } from '../sharing.ts';
import { vmStatus } from '../status.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';

/**
 * Limits the CPU time of all vCPUs of a VM together, in cores (`Infinity`: no limit). It holds at
 * once, moves with the VM, and may be set before the VM comes.
 */
export function setQuota(twin: Twin, vm: number, cores: number): Refusal {
  const { model, state } = twin;
  if (!(vm >= 0 && vm < model.vms)) return 'there is no such VM';
  if (!(cores > 0)) return 'a quota is a number of cores above 0';
  if (state.vmStatus[vm] === vmStatus.departed) return 'the VM has ended';
  const before = state.vmQuota[vm]!;
  if (before === cores) return undefined;
  const host = state.vmHost[vm]!;
  if (host < 0) {
    state.vmQuota[vm] = cores;
    return undefined;
  }
  settleHost(twin, host, state.nowMs[0]!);
  state.vmQuota[vm] = cores;
  // The fused tick knows no quotas.
  state.hostSpecial[host]! += Number(cores < Infinity) - Number(before < Infinity);
  shareHost(twin, host);
  return undefined;
}
