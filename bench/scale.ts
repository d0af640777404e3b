/**
 * How the twin scales: a day of 10,000 hosts and 100,000 VMs, growth with the number of VMs, changes
 * of single VMs, snapshots and forks. Each case runs in a process of its own, so that its memory is
 * its own and its code starts cold. `node dist/bench/scale.js FILE.svg` also draws the growth.
 */
import { spawnSync } from 'node:child_process';
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assert } from '../sim/index.ts';
import type { AsynchronousFacts, CaseName, DayFacts, SnapshotFacts } from './scale/cases.ts';
import { scaleChart } from './scale/chart.ts';
import { fitPowerLaw, type PowerLaw } from './scale/fit.ts';

const sizes = [12_500, 25_000, 50_000, 100_000, 200_000] as const;
const largest = 100_000;
const asynchronousVms = 10_000;

export interface ScaleBench {
  /** One day at each size, smallest first. */
  readonly days: readonly DayFacts[];
  /** Median CPU time of a day over VMs. */
  readonly law: PowerLaw;
  /** The same with the VMs of a host next to one another in memory. */
  readonly daysInOrder: readonly DayFacts[];
  readonly lawInOrder: PowerLaw;
  readonly asynchronous: AsynchronousFacts;
  readonly snapshot: SnapshotFacts;
}

/** Takes some two minutes. */
export function benchScale(): ScaleBench {
  const days = sizes.map((vms) => runCase<DayFacts>('day', vms));
  const daysInOrder = sizes.map((vms) => runCase<DayFacts>('dayInOrder', vms));
  return {
    days,
    law: growthOf(days),
    daysInOrder,
    lawInOrder: growthOf(daysInOrder),
    asynchronous: runCase<AsynchronousFacts>('asynchronous', asynchronousVms),
    snapshot: runCase<SnapshotFacts>('snapshot', largest),
  };
}

function growthOf(days: readonly DayFacts[]): PowerLaw {
  return fitPowerLaw(
    days.map(({ vms }) => vms),
    days.map(({ cpuS }) => medianOf(cpuS)),
  );
}

function runCase<T>(name: CaseName, vms: number): T {
  const script = fileURLToPath(new URL('./scale/cases.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, name, `${vms}`], {
    encoding: 'utf8',
  });
  assert(status === 0, () => `the case ${name} of ${vms} VMs failed: ${stderr}`);
  return JSON.parse(stdout) as T;
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const medianOf = (values: readonly number[]): number => sorted(values)[values.length >> 1]!;
const minOf = (values: readonly number[]): number => Math.min(...values);

/** Header and rows. */
export function scaleRows(): string[][] {
  return rowsOf(benchScale());
}

function rowsOf(bench: ScaleBench): string[][] {
  const { asynchronous, snapshot } = bench;
  const row = (work: string, cpuS: readonly number[], more: string): string[] => [
    work,
    duration(cpuS[0]!),
    duration(medianOf(cpuS)),
    duration(minOf(cpuS)),
    more,
  ];
  const size = ({ hosts, vms }: { hosts: number; vms: number }): string => `${hosts} × ${vms}`;
  const rate = (cpuS: readonly number[]): string =>
    `${(asynchronous.changes / medianOf(cpuS) / 1e6).toFixed(1)} M changes / CPU s`;
  return [
    ['work', 'first run', 'median', 'min', 'more'],
    ...bench.days.map((day) => row(`a day, ${size(day)}`, day.cpuS, dayDetails(day))),
    growthRow('growth of the median', bench.law),
    ...bench.daysInOrder.map((day) =>
      row(`a day, in order, ${size(day)}`, day.cpuS, dayDetails(day)),
    ),
    growthRow('growth of the median, in order', bench.lawInOrder),
    row(
      `${asynchronous.changes} changes of single VMs, ${size(asynchronous)}`,
      asynchronous.listedCpuS,
      `${rate(asynchronous.listedCpuS)}; given in order of time`,
    ),
    row(
      'the same through the event heap',
      asynchronous.heapCpuS,
      `${rate(asynchronous.heapCpuS)}; energy ${asynchronous.sameEnergy ? 'equal, bit for bit' : 'DIFFERS'}`,
    ),
    row(`snapshot, ${size(snapshot)}`, snapshot.encodeCpuS, 'the first also reads the model'),
    row('snapshot read back', snapshot.decodeCpuS, ''),
    row('fork', snapshot.forkCpuS, 'into a state made before'),
    row('fork into a new buffer', snapshot.freshForkCpuS, ''),
  ];
}

const growthRow = (work: string, { exponent, margin }: PowerLaw): string[] => [
  work,
  '',
  '',
  '',
  `VMs to the power of ${exponent.toFixed(2)} ± ${margin.toFixed(2)} (95 %)`,
];

function dayDetails({
  changes,
  cpuS,
  peakBytes,
  stateBytes,
  buildCpuS,
  overloadFraction,
}: DayFacts) {
  const rate = (changes / medianOf(cpuS) / 1e6).toFixed(1);
  return (
    `${rate} M changes / CPU s; peak ${mib(peakBytes)}, state ${mib(stateBytes)}; built in ` +
    `${duration(buildCpuS)}; overloaded ${(100 * overloadFraction).toFixed(1)} % of host time`
  );
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const duration = (s: number): string =>
  s < 0.1 ? `${(1000 * s).toFixed(1)} ms` : `${s.toFixed(3)} s`;

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href) {
  const bench = benchScale();
  for (const cells of rowsOf(bench)) console.log(`| ${cells.join(' | ')} |`);
  const chart = process.argv[2];
  if (chart !== undefined) {
    const points = bench.days.map(({ vms, cpuS }) => ({
      vms,
      minCpuS: minOf(cpuS),
      medianCpuS: medianOf(cpuS),
    }));
    writeFileSync(chart, scaleChart(points, bench.law));
  }
}
