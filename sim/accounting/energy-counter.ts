/**
 * Reading energy counters that count microjoules and wrap (RAPL and its like), and finding out what a
 * machine draws idle. Energy is kept in J, power in W; neither is ever written for the other.
 *
 *   ΔE = current − previous                 current ≥ previous
 *      = range − previous + current         else: the counter has wrapped once
 *
 * Two wraps between two readings cannot be seen; `longestPeriodS` says how long one may wait.
 */
import { assert } from '../errors.ts';

/** What is known of a counter. */
export interface CounterSpec {
  /** `max_energy_range_uj`: the counter runs from 0 up to this and starts again, µJ. */
  readonly rangeUj: number;
  /** More than the zone can ever draw, e.g. twice its TDP, W. @default Infinity */
  readonly maxW?: number;
}

/** Energy between two readings. */
export interface CounterSpan {
  readonly energyJ: number;
  /** What was seen beyond `maxW`, J: an error of the counter, not energy. 0 as a rule. */
  readonly rejectedJ: number;
  /** The counter may have wrapped more than once: the true energy may be larger by whole ranges. */
  readonly ambiguous: boolean;
}

/** Energy counted from one reading, µJ, to the next one `elapsedS` later. */
export function counterSpan(
  previousUj: number,
  currentUj: number,
  elapsedS: number,
  { rangeUj, maxW = Infinity }: CounterSpec,
): CounterSpan {
  assert(
    previousUj >= 0 && previousUj <= rangeUj && currentUj >= 0 && currentUj <= rangeUj,
    () => `readings ${previousUj} and ${currentUj} of a counter that ends at ${rangeUj} µJ`,
  );
  assert(elapsedS > 0, () => `two readings ${elapsedS} s apart`);
  const uj = currentUj >= previousUj ? currentUj - previousUj : rangeUj - previousUj + currentUj;
  const seenJ = uj / 1e6;
  const mostJ = maxW * elapsedS;
  const energyJ = Math.min(seenJ, mostJ);
  return {
    energyJ,
    rejectedJ: seenJ - energyJ,
    ambiguous: maxW < Infinity && mostJ >= rangeUj / 1e6,
  };
}

/** Longest time between readings in which a counter at `maxW` wraps at most once, s. */
export function longestPeriodS({ rangeUj, maxW = Infinity }: CounterSpec): number {
  return rangeUj / 1e6 / maxW;
}

/**
 * Idle power as the least of the last readings: it follows a machine whose idle power falls or rises,
 * and one busy or wrong reading does not stay in it.
 */
export class IdlePower {
  readonly #state: Float64Array;

  /** @param state Ring of the last readings behind two counters: `IdlePower.length(window)` floats. */
  constructor(state: Float64Array) {
    assert(state.length > 2, () => `${state.length} floats leave no room for a reading`);
    this.#state = state;
  }

  static length(window: number): number {
    return window + 2;
  }

  /** Takes in the mean power of one interval, W. */
  observe(powerW: number): void {
    assert(powerW >= 0, () => `a reading of ${powerW} W`);
    const window = this.#state.length - 2;
    const next = this.#state[0]!;
    this.#state[2 + next] = powerW;
    this.#state[0] = (next + 1) % window;
    this.#state[1] = Math.min(window, this.#state[1]! + 1);
  }

  /** Least power of the window, W; Infinity before the first reading. */
  get idleW(): number {
    let least = Infinity;
    for (let at = 0; at < this.#state[1]!; at++) least = Math.min(least, this.#state[2 + at]!);
    return least;
  }
}
