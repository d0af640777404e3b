/**
 * A cap on the whole host, divided over its VMs: nobody gets more than it asks for, and what is left
 * is filled in by weight (water filling), so Σ budgets = min(cap − base, Σ demands).
 *
 * The cap may come from a temperature. With thermal resistance R (K/W) and time constant τ = R·C the
 * temperature after a period h at power P is  T′ = Tₐ + P·R + (T − Tₐ − P·R)·a,  a = exp(−h/τ), so the
 * power that just reaches the limit at the end of the period is
 *
 *   P = (Tmax − Tₐ − (T − Tₐ)·a) / (R·(1 − a))
 */
import { waterLevel } from '../../contention.ts';
import { assert } from '../../errors.ts';
import { exp } from '../../numbers/exact-math.ts';

/**
 * Budgets of the VMs under a host-wide cap, W.
 *
 * @param capW Limit of the whole host.
 * @param baseW What the host draws without any of them.
 * @param demandW What each VM would draw unlimited.
 * @param weights Positive.
 */
export function partitionCap(
  capW: number,
  baseW: number,
  demandW: ArrayLike<number>,
  weights: ArrayLike<number>,
): Float64Array {
  assert(weights.length === demandW.length, () => `${weights.length} weights`);
  const caps = Float64Array.from(demandW);
  const left = Math.max(0, capW - baseW);
  const level = waterLevel(caps, Float64Array.from(weights), caps.length, left);
  return Float64Array.from(demandW, (demand, vm) =>
    level === Infinity ? demand : Math.min(demand, level * weights[vm]!),
  );
}

/** Where a host stands thermally. */
export interface ThermalLimit {
  readonly ambientC: number;
  readonly maxC: number;
  /** K/W */
  readonly resistance: number;
  /** Heat capacity, J/K. */
  readonly capacity: number;
}

/** Most power over the next `periodS` that does not end above the limit, W; 0 when it is too hot. */
export function thermalCapW(limit: ThermalLimit, nowC: number, periodS: number): number {
  const { ambientC, maxC, resistance, capacity } = limit;
  assert(resistance > 0 && capacity > 0, () => `${resistance} K/W and ${capacity} J/K`);
  const decay = exp(-periodS / (resistance * capacity));
  return Math.max(0, (maxC - ambientC - (nowC - ambientC) * decay) / (resistance * (1 - decay)));
}

/** Temperature after `periodS` at `powerW`, °C. */
export function temperatureAfterC(
  limit: ThermalLimit,
  nowC: number,
  powerW: number,
  periodS: number,
): number {
  const { ambientC, resistance, capacity } = limit;
  const steadyC = ambientC + powerW * resistance;
  return steadyC + (nowC - steadyC) * exp(-periodS / (resistance * capacity));
}
