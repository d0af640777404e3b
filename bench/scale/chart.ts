/** CPU time of a day over the number of VMs, as an SVG with logarithmic axes. */
import type { PowerLaw } from './fit.ts';

export interface ScalePoint {
  readonly vms: number;
  readonly minCpuS: number;
  readonly medianCpuS: number;
}

const width = 760;
const height = 440;
const frame = { left: 84, right: 730, top: 72, bottom: 374 } as const;
const ink = '#1f2933';
const muted = '#5f6b76';
const grid = '#e3e7eb';
const line = '#1f6fb2';

/** The points, the fitted line, and the time that 100,000 VMs may take. */
export function scaleChart(points: readonly ScalePoint[], law: PowerLaw): string {
  const vms = points.map((point) => point.vms);
  const x = logScale(Math.min(...vms) / 1.3, Math.max(...vms) * 1.3, frame.left, frame.right);
  const y = logScale(0.01, 4, frame.bottom, frame.top);
  const predict = (count: number): number => law.factor * count ** law.exponent;
  const ends = [Math.min(...vms), Math.max(...vms)] as const;
  const path = ends.map((count) => `${x(count)},${y(predict(count))}`).join(' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Arial, sans-serif" font-size="13">`,
    '<title>CPU time of one simulated day over the number of VMs</title>',
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(frame.left, 28, 'CPU time of one simulated day over the number of VMs', {
      size: 16,
      fill: ink,
    }),
    text(
      frame.left,
      50,
      `288 demand changes per VM, ten VMs a host, one core. Fit: VMs to the power of ${law.exponent.toFixed(2)} ± ${law.margin.toFixed(2)} (95 %)`,
      {},
    ),
    ...[0.01, 0.1, 1].flatMap((s) => [
      rule(frame.left, y(s), frame.right, y(s), grid),
      text(frame.left - 8, y(s) + 4, `${s} s`, { anchor: 'end' }),
    ]),
    ...vms.flatMap((count) => [
      rule(x(count), frame.top, x(count), frame.bottom, grid),
      text(x(count), frame.bottom + 20, count.toLocaleString('en-GB'), { anchor: 'middle' }),
    ]),
    text((frame.left + frame.right) / 2, frame.bottom + 48, 'VMs', { anchor: 'middle' }),
    text(frame.left, frame.top - 4, 'CPU time', { anchor: 'end' }),
    rule(frame.left, y(2), frame.right, y(2), '#b4483c', '6 4'),
    text(frame.left + 8, y(2) - 6, 'limit for 100,000 VMs: 2 s', { fill: '#b4483c' }),
    `<polyline points="${path}" fill="none" stroke="${line}" stroke-width="2"/>`,
    ...points.flatMap((point) => [
      rule(x(point.vms), y(point.minCpuS), x(point.vms), y(point.medianCpuS), line),
      `<circle cx="${x(point.vms)}" cy="${y(point.medianCpuS)}" r="5" fill="${line}"/>`,
      text(x(point.vms) - 10, y(point.medianCpuS) - 10, `${point.medianCpuS.toFixed(3)} s`, {
        anchor: 'end',
        fill: ink,
      }),
    ]),
    '</svg>',
    '',
  ].join('\n');
}

function logScale(
  least: number,
  most: number,
  from: number,
  to: number,
): (value: number) => number {
  const perLog = (to - from) / Math.log(most / least);
  return (value) => Math.round((from + perLog * Math.log(value / least)) * 10) / 10;
}

interface TextStyle {
  readonly size?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

function text(x: number, y: number, content: string, style: TextStyle): string {
  const { size = 13, fill = muted, anchor = 'start' } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="${anchor}">${content}</text>`;
}

function rule(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  stroke: string,
  dash?: string,
): string {
  const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${stroke}"${dashes}/>`;
}
