/** `wattwin observe`: telemetry of real hosts, written to `metrics.jsonl`. */
import { basename, dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import {
  checkHostNames,
  MetricsWriter,
  type Observation,
  observeHosts,
  systemClock,
} from '../../deploy/index.ts';
import { inputError, parseQuantity } from '../../sim/index.ts';
import { printJson, runCommand, wholeNumber } from '../cli.ts';
import {
  type ConnectionOptions,
  connectionHelp,
  durationOption,
  withConnectionOptions,
  withSsh,
} from '../observe/connection-options.ts';
import { type LiveLines, liveLines } from '../observe/live.ts';
import { sampleNote } from '../observe/note.ts';

interface Options extends ConnectionOptions {
  readonly every: number;
  readonly out: string;
  readonly samples?: number;
  readonly rotate?: number;
  readonly keep: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function observeCommand(): Command {
  const command = new Command('observe')
    .description('read telemetry of real hosts over ssh into metrics.jsonl; changes nothing')
    .argument('<host...>', '[USER@]HOST as ssh knows it')
    .addOption(durationOption('--every <time>', 'from one reading to the next', '1 s'))
    .option('--out <file>', 'where to write; added to what is there', 'metrics.jsonl')
    .option('--samples <n>', 'end after so many samples of each host', wholeNumber(1))
    .option('--rotate <size>', 'put the file aside when it is larger', size)
    .option('--keep <n>', 'files put aside that are kept', wholeNumber(0), 5)
    .option('--json', 'print at the end how each host did')
    .option('--quiet', 'no live lines; failures are still named');
  return withConnectionOptions(command)
    .addHelpText(
      'after',
      `
  wattwin observe node1 --every 1s --out runs/node1/metrics.jsonl
  wattwin observe node1 node2 --out runs/metrics.jsonl     # runs/node1/metrics.jsonl, runs/node2/…
  wattwin calibrate runs/node1                             # learns the host's power curve from it

Of each host: load and frequency of every CPU, energy of every RAPL zone, memory, pressure,
temperatures, and of every VM the CPU it got and the CPU it wanted, memory, disks and network. Each
value says where it comes from, when it was read and how far to trust it (docs/telemetry.md).
Several hosts have a file each, in a folder named like the host beside FILE. Ctrl-C ends it; all
that was written is whole. A host that fails is asked again, ever more rarely up to once a minute;
one whose key has changed, or that does not let us in, is not. With --samples, five failures in a row
end a host.
${connectionHelp}

Exit codes: 0 every host answered to the end (or to Ctrl-C), 1 some did not, 2 bad input.`,
    )
    .action((hosts: string[], options: Options) =>
      runCommand((signal) => observe(hosts, options, signal)),
    );
}

function size(text: string): number {
  const bytes = parseQuantity('size', text);
  if (bytes === undefined || bytes < 1024) {
    throw new InvalidArgumentError('expected a size from 1 KiB up, such as "100 MB".');
  }
  return bytes;
}

/** Where each host's samples go: one host to FILE itself, several to `HOST/FILE` beside it. */
export function outputPaths(hosts: readonly string[], out: string): Map<string, string> {
  if (hosts.length === 1) return new Map([[hosts[0]!, out]]);
  // Host names hold no slash; `..` alone would be one folder up, and is no host name either.
  return new Map(hosts.map((host) => [host, join(dirname(out), host, basename(out))]));
}

async function observe(
  hosts: readonly string[],
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  checkHostNames(hosts);
  const writers = openWriters(outputPaths(hosts, options.out), options);
  const live = liveLines(hosts, options.quiet ?? false);
  const show = display(live);
  try {
    await withSsh(options, async (transport) => {
      const outcomes = await observeHosts(
        hosts,
        transport,
        {
          everyMs: options.every,
          timeoutMs: options.timeout,
          samplesMax: options.samples,
          parallel: options.parallel,
          virshUri: options.virshUri,
          sudo: options.sudo ?? false,
          signal,
          clock: systemClock,
        },
        (observation) => {
          if (observation.kind === 'sample') {
            writers.get(observation.host)!.write(observation.sample);
          }
          show(observation);
        },
      );
      live.stop();
      if (outcomes.some(({ error }) => error !== undefined)) process.exitCode = 1;
      if (options.json) {
        printJson(
          outcomes.map(({ error, ...outcome }) => ({
            ...outcome,
            file: writers.get(outcome.host)!.path,
            ...(error === undefined ? {} : { code: error.code, message: error.message }),
          })),
        );
      }
    });
  } finally {
    for (const writer of writers.values()) writer.close();
  }
}

function openWriters(
  paths: ReadonlyMap<string, string>,
  { rotate, keep }: Options,
): Map<string, MetricsWriter> {
  const writers = new Map<string, MetricsWriter>();
  for (const [host, path] of paths) {
    try {
      writers.set(host, new MetricsWriter(path, { rotateBytes: rotate, keep }));
    } catch (error) {
      for (const writer of writers.values()) writer.close();
      throw inputError(path, 'a file that can be written', (error as Error).message);
    }
  }
  return writers;
}

/** Shows observations; of failures of one kind in a row only the first has a line that stays. */
function display(live: LiveLines): (observation: Observation) => void {
  const samples = new Map<string, number>();
  const failing = new Map<string, string>();
  return (observation) => {
    const { host, kind } = observation;
    if (kind === 'failed') {
      const { error, retryInMs } = observation;
      const next = retryInMs === undefined ? 'given up' : `again in ${retryInMs / 1000} s`;
      if (failing.get(host) !== error.code || retryInMs === undefined) {
        live.say(`${error.code} ${error.message}; ${next}`);
      }
      failing.set(host, error.code);
      live.update(host, `${error.code}, ${next}`);
      return;
    }
    if (failing.delete(host)) live.say(`${host}: it answers again`);
    if (kind === 'baseline') {
      if (observation.why === 'reboot') live.say(`${host}: it was started anew`);
      live.update(host, 'first reading');
    } else {
      samples.set(host, (samples.get(host) ?? 0) + 1);
      live.update(host, sampleNote(observation.sample, samples.get(host)!));
    }
  };
}
