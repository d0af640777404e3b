/** How long deciding takes: median to 99th percentile per policy. */
import { significant } from '../format.ts';
import { color } from '../palette.ts';
import {
  axis,
  baseOptions,
  type ChartDefinition,
  type ChartSource,
  rounded,
} from './definition.ts';
import { rowLabels, shownRows } from './rows.ts';

/** A logarithmic axis has no zero; clocks do not resolve less than this either. */
const leastMs = 1e-3;

export function latencyChart(source: ChartSource): ChartDefinition | undefined {
  const rows = shownRows(source).filter(({ decisionMsP50 }) => Number.isFinite(decisionMsP50));
  if (rows.length === 0) return undefined;
  const p50 = rows.map(({ decisionMsP50 }) => rounded(Math.max(leastMs, decisionMsP50)));
  const p99 = rows.map(({ decisionMsP99 }) => rounded(Math.max(leastMs, decisionMsP99)));
  const { marks, scale } = rowLabels(source, rows);
  const told = rows.map(
    ({ policy, decisionMsP50, decisionMsP99 }) =>
      `${policy} ${significant(decisionMsP50, 2)} and ${significant(decisionMsP99, 2)} ms`,
  );
  const points = {
    type: 'line' as const,
    showLine: false,
    pointRadius: 5.5,
    pointBorderWidth: 2,
    pointHoverRadius: 7,
    order: 0,
  };
  return {
    id: 'latency',
    title: title(source),
    subtitle: 'Wall time of one decision, median (p50) and 99th percentile (p99) over all runs',
    alt: `Ranges on a logarithmic axis, p50 and p99: ${told.join('; ')}.`,
    height: 110 + 30 * rows.length,
    config: {
      type: 'bar',
      data: {
        labels: rows.map(({ policy }) => policy),
        datasets: [
          {
            ...points,
            label: 'p50',
            data: p50,
            pointStyle: 'circle',
            borderColor: color('ink'),
            backgroundColor: color('surface'),
          },
          {
            ...points,
            label: 'p99',
            data: p99,
            pointStyle: 'rectRot',
            borderColor: color('ink'),
            backgroundColor: color('ink'),
          },
          {
            type: 'bar',
            label: 'p50 to p99',
            inLegend: false,
            data: p50.map((low, row) => [low, p99[row]!]),
            backgroundColor: color('others'),
            barPercentage: 0.16,
            order: 1,
          },
        ],
      },
      options: {
        ...baseOptions({
          ...marks,
          texts: rows.map((result, row) => ({
            x: p99[row]!,
            y: row,
            text: `${significant(result.decisionMsP50, 2)} / ${significant(result.decisionMsP99, 2)} ms`,
            short: significant(result.decisionMsP99, 2),
          })),
        }),
        indexAxis: 'y',
        interaction: { mode: 'index', axis: 'y', intersect: false },
        scales: {
          x: {
            ...axis('Wall time of a decision, ms (logarithmic)'),
            type: 'logarithmic',
            min: decadeBelow(Math.min(...p50)),
            max: rounded(Math.max(...p99) * 8),
            ticks: { ...axis('').ticks, maxRotation: 0 },
          },
          y: { ...scale, type: 'category' },
        },
      },
    },
  };
}

const decadeBelow = (ms: number): number => 10 ** Math.floor(Math.log10(ms));

function title({ cast: { learned, oracle, bestHeuristic } }: ChartSource): string {
  const told = [
    ['learned', learned],
    ['oracle', oracle],
    ['best heuristic', bestHeuristic],
  ] as const;
  const parts = told.flatMap(([name, result]) =>
    result === undefined || !Number.isFinite(result.decisionMsP99)
      ? []
      : [`${name} ${significant(result.decisionMsP99, 2)} ms`],
  );
  return `Time to decide${parts.length > 0 ? `, p99: ${parts.join(', ')}` : ''}`;
}
