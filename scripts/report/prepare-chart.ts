/** Settings of Chart.js that are no data: the same for the page and for the PNGs. */
import type { Chart, ChartType, DefaultDataPoint, Plugin } from 'chart.js';

declare module 'chart.js' {
  // The parameters must be those of the interface that is extended.
  interface ChartDatasetProperties<TType extends ChartType, TData = DefaultDataPoint<TType>> {
    /** False keeps a dataset out of the legend. */
    inLegend?: TData extends never ? never : boolean;
  }
}

/** The page receives this function as text, so it must not use anything from outside. */
export function prepareChart(chart: typeof Chart, plugins: readonly Plugin[]): void {
  chart.register(...plugins);
  chart.defaults.plugins.legend.labels.filter = (item, { datasets }) =>
    datasets[item.datasetIndex ?? 0]?.inLegend !== false;
}
