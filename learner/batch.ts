/**
 * Plan tables → feeds of the network. Static shapes need padding: the last host row belongs to
 * padded VM rows, padded terms have sign 0, padded plans are masked.
 */
import { type ColumnScale, type Example, standardizeInto } from './dataset.ts';
import { hostFeatures, vmFeatures } from './features.ts';
import { choiceSharpness } from './plan-network.ts';
import type { PlanTable } from './plan-table.ts';
import type { Bucket, Feeds } from './runtime/index.ts';

/** How features were standardized in training. */
export interface FeatureScales {
  readonly host: ColumnScale;
  readonly vm: ColumnScale;
}

/** Padded sizes of one batch. */
export interface BatchShape {
  readonly rows: number;
  readonly vmRows: number;
  readonly terms: number;
  readonly plansEach: number;
  readonly decisions: number;
}

/** Next of 1, 2, 3, 4, 6, 8, 12, 16, …: few shapes, little waste. */
export function roundedSize(size: number): number {
  let power = 1;
  while (power < size) {
    if (power >= 2 && (power * 3) / 2 >= size) return (power * 3) / 2;
    power *= 2;
  }
  return power;
}

/** Smallest padded shape that holds the tables of one batch. */
export function shapeOf(tables: readonly PlanTable[]): BatchShape {
  const sum = (pick: (table: PlanTable) => number): number =>
    tables.reduce((total, table) => total + pick(table), 0);
  return {
    rows: roundedSize(sum((table) => table.rows) + 1),
    vmRows: roundedSize(
      Math.max(
        1,
        sum((table) => table.vmRows),
      ),
    ),
    terms: roundedSize(
      Math.max(
        1,
        sum((table) => table.terms),
      ),
    ),
    plansEach: roundedSize(Math.max(...tables.map((table) => table.plans))),
    decisions: tables.length,
  };
}

/** Inputs of `scoringModel` (one decision) and, with more, of `trainingModel`. */
export function packTables(
  tables: readonly PlanTable[],
  scales: FeatureScales,
  shape: BatchShape,
): { readonly bucket: Bucket; readonly feeds: Record<string, Float32Array | Int32Array> } {
  const plans = shape.plansEach * shape.decisions;
  const host = new Float32Array(shape.rows * hostFeatures.length);
  const vm = new Float32Array(shape.vmRows * vmFeatures.length);
  const vmOwner = new Int32Array(shape.vmRows).fill(shape.rows - 1);
  const termRow = new Int32Array(shape.terms);
  const termPlan = new Int32Array(shape.terms);
  const termSign = new Float32Array(shape.terms);
  const migrations = new Float32Array(plans);
  let row = 0;
  let vmRow = 0;
  let term = 0;
  tables.forEach((table, decision) => {
    const firstPlan = decision * shape.plansEach;
    standardizeInto(table.host, scales.host, host, row * hostFeatures.length);
    standardizeInto(table.vm, scales.vm, vm, vmRow * vmFeatures.length);
    for (let index = 0; index < table.vmRows; index++) {
      vmOwner[vmRow + index] = row + table.vmOwner[index]!;
    }
    for (let index = 0; index < table.terms; index++) {
      termRow[term + index] = row + table.termRow[index]!;
      termPlan[term + index] = firstPlan + table.termPlan[index]!;
      termSign[term + index] = table.termSign[index]!;
    }
    migrations.set(table.migrations, firstPlan);
    row += table.rows;
    vmRow += table.vmRows;
    term += table.terms;
  });
  return {
    bucket: { ...shape, plans },
    feeds: { host, vm, vmOwner, termRow, termPlan, termSign, migrations },
  };
}

/** Inputs of `trainingModel`. `costScale`: kWh-equivalents per unit of score. */
export function packExamples(
  examples: readonly Example[],
  scales: FeatureScales,
  shape: BatchShape,
  costScale: number,
): { readonly bucket: Bucket; readonly feeds: Feeds } {
  const packed = packTables(
    examples.map((example) => example.table),
    scales,
    shape,
  );
  const cells = shape.decisions * shape.plansEach;
  const mask = new Float32Array(cells);
  const targetCost = new Float32Array(cells);
  const targetChoice = new Float32Array(cells);
  const oneOverCount = new Float32Array(shape.decisions);
  examples.forEach((example, decision) => {
    const first = decision * shape.plansEach;
    const { legal } = example.table;
    const count = legal.reduce((sum, value) => sum + value, 0);
    if (count === 0) return;
    mask.set(legal, first);
    oneOverCount[decision] = 1 / count;
    writeTargets(example, costScale, targetCost, targetChoice, first, count);
  });
  return {
    bucket: packed.bucket,
    feeds: { ...packed.feeds, mask, targetCost, targetChoice, oneOverCount },
  };
}

/** Cost against the decision's mean, and the soft choice e^(−sharpness · cost) / Σ. */
function writeTargets(
  example: Example,
  costScale: number,
  targetCost: Float32Array,
  targetChoice: Float32Array,
  first: number,
  count: number,
): void {
  const { objective, table } = example;
  let mean = 0;
  let least = Infinity;
  for (let plan = 0; plan < table.plans; plan++) {
    if (table.legal[plan] === 0) continue;
    mean += objective[plan]! / count;
    least = Math.min(least, objective[plan]!);
  }
  let total = 0;
  for (let plan = 0; plan < table.plans; plan++) {
    if (table.legal[plan] === 0) continue;
    targetCost[first + plan] = (objective[plan]! - mean) / costScale;
    const worse = (objective[plan]! - least) / costScale;
    targetChoice[first + plan] = Math.exp(-choiceSharpness * worse);
    total += targetChoice[first + plan]!;
  }
  for (let plan = 0; plan < table.plans; plan++) targetChoice[first + plan]! /= total;
}
