/** An evaluation as charts. */
import { compare, type Evaluation } from '../evaluate/results.ts';
import type { ChartDefinition, ChartSource } from './charts/definition.ts';
import { latencyChart } from './charts/latency.ts';
import { learningChart } from './charts/learning.ts';
import { objectiveChart } from './charts/objective.ts';
import { hostsChart, powerChart } from './charts/over-time.ts';
import { tradeOffChart } from './charts/trade-off.ts';
import { castOf } from './roles.ts';

export type { ChartDefinition } from './charts/definition.ts';

/** All charts that the evaluation has data for, in reading order. */
export function chartsOf(evaluation: Evaluation): ChartDefinition[] {
  const results = compare(evaluation.records);
  const source: ChartSource = { evaluation, results, cast: castOf(results) };
  return [
    objectiveChart(source),
    tradeOffChart(source),
    powerChart(source),
    hostsChart(source),
    learningChart(source),
    latencyChart(source),
  ].filter((chart) => chart !== undefined);
}
