/** Reasons to trust a sample less, and how much less. */

/**
 * What each doubt leaves of the confidence, in [0, 1]. 0: not to be used; the value is kept so that a
 * person can see it. The numbers rank, they are no probabilities.
 */
export const doubts = {
  /** The host's wall clock and its uptime disagree about how long the interval was. */
  'clock-jump': 0.8,
  /** Ticks of the CPUs do not add up to the time that passed: suspended, or a guest itself. */
  'ticks-missing': 0.5,
  /** The interval is so short that the counter's own steps are more than 5 % of it. */
  'coarse-counter': 0.7,
  /** More than the part can draw; cut to what it can. */
  spike: 0,
  /** The counter did not move although time went by. */
  frozen: 0,
  /** The counter went back. */
  reset: 0,
  /** The counter may have wrapped more than once in so long an interval. */
  'maybe-wrapped-twice': 0,
  /** One of the readings is missing. */
  unreadable: 0,
  /** The guest has not told about its memory for a while. */
  stale: 0.3,
  /** A state at one moment, for an interval. */
  'moment-only': 0.8,
  /** Some of the parts are missing in the sum. */
  partial: 0.5,
  /** libvirt printed lines of no known form. */
  'broken-lines': 0.8,
} as const satisfies Readonly<Record<string, number>>;

export type Doubt = keyof typeof doubts;

/** A value with where it comes from and how far it can be trusted. */
export interface Observed<Value> {
  readonly value: Value;
  /** When it was read, ms since 1970 by the observing machine's clock. */
  readonly observedAtMs: number;
  /** How old it was when the sample was made, ms. */
  readonly ageMs: number;
  /** File or command on the host. */
  readonly source: string;
  /** Product over the doubts, in [0, 1]; 1 without any. */
  readonly confidence: number;
  readonly doubts: readonly Doubt[];
}

/** Product of what the doubts leave. */
export function confidenceOf(found: readonly Doubt[]): number {
  return found.reduce((product, doubt) => product * doubts[doubt], 1);
}

/** How old a value is now, ms. `ageMs` of the sample is its age when the sample was made. */
export function ageAt(observed: Observed<unknown>, nowMs: number): number {
  return Math.max(0, nowMs - observed.observedAtMs);
}
