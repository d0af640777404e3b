/**
 * Linux `ondemand`: fastest above the threshold, else proportional to load.
 *
 *   load > up_threshold → fastest
 *   else f = f_min + load · (f_max − f_min) / 100, closest table frequency
 *
 * Load is whole percent, f_min and f_max are those of the hardware whatever the limits, kHz.
 * Kernel: drivers/cpufreq/cpufreq_ondemand.c, od_update() and generic_powersave_bias_target(). Two
 * things keep the period's grid where the kernel leaves it: with sampling_down_factor n, n − 1 samples
 * at full speed are passed over and count in the next; with powersave_bias whole periods run at the
 * frequency above and below the reduced one, with its average, where the kernel splits each period.
 */
import { z } from 'zod';
import {
  closest,
  fastest,
  highestAtMost,
  kilohertz,
  lowestAtLeast,
  type TableOrder,
  within,
} from './frequency-table.ts';
import { forget, governorKind, samplingRateOption, steadyOnceStill } from './kind.ts';
import type { GovernorSample } from './rule.ts';
import { type LoadOptions, loadAfterPause, loadOptions, loadPercent } from './sampled-load.ts';

/** Memory: load before a pause, %; samples to pass over; load · ms and ms passed over; bias debt;
 * samples to pass over at each look while full speed lasts. */
const slots = 6;
const [beforePause, toPassOver, passedLoadMs, passedMs, biasDebt, passes] = [
  0, 1, 2, 3, 4, 5,
] as const;

interface Options extends LoadOptions {
  readonly up_threshold: number;
  readonly sampling_down_factor: number;
  readonly powersave_bias: number;
  readonly table_order: TableOrder;
}

export const ondemand = governorKind({
  name: 'ondemand',
  description: 'the fastest P-state when busy, else proportional to load',
  options: {
    sampling_rate: samplingRateOption(10_000),
    up_threshold: z.number().int().gte(1).lte(100).default(95).describe('%; above: fastest'),
    sampling_down_factor: z
      .number()
      .int()
      .gte(1)
      .lte(100_000)
      .default(1)
      .describe('samples per look at the load while at full speed'),
    powersave_bias: z
      .number()
      .int()
      .gte(0)
      .lte(1000)
      .default(0)
      .describe('‰ by which the average frequency stays below the target'),
    table_order: z
      .enum(['ascending', 'descending'])
      .default('ascending')
      .describe('order of the driver’s table (acpi-cpufreq: descending); decides ties'),
    ...loadOptions,
  },
  create: (options) => {
    const next = (sample: GovernorSample, memory: Float64Array, at: number): number =>
      step(options, sample, memory, at);
    return {
      periodMs: options.sampling_rate / 1000,
      slots,
      reset: forget(slots),
      next,
      steadyMs: steadyOnceStill(next, slots),
    };
  },
});

function step(options: Options, now: GovernorSample, memory: Float64Array, at: number): number {
  if (memory[at + toPassOver]! > 0) {
    memory[at + toPassOver]!--;
    memory[at + passedLoadMs]! += now.load * now.elapsedMs;
    memory[at + passedMs]! += now.elapsedMs;
    return within(now, now.pstate);
  }
  const sample = withPassedOver(now, memory, at);
  const measured = loadPercent(sample, options);
  const percent = loadAfterPause(sample, measured, memory, at + beforePause);
  const full = fastest(sample);
  if (percent > options.up_threshold) {
    if (sample.pstate !== full) memory[at + passes] = options.sampling_down_factor - 1;
    memory[at + toPassOver] = memory[at + passes]!;
    return options.powersave_bias > 0
      ? biased(options, sample, highestAtMost(sample, kilohertz(sample, full)), memory, at)
      : full;
  }
  memory[at + passes] = 0;
  if (options.powersave_bias === 0) return target(options, sample, percent);
  const wanted = lowestAtLeast(sample, proportional(sample, percent));
  return biased(options, sample, wanted, memory, at);
}

/** The sample that covers what was passed over as well. */
function withPassedOver(now: GovernorSample, memory: Float64Array, at: number): GovernorSample {
  const ms = memory[at + passedMs]!;
  if (ms === 0) return now;
  const elapsedMs = now.elapsedMs + ms;
  const load = Math.min(1, (now.load * now.elapsedMs + memory[at + passedLoadMs]!) / elapsedMs);
  memory[at + passedLoadMs] = 0;
  memory[at + passedMs] = 0;
  // No pause: the kernel lengthens its period by the same factor.
  return { ...now, load, elapsedMs, ...(now.periodMs && { periodMs: elapsedMs }) };
}

/** f_min + load · (f_max − f_min), kHz. */
function proportional(sample: GovernorSample, percent: number): number {
  const min = kilohertz(sample, sample.pstates - 1);
  const max = kilohertz(sample, 0);
  return min + Math.floor((percent * (max - min)) / 100);
}

function target(options: Options, sample: GovernorSample, percent: number): number {
  if (percent > options.up_threshold) return fastest(sample);
  return closest(sample, proportional(sample, percent), options.table_order);
}

/** Now the P-state above, now the one below `wanted` less the bias, right on average. */
function biased(
  options: Options,
  sample: GovernorSample,
  wanted: number,
  memory: Float64Array,
  at: number,
): number {
  const asked = kilohertz(sample, wanted);
  const average = asked - Math.floor((asked * options.powersave_bias) / 1000);
  const low = highestAtMost(sample, average);
  const high = lowestAtLeast(sample, average);
  const [lowKhz, highKhz] = [kilohertz(sample, low), kilohertz(sample, high)];
  if (low === high || average <= lowKhz) return low;
  const debt = memory[at + biasDebt]! + (highKhz - average) / (highKhz - lowKhz);
  const pays = debt >= 1 - 1e-9;
  memory[at + biasDebt] = pays ? debt - 1 : debt;
  return pays ? low : high;
}
