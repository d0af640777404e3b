/**
 * CPU energy from performance events, per vCPU. The hypervisor reads the counters at every switch
 * between vCPUs; each event costs a fixed energy, and time itself (the time-stamp counter) the idle
 * energy, which is shared apart.
 *
 *   active = Σ over events ≠ TSC of count · weight,   idle = ΔTSC · weight of TSC
 *
 * Valid for one frequency and voltage, and for loads like those the weights were fitted to.
 */
import { assert } from '../errors.ts';

/** Energy per event of one machine. */
export interface EventWeights {
  readonly name: string;
  /** Time-stamp counter, Hz. */
  readonly tscHz: number;
  /** Idle energy per TSC cycle, nJ. */
  readonly tscNj: number;
  readonly events: readonly string[];
  /** One per event, nJ. */
  readonly eventNj: readonly number[];
  readonly source: string;
}

const netburstEvents = [
  'unhalted cycles',
  'µop queue writes',
  'retired branches',
  'mispredicted branches',
  'memory retired',
  'MOB load replays',
  'L1 load misses',
] as const;

/** The two published sets, by name. */
export const eventWeightSets = {
  'pentium-4': {
    name: 'Pentium 4, 2 GHz',
    tscHz: 2e9,
    tscNj: 6.17,
    events: netburstEvents,
    eventNj: [7.12, 4.75, 0.56, 340.46, 1.73, 29.96, 13.55],
    source: 'L4Ka resource monitor, earm CPU accounting: weights for the Pentium 4 at 2 GHz',
  },
  'pentium-d': {
    name: 'Pentium D 830, one core, 3 GHz',
    tscHz: 3e9,
    tscNj: 14.18,
    events: netburstEvents,
    eventNj: [12.85, 0.75, 8.4, 234.21, 6.49, 43.2, 8.81],
    source:
      'L4Ka resource monitor, earm CPU accounting; the machine of Stoess, Lang & Bellosa, ' +
      'Energy Management for Hypervisor-Based Virtual Machines, USENIX ATC 2007',
  },
} as const satisfies Readonly<Record<string, EventWeights>>;

/**
 * Active energy of one vCPU, J.
 *
 * @param counts Events since the last reading, in the order of `weights.events`.
 */
export function activeEnergyJ(weights: EventWeights, counts: ArrayLike<number>): number {
  assert(
    counts.length === weights.eventNj.length,
    () => `${counts.length} counts for ${weights.eventNj.length} events`,
  );
  let nanojoule = 0;
  for (let event = 0; event < counts.length; event++) {
    nanojoule += counts[event]! * weights.eventNj[event]!;
  }
  return nanojoule / 1e9;
}

/** Energy of the CPU doing nothing for `elapsedS`, J. */
export function idleEnergyJ(weights: EventWeights, elapsedS: number): number {
  return (elapsedS * weights.tscHz * weights.tscNj) / 1e9;
}

/**
 * Weights as a fit gives them: one number per event, in nJ, the TSC's first (its row counts cycles).
 * Any non-negative fit of Σ count · weight to metered energy will do.
 */
export function fittedWeights(
  name: string,
  tscHz: number,
  events: readonly string[],
  nanojoule: ArrayLike<number>,
): EventWeights {
  assert(nanojoule.length === events.length + 1, () => `${nanojoule.length} weights`);
  for (let index = 0; index < nanojoule.length; index++) {
    assert(nanojoule[index]! >= 0, () => `a weight of ${nanojoule[index]} nJ`);
  }
  const [tscNj, ...eventNj] = Array.from(nanojoule);
  return { name, tscHz, tscNj: tscNj!, events, eventNj, source: 'fitted to a meter' };
}
