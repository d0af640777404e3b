/**
 * `npm run bench`: the benches one after the other, as Markdown that can go into `RESULTS.md`.
 *
 *   npm run --silent bench                     all but oracle-settings, some five minutes
 *   npm run --silent bench -- rollouts         only those named
 *   npm run --silent bench -- live --seeds 1   on real hosts, with options: see live.ts
 *
 * The PlanetLab day is `../shared/data/planetlab/20110303`, or under the directory named by
 * `WATTWIN_REFERENCE`; without it the two benches that need it are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../scripts/cli.ts';
import { benchCloudsimCompat } from './cloudsim-compat.ts';
import { benchDecideLoad } from './decide-load.ts';
import { benchLearnerRuntime } from './learner-runtime.ts';
import { benchLive, readLiveOptions } from './live.ts';
import { benchOracleSettings } from './oracle-settings.ts';
import { benchPlanetlabDay } from './planetlab-day.ts';
import { benchRollouts } from './rollouts.ts';
import { scaleRows } from './scale.ts';
import { benchSimgridS4 } from './simgrid-s4.ts';

interface Bench {
  readonly name: string;
  readonly title: string;
  /** Seeds, runs and what the ratios are to. */
  readonly notes: string;
  /** Runs only when named. */
  readonly onDemand?: true;
  /** Header and rows; undefined when its data are not there. */
  readonly run: () => Promise<readonly (readonly string[])[] | undefined>;
}

const planetlabDay = join(
  process.env['WATTWIN_REFERENCE'] ?? join('..', 'shared'),
  'data/planetlab/20110303',
);

const benches: readonly Bench[] = [
  {
    name: 'rollouts',
    title: 'Forks and rollouts, 100 hosts × 1,000 VMs × 12 steps',
    notes:
      'Seed 1. Wall time, 7 runs of 2,000 forks (200 into new buffers), 10 clones or 32 plans.',
    run: rolloutRows,
  },
  {
    name: 'scale',
    title: 'Scale: up to 10,000 hosts × 100,000 VMs',
    notes:
      'Seed 1. CPU time on one core, 7 runs of each in a process of its own, the first with cold code. Synthetic office demand; VMs lie on hosts drawn by chance, or where it says so in the order of their ids; half the hosts have SPECpower curves.',
    run: async () => scaleRows(),
  },
  {
    name: 'simgrid-s4',
    title: 'Demand changes per CPU second against SimGrid 3.32',
    notes:
      'Demand by hash, seed 12345; twin seed 0. CPU time, 9 runs of ours. Ratios to the best of 3 runs of SimGrid: best over best, and over our median.',
    run: simgridRows,
  },
  {
    name: 'planetlab-day',
    title: 'The twin and its policies on PlanetLab 2011-03-03, 800 hosts × 1,052 VMs',
    notes:
      'Seed 1. CPU time of a whole day, 5 runs. Ratio: CPU time of CloudSim 4.0, stored (61.44 s for THR-MMT, 93.6 s for LR-MMT), over our median; like for like only where hosts have CloudSim’s assumptions (`ideal`).',
    run: async () => planetlabRows(),
  },
  {
    name: 'cloudsim-compat',
    title: 'The bit-equal CloudSim 4.0 benchmark on the same day',
    notes: 'No random numbers. CPU time, 3 runs. Ratio: CPU time of CloudSim 4.0 over our median.',
    run: async () => cloudsimRows(),
  },
  {
    name: 'learner-runtime',
    title: 'ML runtimes',
    notes: 'Seed 1. Wall time, at least 7 runs. Ratio: smallest time to that of onnxruntime-node.',
    run: learnerRows,
  },
  {
    name: 'decide-load',
    title: 'The decision service under load, 100 hosts × 1,000 VMs',
    notes:
      'Policy thr-mmt, 36 intervals of demand in each request, prediction until the horizon of 6 intervals with the plan and without, and of each item. 50 requests a second for 60 s over HTTP on loopback, open loop: latencies are of answers and count from when a request was due; refused: 503, more than 64 waited. RSS of the service after 100 requests, and every 10 s.',
    run: decideLoadRows,
  },
  {
    name: 'oracle-settings',
    title: 'What the oracle’s settings are worth, office-day',
    notes:
      'Seeds 1001 to 1006. Cost of the whole day in kWh-equivalents, mean; difference to the first row in per cent of it, per seed; wall time of one decision.',
    onDemand: true,
    run: async () => oracleRows(),
  },
];

async function rolloutRows(): Promise<string[][]> {
  const { rows, stateBytes, sameCosts } = await benchRollouts();
  return [
    ['work', 'where', 'per second, median', 'best'],
    ...rows.map(({ work, workers, medianPerS, bestPerS }) => [
      work,
      typeof workers === 'number' ? `pool of ${workers}` : workers,
      perSecond(medianPerS),
      perSecond(bestPerS),
    ]),
    ['size of the state', '', `${stateBytes} bytes`, ''],
    ['costs of 1 and 2 workers', '', sameCosts ? 'equal, bit for bit' : 'DIFFER', ''],
  ];
}

