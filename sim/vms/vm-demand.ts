/** What a VM asks for: its row of the trace, or its tasks within its bound. */
import { requestThreads } from '../requests/queue.ts';
import { settleVm } from '../sharing.ts';
import { vmStatus } from '../status.ts';
import type { Twin } from '../twin.ts';

/** Demand of a trace-driven VM in the row that holds now, MIPS; 0 before the first row. */
export function traceDemandMips(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const row = state.tickRow[0]!;
  if (row < 0) return 0;
  return model.workload.demandUnits[row * model.vms + vm]! * model.workload.mipsPerUnit[vm]!;
}

/**
 * Recomputes what a task-driven VM asks for and how many of its vCPUs run, after its tasks, its
 * bound or its host changed. Its host must be settled; the caller shares it.
 */
export function refreshTaskDemand(twin: Twin, vm: number): void {
  const { model, state } = twin;
  if (model.vmTaskDriven[vm] !== 1) return;
  settleVm(twin, vm, state.nowMs[0]!);
  let running = requestThreads(twin, vm);
  for (let task = state.vmTask[vm]!; task >= 0; task = state.taskNext[task]!) {
    running += model.tasks.phaseThreads[model.tasks.phaseStart[task]! + state.taskPhase[task]!]!;
  }
  const vcpus = Math.min(running, model.workload.vcpus[vm]!);
  const host = state.vmHost[vm]!;
  const fastest = host < 0 ? 0 : model.hostFastestMips[host]!;
  const nominal = Math.min(model.workload.vcpuMips[vm]!, fastest);
  state.vmAskedMips[vm] = Math.min(state.vmBoundMips[vm]!, vcpus * nominal);
  const paused = state.vmStatus[vm] === vmStatus.paused;
  state.vmThreads[vm] = paused ? 0 : vcpus;
  state.vmShareWeight[vm] = paused ? 0 : vcpus * model.vmWeight[vm]!;
}
