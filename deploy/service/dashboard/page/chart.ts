/** Power over time: what was observed, what was predicted of it, and what is predicted of the time to come. */

import { byId, element, setText } from './dom.ts';
import { watts } from './format.ts';
import type { PowerColumns } from './state.ts';
import uPlot from './uplot.js';

interface Line {
  readonly label: string;
  readonly column: Exclude<keyof PowerColumns, 'endS'>;
  /** Custom property of the style sheet. */
  readonly color: `--${string}`;
  readonly dash: readonly number[];
  readonly width: number;
}

/** Drawn in this order. Lines differ in dash besides colour. */
const lines: readonly Line[] = [
  { label: 'observed', column: 'observedW', color: '--observed', dash: [], width: 2 },
  { label: 'predicted', column: 'predictedW', color: '--predicted', dash: [5, 4], width: 1.5 },
  { label: 'no action', column: 'beforeW', color: '--before', dash: [2, 3], width: 2 },
  { label: 'with the plan', column: 'afterW', color: '--after', dash: [9, 3], width: 2 },
];

/** The style sheet says how large the chart is. */
const sizeOf = ({ clientWidth, clientHeight }: HTMLElement): { width: number; height: number } => ({
  width: clientWidth,
  height: clientHeight,
});

const variable = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart in `#power-chart` with its legend. @returns Shows other columns. */
export function createPowerChart(): (columns: PowerColumns) => void {
  const parent = byId('power-chart');
  const legend = createLegend(byId('power-legend'));
  let data: uPlot.AlignedData = [[], ...lines.map(() => [])];
  let columns: PowerColumns | undefined;
  let plot: uPlot | undefined;

  const draw = (): void => {
    plot?.destroy();
    plot = new uPlot(
      optionsFor(sizeOf(parent), (row) => legend.at(columns, row)),
      data,
      parent,
    );
  };
  // Colours are read when the chart is made.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (plot !== undefined) draw();
  });
  new ResizeObserver(() => {
    if (plot !== undefined && parent.clientWidth > 0) {
      plot.setSize(sizeOf(parent));
    }
  }).observe(parent);

  return (next) => {
    columns = next;
    data = [[...next.endS], ...lines.map(({ column }) => [...next[column]])];
    if (plot === undefined) draw();
    else plot.setData(data);
    legend.at(columns, undefined);
  };
}

function optionsFor(
  size: { width: number; height: number },
  onRow: (row: number | undefined) => void,
): uPlot.Options {
  const muted = variable('--muted');
  const grid = { stroke: variable('--grid'), width: 1 };
  const font = '12px system-ui, "DejaVu Sans", sans-serif';
  const axis = { stroke: muted, grid, font, ticks: { show: false } };
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false }, points: { size: 7 } },
    scales: {
      y: {
        // From zero, so that a small saving looks small.
        range: (_, __, most) => [0, Math.max(1, (most ?? 1) * 1.08)],
      },
    },
    axes: [
      { ...axis, size: 28, values: timeLabels },
      { ...axis, size: 56, values: wattLabels },
    ],
    series: [
      {},
      ...lines.map(({ label, color, dash, width: lineWidth }) => ({
        label,
        stroke: variable(color),
        width: lineWidth,
        dash: [...dash],
        points: { show: false },
      })),
    ],
    hooks: {
      setCursor: [(self) => onRow(self.cursor.idx ?? undefined)],
      draw: [drawLonePoints],
    },
  };
}

/** All in the same unit. */
const wattLabels: uPlot.Axis.Values = (_, ticks) => {
  const inKilowatts = (ticks.at(-1) ?? 0) >= 10_000;
  return ticks.map((tick) => (inKilowatts ? `${tick / 1000} kW` : watts(tick)));
};

const hourMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const withSeconds = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

const timeLabels: uPlot.Axis.Values = (_, ticks, __, ___, stepS) =>
  ticks.map((tick) => (stepS < 60 ? withSeconds : hourMinute).format(tick * 1000));

/** A value between two gaps has no line; it gets a dot. */
function drawLonePoints(self: uPlot): void {
  const { ctx } = self;
  const ends = self.data[0];
  ctx.save();
  lines.forEach(({ color }, index) => {
    const values = self.data[index + 1]!;
    ctx.fillStyle = variable(color);
    for (let row = 0; row < ends.length; row++) {
      const value = values[row];
      if (value == null || values[row - 1] != null || values[row + 1] != null) continue;
      ctx.beginPath();
      ctx.arc(
        self.valToPos(ends[row]!, 'x', true),
        self.valToPos(value, 'y', true),
        3 * devicePixelRatio,
        0,
        2 * Math.PI,
      );
      ctx.fill();
    }
  });
  ctx.restore();
}

/** Names of the lines, and their values where the pointer is. */
function createLegend(parent: HTMLElement): {
  at(columns: PowerColumns | undefined, row: number | undefined): void;
} {
  const time = element('li', { class: 'time' });
  const rows = lines.map(({ label, column }) => {
    const value = element('b');
    const swatch = element('i', { class: `line ${column}` });
    const node = element('li', {}, swatch, label, ' ', value);
    return { node, value, column };
  });
  parent.append(...rows.map(({ node }) => node), time);
  return {
    at: (columns, row) => {
      for (const { node, value, column } of rows) {
        const values = columns?.[column] ?? [];
        node.hidden = values.every((watt) => watt === null);
        const here = row === undefined ? null : (values[row] ?? null);
        setText(value, here === null ? '' : watts(here));
      }
      const endS = row === undefined ? undefined : columns?.endS[row];
      setText(time, endS === undefined ? '' : `until ${withSeconds.format(endS * 1000)}`);
    },
  };
}
