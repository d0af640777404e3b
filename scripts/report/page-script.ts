/** What runs in the page: draws the charts, anew when the colour scheme or the paper changes. */
import { createMarkPlugins } from './marks.ts';
import { paint, themes } from './palette.ts';
import { prepareChart } from './prepare-chart.ts';

export const pageScript = `(() => {
'use strict';
const paint = ${paint.toString()};
const themes = ${JSON.stringify(themes)};
const definitions = JSON.parse(document.getElementById('charts').textContent);
const dark = matchMedia('(prefers-color-scheme: dark)');
(${prepareChart.toString()})(Chart, (${createMarkPlugins.toString()})(), getComputedStyle(document.body).fontFamily);
const narrow = () => innerWidth < 640;
const cut = (text) => Array.isArray(text) || text.length <= 17 ? text : text.slice(0, 16) + '…';
let drawn = [];
function draw(theme) {
  for (const chart of drawn) chart.destroy();
  drawn = definitions.map(({ id, config }) => {
    const painted = paint(config, themes[theme]);
    painted.options.font = { size: narrow() ? 10.5 : 12.5 };
    if (narrow() && painted.data.labels) painted.data.labels = painted.data.labels.map(cut);
    return new Chart(document.getElementById('chart-' + id), painted);
  });
}
const redraw = () => draw(dark.matches ? 'dark' : 'light');
redraw();
dark.addEventListener('change', redraw);
addEventListener('beforeprint', () => draw('light'));
addEventListener('afterprint', redraw);
let wasNarrow = narrow();
addEventListener('resize', () => {
  if (narrow() === wasNarrow) return;
  wasNarrow = narrow();
  redraw();
});
})();`;
