/** Our Chart.js plugins: bands behind rows, error bars, and texts beside points. */
import type { ChartType, Plugin } from 'chart.js';

/** All coordinates in units of the scales; for a category scale that is the index. */
export interface Marks {
  /** Indices on the y scale whose rows get a band of this colour. */
  readonly bands?: { readonly rows: readonly number[]; readonly color: string };
  readonly whiskers?: readonly Whisker[];
  readonly texts?: readonly MarkText[];
  /** Colour of texts, and of whiskers without their own. */
  readonly color: string;
}

/** An error bar along `along`, at `at` on the other scale. */
export interface Whisker {
  readonly along: 'x' | 'y';
  readonly low: number;
  readonly high: number;
  readonly at: number;
  readonly color?: string;
}

export interface MarkText {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  /** Used instead where `text` would leave the chart, and below 600 px. */
  readonly short?: string;
  readonly bold?: boolean;
}

declare module 'chart.js' {
  interface PluginOptionsByType<TType extends ChartType> {
    marks?: TType extends ChartType ? Marks : never;
  }
}

/**
 * Makes the plugins; each draws one kind of mark. The page receives this function as text, so it
 * must not use anything from outside, nor name inner functions (some compilers wrap those in a
 * helper of theirs).
 */
export function createMarkPlugins(): Plugin[] {
  return [
    {
      id: 'mark-bands',
      beforeDatasetsDraw({ config, scales, ctx, chartArea }) {
        const marks = config.options?.plugins?.marks as Marks | undefined;
        const scale = scales['y'];
        if (marks?.bands === undefined || scale === undefined) return;
        const step = Math.abs(scale.getPixelForValue(1) - scale.getPixelForValue(0));
        const height = step || chartArea.height;
        ctx.save();
        ctx.fillStyle = marks.bands.color;
        for (const row of marks.bands.rows) {
          ctx.fillRect(
            chartArea.left,
            scale.getPixelForValue(row) - height / 2,
            chartArea.width,
            height,
          );
        }
        ctx.restore();
      },
    },
    {
      id: 'mark-whiskers',
      afterDatasetsDraw({ config, scales, ctx, width }) {
        const marks = config.options?.plugins?.marks as Marks | undefined;
        const { x, y } = scales;
        if (marks?.whiskers === undefined || x === undefined || y === undefined) return;
        const cap = width < 600 ? 3 : 5;
        for (const { along, low, high, at, color } of marks.whiskers) {
          const [scale, other] = along === 'x' ? [x, y] : [y, x];
          const from = scale.getPixelForValue(low);
          const to = scale.getPixelForValue(high);
          const across = other.getPixelForValue(at);
          ctx.save();
          // Upright ones are drawn lying, with the axes swapped.
          if (along === 'y') ctx.transform(0, 1, 1, 0, 0, 0);
          ctx.lineWidth = 1.75;
          ctx.strokeStyle = color ?? marks.color;
          ctx.beginPath();
          ctx.moveTo(from, across);
          ctx.lineTo(to, across);
          for (const end of [from, to]) {
            ctx.moveTo(end, across - cap);
            ctx.lineTo(end, across + cap);
          }
          ctx.stroke();
          ctx.restore();
        }
      },
    },
    {
      id: 'mark-texts',
      afterDatasetsDraw({ config, options, scales, ctx, width }) {
        const marks = config.options?.plugins?.marks as Marks | undefined;
        const { x, y } = scales;
        if (marks?.texts === undefined || x === undefined || y === undefined) return;
        const { size, family } = options.font as { size: number; family: string };
        ctx.save();
        ctx.fillStyle = marks.color;
        ctx.textBaseline = 'middle';
        ctx.textAlign = 'left';
        for (const text of marks.texts) {
          const weight = text.bold === true ? 'bold ' : '';
          ctx.font = `${weight}${size}px ${family}`;
          const left = x.getPixelForValue(text.x) + 8;
          const fits = width >= 600 && left + ctx.measureText(text.text).width <= width;
          ctx.fillText(
            fits ? text.text : (text.short ?? text.text),
            left,
            y.getPixelForValue(text.y),
          );
        }
        ctx.restore();
      },
    },
  ];
}
