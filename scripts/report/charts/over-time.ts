/** One run of the telling policies side by side: power drawn, and hosts on. */
import type { SeriesRow } from '../../../sim/index.ts';
import type { RunRecord } from '../../evaluate/results.ts';
import { significant } from '../format.ts';
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

const hourMs = 3_600_000;

export function powerChart(source: ChartSource): ChartDefinition | undefined {
  const runs = firstRuns(source);
  const peakW = Math.max(0, ...runs.flatMap(({ series }) => series.map(({ powerW }) => powerW)));
  const [unit, scale] = peakW >= 2000 ? ['kW', 1e-3] : ['W', 1];
  return overTime(source, runs, {
    id: 'power',
    quantity: 'Power',
    unit,
    verb: 'draws',
    value: ({ powerW }) => powerW * scale,
    stepped: false,
  });
}

export function hostsChart(source: ChartSource): ChartDefinition | undefined {
  return overTime(source, firstRuns(source), {
    id: 'hosts-on',
    quantity: 'Hosts on',
    unit: `of ${source.evaluation.hosts}`,
    verb: 'keeps on',
    value: ({ hostsOn }) => hostsOn,
    stepped: true,
  });
}

/** The telling policies on the first scenario and seed, those that did most last. */
function firstRuns({ evaluation, results }: ChartSource): RunRecord[] {
  const first = evaluation.records.find(({ series }) => series.length > 0);
  if (first === undefined) return [];
  return tellingPolicies(results).flatMap(({ policy }) => {
    const run = evaluation.records.find(
      (record) =>
        record.policy === policy &&
        record.scenario === first.scenario &&
        record.seed === first.seed &&
        record.series.length > 0,
    );
    return run === undefined ? [] : [run];
  });
}

interface Quantity {
  readonly id: string;
  readonly quantity: string;
  readonly unit: string;
  readonly verb: string;
  readonly value: (row: SeriesRow) => number;
  /** Means of an interval are drawn at its middle; what holds throughout is drawn as steps. */
  readonly stepped: boolean;
}

function overTime(
  source: ChartSource,
  runs: readonly RunRecord[],
  { id, quantity, unit, verb, value, stepped }: Quantity,
): ChartDefinition | undefined {
  const [first] = runs;
  if (first === undefined) return undefined;
  const styles = policyStyles(source);
  const endMs =
    Math.max(...runs.map(({ series }) => series.at(-1)!.timeMs)) +
    source.evaluation.decisionEveryMs;
  const offsetMs = stepped ? 0 : source.evaluation.decisionEveryMs / 2;
  const inDays = endMs > 72 * hourMs;
  const timeUnit = inDays ? 24 * hourMs : hourMs;
  const means = runs.map(({ policy, series }) => ({
    policy,
    mean: series.reduce((sum, row) => sum + value(row), 0) / series.length,
  }));
  const told = means.map(({ policy, mean }) => `${policy} ${significant(mean)}`).join(', ');
  const run = `scenario ${first.scenario}, seed ${first.seed}`;
  return {
    id,
    title: statement(source, means, quantity, unit, verb),
    subtitle: `${quantity} (${unit}) in one run: ${run}`,
    alt: `Lines over time in one run (${run}); means in ${unit}: ${told}.`,
    height: 380,
    config: {
      type: 'line',
      data: {
        datasets: runs.map(({ policy, series }, index) => {
          const style = styles.get(policy) ?? otherStyle;
          const leading =
            policy === source.cast.learned?.policy || policy === source.cast.oracle?.policy;
          return {
            label: `${policy}, mean ${significant(means[index]!.mean)}`,
            data: series.map((row) => ({
              x: rounded((row.timeMs + offsetMs) / timeUnit),
              y: rounded(value(row)),
            })),
            borderColor: style.color,
            backgroundColor: style.color,
            borderDash: style.borderDash,
            borderWidth: leading ? 2.25 : 1.5,
            // The last drawn is on top: Chart.js draws low orders last.
            order: leading ? 0 : 1,
            pointRadius: 0,
            pointHitRadius: 6,
            pointStyle: 'line' as const,
            stepped: stepped ? ('before' as const) : false,
          };
        }),
      },
      options: {
        ...baseOptions(undefined, 30),
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: {
            ...axis(`Time since start, ${inDays ? 'days' : 'h'}`),
            type: 'linear',
            min: 0,
            max: rounded(endMs / timeUnit),
            ticks: { ...axis('').ticks, ...(endMs === 24 * hourMs ? { stepSize: 3 } : {}) },
          },
          y: { ...axis(`${quantity}, ${unit}`), beginAtZero: true, grace: '4%' },
        },
      },
    },
  };
}

/** `Power: learned draws 3.1 kW on average, oracle 3.0, all-on 7.2`. */
function statement(
  { cast }: ChartSource,
  means: readonly { readonly policy: string; readonly mean: number }[],
  quantity: string,
  unit: string,
  verb: string,
): string {
  const order = [cast.learned, cast.oracle, cast.allOn];
  const known = order.flatMap((result) => means.filter(({ policy }) => policy === result?.policy));
  const [first, ...rest] = known.length > 0 ? known : means;
  if (first === undefined) return quantity;
  const others = rest.map(({ policy, mean }) => `, ${policy} ${significant(mean)}`).join('');
  return `${quantity}: ${first.policy} ${verb} ${significant(first.mean)} ${unit} on average${others}`;
}
