/** The objective per policy: stacked shares, total with its interval. */

import { type PolicyResult, pairedPercent } from '../../evaluate/results.ts';
import { decimalsFor, fixed, plusMinus } from '../format.ts';
import { plural, signedPercent } from '../headline.ts';
import type { Marks } from '../marks.ts';
import { color } from '../palette.ts';
import {
  axis,
  baseOptions,
  type ChartDefinition,
  type ChartSource,
  rounded,
} from './definition.ts';
import { rowLabels, shownRows } from './rows.ts';

export function objectiveChart(source: ChartSource): ChartDefinition {
  const { results, evaluation } = source;
  const rows = shownRows(source);
  const decimals = decimalsFor(
    rows.map(({ objective }) => objective.mean),
    4,
  );
  const { energyPerKwh, lostPerVcpuHour, perMigration } = evaluation.objective;
  const { moneyPerUnit = 0, carbonPerKg = 0 } = evaluation.objective;
  const reach = rows.map(({ objective }) => objective.mean + (objective.halfWidth || 0));
  const marks: Marks = {
    ...rowLabels(source, rows).marks,
    whiskers: rows.flatMap(({ objective: { mean, halfWidth } }, row) =>
      Number.isFinite(halfWidth)
        ? [
            {
              along: 'x' as const,
              low: rounded(mean - halfWidth),
              high: rounded(mean + halfWidth),
              at: row,
            },
          ]
        : [],
    ),
    texts: rows.map(({ objective, policy, regretPercent }, row) => ({
      x: rounded(reach[row]!),
      y: row,
      text: `${plusMinus(objective, decimals)}${regretPercent === undefined ? '' : `  (${signedPercent(regretPercent.mean)})`}`,
      short: fixed(objective.mean, decimals),
      bold: policy === source.cast.oracle?.policy || policy === source.cast.learned?.policy,
    })),
  };
  type Share = 'energy' | 'lost' | 'migrations' | 'money' | 'carbon';
  const share = (label: string, name: Share, data: number[]) => ({
    label,
    data: data.map(rounded),
    backgroundColor: color(name),
    pointStyle: 'rect' as const,
    barPercentage: 0.72,
    categoryPercentage: 1,
  });
  /** A share of its own where it has a weight. */
  const weighted = (
    name: 'money' | 'carbon',
    weight: number,
    pick: (result: PolicyResult) => number | undefined,
  ) =>
    weight === 0
      ? []
      : [
          share(
            name,
            name,
            rows.map((result) => (pick(result) ?? 0) * weight),
          ),
        ];
  const count = Math.max(...rows.map(({ objective }) => objective.count));
  const omitted = results.length - rows.length;
  return {
    id: 'objective',
    title: title(source),
    subtitle:
      `Objective in kWh-equivalents, mean of ${plural(count, 'run')}` +
      `${count > 1 ? ' with 95 % confidence interval' : ''}; less is better` +
      `${source.cast.oracle === undefined ? '' : '; in brackets: above the oracle, run by run'}` +
      `${omitted > 0 ? `; ${rows.length} of ${results.length} policies` : ''}`,
    alt: `Stacked bars, best first: ${rows
      .map(({ policy, objective }) => `${policy} ${plusMinus(objective, decimals)}`)
      .join('; ')}.`,
    height: 110 + 34 * rows.length,
    config: {
      type: 'bar',
      data: {
        labels: rows.map(({ policy }) => policy),
        datasets: [
          share(
            'energy',
            'energy',
            rows.map(({ energyKwh }) => energyKwh.mean * energyPerKwh),
          ),
          share(
            'lost work',
            'lost',
            rows.map(({ lostVcpuHours }) => lostVcpuHours.mean * lostPerVcpuHour),
          ),
          share(
            'migrations',
            'migrations',
            rows.map(({ migrations }) => migrations.mean * perMigration),
          ),
          ...weighted('money', moneyPerUnit, ({ money }) => money?.mean),
          ...weighted('carbon', carbonPerKg, ({ carbonKg }) => carbonKg?.mean),
        ],
      },
      options: {
        ...baseOptions(marks),
        indexAxis: 'y',
        interaction: { mode: 'index', axis: 'y', intersect: false },
        scales: {
          x: {
            ...axis('Objective, kWh-equivalents'),
            stacked: true,
            beginAtZero: true,
            suggestedMax: rounded(Math.max(...reach) * 1.27),
          },
          y: { ...rowLabels(source, rows).scale, stacked: true },
        },
      },
    },
  };
}

function title({ evaluation, cast }: ChartSource): string {
  const { learned, oracle, bestHeuristic } = cast;
  if (learned === undefined) return 'What each policy costs';
  const parts = [
    bestHeuristic && `${against(bestHeuristic.policy)} against the best heuristic`,
    oracle && `${against(oracle.policy)} against the oracle`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'What each policy costs' : `Cost: learned ${parts.join(', ')}`;

  function against(policy: string): string {
    return signedPercent(pairedPercent(evaluation.records, 'learned', policy).mean);
  }
}
