/**
 * What VMs earn: a price per hour for each VM, vCPU and GiB while it has a host. A VM that waits
 * earns nothing, and what it would have earned is forgone. Both follow from when a VM came and went
 * and how long it waited; no meter is kept.
 */
import { vmStatus } from '../status.ts';
import type { Twin } from '../twin.ts';
import type { TariffSpec } from './facility-model.ts';

const gib = 1024 * 1024 * 1024;
const msPerHour = 3.6e6;

export interface VmEarnings {
  /** Currency. */
  readonly earned: number;
  /** Currency that waiting VMs did not earn. */
  readonly forgone: number;
}

/** Up to now; reads without settling. */
export function earningsNow(twin: Twin, tariff: TariffSpec): VmEarnings {
  const { model, state } = twin;
  const { vcpus, memoryBytes, arrivalMs } = model.workload;
  const nowMs = state.nowMs[0]!;
  let earned = 0;
  let forgone = 0;
  for (let vm = 0; vm < model.vms; vm++) {
    const status = state.vmStatus[vm]!;
    if (status === vmStatus.absent) continue;
    const perHour =
      tariff.perVmHour +
      tariff.perVcpuHour * vcpus[vm]! +
      tariff.perGibHour * (memoryBytes[vm]! / gib);
    // The last thing that is settled of a VM is its end.
    const untilMs = status === vmStatus.departed ? state.vmSinceMs[vm]! : nowMs;
    const presentMs = Math.max(0, untilMs - Math.max(0, arrivalMs[vm]!));
    let waitedMs = state.vmWaitedMs[vm]!;
    if (status === vmStatus.pending) waitedMs += nowMs - state.vmPendingSinceMs[vm]!;
    earned += (perHour * (presentMs - waitedMs)) / msPerHour;
    forgone += (perHour * waitedMs) / msPerHour;
  }
  return { earned, forgone };
}
