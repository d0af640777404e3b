/** What faults want to know of the life of a VM: when it runs on a host and when it is gone. */
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { drawLifetime } from './lifetime.ts';

/** The VM begins to run on a host. */
export function vmStarted(twin: Twin, vm: number): void {
  const { state } = twin;
  const spec = twin.model.faults?.vms;
  endDowntime(twin, vm);
  if (spec === undefined) return;
  const { vmSeed, vmDraws } = state.faults;
  const untilMs = state.nowMs[0]! + drawLifetime(spec.upMs, vmSeed[vm]!, vmDraws[vm]!);
  vmDraws[vm]!++;
  if (untilMs < Infinity) schedule(state, twin.timers.faultVm + vm, untilMs, phases.transition);
}

/** The VM has ended. */
export function vmEnded(twin: Twin, vm: number): void {
  endDowntime(twin, vm);
  cancel(twin.state, twin.timers.faultVm + vm);
}

function endDowntime(twin: Twin, vm: number): void {
  const { vmIsDown, vmDownMs, vmDownSinceMs } = twin.state.faults;
  if (vmIsDown[vm] === 0) return;
  vmIsDown[vm] = 0;
  vmDownMs[vm]! += twin.state.nowMs[0]! - vmDownSinceMs[vm]!;
}
