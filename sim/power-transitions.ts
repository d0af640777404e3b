/** Switching hosts on and off, with the time and energy that takes. */
import { abortMigration } from './migration.ts';
import { settleHost, shareHost } from './sharing.ts';
import { hostPower, migrationStage } from './state.ts';
import { killTasks } from './tasks.ts';
import { cancel, phases, schedule } from './timers.ts';
import type { Refusal } from './transitions.ts';
import type { Twin } from './twin.ts';
import { departVm, releasePlanned } from './vm-lifecycle.ts';

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

/**
 * The host fails: it is off at once, and with it go its VMs, its tasks and the migrations to and
 * from it. Tasks that have yet to start will do so if the host is on by then.
 */
export function failHost(twin: Twin, host: number): Refusal {
  const { model, state, timers } = twin;
  if (state.hostPower[host] === hostPower.off) return 'the host is off';
  for (let flow = 0; flow < model.migrationsMax && state.hostIncoming[host]! > 0; flow++) {
    const busy = state.migrationStage[flow] !== migrationStage.free;
    if (busy && state.migrationTarget[flow] === host) abortMigration(twin, flow);
  }
  for (let vm = 0; vm < model.vms && state.hostIncoming[host]! > 0; vm++) {
    if (state.vmPlanned[vm] === host) releasePlanned(twin, vm);
  }
  settleHost(twin, host, state.nowMs[0]!);
  state.hostDraining[host] = 0;
  while (state.hostVms[host]! > 0) {
    departVm(twin, state.slots[state.hostSlot[host]! + state.hostVms[host]! - 1]!);
  }
  killTasks(twin, -1, host);
  cancel(state, timers.transition + host);
  setPower(twin, host, hostPower.off);
  return undefined;
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
