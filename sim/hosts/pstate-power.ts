/**
 * Host power as a function of P-state and CPU load.
 *
 * Idea: each P-state has its own power at no load, its own power as load tends to zero, and its
 * own way from there to full load: a straight line, or a measured curve of eleven points.
 *
 *   P(u) = idle                                  u = 0
 *   P(u) = epsilon + u × (full − epsilon)        u > 0, line
 *   P(u) = c[k] + (10u − k) × (c[k+1] − c[k])    u > 0, curve, k = floor(10u)
 *
 * `u` is the fraction of all cores at the P-state's speed, in [0, 1]. A P-state of speed 0 (used
 * to describe booting) burns `full`. A SPECpower curve was measured with the machine's own DVFS
 * on, so a host with such a curve has that one P-state: the curve is never scaled by a frequency.
 *
 * Validity: no temperature, no C-state residency, no ramp. The line is SimGrid 3.32's host_energy
 * model; curves are https://www.spec.org/power_ssj2008/ results.
 */

import type { ClusterModel } from '../model.ts';
import { rowPowerW } from '../power/model.ts';

/** Power at load `u` in [0, 1] from 11 points in W starting at `curves[start]`. */
export function interpolateCurve(curves: Float64Array, start: number, u: number): number {
  const scaled = u * 10;
  const below = Math.floor(scaled);
  if (below >= 10) return curves[start + 10]!;
  const low = curves[start + below]!;
  return low + (scaled - below) * (curves[start + below + 1]! - low);
}

/** Power of a switched-on host in P-state row `row` that delivers `usedMips` on `cores` cores, W. */
export function pstatePowerW(
  model: ClusterModel,
  row: number,
  cores: number,
  usedMips: number,
): number {
  const coreMips = model.pstateCoreMips[row]!;
  if (coreMips <= 0) return model.pstateFullW[row]!;
  if (usedMips <= 0) return model.pstateIdleW[row]!;
  // Two divisions, in this order, keep full-load rounding equal to SimGrid's.
  const ratio = usedMips / coreMips / cores;
  const u = ratio > 1 ? 1 : ratio;
  const curve = model.pstateCurve[row]!;
  if (curve >= 0) return interpolateCurve(model.curvesW, curve, u);
  if (model.pstateForm[row]! >= 0) return loadPowerW(model, row, u);
  const epsilonW = model.pstateEpsilonW[row]!;
  return epsilonW + u * (model.pstateFullW[row]! - epsilonW);
}

/** Power of P-state row `row` at load `u` in [0, 1], W; nothing runs at `u` = 0. */
export function loadPowerW(model: ClusterModel, row: number, u: number): number {
  if (u <= 0) return model.pstateIdleW[row]!;
  const curve = model.pstateCurve[row]!;
  if (curve >= 0) return interpolateCurve(model.curvesW, curve, u);
  const epsilonW = model.pstateEpsilonW[row]!;
  const fullW = model.pstateFullW[row]!;
  const form = model.pstateForm[row]!;
  if (form < 0) return epsilonW + u * (fullW - epsilonW);
  const parameter = model.pstateParameter[row]!;
  return rowPowerW(form, model.pstateIdleW[row]!, epsilonW, fullW, parameter, model.formTables, u);
}
