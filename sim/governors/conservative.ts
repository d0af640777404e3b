/**
 * Linux `conservative`: a requested frequency that rises and falls by steps of freq_step percent of
 * the highest one allowed. It is remembered apart from the P-state, so that steps smaller than those
 * of the table add up.
 *
 *   load > up_threshold → request + step, highest table frequency at or below
 *   load < down_threshold → request − step, lowest table frequency at or above
 *
 * Kernel: drivers/cpufreq/cpufreq_conservative.c, cs_dbs_update(), in its order: a request out of
 * limits becomes the present frequency, idle periods that nobody sampled take one step each, then
 * the thresholds.
 */
import { z } from 'zod';
import { inputError } from '../errors.ts';
import {
  fastest,
  highestAtMost,
  kilohertz,
  lowestAtLeast,
  slowest,
  within,
} from './frequency-table.ts';
import { forget, governorKind, samplingRateOption, steadyOnceStill } from './kind.ts';
import type { GovernorSample } from './rule.ts';
import {
  idlePeriods,
  type LoadOptions,
  loadAfterPause,
  loadOptions,
  loadPercent,
} from './sampled-load.ts';

/** Memory: requested kHz (0: the present one); samples since the last look down; load before, %. */
const slots = 3;
const [requested, downSkip, beforePause] = [0, 1, 2] as const;

interface Options extends LoadOptions {
  readonly up_threshold: number;
  readonly down_threshold: number;
  readonly freq_step: number;
  readonly sampling_down_factor: number;
}

export const conservative = governorKind({
  name: 'conservative',
  description: 'up above 80 % load, down below 20 %, by 5 % of the highest frequency',
  options: {
    sampling_rate: samplingRateOption(10_000),
    up_threshold: z.number().int().gte(1).lte(100).default(80).describe('%; above: one step up'),
    down_threshold: z.number().int().gte(0).lte(99).default(20).describe('%; below: one step down'),
    freq_step: z
      .number()
      .int()
      .gte(0)
      .lte(100)
      .default(5)
      .describe('% of the highest frequency; 0 changes nothing'),
    sampling_down_factor: z
      .number()
      .int()
      .gte(1)
      .lte(10)
      .default(1)
      .describe('samples per look down'),
    ignore_nice_load: loadOptions.ignore_nice_load,
  },
  create: (given) => {
    const { up_threshold, down_threshold } = given;
    if (down_threshold >= up_threshold) {
      throw inputError('governor.down_threshold', `less than ${up_threshold}`, `${down_threshold}`);
    }
    const options = { ...given, io_is_busy: false };
    const next = (sample: GovernorSample, memory: Float64Array, at: number): number =>
      step(options, sample, memory, at);
    return {
      periodMs: given.sampling_rate / 1000,
      slots,
      reset: forget(slots),
      next,
      steadyMs: steadyOnceStill(next, slots),
    };
  },
});

function step(options: Options, sample: GovernorSample, memory: Float64Array, at: number): number {
  const measured = loadPercent(sample, options);
  const idle = idlePeriods(sample, measured);
  const percent = loadAfterPause(sample, measured, memory, at + beforePause);
  const stay = within(sample, sample.pstate);
  if (options.freq_step === 0) return stay;
  const max = kilohertz(sample, fastest(sample));
  const min = kilohertz(sample, slowest(sample));
  const size = Math.floor((options.freq_step * max) / 100) || 5;

  let request = memory[at + requested]!;
  if (request > max || request < min) {
    request = kilohertz(sample, stay);
    memory[at + requested] = request;
  }
  // Like the kernel, these steps are forgotten again unless a threshold is passed as well.
  if (idle > 0) request = Math.max(min, request - idle * size);

  if (percent > options.up_threshold) {
    memory[at + downSkip] = 0;
    request = Math.min(request + size, max);
    memory[at + requested] = request;
    return highestAtMost(sample, request);
  }
  memory[at + downSkip]!++;
  if (memory[at + downSkip]! < options.sampling_down_factor) return stay;
  memory[at + downSkip] = 0;
  if (percent >= options.down_threshold || request === min) return stay;
  request = Math.max(min, request - size);
  memory[at + requested] = request;
  return lowestAtLeast(sample, request);
}
