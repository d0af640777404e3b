/** `wattwin traces`: what can be had, what is in one, fetch one. */
import { Command } from 'commander';
import { inputError } from '../../sim/index.ts';
import {
  detectFormat,
  fetchTrace,
  readTrace,
  summarize,
  type Trace,
  traceCatalogue,
  type WorkloadSpec,
  type WorkloadSummary,
} from '../../traces/index.ts';
import { printJson, runCommand, wholeNumber } from '../cli.ts';
import { startProgress } from '../progress.ts';

export function tracesCommand(): Command {
  const traces = new Command('traces').description('list, fetch and inspect workload traces');
  traces
    .command('list')
    .description('traces that can be fetched')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      runCommand(() => {
        if (options.json) printJson(traceCatalogue);
        else for (const [name, source] of Object.entries(traceCatalogue)) list(name, source);
      }),
    );
  traces
    .command('fetch')
    .description('download a trace, check size and SHA-256, unpack; goes on after an interruption')
    .argument('<name>', `${Object.keys(traceCatalogue).join(', ')}; bitbrains is bitbrains-rnd`)
    .option('--out <dir>', 'where to put it', 'traces-data')
    .option('--quiet', 'no progress')
    .action((name: string, options: { out: string; quiet?: boolean }) =>
      runCommand((signal) => fetchOne(name, options.out, options.quiet ?? false, signal)),
    );
  traces
    .command('inspect')
    .description('what a trace holds and what had to be repaired')
    .argument(
      '<path>',
      'a trace: a directory of PlanetLab, Bitbrains, Azure (arrivals or packing), Google, Alibaba or ' +
        'OpenDC, a usage file of Google or Alibaba, CSV with a mapping, or a cached file',
    )
    .option('--mapping <file>', 'what the columns of CSV files mean, YAML')
    .option('--vms <count>', 'read only the first so many VMs', wholeNumber(1))
    .option('--json', 'print JSON')
    .action((path: string, options: InspectOptions) =>
      runCommand(() => {
        const trace = readTrace(specOf(path, options));
        const summary = summarize(trace.workload);
        if (options.json) printJson({ ...summary, report: trace.report });
        else process.stdout.write(describe(trace, summary));
      }),
    );
  return traces;
}

interface InspectOptions {
  readonly mapping?: string;
  readonly vms?: number;
  readonly json?: boolean;
}

/** What to read: a path whose format is found out, with the options that its reader has. */
function specOf(path: string, { mapping, vms }: InspectOptions): WorkloadSpec {
  const count = vms === undefined ? {} : { vms };
  if (mapping !== undefined) return { type: 'csv', path, mapping, ...count };
  if (vms === undefined) return path;
  const type = detectFormat(path);
  if (type === 'azure' || type === 'azure-packing' || type === 'columns') {
    throw inputError('--vms', 'a format whose VMs are read one by one', type);
  }
  return { type, path, ...count };
}

function list(name: string, source: object): void {
  const url = 'url' in source ? String(source.url) : '';
  process.stdout.write(`${name.padEnd(24)}${url}\n`);
}

async function fetchOne(
  name: string,
  directory: string,
  quiet: boolean,
  signal: AbortSignal,
): Promise<void> {
  const progress = startProgress('fetch', 1, quiet);
  try {
    const fetched = await fetchTrace(name === 'bitbrains' ? 'bitbrains-rnd' : name, directory, {
      signal,
      onProgress: (received, total) =>
        progress.update(received, `${name}, bytes`, total ?? received),
    });
    progress.stop();
    process.stdout.write(`${fetched.directory}\nsha256 ${fetched.sha256}\n`);
  } finally {
    progress.stop();
  }
}

function describe(trace: Trace, summary: WorkloadSummary): string {
  const { workload, report } = trace;
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const { utilization, vmMeans } = summary;
  const repairs = Object.entries(report.repairs)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `  ${count} ${what}\n`);
  return (
    `${workload.name}: ${workload.vmNames.length} VMs, ${workload.steps} rows of ${workload.intervalMs / 1000} s\n` +
    `  capacity      ${summary.capacityMips.toFixed(0)} MIPS, memory ${(summary.memoryBytes / 2 ** 30).toFixed(1)} GiB\n` +
    `  utilization   mean ${percent(utilization.mean)}, median ${percent(utilization.median)}, p95 ${percent(utilization.p95)}\n` +
    `  mean per VM   median ${percent(vmMeans.median)}, max ${percent(vmMeans.max)}\n` +
    `  lifetimes     ${summary.initialVms} from the start, ${summary.arrivals} arrive, ${summary.departures} leave\n` +
    `${report.files} files, ${report.rows} rows read${repairs.length === 0 ? ', nothing repaired' : '; repaired:'}\n${repairs.join('')}`
  );
}
