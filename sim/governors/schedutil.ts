/**
 * Linux `schedutil`: frequency from the scheduler's decaying average of utilization (PELT).
 *
 *   u → 1024 · busy · f / f_max, half of the way in 32 · 1.024 ms
 *   frequency-invariant:  raw = f_max · min(u + u/4, 1024) / 1024    kHz, whole numbers
 *   else                  raw = (f + f/4) · u / 1024, u not scaled by f / f_max
 *
 * and from there the lowest table frequency at or above. No change sooner than rate_limit_us after
 * the last; a domain of one CPU that had no idle time is not slowed; uclamp_min and uclamp_max bound
 * u + u/4; wake-ups from I/O raise u to an eighth of the capacity, doubled by each sample that sees
 * more of them, halved by each that does not, and forgotten after more than a tick.
 *
 * Kernel: kernel/sched/cpufreq_schedutil.c and pelt.c; headroom and clamps as since 6.7, the margin
 * of hardware without frequency invariance as up to 6.7. Its cache of the raw frequency changes no
 * choice and is left out. The kernel also decides at wake-ups; we do at the period, one tick.
 */
import { z } from 'zod';
import { decayTowards, steadyFor, wholeAverage } from './decaying-average.ts';
import { fastest, kilohertz, lowestAtLeast, slowest, within } from './frequency-table.ts';
import { forget, governorKind } from './kind.ts';
import type { GovernorSample } from './rule.ts';

const capacity = 1024;

/** 32 PELT periods of 1024 µs. */
export const peltHalfLifeMs = 32 * 1.024;

/** CONFIG_HZ = 250. */
const tickMs = 4;

const boostMin = capacity / 8;

/**
 * Memory: utilization; 1 + the P-state last chosen (0: none); when it was, ms; I/O boost; limits at
 * the last sample (0: none yet); 1 if the CPU was idle since the last decision.
 */
const slots = 6;
const [utilization, chosen, chosenMs, ioBoost, limits, wasIdle] = [0, 1, 2, 3, 4, 5] as const;

interface Options {
  readonly rate_limit_us: number;
  readonly frequency_invariant: boolean;
  readonly uclamp_min: number;
  readonly uclamp_max: number;
}

export const schedutil = governorKind({
  name: 'schedutil',
  description: '1.25 × the decaying average of utilization',
  options: {
    rate_limit_us: z.number().int().gte(0).default(1000).describe('µs from one change to the next'),
    frequency_invariant: z
      .boolean()
      .default(true)
      .describe('whether utilization is scaled by the present frequency'),
    uclamp_min: z.number().gte(0).lte(100).default(0).describe('% of capacity at least'),
    uclamp_max: z.number().gte(0).lte(100).default(100).describe('% of capacity at most'),
  },
  create: (options) => ({
    periodMs: tickMs,
    slots,
    reset: forget(slots),
    track: (memory, at, elapsedMs, busy, speedFraction) => {
      const scale = options.frequency_invariant ? speedFraction : 1;
      const limit = capacity * busy * scale;
      const index = at + utilization;
      memory[index] = decayTowards(memory[index]!, limit, elapsedMs, peltHalfLifeMs);
    },
    next: (sample, memory, at) => step(options, sample, memory, at),
    steadyMs: (sample, memory, at) => steady(options, sample, memory, at),
  }),
});

/** The frequency asked for at a whole utilization in [0, 1024], kHz before the table. */
function rawKilohertz(options: Options, sample: GovernorSample, util: number): number {
  const clamp = (value: number): number => {
    const min = Math.floor((options.uclamp_min * capacity) / 100);
    const max = Math.floor((options.uclamp_max * capacity) / 100);
    return Math.max(min, Math.min(max, value));
  };
  if (!options.frequency_invariant) {
    const now = kilohertz(sample, sample.pstate);
    return Math.floor(((now + Math.floor(now / 4)) * clamp(util)) / capacity);
  }
  const wanted = Math.min(capacity, util + Math.floor(util / 4));
  return Math.floor((kilohertz(sample, 0) * clamp(wanted)) / capacity);
}

/** The P-state for a whole utilization. */
function pstateFor(options: Options, sample: GovernorSample, util: number): number {
  return lowestAtLeast(sample, rawKilohertz(options, sample, util));
}

/** A CPU of its own that ran all the time keeps at least its speed. */
function keepsSpeed(sample: GovernorSample): boolean {
  return sample.cores === 1 && sample.load >= 1 - 1e-9;
}

function step(options: Options, sample: GovernorSample, memory: Float64Array, at: number): number {
  const before = within(
    sample,
    memory[at + chosen]! > 0 ? memory[at + chosen]! - 1 : sample.pstate,
  );
  const allowed = 1 + fastest(sample) + sample.pstates * slowest(sample);
  const limitsChanged = memory[at + limits] !== allowed;
  memory[at + limits] = allowed;
  requestBoost(sample, memory, at);
  const limited =
    !limitsChanged &&
    memory[at + chosen]! > 0 &&
    sample.nowMs - memory[at + chosenMs]! < options.rate_limit_us / 1000 - 1e-6;
  const busy = keepsSpeed(sample) && memory[at + wasIdle] === 0;
  if (limited) {
    memory[at + wasIdle] = busy || sample.cores > 1 ? 0 : 1;
    return before;
  }
  memory[at + wasIdle] = 0;
  const util = Math.max(wholeAverage(memory[at + utilization]!), memory[at + ioBoost]!);
  let pstate = pstateFor(options, sample, util);
  if (busy && !limitsChanged) pstate = Math.min(pstate, before);
  if (memory[at + chosen] !== 1 + pstate) {
    memory[at + chosen] = 1 + pstate;
    memory[at + chosenMs] = sample.nowMs;
  }
  return pstate;
}

/** Raises, halves or drops the boost of tasks that wait for I/O. */
function requestBoost(sample: GovernorSample, memory: Float64Array, at: number): void {
  const index = at + ioBoost;
  const boost = memory[index]!;
  const asked = (sample.ioWakeups ?? 0) > 0;
  if (boost === 0 || sample.elapsedMs > tickMs + 1e-6) memory[index] = asked ? boostMin : 0;
  else if (asked) memory[index] = Math.min(capacity, 2 * boost);
  else memory[index] = boost / 2 < boostMin ? 0 : boost / 2;
}

function steady(
  options: Options,
  sample: GovernorSample,
  memory: Float64Array,
  at: number,
): number {
  const asked = (sample.ioWakeups ?? 0) > 0;
  if (memory[at + ioBoost]! > 0 || asked || memory[at + wasIdle]! > 0) return 0;
  if (memory[at + chosen] !== 1 + sample.pstate) return 0;
  const speed = options.frequency_invariant
    ? sample.coreMips(sample.pstate) / sample.coreMips(0)
    : 1;
  const limit = capacity * sample.load * speed;
  const keeps = keepsSpeed(sample);
  return steadyFor(memory[at + utilization]!, limit, peltHalfLifeMs, (util) => {
    const pstate = pstateFor(options, sample, util);
    return pstate === sample.pstate || (keeps && pstate > sample.pstate);
  });
}
