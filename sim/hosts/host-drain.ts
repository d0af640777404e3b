/** Power states of a host, and the shutdown of one that waited until it was empty. */
import { settleHost, shareHost } from '../sharing.ts';
import { drainTo, hostPower } from '../status.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';

/** Begins the shutdown or the suspension of a draining host that has nothing left on it. */
export function shutDownIfDrained(twin: Twin, host: number): void {
  const { model, state } = twin;
  const to = state.hostDraining[host]!;
  if (to === 0) return;
  if (state.hostVms[host]! > 0 || state.hostTasks[host]! > 0) return;
  // After the switch to post-copy the source still holds memory of the VM.
  if (state.hostOutgoing[host]! > 0) return;
  state.hostDraining[host] = 0;
  state.actionTotals[1]!++;
  if (to === drainTo.off) {
    beginTransition(twin, host, hostPower.shuttingDown, model.hostShutdownMs[host]!);
  } else {
    beginTransition(twin, host, hostPower.suspending, model.hostSuspendMs[host]!);
  }
}

/** Enters `power` for `durationMs`; then the transition is over. */
export function beginTransition(twin: Twin, host: number, power: number, durationMs: number): void {
  const { state, timers } = twin;
  setPower(twin, host, power);
  const endMs = state.nowMs[0]! + durationMs;
  schedule(state, timers.transition + host, endMs, phases.transition);
}

/** Changes the power state of a host, between two settled stretches. */
export function setPower(twin: Twin, host: number, power: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  state.hostPower[host] = power;
  shareHost(twin, host);
  twin.recorder?.powerChanged?.(host, power, nowMs);
}
