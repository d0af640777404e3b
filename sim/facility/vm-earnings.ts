/**
 * What VMs earn: a price per hour for each VM, vCPU and GiB while it has a host. A VM that waits, or
 * restarts after a crash, earns nothing, and what it would have earned is forgone. Both follow from
 * when a VM came and went and how long it waited; no meter is kept.
 */
import { vmStatus } from '../status.ts';
import type { Twin } from '../twin.ts';
import type { TariffSpec } from './facility-model.ts';

const gib = 1024 * 1024 * 1024;
const msPerHour = 3.6e6;

export interface VmEarnings {
  /** Currency. */
  readonly earned: number;
  /** Currency that VMs without a host did not earn. */
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
    let awayMs = state.vmWaitedMs[vm]! + restartedMs(twin, vm);
    if (status === vmStatus.pending) awayMs += nowMs - state.vmPendingSinceMs[vm]!;
    earned += (perHour * (presentMs - awayMs)) / msPerHour;
    forgone += (perHour * awayMs) / msPerHour;
  }
  return { earned, forgone };
}

/** Time that the VM was restarting after crashes, ms; not that it waited for a host then. */
function restartedMs({ model, state }: Twin, vm: number): number {
  const { faults } = model;
  if (faults === undefined || faults.crashedVms === 'lost') return 0;
  const crashes = state.faults.vmCrashes[vm]!;
  if (crashes === 0) return 0;
  const { restartMs } = faults;
  const before = (crashes - 1) * restartMs;
  const status = state.vmStatus[vm];
  const untilMs = status === vmStatus.departed ? state.vmSinceMs[vm]! : state.nowMs[0]!;
  return before + Math.min(restartMs, untilMs - state.faults.vmDownSinceMs[vm]!);
}
