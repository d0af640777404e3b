/**
 * Host power as a closed form of load. Idea: two measured ends, and a shape between them that is
 * bent at most by one parameter. With Pi, Pf the powers at the ends and R = Pf − Pi:
 *
 *   constant          Pf
 *   linear            Pi + R u
 *   sqrt              Pi + R √u
 *   square, cubic     Pi + R u², Pi + R u³
 *   mse               Pi + R (2u − u^r)                      r > 0, calibrated; 1 is linear
 *   asymptotic        Pi + R/2 (1 + u − e^(−u/α))            α > 0: load at which most is reached
 *   asymptotic-dvfs   Pi + R/2 (1 + u³ − e^(−u³/α))
 *
 * u is the load in [0, 1], powers are in W. The forms are whole-host curves without frequency: a host
 * whose frequency is scaled needs one row per P-state.
 *
 * Known error: the two asymptotic forms end e^(−1/α)·R/2 below Pf by their definition. Against
 * measured servers the forms differ by several percent from each other; see docs/models/power.md.
 * `mse` is Fan, Weber & Barroso (ISCA 2007); all of them are offered by OpenDC (2.4, commit 691036d).
 */

import { exp, pow } from '../numbers/exact-math.ts';

/** Names of the forms; the index of a name is its code in columns. */
export const analyticForms = [
  'constant',
  'linear',
  'sqrt',
  'square',
  'cubic',
  'mse',
  'asymptotic',
  'asymptotic-dvfs',
] as const;

export type AnalyticForm = (typeof analyticForms)[number];

/** Code of a form for `analyticPowerW`. */
export const analyticCode = (form: AnalyticForm): number => analyticForms.indexOf(form);

/** Whether a form needs its parameter: r of mse, α of the asymptotic ones. */
export const needsParameter = (form: AnalyticForm): boolean =>
  form === 'mse' || form === 'asymptotic' || form === 'asymptotic-dvfs';

/**
 * Power at load `u`, W; made for the hot loop: numbers only, nothing allocated.
 *
 * @param code Index into `analyticForms`.
 * @param lowW Power as load tends to 0, W (a P-state's epsilon).
 * @param fullW Power at full load, W.
 * @param parameter r or α; not read by the forms that have none.
 * @param u Load, in [0, 1].
 */
export function analyticPowerW(
  code: number,
  lowW: number,
  fullW: number,
  parameter: number,
  u: number,
): number {
  const rangeW = fullW - lowW;
  switch (code) {
    case 0:
      return fullW;
    case 1:
      return lowW + u * rangeW;
    case 2:
      return lowW + rangeW * Math.sqrt(u);
    case 3:
      return lowW + rangeW * (u * u);
    case 4:
      return lowW + rangeW * (u * u * u);
    case 5:
      return lowW + rangeW * (2 * u - pow(u, parameter));
    case 6:
      return lowW + 0.5 * rangeW * (1 + u - exp(-u / parameter));
    default: {
      const cube = u * u * u;
      return lowW + 0.5 * rangeW * (1 + cube - exp(-cube / parameter));
    }
  }
}
