/** `wattwin restore`: hosts and VMs back to what they were before a controller acted. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import {
  type ClusterFile,
  type Entry,
  type Executor,
  Journal,
  type JournalView,
  OperationError,
  printable,
  type RestoreReport,
  readClusterFile,
  restore,
  systemClock,
  takeControl,
} from '../../deploy/index.ts';
import { inputError } from '../../sim/index.ts';
import { printJson, runCommand } from '../cli.ts';
import { clusterDefault, clusterPath } from '../live/cluster-path.ts';
import { withExecutor } from '../live/executor-of.ts';
import { journalDirectory } from '../live/journal-directory.ts';
import { restoreLines, stepLine } from '../live/restore-text.ts';

interface Options {
  readonly cluster?: string;
  readonly journal?: string;
  readonly execute?: boolean;
  readonly keepPlacement?: boolean;
  readonly damaged?: boolean;
  readonly json?: boolean;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('bring hosts and VMs back to what they were before a controller acted')
    .option('--cluster <file>', `cluster file of the hosts; ${clusterDefault}`)
    .option('--journal <dir>', 'the journal, where it is not beside the cluster file')
    .option('--execute', 'do it; without this, only say what would be done')
    .option('--keep-placement', 'leave VMs on the hosts on which they are')
    .option('--damaged', 'of a damaged journal, use what can be read; what is done is not recorded')
    .option('--json', 'print JSON: each goal with its operations and how they ended')
    .addHelpText(
      'after',
      `
  wattwin restore --cluster cluster.yaml              # reads hosts, changes nothing
  wattwin restore --cluster cluster.yaml --execute

A controller writes down how to undo a change before it makes it, so this works however the
controller ended, kill -9 and power failures included. Of several changes of one thing, what was
before the first of them is brought back: hosts are woken, VMs are moved back, their limits and
shares are set, then frequencies, and hosts that were asleep go to sleep again.

It may be run again at any time: what is back already is left alone, and what failed is tried again.
A restore that was killed is finished by the next one. VMs that are gone are noted. While a
controller runs, --execute is refused: stop it first. A damaged journal is only read; with --damaged
what lies before the damage is brought back, and the journal should then be put aside.

Exit codes: 0 all is back (or nothing was to be done), 1 something is not, 2 bad input.`,
    )
    .action((options: Options) => runCommand((signal) => run(options, signal)));
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const cluster = readClusterFile(clusterPath(options.cluster));
  const directory = journalDirectory(options);
  if (!existsSync(directory)) {
    throw inputError(directory, 'a journal, which a controller makes', 'no such directory');
  }
  try {
    const report = options.execute
      ? await execute(cluster, directory, options, signal)
      : await look(cluster, directory, options, signal);
    if (report.goals.some(({ state }) => state === 'failed' || state === 'stopped')) {
      process.exitCode = 1;
    }
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    process.stderr.write(`${error.code} ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Changes nothing, so a controller may run meanwhile. */
async function look(
  cluster: ClusterFile,
  directory: string,
  options: Options,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const journal = Journal.openReadOnly(directory);
  return await withExecutor(cluster, async ({ executor, finder }) => {
    const unwritten = { toUndo: () => journal.toUndo(), append: () => 0 };
    const report = await restore({
      ...{ journal: unwritten, executor, finder, clock: systemClock, signal, execute: false },
      ...(options.keepPlacement === undefined ? {} : { keepPlacement: options.keepPlacement }),
    });
    show(report, journal, executor, options);
    return report;
  });
}

async function execute(
  cluster: ClusterFile,
  directory: string,
  options: Options,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const hosts = cluster.hosts.map(({ name }) => name);
  const { config: sshConfig } = cluster.ssh;
  const lease = takeControl({ directory, hosts, sshConfig }, systemClock);
  try {
    const { journal, close } = openToExecute(directory, options);
    try {
      return await withExecutor(cluster, async ({ executor, finder }) => {
        const report = await restore({
          ...{ journal, executor, finder, clock: systemClock, signal, execute: true },
          ...(options.keepPlacement === undefined ? {} : { keepPlacement: options.keepPlacement }),
          // What takes minutes should be seen to go on.
          ...(options.json
            ? {}
            : { onStep: (step) => process.stderr.write(`${stepLine(step).trim()}\n`) }),
        });
        show(report, journal, executor, options);
        return report;
      });
    } finally {
      close();
    }
  } finally {
    lease.release();
  }
}

/** A damaged journal is never written to; what it says may still be worth doing. */
function openToExecute(
  directory: string,
  options: Options,
): { journal: JournalView & { append(entry: Entry): number }; close: () => void } {
  const view = Journal.openReadOnly(directory);
  if (view.damage === undefined || !options.damaged) {
    const journal = Journal.open(directory, systemClock);
    return { journal, close: () => journal.close() };
  }
  return { journal: { ...view, append: () => 0 }, close: () => undefined };
}

function show(
  report: RestoreReport,
  journal: JournalView,
  executor: Executor,
  { json }: Options,
): void {
  for (const note of journal.notes) process.stderr.write(`${printable(note)}\n`);
  if (json) {
    printJson({ directory: journal.directory, notes: journal.notes, ...report });
    return;
  }
  process.stdout.write(restoreLines(report, executor).join('\n'));
}
