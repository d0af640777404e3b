/**
 * Linux `userspace`: the speed somebody else set, within the limits. Its one number of memory is
 * that speed (scaling_setspeed), kHz; 0 is none yet, and then the present P-state stays.
 */
import { z } from 'zod';
import { lowestAtLeast, within } from './frequency-table.ts';
import { forget, governorKind } from './kind.ts';
import type { GovernorSample } from './rule.ts';

export const userspace = governorKind({
  name: 'userspace',
  description: 'the speed that was set',
  options: {
    setspeed: z.number().gte(0).default(0).describe('kHz at the start; 0 keeps the P-state'),
  },
  create: ({ setspeed }) => {
    const next = (sample: GovernorSample, memory: Float64Array, at: number): number => {
      const kHz = memory[at]! > 0 ? memory[at]! : setspeed;
      return kHz > 0 ? lowestAtLeast(sample, kHz) : within(sample, sample.pstate);
    };
    return {
      periodMs: 10,
      slots: 1,
      reset: forget(1),
      next,
      steadyMs: (sample, memory, at) =>
        next(sample, memory, at) === sample.pstate ? Number.POSITIVE_INFINITY : 0,
    };
  },
});
