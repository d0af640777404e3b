/** When requests are due: an open loop asks at times of its own, whatever the answers do. */
import type { RandomStream } from '../../../sim/index.ts';

/** A stretch of time with one rate. */
export interface RateStep {
  readonly startMs: number;
  readonly endMs: number;
  /** Requests per second. */
  readonly perS: number;
}

/**
 * `poisson`: independent of each other, as from many users. `even`: one gap apart, as YCSB's target
 * throttle spaces them.
 */
export type Spacing = 'poisson' | 'even';

/** Requests that fall due between two times, s from the start, on average. */
export function askedBetween(steps: readonly RateStep[], fromS: number, toS: number): number {
  return steps.reduce((sum, { startMs, endMs, perS }) => {
    const lastedMs = Math.min(endMs, toS * 1000) - Math.max(startMs, fromS * 1000);
    return sum + (Math.max(0, lastedMs) / 1000) * perS;
  }, 0);
}

/**
 * Due times, ms from the start, ascending. The requests of a rate that changes are those of rate 1
 * with time stretched, so a step in the middle of a gap shortens or lengthens what is left of it.
 *
 * @param steps In order of time, without overlap.
 */
export function* arrivalTimes(
  steps: readonly RateStep[],
  spacing: Spacing,
  stream: RandomStream,
): Generator<number> {
  // Requests of several VMs at even gaps must not all fall on the same moment.
  let next = spacing === 'even' ? stream.float() : exponential(stream);
  let before = 0;
  for (const step of steps) {
    const expected = ((step.endMs - step.startMs) / 1000) * step.perS;
    while (next < before + expected) {
      yield step.startMs + ((next - before) / step.perS) * 1000;
      next += spacing === 'even' ? 1 : exponential(stream);
    }
    before += expected;
  }
}

/** Mean 1. `1 − u` is never 0, whose logarithm is none. */
const exponential = (stream: RandomStream): number => -Math.log(1 - stream.float());