async function decideLoadRows(): Promise<string[][]> {
  const rows: string[][] = [];
  for (const workers of [1, 2]) {
    const load = await benchDecideLoad({ seconds: 60, requestsPerS: 50, workers });
    rows.push([
      `${workers}`,
      `${load.requests}`,
      `${load.refused}`,
      `${load.errors}`,
      ...[load.p50Ms, load.p99Ms, load.maxMs, load.healthP99Ms].map((ms) => ms.toFixed(1)),
      load.items.toFixed(1),
      `${(load.bodyBytes / 1024).toFixed(0)} KiB`,
      load.cores.toFixed(2),
      load.rssMib.map((mib) => mib.toFixed(0)).join(', '),
    ]);
  }
  return [
    [
      ...[
        'workers',
        'requests',
        'refused',
        'errors',
        'p50 ms',
        'p99 ms',
        'max ms',
        'healthz p99 ms',
      ],
      ...['items', 'body', 'cores busy', 'RSS, MiB'],
    ],
    ...rows,
  ];
}

async function simgridRows(): Promise<string[][]> {
  return [
    ['hosts × VMs', 'M changes / CPU s, median', 'best', 'SimGrid CPU s', 'ratio', 'energy'],
    ...benchSimgridS4().map((row) => [
      `${row.hosts} × ${row.vms}`,
      (row.medianPerS / 1e6).toFixed(1),
      (row.bestPerS / 1e6).toFixed(1),
      `${row.simGridCpuS.toFixed(3)} (${row.simGridSource})`,
      `${row.bestRatio.toFixed(0)}, ${row.medianRatio.toFixed(0)}`,
      row.sameEnergy ? 'equal, bit for bit' : 'DIFFERS',
    ]),
  ];
}

function planetlabRows(): string[][] | undefined {
  if (!existsSync(planetlabDay)) return undefined;
  return [
    ['policy', 'cluster', 'CPU s, median', 'min', 'ratio', 'kWh', 'migrations', 'SLATAH', 'PDM'],
    ...benchPlanetlabDay(planetlabDay).map(({ summary, ...row }) => [
      row.policy,
      row.cluster,
      row.medianCpuS.toFixed(3),
      row.minCpuS.toFixed(3),
      row.cluster === 'ideal' ? row.ratio.toFixed(0) : '—',
      summary.energyKwh.toFixed(2),
      String(summary.migrations),
      percent(summary.slatah, 2),
      percent(summary.pdm, 4),
    ]),
  ];
}

function cloudsimRows(): string[][] | undefined {
  if (!existsSync(planetlabDay)) return undefined;
  return [
    ['policy', 'CPU s, median', 'min', 'ratio', 'kWh'],
    ...benchCloudsimCompat(planetlabDay).map((row) => [
      row.policy,
      row.medianCpuS.toFixed(3),
      row.bestCpuS.toFixed(3),
      row.ratio.toFixed(0),
      String(row.energyKwh),
    ]),
  ];
}

function oracleRows(): string[][] {
  return [
    ['settings', 'cost', 'difference, %', 'ms, median'],
    ...benchOracleSettings().map(({ settings, cost, differences, medianMs }) => [
      settings,
      cost.toFixed(2),
      differences.map((value) => value.toFixed(1)).join(', '),
      medianMs.toFixed(1),
    ]),
  ];
}

async function learnerRows(): Promise<string[][]> {
  const timings = await benchLearnerRuntime();
  return [
    ['network', 'work', 'rows', 'runtime', 'median ms', 'min ms', 'ratio'],
    ...timings.map(({ network, work, rows, runtime, medianMs, minMs, ratio }) => [
      network,
      work,
      String(rows),
      runtime,
      medianMs.toFixed(3),
      minMs.toFixed(3),
      ratio.toFixed(1),
    ]),
  ];
}

const percent = (fraction: number, digits: number): string =>
  `${(100 * fraction).toFixed(digits)} %`;

const perSecond = (rate: number): string => rate.toFixed(rate < 1000 ? 1 : 0);

/** Date, commit, Node, processor, memory and load: what a number means nothing without. */
function machineLine(): string {
  const { stdout } = spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' });
  const date = new Date().toISOString().slice(0, 10);
  const load = loadavg()[0]?.toFixed(1);
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return (
    `${date}, commit ${stdout?.trim() || 'unknown'}, Node ${process.version}, ${cpus()[0]?.model}, ` +
    `${availableParallelism()} cores, ${memory}, load at the start ${load}`
  );
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = benches.map(({ name }) => name).join(', ');
    process.stderr.write(`expected benches of ${known}, got ${unknown.join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  console.log(`${machineLine()}\n`);
  for (const { name, title, notes, onDemand = false, run } of benches) {
    if (names.length > 0 ? !names.includes(name) : onDemand) continue;
    const table = await run();
    console.log(`## ${title}\n\n\`npm run --silent bench -- ${name}\`. ${notes}\n`);
    if (table === undefined) {
      console.log(`Left out: ${planetlabDay} is not there.\n`);
      continue;
    }
    printTable(table);
  }
}

function printTable([header = [], ...rows]: readonly (readonly string[])[]): void {
  for (const cells of [header, header.map(() => '---'), ...rows]) {
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log('');
}

/** On real hosts, which takes root and half an hour: by itself and with options. */
async function live(args: readonly string[]): Promise<void> {
  const options = readLiveOptions(args);
  console.log(`${machineLine()}\n`);
  const { tables, notes } = await benchLive(options);
  const command = ['live', ...args].join(' ');
  console.log(`## Live\n\n\`npm run --silent bench -- ${command}\`. ${notes}\n`);
  for (const table of tables) printTable(table);
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'live') await runCommand(() => live(rest));
else await main(process.argv.slice(2));
