/** Arms against the first of them, seed by seed. */
import { type Estimate, estimate } from '../../scripts/evaluate/results.ts';
import type { Outcome } from './outcome.ts';

/** Said before anything was measured: no arm may be slower than this, by kind of request and seed. */
export const p99Limit = { leastMs: 500, factor: 3 } as const;

export interface ArmFigures {
  readonly arm: string;
  readonly seeds: readonly number[];
  readonly energyJ: Estimate;
  /** Energy over the first arm's of the same seed. */
  readonly energyRatio: Estimate;
  readonly kinds: readonly KindFigures[];
  /** Whether every kind holds its limit on every seed. */
  readonly holds: boolean;
}

export interface KindFigures {
  readonly kind: string;
  /** Done over asked of all seeds. */
  readonly doneShare: number;
  readonly errors: number;
  readonly p50Ms: Estimate;
  readonly p99Ms: Estimate;
  readonly p99Ratio: Estimate;
  /** Seeds on which the limit is exceeded. */
  readonly over: readonly number[];
}

export const p99LimitMs = (baselineP99Ms: number): number =>
  Math.max(p99Limit.leastMs, p99Limit.factor * baselineP99Ms);

/** Arms in the order of the outcomes; seeds that the first arm lacks are left out. */
export function armFigures(outcomes: readonly Outcome[]): ArmFigures[] {
  const names = [...new Set(outcomes.map(({ arm }) => arm))];
  const baseline = new Map(
    outcomes.filter(({ arm }) => arm === names[0]).map((one) => [one.seed, one]),
  );
  return names.map((arm) => {
    const pairs = outcomes.flatMap((own) => {
      const base = baseline.get(own.seed);
      return own.arm === arm && base !== undefined ? [{ own, base }] : [];
    });
    const kindNames = [...new Set(pairs.flatMap(({ own }) => Object.keys(own.kinds)))].sort();
    const kinds = kindNames.map((kind) => kindFigures(kind, pairs));
    return {
      arm,
      seeds: pairs.map(({ own }) => own.seed),
      energyJ: estimate(pairs.map(({ own }) => own.energyJ)),
      energyRatio: estimate(pairs.map(({ own, base }) => own.energyJ / base.energyJ)),
      kinds,
      holds: kinds.every(({ over }) => over.length === 0),
    };
  });
}

interface Pair {
  readonly own: Outcome;
  readonly base: Outcome;
}

function kindFigures(kind: string, pairs: readonly Pair[]): KindFigures {
  const known = pairs.map(({ own, base }) => ({
    seed: own.seed,
    own: own.kinds[kind]!,
    base: base.kinds[kind]!,
  }));
  const sum = (of: (one: (typeof known)[number]) => number): number =>
    known.reduce((total, one) => total + of(one), 0);
  return {
    kind,
    doneShare: sum(({ own }) => own.done) / sum(({ own }) => own.asked),
    errors: sum(({ own }) => own.errors + own.unfinished),
    p50Ms: estimate(known.map(({ own }) => own.p50Ms)),
    p99Ms: estimate(known.map(({ own }) => own.p99Ms)),
    p99Ratio: estimate(known.map(({ own, base }) => own.p99Ms / base.p99Ms)),
    over: known
      .filter(({ own, base }) => own.p99Ms > p99LimitMs(base.p99Ms))
      .map(({ seed }) => seed),
  };
}
