/** The calibration as charts: test days with interval, residuals, the curve of one host. */
import { hostPowerW } from '../../sim/calibration/basis.ts';
import { dayMs } from '../../sim/calibration/cluster-power.ts';
import { quantile, windowMeans } from '../../sim/calibration/statistics.ts';
import { axis, baseOptions, type ChartDefinition, rounded } from '../report/charts/definition.ts';
import { color } from '../report/palette.ts';
import type { ClusterSeries } from './cluster-result.ts';
import type { ClusterResult } from './cluster-summary.ts';

const windowMs = 300_000;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Means of five minutes of the test days. */
interface Shown {
  readonly days: Float64Array;
  readonly measuredW: Float64Array;
  readonly staticW: Float64Array;
  readonly rollingW: Float64Array;
}

/** All charts of a calibration. */
export function calibrationCharts(result: ClusterResult, series: ClusterSeries): ChartDefinition[] {
  const part = (column: Float64Array): Float64Array => column.subarray(series.fitRows);
  const means = windowMeans(
    part(series.timestampMs),
    [part(series.measuredW), part(series.staticW), part(series.rollingW)],
    windowMs,
    10,
  );
  const shown: Shown = {
    days: means.timeMs.map((time) => time / dayMs),
    measuredW: means.columns[0]!,
    staticW: means.columns[1]!,
    rollingW: means.columns[2]!,
  };
  return [
    testChart(result, series, shown),
    residualChart(result, shown),
    curveChart(result, series),
  ];
}

const points = (days: Float64Array, valuesW: Float64Array, scale: number): Point[] =>
  Array.from(days, (x, index) => ({ x: rounded(x), y: rounded(valuesW[index]! * scale) }));

const line = (name: Parameters<typeof color>[0], width: number, dash: number[] = []) => ({
  borderColor: color(name),
  backgroundColor: color(name),
  borderWidth: width,
  borderDash: dash,
  pointRadius: 0,
  pointHitRadius: 4,
  pointStyle: 'line' as const,
});

const percent = (value: number): string => value.toFixed(2);

function timeAxis(days: Float64Array) {
  return {
    ...axis('Days since the first submission'),
    type: 'linear' as const,
    min: Math.floor(days[0] ?? 0),
    max: rounded(days.at(-1) ?? 1),
    ticks: { ...axis('').ticks, stepSize: 0.5 },
  };
}

function testChart(
  { test, fit, source }: ClusterResult,
  { halfWidth }: ClusterSeries,
  shown: Shown,
): ChartDefinition {
  const { days, measuredW, staticW } = shown;
  const lower = staticW.map((watts) => watts / (1 + halfWidth));
  const upper = staticW.map((watts) => watts / (1 - halfWidth));
  const level = 100 * test.interval.level;
  const covered = (100 * test.interval.coverage30s).toFixed(1);
  return {
    id: 'calibration-test',
    title: `Fitted on days ${fit.days[0]} to ${fit.days[1]}, the curve predicts days ${test.days[0]} to ${test.days[1]} within ${percent(test.mape30s)} %`,
    subtitle: `Power of ${source.hosts} hosts, kW, means of 5 min. Band: ${level} % interval from the fit days; ${covered} % of the test samples of 30 s lie inside`,
    alt: `Measured and predicted power over the test days; mean absolute error ${percent(test.mape30s)} %, energy ${percent(test.bias)} %.`,
    height: 420,
    config: {
      type: 'line',
      data: {
        datasets: [
          {
            label: 'measured',
            data: points(days, measuredW, 1e-3),
            ...line('learned', 1.75),
            order: 0,
          },
          {
            label: 'predicted',
            data: points(days, staticW, 1e-3),
            ...line('bestHeuristic', 1.75, [6, 3]),
            order: 1,
          },
          {
            label: `${level} % interval`,
            data: points(days, upper, 1e-3),
            ...line('others', 0),
            backgroundColor: color('band'),
            fill: '+1',
            pointStyle: 'rect',
            order: 3,
          },
          {
            label: '',
            data: points(days, lower, 1e-3),
            ...line('others', 0),
            inLegend: false,
            order: 3,
          },
        ],
      },
      options: {
        ...baseOptions(undefined, 30),
        interaction: { mode: 'index', intersect: false },
        scales: { x: timeAxis(days), y: { ...axis('Power, kW'), grace: '4%' } },
      },
    },
  };
}

