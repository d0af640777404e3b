/** A calibration as one HTML file that needs nothing else. */
import type { ChartDefinition } from '../report/charts/definition.ts';
import { escapeHtml, jsonInScript } from '../report/escape.ts';
import { chartLibrary, figure } from '../report/html.ts';
import { pageScript } from '../report/page-script.ts';
import { pageStyle } from '../report/page-style.ts';
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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Calibration</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>Calibration of ${escapeHtml(source.directory)}</h1>
<p class="headline">${escapeHtml(headline)}</p>
<p class="lead">${source.samples} samples of the power of ${source.hosts} hosts; fitted on days ${fit.days.join(' to ')}, basis ${escapeHtml(fit.basis)}. Window, shape and half-lives were chosen on the fit days.</p>
</header>
<main>
<section aria-labelledby="errors">
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
<section aria-labelledby="charts-heading">
<h2 id="charts-heading">Charts</h2>
<noscript><p>The charts need JavaScript; the table above holds their numbers.</p></noscript>
<div class="charts">
${charts.map(figure).join('\n')}
</div>
</section>
</main>
<footer>Wattwin calibration. All numbers are in the accompanying <code>calibration.json</code>.</footer>
<script type="application/json" id="charts">${jsonInScript(charts.map(({ id, config }) => ({ id, config })))}</script>
<script>${chartLibrary()}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}
