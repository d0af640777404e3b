/**
 * What a frequency rule is: from a sample of the load to a P-state.
 *
 * A rule is pure but for the memory it is handed: `slots` numbers per frequency domain, which live in
 * the cluster's state. All zero is a governor that has just started. How a rule is sampled:
 *
 * - `track` is called for every span in which load and speed were constant, up to now, before `next`.
 * - `next` is called at the multiples of a period, idle or not. Samples that cannot change anything
 *   may be left out (parked) while load, speed and limits stay as they are: as long as `steadyMs`
 *   says, or, for a rule without it, once a call under the present load changed neither P-state nor
 *   memory. The sample after a pause covers one period, as if sampling had never paused.
 */

/** What a rule may look at. P-state 0 is the fastest. */
export interface GovernorSample {
  readonly nowMs: number;
  /** Time since the last sample, taken or left out, ms. */
  readonly elapsedMs: number;
  /**
   * Sampling period in force, ms. Where it is given and `elapsedMs` is much longer, rules take the
   * pause for idleness that nobody sampled, as the kernel does. Default: `elapsedMs`.
   */
  readonly periodMs?: number;
  /** Busy fraction of the domain's busiest CPU since the last sample, in [0, 1]. */
  readonly load: number;
  /** Mean over its CPUs, in [0, 1]. */
  readonly meanLoad: number;
  readonly cores: number;
  readonly pstate: number;
  readonly pstates: number;
  /** Core speed of each P-state, MIPS, falling. The rules read it as MHz. */
  readonly coreMips: (pstate: number) => number;
  /** Lowest (fastest) and highest (slowest) P-state that may be chosen. Default: all. */
  readonly minPstate?: number;
  readonly maxPstate?: number;
  /** Wake-ups from waiting for I/O since the last sample. Default 0. */
  readonly ioWakeups?: number;
  /** Part of `load` that niced tasks caused, in [0, 1]. Default 0. */
  readonly niceLoad?: number;
  /** Fraction of the time waiting for I/O, not part of `load`, in [0, 1]. Default 0. */
  readonly iowaitLoad?: number;
}

export interface GovernorRule {
  readonly name: string;
  readonly description: string;
  /** Sampling period unless the host sets another, ms. */
  readonly periodMs: number;
  /** Numbers it remembers per frequency domain. */
  readonly slots: number;
  /** Starts anew: `memory[at … at + slots - 1]` becomes zero. */
  readonly reset?: (memory: Float64Array, at: number) => void;
  /**
   * A span of constant rates has passed: `busy` in [0, 1] of the busiest CPU, at `speedFraction` of
   * the fastest P-state's speed.
   */
  readonly track?: (
    memory: Float64Array,
    at: number,
    elapsedMs: number,
    busy: number,
    speedFraction: number,
  ) => void;
  /** The P-state to run at next. May write its memory. */
  readonly next: (sample: GovernorSample, memory: Float64Array, at: number) => number;
  /**
   * How long `next` surely goes on to return the P-state of `sample` if the load of `sample` lasts,
   * ms from now; Infinity: for ever. Asked after `next`.
   */
  readonly steadyMs?: (sample: GovernorSample, memory: Float64Array, at: number) => number;
}