function residualChart({ test, rolling }: ClusterResult, shown: Shown): ChartDefinition {
  const residual = (predictedW: Float64Array): Float64Array =>
    predictedW.map((watts, index) => (100 * (watts - shown.measuredW[index]!)) / watts);
  const once = residual(shown.staticW);
  const hourly = residual(shown.rollingW);
  const reach = Math.max(
    2,
    ...[once, hourly].map((values) => quantile(values.map(Math.abs), 0.995)),
  );
  return {
    id: 'calibration-residuals',
    title: `Refitting each hour brings the error from ${percent(test.mape30s)} % to ${percent(rolling.mape30s)} %, and the drift from ${signed(test.bias)} % to ${signed(rolling.bias)} %`,
    subtitle:
      'Predicted minus measured, % of predicted, means of 5 min; a few spikes go beyond the edges',
    alt: `Residuals over the test days, fitted once and refitted hourly; bias ${signed(test.bias)} % and ${signed(rolling.bias)} %.`,
    height: 360,
    config: {
      type: 'line',
      data: {
        datasets: [
          {
            label: `fitted once, ${percent(test.mape30s)} %`,
            data: points(shown.days, once, 1),
            ...line('bestHeuristic', 1.5, [6, 3]),
            order: 1,
          },
          {
            label: `refitted hourly, ${percent(rolling.mape30s)} %`,
            data: points(shown.days, hourly, 1),
            ...line('oracle', 1.5),
            order: 0,
          },
        ],
      },
      options: {
        ...baseOptions(undefined, 30),
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: timeAxis(shown.days),
          y: { ...axis('Error, %'), min: -Math.ceil(reach), max: Math.ceil(reach) },
        },
      },
    },
  };
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

function curveChart(
  { hostTableW, fit, source }: ClusterResult,
  { fit: { basis, coefficients: watts } }: ClusterSeries,
): ChartDefinition {
  const idle = fit.coefficients[0]!.watts;
  const full = hostTableW[10]!;
  return {
    id: 'calibration-curve',
    title: `One host draws ${idle.toFixed(1)} W without work and ${full.toFixed(1)} W at full load`,
    subtitle: `Power of one of ${source.hosts} equal hosts over its load, W: ${formula(fit.coefficients)}`,
    alt: `A rising curve from ${idle.toFixed(1)} W to ${full.toFixed(1)} W.`,
    height: 380,
    config: {
      type: 'line',
      data: {
        datasets: [
          {
            label: 'fitted',
            data: Array.from({ length: 101 }, (_, x) => ({
              x,
              y: rounded(hostPowerW(basis, watts, x / 100)),
            })),
            ...line('bestHeuristic', 2),
          },
          {
            label: 'eleven points of the parameter file',
            data: hostTableW.map((y, point) => ({ x: 10 * point, y: rounded(y) })),
            ...line('bestHeuristic', 0),
            pointRadius: 4,
            pointStyle: 'rect' as const,
          },
          {
            label: 'straight line between its ends',
            data: [
              { x: 0, y: rounded(hostTableW[0]!) },
              { x: 100, y: rounded(full) },
            ],
            ...line('others', 1.25, [4, 4]),
          },
        ],
      },
      options: {
        ...baseOptions(undefined, 30),
        scales: {
          x: { ...axis('Load of the host, %'), type: 'linear', min: 0, max: 100 },
          y: { ...axis('Power, W'), beginAtZero: true },
        },
      },
    },
  };
}

/** `29.8 + 144.5 · (2√u − u)`. */
export function formula(coefficients: ClusterResult['fit']['coefficients']): string {
  return coefficients
    .filter(({ watts }, index) => index === 0 || watts > 0)
    .map(({ formula: text, watts }) =>
      text === '1' ? watts.toFixed(2) : `${watts.toFixed(2)} · (${text})`,
    )
    .join(' + ');
}
