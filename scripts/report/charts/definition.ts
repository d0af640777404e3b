/** What every chart is made of, and what they share. */
import type { ChartConfiguration, ChartOptions } from 'chart.js';
import type { Evaluation, PolicyResult } from '../../evaluate/results.ts';
import type { Marks } from '../marks.ts';
import { color } from '../palette.ts';
import { type Cast, tellingPolicies } from '../roles.ts';

/** One chart, as plain data: it survives JSON, and its colours are still names. */
export interface ChartDefinition {
  /** Also the name of its PNG. */
  readonly id: string;
  /** What one sees, as a statement. */
  readonly title: string;
  /** What is shown: quantity, unit, spread. */
  readonly subtitle: string;
  /** The same in words, for those who do not see it. */
  readonly alt: string;
  /** Height on the page, px. */
  readonly height: number;
  readonly config: ChartConfiguration;
}

/** What charts are drawn from. */
export interface ChartSource {
  readonly evaluation: Evaluation;
  /** Best first. */
  readonly results: readonly PolicyResult[];
  readonly cast: Cast;
}

/** How a policy looks in every chart; shape and dash tell what colour alone may not. */
export interface PolicyStyle {
  readonly color: string;
  readonly pointStyle: 'circle' | 'triangle' | 'rectRot' | 'rect' | 'crossRot' | 'star';
  readonly borderDash: number[];
}

/** Looks of the policies that charts tell apart; all others share one. */
export function policyStyles({ results, cast }: ChartSource): Map<string, PolicyStyle> {
  const styles = new Map<string, PolicyStyle>();
  const give = (result: PolicyResult | undefined, style: PolicyStyle): void => {
    if (result !== undefined && !styles.has(result.policy)) styles.set(result.policy, style);
  };
  give(cast.oracle, { color: color('oracle'), pointStyle: 'triangle', borderDash: [] });
  give(cast.learned, { color: color('learned'), pointStyle: 'circle', borderDash: [] });
  give(cast.bestHeuristic, {
    color: color('bestHeuristic'),
    pointStyle: 'rect',
    borderDash: [7, 3],
  });
  give(cast.allOn, { color: color('allOn'), pointStyle: 'rectRot', borderDash: [2, 3] });
  const spare: PolicyStyle[] = [
    { color: color('fifth'), pointStyle: 'star', borderDash: [10, 3, 2, 3] },
    { color: color('sixth'), pointStyle: 'crossRot', borderDash: [4, 4] },
  ];
  for (const result of tellingPolicies(results)) {
    if (styles.has(result.policy)) continue;
    const style = spare.shift();
    if (style !== undefined) give(result, style);
  }
  return styles;
}

export const otherStyle: PolicyStyle = {
  color: color('others'),
  pointStyle: 'circle',
  borderDash: [],
};

/**
 * Options that all charts share.
 *
 * @param legendLinePx Length of the legend's lines, long enough to show how they are dashed.
 */
export function baseOptions(marks: Marks | undefined, legendLinePx?: number): ChartOptions {
  return {
    responsive: true,
    maintainAspectRatio: false,
    animation: false,
    locale: 'en-GB',
    color: color('ink'),
    interaction: { mode: 'nearest', axis: 'xy', intersect: false },
    plugins: {
      legend: {
        position: 'top',
        align: 'start',
        labels: {
          color: color('ink'),
          usePointStyle: true,
          boxHeight: 8,
          padding: 14,
          ...(legendLinePx === undefined ? {} : { pointStyleWidth: legendLinePx }),
        },
      },
      ...(marks === undefined ? {} : { marks }),
    },
  };
}

/** An axis with its title, in the colours of the page. */
export function axis(title: string): {
  title: { display: true; text: string; color: string };
  ticks: { color: string };
  grid: { color: string };
  border: { color: string };
} {
  return {
    title: { display: true, text: title, color: color('muted') },
    ticks: { color: color('muted') },
    grid: { color: color('grid') },
    border: { color: color('grid') },
  };
}

/** Numbers short enough to be sent, exact enough to be drawn. */
export const rounded = (value: number): number => Number(value.toPrecision(6));
