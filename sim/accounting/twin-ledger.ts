/**
 * The twin's own accountant: every joule of every host is charged to a VM or to a cause that is no
 * VM's. Rates are constant between events, so a charge is exact: the span's power times its length,
 * split by what held throughout the span.
 *
 *   idle    = min(power, idle power of the P-states), shared by the idle policy
 *   active  = the rest, in proportion to the MIPS that VMs, the host and its tasks received
 *
 * CPU that the host itself uses goes to the VMs that are moving from or to it, in equal parts, else
 * to nobody; so does the part of a moving VM's own CPU that is lost to being copied. Power of a host
 * that is not on is nobody's.
 *
 * The columns have length 0 when the model has no accounting, and then nothing here is called.
 */
import { assert } from '../errors.ts';
import { hostPower, isOut, migrationStage } from '../status.ts';
import type { Twin } from '../twin.ts';
import { idleClaim } from './idle-policy.ts';
import { hostPartCount, hostParts, vmPartCount, vmParts } from './ledger-parts.ts';

/** CPU that a VM receives now, MIPS; handed in, because `sharing.ts` calls this file. */
export type DeliveredMips = (twin: Twin, vm: number) => number;

/** Charges the energy that `host` took in the last `elapsedS`, under the rates that held in it. */
export function chargeSpan(
  twin: Twin,
  host: number,
  elapsedS: number,
  deliveredMips: DeliveredMips,
): void {
  const { state } = twin;
  const powerW = state.hostPowerW[host]!;
  const energyJ = powerW * elapsedS;
  if (!(energyJ > 0)) return;
  const row = host * hostPartCount;
  const power = state.hostPower[host]!;
  if (power !== hostPower.on) {
    const cause = isOut(state, host) ? hostParts.off : hostParts.transition;
    state.ledgerHostJ[row + cause]! += energyJ;
    return;
  }
  const working = state.hostUsedMips[host]! > 0;
  const idleJ = working ? Math.min(powerW, idlePowerW(twin, host)) * elapsedS : energyJ;
  chargeIdle(twin, host, idleJ, deliveredMips);
  if (energyJ > idleJ) chargeActive(twin, host, energyJ - idleJ, deliveredMips);
}

/**
 * Idle power of the host's present P-states, W: the model's own figure, so that what temperature,
 * disk and network add to it counts as active.
 */
function idlePowerW(twin: Twin, host: number): number {
  const { model, state } = twin;
  const row = model.pstateStart[host]!;
  const domains = model.hostDomains[host]!;
  if (domains === 1) return model.pstateIdleW[row + state.hostPstate[host]!]!;
  const first = model.domainStart[host]!;
  let sumW = 0;
  for (let at = first; at < first + domains; at++) {
    sumW += model.pstateIdleW[row + state.domains.pstate[at]!]!;
  }
  return sumW / domains;
}

function chargeIdle(twin: Twin, host: number, idleJ: number, deliveredMips: DeliveredMips): void {
  const { model, state } = twin;
  const policy = model.accounting!.idle;
  const { vcpus, vcpuMips } = model.workload;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  const claimOf = (vm: number): number =>
    idleClaim(policy, vcpus[vm]! * vcpuMips[vm]!, policy === 'usage' ? deliveredMips(twin, vm) : 0);
  let claims = 0;
  for (let slot = start; slot < end; slot++) claims += claimOf(state.slots[slot]!);
  if (!(claims > 0)) {
    state.ledgerHostJ[host * hostPartCount + hostParts.idle]! += idleJ;
    return;
  }
  const perClaim = idleJ / claims;
  for (let slot = start; slot < end; slot++) {
    const vm = state.slots[slot]!;
    state.ledgerVmJ[vm * vmPartCount + vmParts.idle]! += claimOf(vm) * perClaim;
  }
  state.ledgerHostJ[host * hostPartCount + hostParts.vms]! += idleJ;
}

function chargeActive(
  twin: Twin,
  host: number,
  activeJ: number,
  deliveredMips: DeliveredMips,
): void {
  const { model, state } = twin;
  const start = state.hostSlot[host]!;
  const end = start + state.hostVms[host]!;
  const used = state.hostUsedMips[host]!;
  let vmMips = 0;
  for (let slot = start; slot < end; slot++) vmMips += deliveredMips(twin, state.slots[slot]!);
  // The sums were taken in another order when rates were set: neither may exceed the whole.
  const whole = Math.max(used, vmMips);
  const perMips = activeJ / whole;
  const lost = model.migrationOverheadFraction;
  for (let slot = start; slot < end; slot++) {
    const vm = state.slots[slot]!;
    const shareJ = deliveredMips(twin, vm) * perMips;
    const copyingJ = state.vmMigration[vm]! >= 0 ? shareJ * lost : 0;
    state.ledgerVmJ[vm * vmPartCount + vmParts.active]! += shareJ - copyingJ;
    state.ledgerVmJ[vm * vmPartCount + vmParts.migration]! += copyingJ;
  }
  const row = host * hostPartCount;
  state.ledgerHostJ[row + hostParts.vms]! += vmMips * perMips;
  const ownMips = whole - vmMips;
  const background = Math.min(ownMips, state.hostBackgroundMips[host]!);
  if (background > 0) chargeBackground(twin, host, background * perMips);
  state.ledgerHostJ[row + hostParts.host]! += (ownMips - background) * perMips;
}

