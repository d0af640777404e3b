/**
 * Charts of the four energy experiments as PNG files: `node dist/scripts/energy-charts.js [DIRECTORY]`,
 * by default `runs/energy`.
 */
import { join } from 'node:path';
import process from 'node:process';
import type { ChartConfiguration, ChartDataset } from 'chart.js';
import { blockSizeSweep, cpuLimit, diskLimits, guestContainers } from '../sim/index.ts';
import { writeAtomically } from './files.ts';
import { axis, baseOptions, type ChartDefinition, rounded } from './report/charts/definition.ts';
import { type ColorName, color } from './report/palette.ts';
import { renderPngs } from './report/png.ts';

const seed = 1;

type Line = ChartDataset<'line', { x: number; y: number }[]>;

/** A line, or a step line for what holds from one moment to the next. */
function line(
  label: string,
  of: ColorName,
  points: readonly (readonly [x: number, y: number])[],
  look: { readonly dash?: number[]; readonly stepped?: boolean } = {},
): Line {
  return {
    label,
    data: points.map(([x, y]) => ({ x: rounded(x), y: rounded(y) })),
    borderColor: color(of),
    backgroundColor: color(of),
    borderDash: look.dash ?? [],
    borderWidth: 2,
    pointRadius: 0,
    pointStyle: 'line',
    stepped: look.stepped === true ? 'after' : false,
  };
}

function overTime(
  about: Pick<ChartDefinition, 'id' | 'title' | 'subtitle' | 'alt'>,
  unit: string,
  datasets: Line[],
): ChartDefinition {
  const config: ChartConfiguration<'line', { x: number; y: number }[]> = {
    type: 'line',
    data: { datasets },
    options: {
      ...(baseOptions(undefined, 30) as object),
      scales: {
        x: { ...axis('Time, s'), type: 'linear', min: 0 },
        y: { ...axis(unit), beginAtZero: true },
      },
    },
  };
  return { ...about, height: 380, config: config as ChartConfiguration };
}

function stackedBars(
  about: Pick<ChartDefinition, 'id' | 'title' | 'subtitle' | 'alt'>,
  labels: readonly string[],
  horizontal: string,
  parts: readonly (readonly [label: string, of: ColorName, values: readonly number[]])[],
): ChartDefinition {
  const config: ChartConfiguration<'bar', number[]> = {
    type: 'bar',
    data: {
      labels: [...labels],
      datasets: parts.map(([label, of, values]) => ({
        label,
        data: values.map(rounded),
        backgroundColor: color(of),
        pointStyle: 'rect',
      })),
    },
    options: {
      ...(baseOptions(undefined) as object),
      scales: {
        x: { ...axis(horizontal), stacked: true },
        y: { ...axis('Power, W'), stacked: true, beginAtZero: true },
      },
    },
  };
  return { ...about, height: 380, config: config as ChartConfiguration };
}

function blockSizes(): ChartDefinition {
  const rows = blockSizeSweep(seed);
  const [first, last] = [rows[0]!, rows.at(-1)!];
  return stackedBars(
    {
      id: 'energy-e1-block-size',
      title:
        `Small blocks cost the driver’s CPU: ${first.driverActiveW.toFixed(1)} W at 0.5 KiB, ` +
        `${last.driverActiveW.toFixed(1)} W at 32 KiB`,
      subtitle:
        'Mean power by part over 4 s of raw reads, W; the parts sum to the meter within 0.1 W',
      alt: 'Stacked bars of power by block size.',
    },
    rows.map(({ blockKib }) => `${blockKib}`),
    'Block size, KiB',
    [
      ['CPU idle, client’s half', 'allOn', rows.map((row) => row.clientIdleW)],
      ['CPU idle, driver’s half', 'others', rows.map((row) => row.driverIdleW)],
      ['driver CPU active', 'learned', rows.map((row) => row.driverActiveW)],
      ['client CPU active', 'lost', rows.map((row) => row.clientActiveW)],
      ['disk idle', 'energy', rows.map((row) => row.diskIdleW)],
      ['disk active', 'oracle', rows.map((row) => row.diskActiveW)],
    ],
  );
}

function diskLimitChart(): ChartDefinition {
  const rows = diskLimits(seed);
  const colors: readonly ColorName[] = ['learned', 'energy'];
  const datasets = [0, 1].flatMap((vm) => [
    line(
      `VM ${vm}`,
      colors[vm]!,
      rows.map(({ timeS, powerW }) => [timeS, powerW[vm]!]),
    ),
    line(
      `limit of VM ${vm}`,
      colors[vm]!,
      rows
        .filter(({ limitW }) => limitW[vm]! < Infinity)
        .map(({ timeS, limitW }) => [timeS, limitW[vm]!]),
      { dash: [6, 4], stepped: true },
    ),
  ]);
  const about = {
    id: 'energy-e2-disk-limits',
    title: 'Disk limits changed at run time are followed, and the other VM does not feel it',
    subtitle: 'Power of each VM’s disk requests, driver’s CPU included, means of 200 ms, W',
    alt: 'Lines of disk power of two VMs over time, with their limits.',
  };
  return overTime(about, 'Power, W', datasets);
}

function cpuLimitChart(): ChartDefinition {
  const rows = cpuLimit();
  const about = {
    id: 'energy-e3-cpu-limit',
    title: 'A CPU limit is met within 1 W; what the VM may not use is spent halted',
    subtitle: 'Active power of the VM, power of the core, and its halted time, means of 1 s',
    alt: 'Lines of power over time with the limit, and of halted time.',
  };
  return overTime(about, 'Power, W; halted time, %', [
    line(
      'core, W',
      'allOn',
      rows.map(({ timeS, coreW }) => [timeS, coreW]),
    ),
    line(
      'VM, W',
      'learned',
      rows.map(({ timeS, vmW }) => [timeS, vmW]),
    ),
    line(
      'limit, W',
      'bestHeuristic',
      rows.filter(({ limitW }) => limitW < Infinity).map(({ timeS, limitW }) => [timeS, limitW]),
      { dash: [6, 4], stepped: true },
    ),
    line(
      'halted, %',
      'oracle',
      rows.map(({ timeS, halted }) => [timeS, 100 * halted]),
      {
        dash: [2, 3],
      },
    ),
  ]);
}

function containerChart(): ChartDefinition {
  const rows = guestContainers();
  const names = { none: 'no limit', host: 'host only', guest: 'guest containers and host' };
  return stackedBars(
    {
      id: 'energy-e4-guest-containers',
      title: 'Energy containers in the guest divide the same total as they are told',
      subtitle: 'Mean power of two equal tasks in a VM that may draw 30 W',
      alt: 'Stacked bars of task power by enforcement.',
    },
    rows.map(({ enforcement }) => names[enforcement]),
    'Limit enforced by',
    [
      ['task 1', 'learned', rows.map(({ taskW }) => taskW[0])],
      ['task 2', 'energy', rows.map(({ taskW }) => taskW[1])],
    ],
  );
}

const directory = process.argv[2] ?? join('runs', 'energy');
const charts = [blockSizes(), diskLimitChart(), cpuLimitChart(), containerChart()];
for (const { id, png } of await renderPngs(charts)) {
  const path = join(directory, `${id}.png`);
  writeAtomically(path, png);
  console.log(path);
}
