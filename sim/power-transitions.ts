/** Switching hosts on and off, with the time and energy that takes. */
import { settleHost, shareHost } from './sharing.ts';
import { hostPower } from './state.ts';
import { phases, schedule } from './timers.ts';
import type { Refusal } from './transitions.ts';
import type { Twin } from './twin.ts';

/** Begins to boot a host that is off, or keeps one that was to shut down when empty. */
export function powerOn(twin: Twin, host: number): Refusal {
  const { model, state } = twin;
  if (state.hostDraining[host] === 1) {
    state.hostDraining[host] = 0;
    return undefined;
  }
  if (state.hostPower[host] !== hostPower.off) return 'the host is not off';
  state.actionTotals[0]!++;
  setPower(twin, host, hostPower.booting);
  const readyMs = state.nowMs[0]! + model.hostBootMs[host]!;
  schedule(state, twin.timers.transition + host, readyMs, phases.transition);
  return undefined;
}

/**
 * Shuts a running host down as soon as it is empty: now, or when the last of its VMs has moved
 * away or ended. Until then it takes no new VMs.
 */
export function powerOff(twin: Twin, host: number): Refusal {
  const { state } = twin;
  if (state.hostPower[host] !== hostPower.on) return 'the host is not running';
  if (state.hostIncoming[host]! > 0) return 'VMs are on their way to the host';
  state.hostDraining[host] = 1;
  shutDownIfDrained(twin, host);
  return undefined;
}

/** Begins the shutdown of a draining host that has nothing left on it. */
export function shutDownIfDrained(twin: Twin, host: number): void {
  const { model, state } = twin;
  if (state.hostDraining[host] !== 1) return;
  if (state.hostVms[host]! > 0 || state.hostTasks[host]! > 0) return;
  state.hostDraining[host] = 0;
  state.actionTotals[1]!++;
  setPower(twin, host, hostPower.shuttingDown);
  const downMs = state.nowMs[0]! + model.hostShutdownMs[host]!;
  schedule(state, twin.timers.transition + host, downMs, phases.transition);
}

/** The end of booting or shutting down. Returns true when the host is now up. */
export function completePowerTransition(twin: Twin, host: number): boolean {
  const booting = twin.state.hostPower[host] === hostPower.booting;
  setPower(twin, host, booting ? hostPower.on : hostPower.off);
  return booting;
}

function setPower(twin: Twin, host: number, power: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  settleHost(twin, host, nowMs);
  state.hostPower[host] = power;
  shareHost(twin, host);
  twin.recorder?.powerChanged?.(host, power, nowMs);
}
