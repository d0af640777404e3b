/** Settings of Chart.js that are no data: the same for the page and for the PNGs. */
import type { Chart, ChartType, DefaultDataPoint, Plugin } from 'chart.js';

declare module 'chart.js' {
  // The parameters must be those of the interface that is extended.
  interface ChartDatasetProperties<TType extends ChartType, TData = DefaultDataPoint<TType>> {
    /** False keeps a dataset out of the legend. */
    inLegend?: TData extends never ? never : boolean;
  }
}

/**
 * The page receives this function as text, so it must not use anything from outside.
 *
 * @param family Font of every text; without it the browser's or the system's would be used.
 */
export function prepareChart(
  chart: typeof Chart,
  plugins: readonly Plugin[],
  family: string,
): void {
  chart.register(...plugins);
  chart.defaults.font.family = family;
  // 1, 2 and 5 over a few decades, only whole powers of ten over many.
  chart.defaults.scales.logarithmic.ticks.callback = (value, _index, ticks) => {
    const decades = Math.log10(ticks.at(-1)!.value / ticks[0]!.value);
    const leading = Number(value) / 10 ** Math.floor(Math.log10(Number(value)) + 1e-9);
    const shown = decades > 2.5 ? [1] : [1, 2, 5];
    return shown.includes(Math.round(leading * 1e6) / 1e6)
      ? String(Number(Number(value).toPrecision(6)))
      : null;
  };
  const { labels } = chart.defaults.plugins.legend;
  labels.filter = (item, { datasets }) => datasets[item.datasetIndex ?? 0]?.inLegend !== false;
  // Lines are dashed in the legend as they are in the chart.
  const { generateLabels } = labels;
  labels.generateLabels = (of) =>
    generateLabels(of).map((item) => {
      const dataset = of.data.datasets[item.datasetIndex ?? 0];
      // Our charts give plain arrays, where Chart.js would allow functions.
      return dataset !== undefined && 'borderDash' in dataset
        ? { ...item, lineDash: dataset.borderDash as number[] }
        : item;
    });
}
