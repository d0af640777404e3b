/** Energy against lost work: every run a small point, every policy's mean a large one. */
import type { ChartDataset, Point } from 'chart.js';
import type { Estimate, PolicyResult } from '../../evaluate/results.ts';
import { significant } from '../format.ts';
import type { Whisker } from '../marks.ts';
import { color } from '../palette.ts';
import { tellingPolicies } from '../roles.ts';
import {
  axis,
  baseOptions,
  type ChartDefinition,
  type ChartSource,
  otherStyle,
  policyStyles,
  rounded,
} from './definition.ts';

export function tradeOffChart(source: ChartSource): ChartDefinition {
  const { results } = source;
  const telling = tellingPolicies(results);
  const others = results.filter((result) => !telling.includes(result));
  const styles = policyStyles(source);
  const styleOf = (policy: string) => styles.get(policy) ?? otherStyle;
  const told = results.map(
    ({ policy, energyKwh, lostVcpuHours }) =>
      `${policy} ${significant(energyKwh.mean)} kWh, ${significant(lostVcpuHours.mean)} vCPU·h`,
  );
  const datasets: ChartDataset<'scatter'>[] = [
    ...telling.map((result) => {
      const style = styleOf(result.policy);
      const runs = runPoints(source, result);
      const sizes = [8, ...runs.map(() => 2.5)];
      return {
        label: result.policy,
        data: [meanPoint(result), ...runs],
        backgroundColor: style.color,
        borderColor: style.color,
        pointStyle: style.pointStyle,
        pointRadius: sizes,
        pointHoverRadius: sizes,
        pointBorderWidth: 2,
      };
    }),
    ...(others.length === 0 ? [] : [otherDataset('other policies (means)', [], true)]),
    ...others.map((result) => otherDataset(result.policy, [meanPoint(result)], false)),
  ];
  return {
    id: 'trade-off',
    title: 'Energy against lost work: better is down and to the left',
    subtitle: 'Small points are runs, large ones their means with 95 % confidence intervals',
    alt: `Points of energy and lost work; means: ${told.join('; ')}.`,
    height: 440,
    config: {
      type: 'scatter',
      data: { datasets },
      options: {
        ...baseOptions({
          color: color('ink'),
          whiskers: telling.flatMap((result) =>
            cross(result.energyKwh, result.lostVcpuHours, styleOf(result.policy).color),
          ),
        }),
        scales: {
          x: { ...axis('Energy, kWh'), type: scaleType(telling.map((r) => r.energyKwh.mean)) },
          y: {
            ...axis('Lost work, vCPU·h'),
            type: scaleType(results.map((r) => r.lostVcpuHours.mean)),
          },
        },
      },
    },
  };
}

const meanPoint = ({ energyKwh, lostVcpuHours }: PolicyResult): Point => ({
  x: rounded(energyKwh.mean),
  y: rounded(lostVcpuHours.mean),
});

const runPoints = ({ evaluation }: ChartSource, { policy }: PolicyResult): Point[] =>
  evaluation.records
    .filter((record) => record.policy === policy)
    .map(({ cost }) => ({ x: rounded(cost.energyKwh), y: rounded(cost.lostVcpuHours) }));

function otherDataset(label: string, data: Point[], inLegend: boolean): ChartDataset<'scatter'> {
  return {
    label,
    data,
    inLegend,
    backgroundColor: otherStyle.color,
    borderColor: otherStyle.color,
    pointStyle: otherStyle.pointStyle,
    pointRadius: 4,
    order: 1,
  };
}

/** Both intervals of one mean. */
function cross(x: Estimate, y: Estimate, ofColor: string): Whisker[] {
  if (!Number.isFinite(x.halfWidth) || !Number.isFinite(y.halfWidth)) return [];
  const whisker = (along: 'x' | 'y', { mean, halfWidth }: Estimate, at: number): Whisker => ({
    along,
    low: rounded(mean - halfWidth),
    high: rounded(mean + halfWidth),
    at: rounded(at),
    color: ofColor,
  });
  return [whisker('x', x, y.mean), whisker('y', y, x.mean)];
}

/** Logarithmic where the values span decades, so that the small ones stay apart. */
function scaleType(values: readonly number[]): 'linear' | 'logarithmic' {
  const least = Math.min(...values);
  return least > 0 && Math.max(...values) / least > 30 ? 'logarithmic' : 'linear';
}
