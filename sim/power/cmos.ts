/**
 * Power of one CPU core. Idea: gates that switch cost a·C·V²·f, gates that do not leak V·I(V, T), and
 * the voltage must rise with the frequency, which is why slower is cheaper per operation.
 *
 *   P = a·C·V²·f + V·I                   a: activity, 1 at full load; C: effective capacitance, F
 *   I = I0 · (V / V0) · e^(k (T − T0))   leakage, A; measured as I0 at V0 and T0
 *   V(f)                                 straight lines between (Hz, V) points, flat outside
 *
 * Validity: leakage over temperature is an exponential from 20 to 85 °C (De Vogeleer, Memmi, Jouvelot &
 * Coelho, *SAMOS* 2014, arXiv 1404.3381, on two application processors). That it is proportional to
 * the voltage is a simplification, and k = 0.02/K (twice the leakage per 35 K) an assumption.
 * Not in it: kinds of instructions (AVX licences), clock gating below a whole core.
 */

import { exp } from '../numbers/exact-math.ts';

/** Operating points (Hz, V), both rising. Two points make V(f) one straight line with a floor. */
export interface VoltageCurve {
  readonly frequenciesHz: readonly number[];
  readonly volts: readonly number[];
}

export interface CoreSpec {
  /** Effective switched capacitance of a core, F. */
  readonly capacitanceF: number;
  /** Leakage current at `referenceV` and `referenceC`, A. */
  readonly leakageA: number;
  readonly referenceV: number;
  /** °C */
  readonly referenceC: number;
  /** Rise of the leakage with temperature, 1/K. */
  readonly leakagePerK: number;
}

/** Assumed rise of leakage with temperature, 1/K. */
export const defaultLeakagePerK = 0.02;

/** Voltage at a frequency, V; the lowest point's below it, the highest one's above it. */
export function voltageAt(curve: VoltageCurve, frequencyHz: number): number {
  const { frequenciesHz, volts } = curve;
  const last = frequenciesHz.length - 1;
  if (frequencyHz >= frequenciesHz[last]!) return volts[last]!;
  if (frequencyHz <= frequenciesHz[0]!) return volts[0]!;
  let above = 1;
  while (frequenciesHz[above]! < frequencyHz) above++;
  const [low, high] = [frequenciesHz[above - 1]!, frequenciesHz[above]!];
  const share = (frequencyHz - low) / (high - low);
  return volts[above - 1]! + share * (volts[above]! - volts[above - 1]!);
}

/** Leakage power of a core, W. */
export function leakageW(core: CoreSpec, volts: number, temperatureC: number): number {
  const heat = exp(core.leakagePerK * (temperatureC - core.referenceC));
  return volts * (core.leakageA * (volts / core.referenceV) * heat);
}

/** Power of a core with activity `activity` in [0, 1], W. */
export function corePowerW(
  core: CoreSpec,
  activity: number,
  frequencyHz: number,
  volts: number,
  temperatureC: number,
): number {
  const switchingW = activity * core.capacitanceF * volts * volts * frequencyHz;
  return switchingW + leakageW(core, volts, temperatureC);
}

/**
 * A core that draws `fullW` at its nominal point, of which `leakageFraction` is leakage at
 * `referenceC`: I0 = leak / V and C = (full − leak) / (V² f).
 */
export function calibrateCore(
  fullW: number,
  leakageFraction: number,
  frequencyHz: number,
  volts: number,
  referenceC: number,
  leakagePerK: number = defaultLeakagePerK,
): CoreSpec {
  const leakW = leakageFraction * fullW;
  return {
    capacitanceF: (fullW - leakW) / (volts * volts * frequencyHz),
    leakageA: leakW / volts,
    referenceV: volts,
    referenceC,
    leakagePerK,
  };
}