/** The host's own work, for the VMs that move from or to it. */
function chargeBackground(twin: Twin, host: number, energyJ: number): void {
  const { model, state } = twin;
  const row = host * hostPartCount;
  const moves = (flow: number): boolean =>
    state.migrationStage[flow] !== migrationStage.free &&
    (state.migrationSource[flow] === host || state.migrationTarget[flow] === host);
  let movers = 0;
  for (let flow = 0; flow < model.migrationsMax; flow++) if (moves(flow)) movers++;
  if (movers === 0) {
    state.ledgerHostJ[row + hostParts.host]! += energyJ;
    return;
  }
  for (let flow = 0; flow < model.migrationsMax; flow++) {
    if (!moves(flow)) continue;
    const vm = state.migrationVm[flow]!;
    state.ledgerVmJ[vm * vmPartCount + vmParts.migration]! += energyJ / movers;
  }
  state.ledgerHostJ[row + hostParts.vms]! += energyJ;
}

/**
 * What VMs and causes were charged is what hosts took, host by host and in all, to 1e-9; nothing is
 * negative.
 *
 * @throws InvariantError naming the host, with both sums.
 */
export function checkLedger(twin: Twin): void {
  const { model, state } = twin;
  for (const column of [state.ledgerHostJ, state.ledgerVmJ]) {
    column.forEach((entry, index) => {
      assert(entry >= 0, () => `ledger entry ${index} is ${entry} J`);
    });
  }
  let chargedJ = 0;
  for (let host = 0; host <= model.limbo; host++) {
    const row = host * hostPartCount;
    let sumJ = 0;
    for (let part = 0; part < hostPartCount; part++) sumJ += state.ledgerHostJ[row + part]!;
    chargedJ += state.ledgerHostJ[row + hostParts.vms]!;
    const energyJ = state.hostEnergyJ[host]!;
    assert(same(sumJ, energyJ), () => `host ${host} took ${energyJ} J, its ledger has ${sumJ} J`);
  }
  let vmJ = 0;
  for (const entry of state.ledgerVmJ) vmJ += entry;
  assert(same(vmJ, chargedJ), () => `VMs were charged ${vmJ} J, hosts charged them ${chargedJ} J`);
}

function same(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));
}

/** What one VM was charged up to the last settling, J. */
export interface VmEnergy {
  readonly idleJ: number;
  readonly activeJ: number;
  /** Its part of the CPU that moving it took. */
  readonly migrationJ: number;
}

/** Energy charged to `vm` so far, where the model has accounting; settle first (`settleAll`). */
export function vmEnergy(twin: Twin, vm: number): VmEnergy {
  const { ledgerVmJ } = twin.state;
  const row = vm * vmPartCount;
  return {
    idleJ: ledgerVmJ[row + vmParts.idle]!,
    activeJ: ledgerVmJ[row + vmParts.active]!,
    migrationJ: ledgerVmJ[row + vmParts.migration]!,
  };
}

/** Energy that is no VM's, by cause, J. */
export interface UnattributedEnergy {
  /** Idle power that the idle policy gave to nobody. */
  readonly idleJ: number;
  /** Work of the hosts themselves. */
  readonly hostJ: number;
  readonly offJ: number;
  /** Booting, shutting down and the like. */
  readonly transitionJ: number;
}

/** What all hosts took so far that no VM was charged; settle first (`settleAll`). */
export function unattributedEnergy(twin: Twin): UnattributedEnergy {
  const { model, state } = twin;
  const sum = (part: number): number => {
    let sumJ = 0;
    for (let host = 0; host < model.hosts; host++) {
      sumJ += state.ledgerHostJ[host * hostPartCount + part]!;
    }
    return sumJ;
  };
  return {
    idleJ: sum(hostParts.idle),
    hostJ: sum(hostParts.host),
    offJ: sum(hostParts.off),
    transitionJ: sum(hostParts.transition),
  };
}
