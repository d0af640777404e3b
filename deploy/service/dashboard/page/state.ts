/** What the page is told, and what it makes of it before anything is drawn. Everything here is pure. */
import type { DecisionView, SeriesPoint, StateView } from '../../state-view.ts';

export type { DecisionView, ItemView, SeriesPoint } from '../../state-view.ts';

/** The answer of `GET /v1/state`. */
export type State = StateView;

/** A state, and when it came. */
export interface Received {
  readonly state: State;
  /** By the browser's clock, ms since 1970. */
  readonly atMs: number;
}

/** What time it is by the service's clock, which need not be the browser's, ms since 1970. */
export const serviceNowMs = ({ state, atMs }: Received, nowMs: number): number =>
  state.atMs + Math.max(0, nowMs - atMs);

/** Mean absolute percentage error of predictions, as a fraction; `undefined` without a point. */
export function mape(points: readonly SeriesPoint[]): number | undefined {
  const usable = points.filter(({ observedW }) => observedW > 0);
  if (usable.length === 0) return undefined;
  const sum = usable.reduce(
    (total, { predictedW, observedW }) => total + Math.abs(predictedW - observedW) / observedW,
    0,
  );
  return sum / usable.length;
}

/** The decision that is shown: the newest that waits for a person, or else the newest. */
export const shownDecision = ({ open, lastDecision }: State): DecisionView | null =>
  open.at(-1) ?? lastDecision;

/** Intervals of the past that the chart shows, at most. */
export const pastMax = 180;

/** Columns of the power chart: one row for each instant, `null` where a line has no value. */
export interface PowerColumns {
  /** Ends of intervals, s since 1970, rising. */
  readonly endS: readonly number[];
  readonly observedW: readonly (number | null)[];
  /** One interval ahead, of intervals that are over. */
  readonly predictedW: readonly (number | null)[];
  /** Of intervals to come: if nothing is done, and with all that is allowed. */
  readonly beforeW: readonly (number | null)[];
  readonly afterW: readonly (number | null)[];
}

export function powerColumns(
  series: readonly SeriesPoint[],
  decision: DecisionView | null,
): PowerColumns {
  const rows = new Map<number, (number | null)[]>();
  const rowAt = (atMs: number): (number | null)[] => {
    const endS = Math.round(atMs / 1000);
    const row = rows.get(endS) ?? [null, null, null, null];
    rows.set(endS, row);
    return row;
  };
  for (const { atMs, observedW, predictedW } of series.slice(-pastMax)) {
    const row = rowAt(atMs);
    row[0] = observedW;
    row[1] = predictedW;
  }
  if (decision !== null) {
    const { before, after, atMs } = decision;
    const isSame = before.powerW.every((watts, index) => watts === after.powerW[index]);
    before.powerW.forEach((watts, index) => {
      const row = rowAt(atMs + ((index + 1) * before.horizonS * 1000) / before.powerW.length);
      row[2] = watts;
      row[3] = isSame ? null : (after.powerW[index] ?? null);
    });
  }
  const ordered = [...rows].sort(([one], [other]) => one - other);
  const column = (index: number) => ordered.map(([, row]) => row[index] ?? null);
  return {
    endS: ordered.map(([endS]) => endS),
    observedW: column(0),
    predictedW: column(1),
    beforeW: column(2),
    afterW: column(3),
  };
}

/** Measured power of all hosts, W; `undefined` where it is not known of every host that is on. */
export function measuredW({ snapshot }: State): number | undefined {
  if (snapshot === null) return undefined;
  let total = 0;
  for (const host of snapshot.hosts) {
    const isOut = host.state === 'off' || host.state === 'asleep';
    const watts = host.measuredW ?? (isOut ? host.offW : undefined);
    if (watts === undefined) return undefined;
    total += watts;
  }
  return total;
}

/** What was predicted and then observed of decisions, by id. */
export function comparisons({ tail }: State): ReadonlyMap<string, SeriesPoint> {
  return new Map(
    tail.flatMap((record) =>
      record.kind === 'comparison' ? [[record.comparison.decision, record.comparison]] : [],
    ),
  );
}

/** How old telemetry is allowed to get before it is marked, in intervals. */
const ageLimits = { late: 2, old: 4 } as const;

export type Freshness = 'fresh' | 'late' | 'old';

export function freshness(ageMs: number, intervalS: number): Freshness {
  const intervals = ageMs / 1000 / intervalS;
  return intervals > ageLimits.old ? 'old' : intervals > ageLimits.late ? 'late' : 'fresh';
}
