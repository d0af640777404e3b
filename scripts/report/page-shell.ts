/** What every page of charts is made of: one file that needs no network and no other file. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ChartDefinition } from './charts/definition.ts';
import { escapeHtml, jsonInScript } from './escape.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';

/** Parts of a page; all but `title` are HTML. */
export interface PageParts {
  readonly title: string;
  readonly header: string;
  readonly main: string;
  readonly footer: string;
  readonly charts: readonly ChartDefinition[];
}

export function pageShell({ title, header, main, footer, charts }: PageParts): string {
  const shown = charts.map(({ id, config }) => ({ id, config }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
<footer>${footer}</footer>
<script type="application/json" id="charts">${jsonInScript(shown)}</script>
<script>${chartLibrary()}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

/** The charts under a heading of their own. */
export function chartsSection(charts: readonly ChartDefinition[]): string {
  return `<section aria-labelledby="charts-heading">
<h2 id="charts-heading">Charts</h2>
<noscript><p>The charts need JavaScript; the table above holds their numbers.</p></noscript>
<div class="charts">
${charts.map(figure).join('\n')}
</div>
</section>`;
}

/** Chart.js as it runs in a page, without its pointer to a file that would not be there. */
function chartLibrary(): string {
  const entry = createRequire(import.meta.url).resolve('chart.js/auto');
  const file = join(dirname(entry), '../dist/chart.umd.js');
  return readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '');
}

/** A chart with its title. */
function figure({ id, title, subtitle, alt, height }: ChartDefinition): string {
  return `<figure class="card" aria-labelledby="title-${id}">
<h3 id="title-${id}">${escapeHtml(title)}</h3>
<p>${escapeHtml(subtitle)}</p>
<div class="chart" style="height:${height}px"><canvas id="chart-${id}" role="img" aria-label="${escapeHtml(alt)}">${escapeHtml(alt)}</canvas></div>
</figure>`;
}
