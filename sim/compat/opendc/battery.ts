/**
 * A battery between the grid and the hosts, with OpenDC's single threshold: while carbon intensity is below it the
 * grid feeds the hosts and charges the battery, otherwise the battery feeds the hosts until it is empty. It
 * changes what the grid delivers, never what the hosts do, so it runs on a replay's power profile.
 */
import { inputError } from '../../errors.ts';
import type { CarbonSteps } from './meter.ts';

export interface OpenDcBattery {
  readonly capacityJ: number;
  /** Power drawn from the grid to charge, W. Discharging is not limited. */
  readonly chargingW: number;
  /** Carbon intensity below which it charges, g/kWh. */
  readonly thresholdGramsPerKwh: number;
}

/** Power of the hosts as steps of one width; exact where the hosts' power is constant in each. */
export interface PowerProfile {
  /** W, [bins]. */
  readonly powerW: Float64Array;
  readonly binMs: number;
  /** End of the last bin, ms. */
  readonly endMs: number;
  /** Wall-clock time at which the profile begins, ms. */
  readonly startMs: number;
}

export interface BatteryResult {
  /** Energy from the grid, J. */
  readonly gridJ: number;
  readonly carbonG: number;
  readonly chargedJ: number;
  readonly dischargedJ: number;
  /** Mean power from the grid by bin, W, [bins]. */
  readonly gridW: Float64Array;
}

/** The battery is empty at first. @throws InputError when it cannot be. */
export function replayBattery(
  profile: PowerProfile,
  carbon: CarbonSteps,
  battery: OpenDcBattery,
): BatteryResult {
  const { capacityJ, chargingW, thresholdGramsPerKwh } = battery;
  if (!(capacityJ >= 0 && chargingW > 0 && capacityJ < Infinity && chargingW < Infinity)) {
    const got = `${capacityJ} J, ${chargingW} W`;
    throw inputError('battery', 'a capacity and a charging power above 0', got);
  }
  if (carbon.timestampMs.length === 0) throw inputError('carbon', 'at least one sample', 'none');
  const { powerW, binMs, endMs, startMs } = profile;
  const gridW = new Float64Array(powerW.length);
  let levelJ = 0;
  let carbonG = 0;
  let chargedJ = 0;
  let dischargedJ = 0;
  let step = 0;
  for (let bin = 0; bin < powerW.length; bin++) {
    const binEndMs = Math.min((bin + 1) * binMs, endMs);
    let gridJ = 0;
    for (let nowMs = bin * binMs; nowMs < binEndMs; ) {
      while ((carbon.timestampMs[step + 1] ?? Infinity) - startMs <= nowMs) step++;
      const nextMs = Math.min(binEndMs, (carbon.timestampMs[step + 1] ?? Infinity) - startMs);
      const seconds = (nextMs - nowMs) / 1000;
      const intensity = carbon.gramsPerKwh[step]!;
      const loadJ = powerW[bin]! * seconds;
      const charges = intensity < thresholdGramsPerKwh;
      const inJ = charges ? Math.min(capacityJ - levelJ, chargingW * seconds) : 0;
      const outJ = charges ? 0 : Math.min(levelJ, loadJ);
      levelJ += inJ - outJ;
      chargedJ += inJ;
      dischargedJ += outJ;
      gridJ += loadJ + inJ - outJ;
      carbonG += ((loadJ + inJ - outJ) / 3.6e6) * intensity;
      nowMs = nextMs;
    }
    gridW[bin] = (gridJ * 1000) / (binEndMs - bin * binMs);
  }
  const gridJ = gridW.reduce((sum, watts, bin) => {
    return sum + (watts * (Math.min((bin + 1) * binMs, endMs) - bin * binMs)) / 1000;
  }, 0);
  return { gridJ, carbonG, chargedJ, dischargedJ, gridW };
}
