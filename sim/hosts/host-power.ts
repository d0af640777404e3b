/**
 * Power of a host as it is now: power state, P-states and loads of its frequency domains,
 * temperature, disk and network. Which formula holds is the host's own affair (`HostSpec`).
 */

import { pointHeader, pointStride, writeComponentPowerW } from '../power/components.ts';
import { exponentialIdleProfile } from '../power/cstates.ts';
import { hostPower as powerStates } from '../status.ts';
import type { Twin } from '../twin.ts';
import type { IdleSpec } from './host-spec.ts';
import { loadPowerW, pstatePowerW } from './pstate-power.ts';

/** W. */
export function currentPowerW(twin: Twin, host: number): number {
  const { model, state } = twin;
  switch (state.hostPower[host]) {
    case powerStates.off:
    case powerStates.failed:
      return model.hostOffW[host]!;
    case powerStates.booting:
      return model.hostBootW[host]!;
    case powerStates.shuttingDown:
      return model.hostShutdownW[host]!;
    case powerStates.suspending:
      return model.hostSuspendW[host]!;
    case powerStates.asleep:
      return model.hostAsleepW[host]!;
    case powerStates.resuming:
      return model.hostResumeW[host]!;
    default:
      return runningPowerW(twin, host);
  }
}

function runningPowerW(twin: Twin, host: number): number {
  const { model, state } = twin;
  const first = model.domainStart[host]!;
  const domains = model.hostDomains[host]!;
  if (model.componentStart[host]! >= 0) return partsPowerW(twin, host);
  const row = model.pstateStart[host]! + state.hostPstate[host]!;
  if (domains === 1) {
    // Standing still for a P-state change: what it burnt before.
    if (state.domains.halted[first]! > 0) return state.hostPowerW[host]!;
    return pstatePowerW(model, row, model.hostCores[host]!, state.hostUsedMips[host]!);
  }
  // Each domain is so much of the host.
  let sumW = 0;
  for (let at = first; at < first + domains; at++) {
    const domainRow = model.pstateStart[host]! + state.domains.pstate[at]!;
    sumW += loadPowerW(model, domainRow, state.domains.load[at]!);
  }
  return sumW / domains;
}

/** Power of a host that is described by its parts. */
function partsPowerW(twin: Twin, host: number): number {
  const { model, state } = twin;
  const { point } = twin.scratch;
  const first = model.domainStart[host]!;
  const domains = model.hostDomains[host]!;
  const cores = model.hostCores[host]! / domains;
  for (let domain = 0; domain < domains; domain++) {
    const at = first + domain;
    const coreMips = model.pstateCoreMips[model.pstateStart[host]! + state.domains.pstate[at]!]!;
    if (domains === 1 && state.domains.halted[at] === 0) {
      const load = coreMips > 0 ? state.hostUsedMips[host]! / (coreMips * cores) : 0;
      state.domains.load[at] = Math.min(1, load);
    }
    writeDomain(twin, host, domain, cores, coreMips, state.domains.load[at]!);
  }
  return pointPowerW(twin, host, point, domains);
}

/** Writes what one domain does to its place in the operating point. */
function writeDomain(
  twin: Twin,
  host: number,
  domain: number,
  cores: number,
  coreMips: number,
  busy: number,
): void {
  const { point } = twin.scratch;
  const idle = twin.model.hostIdle[host];
  const place = pointHeader + domain * pointStride;
  point[place] = cores;
  point[place + 1] = coreMips * hzPerMips;
  point[place + 2] = busy;
  point[place + 3] = idle === undefined ? -1 : idleRelativePower(idle, busy);
}

/** Power at the domains written, with the host's present temperature, disk and network, W. */
function pointPowerW(twin: Twin, host: number, point: Float64Array, domains: number): number {
  const { model, state, scratch } = twin;
  const load = hostLoad(point, domains);
  point[0] = model.hostHeat[host] === undefined ? roomTemperatureC : state.hostTemperatureC[host]!;
  point[1] = load * (model.hostDramBytesPerS[host] ?? 0);
  point[2] = state.hostDiskBusy[host] ?? 0;
  point[3] = state.hostNicBytesPerS[host] ?? 0;
  point[4] = domains;
  return writeComponentPowerW(scratch.components[host]!, point, scratch.parts);
}

/** Busy cores of the domains written. */
function hostLoad(point: Float64Array, domains: number): number {
  let busyCores = 0;
  let cores = 0;
  for (let place = pointHeader; place < pointHeader + domains * pointStride; place += pointStride) {
    busyCores += point[place]! * point[place + 2]!;
    cores += point[place]!;
  }
  return busyCores / cores;
}

/**
 * Power if the running host had all its domains in `pstate` and delivered `usedMips`, W. What it
 * really draws may differ by how the load is spread over its domains.
 */
export function operatingPowerW(
  twin: Twin,
  host: number,
  pstate: number,
  usedMips: number,
): number {
  const { model } = twin;
  const row = model.pstateStart[host]! + pstate;
  const cores = model.hostCores[host]!;
  if (model.componentStart[host]! < 0) return pstatePowerW(model, row, cores, usedMips);
  const coreMips = model.pstateCoreMips[row]!;
  const busy = coreMips > 0 ? Math.min(1, usedMips / (coreMips * cores)) : 0;
  writeDomain(twin, host, 0, cores, coreMips, busy);
  return pointPowerW(twin, host, twin.scratch.point, 1);
}

function idleRelativePower(idle: IdleSpec, busy: number): number {
  const limitS = (idle.latencyLimitUs ?? Infinity) / 1e6;
  return exponentialIdleProfile(idle.states, busy, idle.wakeupsPerS, limitS).relativeIdlePower;
}

/** A core of 1 MHz counts as 1 MIPS. */
const hzPerMips = 1e6;

/** Of a host whose temperature is not kept, °C. */
const roomTemperatureC = 25;
