/**
 * Energy at the wall, what it costs and what it emits. Between two changes of price, intensity or
 * outside temperature all factors are constant, so the bill of that span is factors × energy, exact
 * whatever the power does meanwhile:
 *
 *   wall = factor · ΔE + fixed · Δt      money = price · wall      carbon = intensity · wall
 *
 * One event at each change writes the span to the state. It reads the hosts' meters without settling
 * them, so a run is the same, bit for bit, with and without a facility.
 */

import { energyNowJ, joulesPerKwh } from '../energy-now.ts';
import { assert } from '../errors.ts';
import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import { meterPart as part } from './facility-meter-parts.ts';

export interface FacilityReading {
  /** Energy at the wall, kWh. */
  readonly energyKwh: number;
  /** Price of it, currency; 0 without a price. */
  readonly electricity: number;
  /** kgCO₂eq; 0 without an intensity. */
  readonly carbonKg: number;
}

/** Schedules the first change of rates, if there is one. */
export function initializeFacility(twin: Twin): void {
  if (twin.model.facility === undefined) return;
  // What meters show before the run begins is not part of it.
  twin.state.facilityMeter[part.sinceMs] = twin.state.nowMs[0]!;
  scheduleChange(twin);
}

/** A rate changes now: bills the span that ends. */
export function facilityTimer(twin: Twin): void {
  const { facilityMeter: meter } = twin.state;
  const { wallJ, money, carbonG } = spanNow(twin);
  meter[part.sinceMs] = twin.state.nowMs[0]!;
  meter[part.hostsJ] = energyNowJ(twin);
  meter[part.wallJ]! += wallJ;
  meter[part.money]! += money;
  meter[part.carbonG]! += carbonG;
  scheduleChange(twin);
}

/** Totals up to now; reads without settling. `undefined` without a facility. */
export function facilityNow(twin: Twin): FacilityReading | undefined {
  if (twin.model.facility === undefined) return undefined;
  const { facilityMeter: meter } = twin.state;
  const { wallJ, money, carbonG } = spanNow(twin);
  return {
    energyKwh: (meter[part.wallJ]! + wallJ) / joulesPerKwh,
    electricity: meter[part.money]! + money,
    carbonKg: (meter[part.carbonG]! + carbonG) / 1000,
  };
}

/** What the span since the last change amounts to so far. */
function spanNow(twin: Twin): { wallJ: number; money: number; carbonG: number } {
  const { facility } = twin.model;
  const rates = twin.scratch.facility;
  assert(facility !== undefined && rates !== undefined, () => 'the model has no facility');
  const { facilityMeter: meter, nowMs } = twin.state;
  const sinceMs = meter[part.sinceMs]!;
  const elapsedS = (nowMs[0]! - sinceMs) / 1000;
  const hostsJ = energyNowJ(twin) - meter[part.hostsJ]!;
  const wallJ = rates.wallFactor(sinceMs) * hostsJ + facility.fixedW * elapsedS;
  const wallKwh = wallJ / joulesPerKwh;
  return {
    wallJ,
    money: wallKwh * (rates.at('price', sinceMs) ?? 0),
    carbonG: wallKwh * (rates.at('carbon', sinceMs) ?? 0),
  };
}

function scheduleChange(twin: Twin): void {
  const { state, timers, scratch } = twin;
  if (timers.end === timers.facility) return;
  const nowMs = state.nowMs[0]!;
  const nextMs = scratch.facility?.nextChangeMs(nowMs) ?? Infinity;
  assert(nextMs > nowMs, () => `the next change of rates, at ${nextMs} ms, is not after ${nowMs}`);
  if (nextMs < Infinity) schedule(state, timers.facility, nextMs, phases.departure);
}
