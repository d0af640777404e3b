/**
 * Which frequency finishes work with the least energy. Idea: slower switching costs less per
 * operation, but whatever draws power all the time draws it for longer.
 *
 *   T(f) = T(fmax) · [β·fmax/f + 1 − β]         β: share of the time that scales with the frequency
 *   P(f) = P_static + C'·f³                     voltage proportional to frequency
 *   f*   = (P_static / (2 C'))^(1/3)            where β = 1: least of P(f)/f
 *
 * After the work the host idles until its deadline (race to idle), so what counts is what the
 * static power is while busy against what is drawn while idle: f* with P_static − P_idle.
 *
 * Validity: V proportional to f; real voltages have a floor (`cmos.ts`), which raises f*. With β < 1 there
 * is no closed form: compare the frequencies there are (`cheapestFrequency`).
 */

import { pow } from '../numbers/exact-math.ts';

/** Time at `frequencyHz` relative to the time at `fastestHz`; β in [0, 1]. */
export function slowdown(beta: number, fastestHz: number, frequencyHz: number): number {
  // In this form it is exactly 1 at the fastest frequency.
  return 1 + beta * (fastestHz / frequencyHz - 1);
}

/**
 * Frequency of least energy per operation, Hz.
 *
 * @param staticW Power that does not depend on the frequency, less what is drawn while idle, W.
 * @param cubicWPerHz3 C': W per Hz³.
 */
export function optimalFrequencyHz(staticW: number, cubicWPerHz3: number): number {
  return staticW > 0 ? pow(staticW / (2 * cubicWPerHz3), 1 / 3) : 0;
}

/** Energy of a job that must end by a deadline and after which the host idles, J. */
export function jobEnergyJ(busyW: number, idleW: number, busyS: number, deadlineS: number): number {
  return busyW * busyS + idleW * (deadlineS - busyS);
}

/** A P-state as far as this choice needs it. */
export interface SpeedPoint {
  readonly frequencyHz: number;
  /** Host power while working and while idle at this frequency, W. */
  readonly busyW: number;
  readonly idleW: number;
}

/**
 * Index of the point that does a job within its deadline for the least energy, -1 when none is fast
 * enough; ties go to the lower index.
 *
 * @param points P-states, the fastest first.
 * @param fastestS Time of the job at the fastest point, s.
 * @param sleepW Power while idle after the job; default: the idle power of the same point.
 */
export function cheapestFrequency(
  points: readonly SpeedPoint[],
  beta: number,
  fastestS: number,
  deadlineS: number,
  sleepW?: number,
): number {
  let best = -1;
  let leastJ = Number.POSITIVE_INFINITY;
  points.forEach(({ frequencyHz, busyW, idleW }, index) => {
    const busyS = fastestS * slowdown(beta, points[0]!.frequencyHz, frequencyHz);
    if (busyS > deadlineS) return;
    const energyJ = jobEnergyJ(busyW, sleepW ?? idleW, busyS, deadlineS);
    if (energyJ < leastJ) [best, leastJ] = [index, energyJ];
  });
  return best;
}
