/**
 * The family of Beloglazov & Buyya (2012), Concurrency and Computation 24(13): detect overloaded
 * hosts, select VMs to move from them, place these by power-aware best fit, then drain underloaded
 * hosts. Different from CloudSim 4.0's version: memory is a hard limit, VMs placed earlier in the
 * round count, waking a host has its price, nothing moves twice in a round, a demand of zero does
 * not end a VM, and lrr is robust.
 */
import { z } from 'zod';
import {
  createDetector,
  type DetectorName,
  detectorDefaults,
  detectorNames,
} from './detectors/index.ts';
import { fallbackThreshold } from './detectors/threshold.ts';
import { Draft } from './draft.ts';
import { createDrainer, switchOffEmpty } from './drain.ts';
import { frequencyOption, frequencyRule, setFrequencies } from './frequency.ts';
import { lookbackOption, policyKind } from './kind.ts';
import { placePending } from './pending.ts';
import { powerAwareFit } from './placement.ts';
import { type HostLimit, relieve } from './relieve.ts';
import { createSelection, type SelectionName, selectionNames } from './selections/index.ts';

export const beloglazov = policyKind({
  name: 'beloglazov',
  description: 'overload detector, VM selection, power-aware placement, underload drain',
  options: {
    detector: z
      .enum(detectorNames)
      .default('thr')
      .describe('threshold, interquartile range, median deviation, (robust) local regression'),
    selection: z
      .enum(selectionNames)
      .default('mmt')
      .describe('minimum migration time, maximum correlation, minimum utilization, random'),
    parameter: z
      .number()
      .gt(0)
      .optional()
      .describe('threshold of thr (0.8) or safety of iqr (1.5), mad (2.5), lr and lrr (1.2)'),
    lookback: lookbackOption(1),
    frequency: frequencyOption,
  },
  shorthands: shorthands(),
  create: ({ detector, selection, parameter, lookback, frequency }) => {
    const draft = new Draft();
    const drainer = createDrainer();
    const governor = frequencyRule(frequency);
    const limit = createDetector(detector, parameter ?? detectorDefaults[detector]);
    const select = createSelection(selection);
    return {
      name: `${detector}-${selection}`,
      decide(cluster, plan, chance) {
        draft.load(cluster, plan, lookback);
        setLimits(draft, limit, detector);
        placePending(draft, powerAwareFit);
        relieve(draft, powerAwareFit, select, limit, limit, chance);
        drainer.drain(draft, powerAwareFit);
        switchOffEmpty(draft);
        setFrequencies(draft, governor);
      },
    };
  },
});

/** Placement fills a host as far as its detector lets it, never beyond its capacity. */
function setLimits(draft: Draft, limit: HostLimit, detector: DetectorName): void {
  for (let host = 0; host < draft.cluster.hosts; host++) {
    const learned = detector === 'thr' || draft.guests[host]! > 0;
    const mips = learned ? limit(draft, host) : fallbackThreshold(draft, host);
    draft.limitMips[host] = Math.min(mips, draft.peakMips[host]!);
  }
}

/** `thr-mmt`, `iqr-mc` and so on. */
function shorthands(): Record<string, { detector: DetectorName; selection: SelectionName }> {
  const named: Record<string, { detector: DetectorName; selection: SelectionName }> = {};
  for (const detector of detectorNames) {
    for (const selection of selectionNames) {
      named[`${detector}-${selection}`] = { detector, selection };
    }
  }
  return named;
}
