/**
 * The two governors of Linux's intel_pstate driver in active mode without hardware P-states. They
 * share only their names with the generic ones.
 *
 *   powersave:  busy = fraction of time not idle, at least the I/O boost
 *               ratio = ⌊(t + ⌊t / 4⌋) · busy⌋, t the turbo ratio, at least the lowest
 *               if the ratio of the last period a > ratio: ratio += ⌊(a − ratio) / 2⌋
 *   performance: the fastest
 *
 * A ratio counts steps of the bus clock (ratio_mhz); the table's slowest P-state at or above it runs.
 * Kernel: drivers/cpufreq/intel_pstate.c, get_target_pstate() and intel_pstate_update_util(). A CPU
 * that never ran since the last sample is not looked at there; here it counts as idle, for real CPUs
 * wake up for housekeeping now and then.
 */
import { z } from 'zod';
import { fastest, lowestAtLeast } from './frequency-table.ts';
import { forget, governorKind } from './kind.ts';
import { performance } from './performance.ts';
import type { GovernorSample } from './rule.ts';

/** CONFIG_HZ = 250. */
const tickMs = 4;

/** Memory: I/O boost as a fraction of all time. */
const slots = 1;

interface Options {
  readonly no_turbo: boolean;
  readonly nominal_mhz: number;
  readonly ratio_mhz: number;
}

export const intelPstatePowersave = governorKind({
  name: 'intel_pstate_powersave',
  description: 'intel_pstate without HWP: 1.25 × turbo × busy, falling by halves',
  options: {
    no_turbo: z.boolean().default(false).describe('the highest ratio is nominal_mhz'),
    nominal_mhz: z.number().gte(0).default(0).describe('without turbo; 0: the fastest P-state'),
    ratio_mhz: z.number().gt(0).default(100).describe('bus clock'),
  },
  create: (options) => {
    const next = (sample: GovernorSample, memory: Float64Array, at: number): number => {
      memory[at] = boosted(sample, memory[at]!);
      return pstateFor(options, sample, Math.max(sample.load, memory[at]!));
    };
    return {
      periodMs: 10,
      slots,
      reset: forget(slots),
      next,
      steadyMs: (sample, memory, at) => {
        const still = memory[at] === 0 && (sample.ioWakeups ?? 0) === 0;
        return still && pstateFor(options, sample, sample.load) === sample.pstate
          ? Number.POSITIVE_INFINITY
          : 0;
      },
    };
  },
});

export const intelPstatePerformance = governorKind({
  name: 'intel_pstate_performance',
  description: 'intel_pstate: always the fastest P-state',
  options: {},
  create: () => performance.create({}),
});

/** Ratio of a busy fraction, before limits; `min`, `top` and `average` are ratios. */
export function busyRatio(busy: number, min: number, top: number, average: number): number {
  const target = Math.max(min, Math.floor((top + Math.floor(top / 4)) * busy + 1e-6));
  return average > target ? target + Math.floor((average - target) / 2) : target;
}

function pstateFor(options: Options, sample: GovernorSample, busy: number): number {
  const ratio = (pstate: number): number => Math.round(sample.coreMips(pstate) / options.ratio_mhz);
  const turbo = ratio(0);
  const nominal = options.nominal_mhz > 0 ? Math.round(options.nominal_mhz / options.ratio_mhz) : 0;
  const top = options.no_turbo && nominal > 0 ? Math.min(turbo, nominal) : turbo;
  const min = ratio(sample.pstates - 1);
  const target = Math.min(top, busyRatio(busy, min, top, ratio(sample.pstate)));
  // Half a step of grace for tables that are no whole multiples of the bus clock.
  const kHz = (target - 0.5) * options.ratio_mhz * 1000;
  return Math.max(fastest(sample), lowestAtLeast(sample, kHz));
}

/**
 * The boost after this sample. Wake-ups count as evenly spread: the first gives an eighth, each that
 * follows within a tick doubles it, and more than a tick without any ends it.
 */
function boosted(sample: GovernorSample, before: number): number {
  const wakeups = sample.ioWakeups ?? 0;
  if (wakeups === 0) {
    if (sample.elapsedMs > tickMs) return 0;
    return before / 2 < 1 / 8 ? 0 : before / 2;
  }
  if (sample.elapsedMs / wakeups > tickMs) return 1 / 8;
  let boost = before;
  for (let wakeup = 0; wakeup < wakeups && boost < 1; wakeup++) {
    boost = Math.min(1, Math.max(1 / 8, 2 * boost));
  }
  return boost;
}
