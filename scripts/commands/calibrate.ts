/** `wattwin calibrate`: model parameters from telemetry, and how wrong they are. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { bases, basisNamed } from '../../sim/calibration/basis.ts';
import { inputError } from '../../sim/index.ts';
import { calibrationCharts } from '../calibrate/charts.ts';
import { calibrateCluster } from '../calibrate/cluster-result.ts';
import {
  type ClusterSource,
  isClusterDirectory,
  readCluster,
} from '../calibrate/cluster-source.ts';
import { calibrationPage } from '../calibrate/page.ts';
import { clusterHosts, parameterFile, telemetryHosts } from '../calibrate/parameter-file.ts';
import { formatCalibration } from '../calibrate/table.ts';
import { calibrateTelemetry, formatTelemetry } from '../calibrate/telemetry-result.ts';
import { printJson, runCommand, wholeNumber } from '../cli.ts';
import { writeAtomically } from '../files.ts';
import { startProgress } from '../progress.ts';
import { renderPngs } from '../report/png.ts';

interface Options {
  readonly fitDays: number;
  readonly hosts: number;
  readonly basis: string;
  readonly window: string;
  readonly out?: string;
  readonly png: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const chosen = 'auto';

export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description('learn model parameters from telemetry and publish the error on unseen days')
    .argument('<directory>', 'OpenDC files with a power meter, or telemetry tables; see below')
    .option('--fit-days <n>', 'days to fit on; the rest tests', wholeNumber(1), 2)
    .option('--hosts <n>', 'hosts that the meter covers', wholeNumber(1), 277)
    .addOption(
      new Option('--basis <name>', 'shape of the power curve; auto: by cross-validation')
        .choices([chosen, ...bases.map(({ name }) => name)])
        .default(chosen),
    )
    .option('--window <hours>', 'half-life of the rolling fit, h; auto: by the fit days', chosen)
    .option('--out <dir>', 'write calibration.json, hosts.yaml, calibration.html and charts there')
    .option('--no-png', 'no PNG charts')
    .option('--json', 'print the whole calibration as JSON')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
What the directory may hold:
  consumption.parquet, tasks.parquet, fragments.parquet
                       a cluster's meter beside its tasks, as the SURF traces have it: the curve of
                       one host is fitted on the first days and tested on the others, once and
                       refitted every hour, beside persistence and published figures
  hosts.csv            time_ms, host, utilization (0 to 1), power_w; perhaps model, frequency_mhz
  requests.csv         time_ms, service, arrivals_per_s, utilization, latency_ms
  migrations.csv       vm, memory_bytes, duration_ms, transferred_bytes; perhaps downtime_ms, rounds,
                       busy_vcpus
  metrics.jsonl        per-CPU load and frequency with RAPL energies, one object a second
Tables may be .jsonl with the same names as keys. A scenario takes the
fitted hosts with \`hosts: hosts.yaml\`, a path that starts at its own folder.

  wattwin calibrate surf-2022-10 --fit-days 2 --out runs/calibration`,
    )
    .action((directory: string, options: Options) =>
      runCommand(() => calibrate(directory, options)),
    );
}

async function calibrate(directory: string, options: Options): Promise<void> {
  if (!isClusterDirectory(directory)) {
    const result = calibrateTelemetry(directory);
    if (options.out !== undefined) {
      writeAtomically(
        join(options.out, 'calibration.json'),
        `${JSON.stringify(result, null, 2)}\n`,
      );
      writeAtomically(join(options.out, parameterFile), telemetryHosts(result.power));
    }
    if (options.json) printJson(result);
    else process.stdout.write(formatTelemetry(result));
    return;
  }
  const halfLifeMs = halfLifeOf(options.window);
  const basis = basisNamed(options.basis)?.name;
  const progress = startProgress('calibrate', 1, options.quiet ?? false);
  try {
    progress.update(0, 'reading');
    const { hosts, fitDays } = options;
    const source = await readCluster(directory, { hosts, fitDays });
    const calibration = calibrateCluster(source, {
      directory,
      fitDays,
      ...(basis === undefined ? {} : { basis }),
      ...(halfLifeMs === undefined ? {} : { halfLifeMs }),
      onProgress: (done, of, note) => progress.update(done, note, of),
    });
    progress.stop();
    if (options.out !== undefined) await write(options.out, source, calibration, options.png);
    if (options.json) printJson(calibration.result);
    else process.stdout.write(formatCalibration(calibration.result));
    if (options.out !== undefined && !options.json) {
      process.stdout.write(`\nreport: ${join(options.out, 'calibration.html')}\n`);
    }
  } finally {
    progress.stop();
  }
}

function halfLifeOf(window: string): number | undefined {
  if (window === chosen) return undefined;
  const hours = Number(window);
  if (!(hours > 0) || !Number.isFinite(hours)) {
    throw inputError('--window', 'hours above 0, or auto', window);
  }
  return hours * 3_600_000;
}

async function write(
  directory: string,
  source: ClusterSource,
  { result, series }: ReturnType<typeof calibrateCluster>,
  png: boolean,
): Promise<void> {
  const charts = calibrationCharts(result, series);
  // Everything is rendered before the first file is touched.
  const page = calibrationPage(result, charts);
  const pngs = png ? await renderPngs(charts) : [];
  for (const image of pngs) writeAtomically(join(directory, `${image.id}.png`), image.png);
  writeAtomically(join(directory, 'calibration.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeAtomically(join(directory, parameterFile), clusterHosts(result, source));
  writeAtomically(join(directory, 'calibration.html'), page);
}
