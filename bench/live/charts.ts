/** Power of the arms over time with what was done, and foretold against observed power. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  axis,
  baseOptions,
  type ChartDefinition,
  rounded,
} from '../../scripts/report/charts/definition.ts';
import { type ColorName, color } from '../../scripts/report/palette.ts';
import { renderPngs } from '../../scripts/report/png.ts';
import type { Outcome } from './outcome.ts';

/** Power is shown as means of so many seconds. */
const windowS = 3;

const looks: readonly { readonly color: ColorName; readonly dash: number[] }[] = [
  { color: 'allOn', dash: [2, 3] },
  { color: 'bestHeuristic', dash: [7, 3] },
  { color: 'sixth', dash: [10, 3, 2, 3] },
  { color: 'learned', dash: [] },
  { color: 'oracle', dash: [4, 4] },
];

/** Actions that are marked in the chart, in words. */
const marked: readonly (readonly [
  type: string,
  words: string,
  shape: 'triangle' | 'rect' | 'circle',
])[] = [
  ['migrate', 'a VM moved', 'triangle'],
  ['sleepHost', 'a host switched off', 'rect'],
  ['wakeHost', 'a host woken', 'circle'],
];

/** `live-power.png` and `live-forecast.png` of the first seed that every arm has. */
export async function writeLiveCharts(outcomes: readonly Outcome[], out: string): Promise<void> {
  const charts = liveCharts(outcomes);
  for (const { id, png } of await renderPngs(charts)) writeFileSync(join(out, `${id}.png`), png);
}

export function liveCharts(outcomes: readonly Outcome[]): ChartDefinition[] {
  const seed = outcomes[0]?.seed;
  const own = outcomes.filter((outcome) => outcome.seed === seed);
  const controlled = own.find(({ arm, control }) => arm === 'packing' && control !== undefined);
  if (controlled === undefined) return [];
  return [powerChart(own, controlled), forecastChart(controlled)];
}

const line = (look: (typeof looks)[number], width: number) => ({
  borderColor: color(look.color),
  backgroundColor: color(look.color),
  borderDash: look.dash,
  borderWidth: width,
  pointRadius: 0,
  pointStyle: 'line' as const,
});

function powerChart(outcomes: readonly Outcome[], controlled: Outcome): ChartDefinition {
  const baseline = outcomes[0]!;
  const saved = 100 * (1 - controlled.energyJ / baseline.energyJ);
  const means = outcomes.map(
    ({ arm, energyJ, powerW }) => `${arm} ${(energyJ / powerW.length).toFixed(1)} W`,
  );
  const curve = windowMeans(controlled.powerW);
  return {
    id: 'live-power',
    title: `The same load on two libvirt hosts of a testbed: ${controlled.arm} takes ${saved.toFixed(0)} % less than ${baseline.arm}`,
    subtitle: `Power at the plugs of both hosts, W, means of ${windowS} s; 3 VMs, seed ${controlled.seed}. Marks: what the controller of "${controlled.arm}" did`,
    alt: `Lines of power over time; means: ${means.join(', ')}.`,
    height: 420,
    config: {
      type: 'line',
      data: {
        datasets: [
          ...outcomes.map((outcome, index) => ({
            label: means[index]!,
            data: windowMeans(outcome.powerW),
            ...line(looks[index % looks.length]!, outcome === controlled ? 2.75 : 1.5),
            order: outcome === controlled ? 1 : 2,
          })),
          ...marked.map(([type, words, shape]) => ({
            label: words,
            data: (controlled.control?.actions ?? [])
              .filter((action) => action.type === type)
              .map(({ atS }) => ({ x: rounded(atS), y: valueAt(curve, atS) })),
            showLine: false,
            borderColor: color('ink'),
            backgroundColor: color(type === 'wakeHost' ? 'surface' : 'ink'),
            borderWidth: 1.5,
            pointRadius: 6,
            pointStyle: shape,
            order: 0,
          })),
        ],
      },
      options: {
        ...baseOptions(undefined, 18),
        scales: {
          x: { ...timeAxis(controlled.seconds) },
          y: { ...axis('Power, W'), beginAtZero: true, grace: '4%' },
        },
      },
    },
  };
}

function forecastChart({ arm, control, seconds, seed }: Outcome): ChartDefinition {
  const { power, summary } = control!;
  const agreement =
    summary.power === undefined
      ? ''
      : `MAPE ${summary.power.mapePercent.toFixed(1)} %, bias ${summary.power.biasPercent.toFixed(1)} %`;
  const series = (of: (one: (typeof power)[number]) => number) =>
    power.map((one) => ({ x: rounded(one.atS), y: rounded(of(one)) }));
  return {
    id: 'live-forecast',
    title: 'Power of the next 5 s as the twin foretold it and as it came; it began knowing nothing',
    subtitle: `Packages and memory of both hosts by their own counters, W; arm "${arm}", seed ${seed}: ${agreement}`,
    alt: `Foretold and observed power of ${power.length} intervals; ${agreement}.`,
    height: 420,
    config: {
      type: 'line',
      data: {
        datasets: [
          {
            label: 'observed',
            data: series(({ observedW }) => observedW),
            ...line(looks[3]!, 2.25),
            pointRadius: 3.5,
            pointStyle: 'circle',
          },
          {
            label: 'foretold one interval before',
            data: series(({ predictedW }) => predictedW),
            ...line(looks[1]!, 1.75),
            pointRadius: 3.5,
            pointStyle: 'rect',
          },
        ],
      },
      options: {
        ...baseOptions(undefined, 10),
        scales: {
          x: { ...timeAxis(seconds) },
          y: { ...axis('Power, W'), beginAtZero: true, grace: '4%' },
        },
      },
    },
  };
}

const timeAxis = (seconds: number) => ({
  ...axis('Time since the load began, s'),
  type: 'linear' as const,
  min: 0,
  max: seconds,
});

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Means of windows, each at its middle. */
export function windowMeans(perSecond: readonly number[]): Point[] {
  const points: Point[] = [];
  for (let from = 0; from + windowS <= perSecond.length; from += windowS) {
    const part = perSecond.slice(from, from + windowS);
    const mean = part.reduce((sum, value) => sum + value, 0) / windowS;
    points.push({ x: from + windowS / 2, y: rounded(mean) });
  }
  return points;
}

/** Of the point nearest to the time. */
function valueAt(points: readonly Point[], atS: number): number {
  const nearest = points.reduce<Point | undefined>(
    (best, point) =>
      best === undefined || Math.abs(point.x - atS) < Math.abs(best.x - atS) ? point : best,
    undefined,
  );
  return nearest?.y ?? 0;
}
