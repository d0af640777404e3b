/** What a frequency rule is: from a sample of the load to a P-state. */

/** What a rule may look at. P-state 0 is the fastest. */
export interface GovernorSample {
  /** Work done / capacity over the last period, in [0, 1]. */
  readonly load: number;
  readonly cores: number;
  readonly pstate: number;
  readonly pstates: number;
  /** Core speed of each P-state, MIPS, falling. */
  readonly coreMips: (pstate: number) => number;
}

export interface GovernorRule {
  readonly name: string;
  /** The P-state to run at next. Pure. */
  readonly next: (sample: GovernorSample) => number;
}
