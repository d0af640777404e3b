/**
 * Overload detectors: how much demand a host may have before it counts as overloaded.
 *
 * Names, parameters and defaults follow Beloglazov & Buyya (2012), Concurrency and Computation
 * 24(13): a fixed threshold, thresholds that fall as the host's demand varies more, and a forecast.
 */
import type { HostLimit } from '../relieve.ts';
import { createRegression } from './regression.ts';
import { createSpread, interquartileRange, medianDeviation } from './spread.ts';
import { staticThreshold } from './threshold.ts';

export const detectorNames = ['thr', 'iqr', 'mad', 'lr', 'lrr'] as const;
export type DetectorName = (typeof detectorNames)[number];

/** Threshold, or safety parameter s, of each detector. */
export const detectorDefaults: Readonly<Record<DetectorName, number>> = {
  thr: 0.8,
  iqr: 1.5,
  mad: 2.5,
  lr: 1.2,
  lrr: 1.2,
};

/** The limit of a host, MIPS, under the VMs that the draft has on it. */
export function createDetector(name: DetectorName, parameter: number): HostLimit {
  switch (name) {
    case 'thr':
      return staticThreshold(parameter);
    case 'iqr':
      return createSpread(interquartileRange, parameter);
    case 'mad':
      return createSpread(medianDeviation, parameter);
    case 'lr':
      return createRegression(parameter, 0);
    case 'lrr':
      return createRegression(parameter, robustPasses);
  }
}

/** Cleveland (1979): two robust passes are enough for practical purposes. */
const robustPasses = 2;
