/**
 * Demonstrations → numbers. The states are not in the labels: each episode is replayed on a twin,
 * which gives back the very view that the oracle had, and the features are computed from that.
 */
import type { Demonstration } from '../oracle/index.ts';
import { advance, applyPlan, type Twin, TwinView } from '../sim/index.ts';
import { describePlans, legality, type PlanTable } from './plan-table.ts';

/** One decision to learn from. */
export interface Example {
  readonly table: PlanTable;
  /** [plans] Cost over the horizon, kWh-equivalents. */
  readonly objective: Float64Array;
  /** Which proposal each plan came from. */
  readonly sources: readonly string[];
}

export interface ReplayOptions {
  /**
   * Features are taken this many decisions late, against the labels (and what is legal) of the
   * present one. Only a test uses it: a model that does not care was never looking at the state.
   * Default 0.
   */
  readonly shift?: number;
}

/** @param twin The episode's twin at time 0; changed. */
export function* replayEpisode(
  twin: Twin,
  demonstrations: readonly Demonstration[],
  options: ReplayOptions = {},
): Generator<Example> {
  const { shift = 0 } = options;
  const behind: TwinView[] = [];
  for (const demonstration of demonstrations) {
    advance(twin, demonstration.decidedAtMs);
    const plans = demonstration.plans.map((plan) => plan.actions);
    const present = new TwinView(twin);
    const table = describePlans(shift === 0 ? present : delayedView(twin, behind, shift), plans);
    yield {
      table: shift === 0 ? table : { ...table, legal: legality(present, plans) },
      objective: Float64Array.from(demonstration.plans, (plan) => plan.objective),
      sources: demonstration.plans.map((plan) => plan.source),
    };
    applyPlan(twin, demonstration.plans[demonstration.executed]!.actions);
  }
}

/** The view of `shift` decisions ago, on a fork of its own. */
function delayedView(twin: Twin, behind: TwinView[], shift: number): TwinView {
  behind.push(new TwinView(twin.fork()));
  if (behind.length > shift + 1) behind.shift();
  return behind[0]!;
}

/** Mean and deviation of each column, for standardizing. */
export interface ColumnScale {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Scales of `width` columns over the given row-major tables. Constant columns get deviation 1. */
export function columnScale(tables: readonly Float32Array[], width: number): ColumnScale {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width).fill(1);
  let rows = 0;
  for (const table of tables) {
    rows += table.length / width;
    for (let cell = 0; cell < table.length; cell++) mean[cell % width]! += table[cell]!;
  }
  if (rows === 0) return { mean, deviation };
  for (let column = 0; column < width; column++) mean[column]! /= rows;
  const squares = new Float64Array(width);
  for (const table of tables) {
    for (let cell = 0; cell < table.length; cell++) {
      const off = table[cell]! - mean[cell % width]!;
      squares[cell % width]! += off * off;
    }
  }
  for (let column = 0; column < width; column++) {
    const spread = Math.sqrt(squares[column]! / rows);
    if (spread > 1e-6) deviation[column] = spread;
  }
  return { mean, deviation };
}

/** (cell − mean) / deviation into `out` from `offset` on, limited to ±10 deviations. */
export function standardizeInto(
  table: Float32Array,
  scale: ColumnScale,
  out: Float32Array,
  offset: number,
): void {
  const width = scale.mean.length;
  for (let cell = 0; cell < table.length; cell++) {
    const column = cell % width;
    const value = (table[cell]! - scale.mean[column]!) / scale.deviation[column]!;
    out[offset + cell] = value > 10 ? 10 : value < -10 ? -10 : value;
  }
}
