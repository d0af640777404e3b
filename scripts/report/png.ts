/** Charts as PNG files, for documents that cannot run a page. */
import { createRequire } from 'node:module';
import { GlobalFonts } from '@napi-rs/canvas';
import type { ChartConfiguration } from 'chart.js';
import { ChartJSNodeCanvas } from 'chartjs-node-canvas';
import { assert } from '../../sim/index.ts';
import type { ChartDefinition } from './charts.ts';
import { createMarkPlugins } from './marks.ts';
import { paint, themes } from './palette.ts';
import { prepareChart } from './prepare-chart.ts';

const widthPx = 1200;
const heightPx = 620;
const family = 'DejaVu Sans';
/** Characters of a title that fit on one line. */
const titleCharacters = 98;

/** One PNG per chart, 1200 × 620 px, on white. */
export async function renderPngs(
  charts: readonly ChartDefinition[],
): Promise<{ readonly id: string; readonly png: Uint8Array }[]> {
  registerFonts();
  const canvas = new ChartJSNodeCanvas({
    width: widthPx,
    height: heightPx,
    backgroundColour: 'white',
    chartCallback: (chart) => prepareChart(chart, createMarkPlugins(), family),
  });
  const rendered = [];
  for (const chart of charts) {
    const png = await canvas.renderToBuffer(paint(forPaper(chart), themes.light));
    rendered.push({ id: chart.id, png });
  }
  return rendered;
}

/** Without a font of our own all text would silently be missing on machines that have none. */
function registerFonts(): void {
  if (GlobalFonts.has(family)) return;
  const { resolve } = createRequire(import.meta.url);
  for (const file of ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf']) {
    GlobalFonts.registerFromPath(resolve(`dejavu-fonts-ttf/ttf/${file}`), family);
  }
  assert(GlobalFonts.has(family), () => `the font ${family} could not be registered`);
}

/** The chart with what the page says around it: title and subtitle. */
function forPaper({ config, title, subtitle }: ChartDefinition): ChartConfiguration {
  const { options } = config;
  return {
    ...config,
    options: {
      ...options,
      responsive: false,
      devicePixelRatio: 1,
      font: { size: 14 },
      layout: { padding: { top: 14, right: 26, bottom: 14, left: 18 } },
      plugins: {
        ...options?.plugins,
        title: {
          display: true,
          text: inLines(title, titleCharacters),
          align: 'start',
          color: 'color:ink',
          font: { size: 20, weight: 'bold' },
          padding: { bottom: 6 },
        },
        subtitle: {
          display: true,
          text: inLines(subtitle, 140),
          align: 'start',
          color: 'color:muted',
          font: { size: 14 },
          padding: { bottom: 10 },
        },
      },
    },
  };
}

/** Breaks `text` at spaces into lines of at most `width` characters. */
function inLines(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
