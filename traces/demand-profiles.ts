/** Parameters of the synthetic demand model, each with what it was fitted to. */
import { inputError } from '../sim/index.ts';

/** Symbols refer to the formula in `demand-model.ts`; fractions are of a VM's capacity. */
export interface DemandProfile {
  /** Median of the VMs' mean level, fraction (`median`). */
  readonly levelMedian: number;
  /** Standard deviation of the log of the level (`s`). */
  readonly levelSigma: number;
  /** Share of VMs that do nothing but idle at `idleLevel`. */
  readonly idleFraction: number;
  readonly idleLevel: number;
  /** Swing of the day around its mean, in [0, 1) (`A`). */
  readonly dayAmplitude: number;
  /** What a weekend lacks against a weekday, fraction (`W`). */
  readonly weekendDrop: number;
  /** Time of day of the peak, ms. */
  readonly peakMs: number;
  /** Standard deviation of an application's own peak around that time, ms. */
  readonly phaseMs: number;
  /** Standard deviation of the log noise (`σ`) and its decay time, ms (`τ`). */
  readonly noiseSigma: number;
  readonly noiseMs: number;
  /** Shares of the noise's variance common to all VMs (`c`) and to an application (`g`). */
  readonly clusterShare: number;
  readonly applicationShare: number;
  /** Bursts of an application: starts per day (`λ`), mean length in ms, mean height as fraction. */
  readonly burstsPerDay: number;
  readonly burstMs: number;
  readonly burstHeight: number;
  /** Mean number of VMs of an application. */
  readonly applicationVms: number;
}

const hourMs = 3_600_000;

/**
 * Business applications in office hours: chosen, not fitted. Everything follows the working day
 * and applications burst as a whole, so consolidation pays at night and hurts in the morning. Half
 * of the VMs run below some 17 % on average, one in ten idles.
 */
const office: DemandProfile = {
  levelMedian: 0.2,
  levelSigma: 0.8,
  idleFraction: 0.1,
  idleLevel: 0.01,
  dayAmplitude: 0.7,
  weekendDrop: 0.6,
  peakMs: 14 * hourMs,
  phaseMs: 1.5 * hourMs,
  noiseSigma: 0.35,
  noiseMs: 0.5 * hourMs,
  clusterShare: 0.15,
  applicationShare: 0.35,
  burstsPerDay: 1.5,
  burstMs: 0.5 * hourMs,
  burstHeight: 0.5,
  applicationVms: 4,
};

/**
 * A PlanetLab day: 1,052 VMs of 2011-03-03 have mean 12.31 %, standard deviation 17.09 %,
 * quartiles 2, 6 and 15 % (Beloglazov & Buyya, CCPE 24(13), 2012, workload characteristics; the files agree).
 * Measured on the same files: VM means have quartiles 2.8, 6.8 and 14.4 %, the lag-1
 * autocorrelation within a VM is 0.05 in the median, the hourly cluster mean varies by ±9 %.
 */
const planetlab: DemandProfile = {
  levelMedian: 0.07,
  levelSigma: 1.15,
  idleFraction: 0,
  idleLevel: 0,
  dayAmplitude: 0.08,
  weekendDrop: 0,
  peakMs: 14 * hourMs,
  phaseMs: 2 * hourMs,
  noiseSigma: 0.65,
  noiseMs: 0.03 * hourMs,
  clusterShare: 0.01,
  applicationShare: 0.04,
  burstsPerDay: 0,
  burstMs: hourMs,
  burstHeight: 0,
  applicationVms: 1,
};

/**
 * Managed hosting: 500 VMs of Bitbrains' rnd trace, 2013-9, have mean 5.7 %, the median VM
 * 1.6 % (GWA-T-12; Shen, van Beek and Iosup, CCGrid 2015, describe the trace). A lognormal level
 * with that median and mean has s² = 2·ln(5.7/1.6). Measured on three days of 58 of these VMs:
 * lag-1 autocorrelation 0.39 in the median and 0.74 at the upper quartile, noise half the mean.
 */
const bitbrains: DemandProfile = {
  levelMedian: 0.016,
  levelSigma: 1.62,
  idleFraction: 0,
  idleLevel: 0,
  dayAmplitude: 0.2,
  weekendDrop: 0.2,
  peakMs: 13 * hourMs,
  phaseMs: 3 * hourMs,
  noiseSigma: 0.47,
  noiseMs: 0.15 * hourMs,
  clusterShare: 0.05,
  applicationShare: 0.15,
  burstsPerDay: 0,
  burstMs: hourMs,
  burstHeight: 0,
  applicationVms: 3,
};

/** The named profiles. */
export const demandProfiles = { office, planetlab, bitbrains } as const;

export type DemandProfileName = keyof typeof demandProfiles;

/** @throws InputError when there is no profile of that name. */
export function profileOf(name: string): DemandProfile {
  const profile = Object.entries(demandProfiles).find(([known]) => known === name)?.[1];
  if (profile !== undefined) return profile;
  throw inputError('profile', Object.keys(demandProfiles).join(', '), name);
}
