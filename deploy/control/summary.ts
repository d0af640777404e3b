/** What a stretch of control amounted to, from its journal alone. */
import { describeOperation } from '../actions/operation.ts';
import type { Comparison, Decision, PlanItem } from '../decision.ts';
import type { JournalRecord } from '../journal/record.ts';

/** Predicted against observed power over the compared intervals. */
export interface PowerAgreement {
  readonly intervals: number;
  /** Mean of |predicted − observed| / observed, %. */
  readonly mapePercent: number;
  /** Mean of (predicted − observed) / observed, %. */
  readonly biasPercent: number;
  /** Observations that lay within their bands, %, and how many had one; absent where none had. */
  readonly bands?: { readonly intervals: number; readonly coveragePercent: number };
}

export interface MovedVm {
  readonly what: string;
  readonly predictedS?: number;
  readonly observedS: number;
  readonly predictedDowntimeS?: number;
  readonly observedDowntimeS?: number;
}

export interface ControlSummary {
  readonly decisions: number;
  /** Decisions with nothing to do. */
  readonly idle: number;
  /** Items by how they ended. */
  readonly items: Readonly<Partial<Record<PlanItem['state'], number>>>;
  /** Items that a rule forbade, by rule. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Failed items by code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  readonly power?: PowerAgreement;
  readonly migrations: readonly MovedVm[];
}

/** Counts over the records of one or several controllers. */
export function summarizeControl(records: Iterable<JournalRecord>): ControlSummary {
  const decisions = new Map<string, Decision>();
  const comparisons: Comparison[] = [];
  const events: Record<string, number> = {};
  for (const record of records) {
    if (record.kind === 'decision') decisions.set(record.decision.id, record.decision);
    if (record.kind === 'comparison') comparisons.push(record.comparison);
    if (record.kind === 'event') tally(events, record.code);
  }
  const items = [...decisions.values()].flatMap((decision) => decision.items);
  const byState: Partial<Record<PlanItem['state'], number>> = {};
  const refusals: Record<string, number> = {};
  const failures: Record<string, number> = {};
  for (const { state, refusal, error } of items) {
    byState[state] = (byState[state] ?? 0) + 1;
    if (state === 'refused' && refusal !== undefined) tally(refusals, refusal.rule);
    if (error !== undefined) tally(failures, error.code);
  }
  const power = agreement(comparisons);
  return {
    decisions: decisions.size,
    idle: [...decisions.values()].filter(({ nothing }) => nothing !== undefined).length,
    items: byState,
    refusals,
    failures,
    events,
    ...(power === undefined ? {} : { power }),
    migrations: items.flatMap(movedVm),
  };
}

function tally(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** `undefined` where nothing could be compared. */
export function agreement(comparisons: readonly Comparison[]): PowerAgreement | undefined {
  const known = comparisons.filter(({ observedW }) => observedW > 0);
  if (known.length === 0) return undefined;
  const errors = known.map(({ predictedW, observedW }) => (predictedW - observedW) / observedW);
  const meanPercent = (values: readonly number[]): number =>
    (100 * values.reduce((sum, value) => sum + value, 0)) / values.length;
  const banded = known.filter(({ bandW }) => bandW !== undefined);
  const held = banded.filter(
    ({ predictedW, observedW, bandW }) => Math.abs(predictedW - observedW) <= bandW!,
  );
  const coveragePercent = (100 * held.length) / banded.length;
  return {
    intervals: known.length,
    mapePercent: meanPercent(errors.map(Math.abs)),
    biasPercent: meanPercent(errors),
    ...(banded.length === 0 ? {} : { bands: { intervals: banded.length, coveragePercent } }),
  };
}

function movedVm({ operation, state, forecast, effect }: PlanItem): MovedVm[] {
  if (operation.type !== 'migrate' || state !== 'done' || effect?.didChange !== true) return [];
  return [
    {
      what: describeOperation(operation),
      observedS: effect.elapsedMs / 1000,
      ...(forecast?.durationS === undefined ? {} : { predictedS: forecast.durationS }),
      ...(forecast?.downtimeS === undefined ? {} : { predictedDowntimeS: forecast.downtimeS }),
      ...(effect.downtimeMs === undefined ? {} : { observedDowntimeS: effect.downtimeMs / 1000 }),
    },
  ];
}
