/**
 * Hardware-managed P-states (HWP, "Speed Shift") as a tracker of utilization.
 *
 *   u → 1024 · busy · f / f_max with a half-life of a few ms; f = f_max · u / (1024 · goal)
 *   goal = 0.5 + 0.45 · epp / 255
 *
 * The hardware's rule is not public. That it follows the load on the scale of milliseconds between the
 * limits the OS sets, and that a lower energy-performance preference (EPP) gives more speed, is; the
 * goals and the half-life are assumptions and calibrated against nothing.
 */
import { z } from 'zod';
import { decayTowards, steadyFor, wholeAverage } from './decaying-average.ts';
import { kilohertz, lowestAtLeast } from './frequency-table.ts';
import { forget, governorKind } from './kind.ts';
import type { GovernorSample } from './rule.ts';

const capacity = 1024;

/** EPP of the names in energy_performance_preference. */
const preferences = { performance: 0, balance_performance: 128, balance_power: 192, power: 255 };

export const intelPstateHwp = governorKind({
  name: 'intel_pstate_hwp',
  description: 'hardware P-states: follows utilization within milliseconds, biased by EPP',
  options: {
    energy_performance_preference: z
      .union([
        z.enum(['performance', 'balance_performance', 'balance_power', 'power']),
        z.number().int().gte(0).lte(255),
      ])
      .default('balance_performance')
      .describe('name or EPP, 0 (speed) to 255 (energy)'),
    half_life_ms: z.number().gt(0).default(4).describe('of the utilization it follows'),
  },
  create: ({ energy_performance_preference: preference, half_life_ms: halfLifeMs }) => {
    const epp = typeof preference === 'number' ? preference : preferences[preference];
    const goal = 0.5 + (0.45 * epp) / 255;
    const pstateFor = (sample: GovernorSample, util: number): number =>
      lowestAtLeast(sample, Math.floor((kilohertz(sample, 0) * util) / (capacity * goal)));
    return {
      periodMs: 1,
      slots: 1,
      reset: forget(1),
      track: (memory, at, elapsedMs, busy, speedFraction) => {
        const limit = capacity * busy * speedFraction;
        memory[at] = decayTowards(memory[at]!, limit, elapsedMs, halfLifeMs);
      },
      next: (sample, memory, at) => pstateFor(sample, wholeAverage(memory[at]!)),
      steadyMs: (sample, memory, at) => {
        const speed = sample.coreMips(sample.pstate) / sample.coreMips(0);
        const same = (util: number): boolean => pstateFor(sample, util) === sample.pstate;
        return steadyFor(memory[at]!, capacity * sample.load * speed, halfLifeMs, same);
      },
    };
  },
});
