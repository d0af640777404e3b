/**
 * Distributions of service demand and think time, as rows of immutable columns.
 *
 * | type | parameters | drawn as |
 * |---|---|---|
 * | constant | mean | mean |
 * | exponential | mean | −mean·ln u |
 * | uniform | min, max | min + (max − min)·u |
 * | lognormal | mean, scv | exp(µ + σz), σ² = ln(1 + scv), µ = ln mean − σ²/2 |
 * | hyperexponential | mean, scv ≥ 1 | two branches of equal share of the mean ("balanced means") |
 * | empirical | values | one of the values, all alike |
 *
 * `scv` is the squared coefficient of variation, variance / mean². u is uniform in (0, 1), z standard
 * normal (Marsaglia's polar method).
 */

import { assert } from '../errors.ts';
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';
import { exp, log } from '../numbers/exact-math.ts';
import { drawFloat } from './draws.ts';

/** A distribution of numbers from 0 up, in whatever unit its user says. */
export type DistributionSpec =
  | { readonly type: 'constant'; readonly mean: number }
  | { readonly type: 'exponential'; readonly mean: number }
  | { readonly type: 'uniform'; readonly min: number; readonly max: number }
  | { readonly type: 'lognormal'; readonly mean: number; readonly scv: number }
  | { readonly type: 'hyperexponential'; readonly mean: number; readonly scv: number }
  | { readonly type: 'empirical'; readonly values: readonly number[] };

/** Distribution kinds as stored in `DistributionTable.kind`. */
const kinds = {
  constant: 0,
  exponential: 1,
  uniform: 2,
  lognormal: 3,
  hyperexponential: 4,
  empirical: 5,
} as const;

/** Immutable columns, one row per distribution. */
export interface DistributionTable {
  readonly kind: Int32Array;
  /** Three parameters a row; for empirical ones, first index and number of `values`. */
  readonly parameters: Float64Array;
  readonly values: Float64Array;
}

/** Collects distributions; `row` returns where one will stand. */
export class DistributionTableBuilder {
  readonly #specs: DistributionSpec[] = [];

  row(spec: DistributionSpec): number {
    checkDistribution(spec);
    this.#specs.push(spec);
    return this.#specs.length - 1;
  }

  build(): DistributionTable {
    const specs = this.#specs;
    const values: number[] = [];
    const rows = specs.flatMap((spec) => parametersOf(spec, values));
    return {
      kind: fillInt32(specs.length, (row) => kinds[specs[row]!.type]),
      parameters: fillFloat64(rows.length, (index) => rows[index]!),
      values: fillFloat64(values.length, (index) => values[index]!),
    };
  }
}

function checkDistribution(spec: DistributionSpec): void {
  const numbers =
    spec.type === 'empirical'
      ? spec.values
      : spec.type === 'uniform'
        ? [spec.min, spec.max]
        : [spec.mean];
  assert(
    numbers.length > 0 && numbers.every((value) => Number.isFinite(value) && value >= 0),
    () => `a ${spec.type} distribution of ${numbers.join(', ')}`,
  );
  if (spec.type === 'uniform') {
    assert(spec.min <= spec.max, () => `a uniform distribution from ${spec.min} to ${spec.max}`);
  }
  if (spec.type === 'hyperexponential' || spec.type === 'lognormal') {
    const least = spec.type === 'lognormal' ? 0 : 1;
    assert(
      Number.isFinite(spec.scv) && spec.scv >= least,
      () => `a ${spec.type} distribution with a squared coefficient of variation of ${spec.scv}`,
    );
  }
}

function parametersOf(spec: DistributionSpec, values: number[]): [number, number, number] {
  switch (spec.type) {
    case 'constant':
    case 'exponential':
      return [spec.mean, 0, 0];
    case 'uniform':
      return [spec.min, spec.max - spec.min, 0];
    case 'lognormal': {
      if (spec.mean === 0) return [-Infinity, 0, 0];
      const variance = log(1 + spec.scv);
      return [log(spec.mean) - variance / 2, Math.sqrt(variance), 0];
    }
    case 'hyperexponential': {
      const share = (1 + Math.sqrt((spec.scv - 1) / (spec.scv + 1))) / 2;
      const rare = share === 1 ? 0 : spec.mean / (2 * (1 - share));
      return [share, spec.mean / (2 * share), rare];
    }
    case 'empirical': {
      const first = values.length;
      values.push(...spec.values);
      return [first, spec.values.length, 0];
    }
  }
}

/** Mean of a distribution. */
export function meanOf(spec: DistributionSpec): number {
  if (spec.type === 'uniform') return (spec.min + spec.max) / 2;
  if (spec.type !== 'empirical') return spec.mean;
  return spec.values.reduce((sum, value) => sum + value, 0) / spec.values.length;
}

/** The same distribution of numbers `factor` times as large. */
export function scaled(spec: DistributionSpec, factor: number): DistributionSpec {
  if (spec.type === 'uniform') {
    return { ...spec, min: spec.min * factor, max: spec.max * factor };
  }
  if (spec.type !== 'empirical') return { ...spec, mean: spec.mean * factor };
  return { ...spec, values: spec.values.map((value) => value * factor) };
}

/** A number from distribution `row`, from the draws of `seed` that start at `index`. */
export function sample(table: DistributionTable, row: number, seed: number, index: number): number {
  const { parameters } = table;
  const first = parameters[3 * row]!;
  const second = parameters[3 * row + 1]!;
  switch (table.kind[row]) {
    case kinds.constant:
      return first;
    case kinds.exponential:
      return -first * log(drawFloat(seed, index));
    case kinds.uniform:
      return first + second * drawFloat(seed, index);
    case kinds.lognormal:
      return exp(first + second * drawNormal(seed, index));
    case kinds.hyperexponential: {
      const mean = drawFloat(seed, index) < first ? second : parameters[3 * row + 2]!;
      return -mean * log(drawFloat(seed, index + 1));
    }
    default:
      return table.values[first + Math.floor(second * drawFloat(seed, index))]!;
  }
}

/** Standard normal from as many draws as it takes; an attempt fails with chance 1 − π/4. */
function drawNormal(seed: number, index: number): number {
  for (let at = index; ; at += 2) {
    const x = 2 * drawFloat(seed, at) - 1;
    const y = 2 * drawFloat(seed, at + 1) - 1;
    const squared = x * x + y * y;
    if (squared > 0 && squared < 1) return x * Math.sqrt((-2 * log(squared)) / squared);
  }
}
