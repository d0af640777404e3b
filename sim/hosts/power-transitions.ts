/** Switching hosts on and off, with the time and energy that takes. */
import { assert } from '../errors.ts';
import { type EndVm, failMigration, migrationsEndingWith } from '../migration/fail.ts';
import { settleHost } from '../sharing.ts';
import { drainTo, hostPower, isDown } from '../status.ts';
import { cancel } from '../timers.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';
import { killTasks } from '../vms/tasks.ts';
import { departVm, releasePlanned } from '../vms/vm-lifecycle.ts';
import { beginTransition, setPower, shutDownIfDrained } from './host-drain.ts';

/** Boots a host that is off, resumes one that is asleep, keeps one that was to go when empty. */
export function powerOn(twin: Twin, host: number): Refusal {
  const { model, state } = twin;
  if (state.hostDraining[host] !== 0) {
    state.hostDraining[host] = 0;
    return undefined;
  }
  if (!isDown(state, host)) return 'the host is not off';
  if (model.restrictions?.isNotSwitched[host] === 1) return 'the host is not to be switched';
  const asleep = state.hostPower[host] === hostPower.asleep;
  state.actionTotals[0]!++;
  beginTransition(
    twin,
    host,
    asleep ? hostPower.resuming : hostPower.booting,
    asleep ? model.hostResumeMs[host]! : model.hostBootMs[host]!,
  );
  return undefined;
}

/**
 * Takes a running host out of service as soon as it is empty: now, or when the last of its VMs has
 * moved away or ended. Until then it takes no new VMs.
 *
 * @param to ACPI state: `S3` suspends to memory, `S5` shuts down. Default: S3 where the host can.
 */
export function powerOff(twin: Twin, host: number, to?: 'S3' | 'S5'): Refusal {
  const { model, state } = twin;
  if (state.hostPower[host] !== hostPower.on) return 'the host is not running';
  if (model.restrictions?.isNotSwitched[host] === 1) return 'the host is not to be switched';
  if (state.hostIncoming[host]! > 0) return 'VMs are on their way to the host';
  const sleeps = model.hostSleeps[host] === 1;
  if (to === 'S3' && !sleeps) return 'the host cannot be suspended';
  state.hostDraining[host] = sleeps && to !== 'S5' ? drainTo.sleep : drainTo.off;
  shutDownIfDrained(twin, host);
  return undefined;
}

/**
 * The host fails: it is off at once, and with it go its VMs, its tasks and the migrations to and
 * from it. Tasks that have yet to start will do so if the host is on by then.
 */
export function failHost(twin: Twin, host: number): Refusal {
  const { state } = twin;
  if (state.hostPower[host] === hostPower.off) return 'the host is off';
  if (state.hostPower[host] === hostPower.failed) return 'the host has failed already';
  takeDown(twin, host, departVm, hostPower.off);
  return undefined;
}

/**
 * The host enters `power` at once, without any of its VMs, tasks and migrations.
 *
 * @param endVm Takes a VM off the host.
 */
export function takeDown(twin: Twin, host: number, endVm: EndVm, power: number): void {
  const { model, state, timers } = twin;
  for (const flow of migrationsEndingWith(twin, host)) failMigration(twin, flow, endVm);
  for (let vm = 0; vm < model.vms && state.hostIncoming[host]! > 0; vm++) {
    if (state.vmPlanned[vm] === host) releasePlanned(twin, vm);
  }
  settleHost(twin, host, state.nowMs[0]!);
  state.hostDraining[host] = 0;
  while (state.hostVms[host]! > 0) {
    endVm(twin, state.slots[state.hostSlot[host]! + state.hostVms[host]! - 1]!);
  }
  killTasks(twin, -1, host);
  cancel(state, timers.transition + host);
  setPower(twin, host, power);
}

/** What each transition ends in. */
const outcome: Readonly<Record<number, number>> = {
  [hostPower.booting]: hostPower.on,
  [hostPower.resuming]: hostPower.on,
  [hostPower.shuttingDown]: hostPower.off,
  [hostPower.suspending]: hostPower.asleep,
};

/** The end of a power transition. Returns true when the host is now up. */
export function completePowerTransition(twin: Twin, host: number): boolean {
  const next = outcome[twin.state.hostPower[host]!];
  assert(next !== undefined, () => `host ${host} is in no power transition`);
  setPower(twin, host, next);
  return next === hostPower.on;
}
