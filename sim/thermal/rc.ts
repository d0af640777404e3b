/**
 * Temperature of a host as one thermal mass. Idea: heat flows to the inlet air through a resistance
 * and is stored in a capacity, so temperature follows power like a first-order lag.
 *
 *   C dT/dt = P − (T − Ta)/R
 *   T(t)    = Ts + (T0 − Ts) e^(−t/(RC))       Ts = Ta + P R, exact while P is constant
 *
 * R in K/W, C in J/K, temperatures in °C, powers in W, times in s. Since power is constant between
 * events, temperature is exact at every event and two steps equal one.
 *
 * Validity: one mass, no gradient between die, heat sink and air (a die moves within a second, a chassis within
 * minutes: choose R and C for the one you need); R does not fall when fans speed up. The solution of
 * the equation is exact, the model is not: see docs/models/thermal.md.
 */

import { exp, expm1, log1p } from '../numbers/exact-math.ts';

export interface ThermalSpec {
  /** From the mass to the inlet air, K/W; above 0. */
  readonly resistanceKPerW: number;
  /** Heat capacity, J/K; above 0. */
  readonly capacityJPerK: number;
}

/** Time constant R·C, s. */
export const timeConstantS = (spec: ThermalSpec): number =>
  spec.resistanceKPerW * spec.capacityJPerK;

/** Temperature that constant power leads to, °C. */
export const steadyC = (spec: ThermalSpec, inletC: number, powerW: number): number =>
  inletC + powerW * spec.resistanceKPerW;

/** Temperature after `elapsedS` of constant power, °C. */
export function temperatureAfterC(
  spec: ThermalSpec,
  startC: number,
  inletC: number,
  powerW: number,
  elapsedS: number,
): number {
  const finalC = steadyC(spec, inletC, powerW);
  return finalC + (startC - finalC) * exp(-elapsedS / timeConstantS(spec));
}

/** Mean temperature over `elapsedS` of constant power, °C. */
export function meanTemperatureC(
  spec: ThermalSpec,
  startC: number,
  inletC: number,
  powerW: number,
  elapsedS: number,
): number {
  const lags = elapsedS / timeConstantS(spec);
  if (lags === 0) return startC;
  const finalC = steadyC(spec, inletC, powerW);
  return finalC + (startC - finalC) * (-expm1(-lags) / lags);
}

/** Heat given to the inlet air within `elapsedS`, J: what power put in and the mass did not keep. */
export function heatOutJ(
  spec: ThermalSpec,
  startC: number,
  inletC: number,
  powerW: number,
  elapsedS: number,
): number {
  const meanC = meanTemperatureC(spec, startC, inletC, powerW, elapsedS);
  return ((meanC - inletC) / spec.resistanceKPerW) * elapsedS;
}

/**
 * Time until constant power brings the temperature to `limitC`, from below or above, s; 0 when it is
 * there, Infinity when it never gets there.
 */
export function timeToReachS(
  spec: ThermalSpec,
  startC: number,
  inletC: number,
  powerW: number,
  limitC: number,
): number {
  if (startC === limitC) return 0;
  const left = steadyC(spec, inletC, powerW) - limitC;
  const way = limitC - startC;
  // The limit lies between start and final temperature, or it is never reached.
  if (left === 0 || left > 0 !== way > 0) return Number.POSITIVE_INFINITY;
  return timeConstantS(spec) * log1p(way / left);
}

/** Power that may be drawn forever without passing `limitC`, W; 0 when the inlet is too warm. */
export function steadyCapW(spec: ThermalSpec, inletC: number, limitC: number): number {
  const capW = (limitC - inletC) / spec.resistanceKPerW;
  return capW > 0 ? capW : 0;
}

/**
 * Largest constant power with which the temperature is at most `limitC` after `horizonS`, W; 0 when
 * even no power is too much. From below the limit it is not passed in between either.
 */
export function capOverW(
  spec: ThermalSpec,
  startC: number,
  inletC: number,
  limitC: number,
  horizonS: number,
): number {
  const risen = -expm1(-horizonS / timeConstantS(spec));
  const roomK = limitC - inletC - (startC - inletC) * (1 - risen);
  if (risen === 0) return startC <= limitC ? Number.POSITIVE_INFINITY : 0;
  const capW = roomK / (spec.resistanceKPerW * risen);
  return capW > 0 ? capW : 0;
}
