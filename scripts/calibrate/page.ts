/** A calibration as one HTML file that needs nothing else. */
import type { ChartDefinition } from '../report/charts/definition.ts';
import { escapeHtml } from '../report/escape.ts';
import { chartsSection, pageShell } from '../report/page-shell.ts';
import type { ClusterResult } from './cluster-summary.ts';
import { published } from './table.ts';

const percent = (value: number): string => `${value.toFixed(2)} %`;

/** @param charts As `calibrationCharts` gives them. */
export function calibrationPage(result: ClusterResult, charts: readonly ChartDefinition[]): string {
  const { fit, test, rolling, source } = result;
  const headline = `${percent(test.mape30s)} error on days the fit has not seen`;
  const rows = [
    [
      `fitted once, tested on days ${test.days.join(' to ')}`,
      test.mape30s,
      test.mape5min,
      test.bias,
    ],
    [`refitted every hour`, rolling.mape30s, rolling.mape5min, rolling.bias],
    ...published.map(({ name, mape }) => [`${name} (published, whole week)`, mape]),
  ];
  return pageShell({
    title: 'Calibration',
    header: `<h1>Calibration of ${escapeHtml(source.directory)}</h1>
<p class="headline">${escapeHtml(headline)}</p>
<p class="lead">${source.samples} samples of the power of ${source.hosts} hosts; fitted on days ${fit.days.join(' to ')}, basis ${escapeHtml(fit.basis)}. Window, shape and half-lives were chosen on the fit days.</p>`,
    main: `<section aria-labelledby="errors">
<h2 id="errors">Errors</h2>
<div class="scroll" role="region" tabindex="0" aria-labelledby="errors">
<table>
<caption>Mean absolute percentage error, and error of the energy.</caption>
<thead><tr><th scope="col">Prediction</th><th scope="col">30 s</th><th scope="col">5 min</th><th scope="col">energy</th></tr></thead>
<tbody>
${rows.map(([name, ...values]) => `<tr><th scope="row">${escapeHtml(String(name))}</th>${[0, 1, 2].map((column) => `<td>${values[column] === undefined ? '–' : percent(Number(values[column]))}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table>
</div>
</section>
${chartsSection(charts)}`,
    footer:
      'Wattwin calibration. All numbers are in the accompanying <code>calibration.json</code>.',
    charts,
  });
}
