/** `wattwin approve` and `wattwin reject`: a person's word on a decision that waits for it. */

import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Approvals, Journal, printable, systemClock } from '../../deploy/index.ts';
import { inputError } from '../../sim/index.ts';
import { runCommand } from '../cli.ts';
import { clusterDefault } from '../live/cluster-path.ts';
import { journalDirectory } from '../live/journal-directory.ts';

interface Options {
  readonly cluster?: string;
  readonly journal?: string;
}

export const approveCommand = (): Command => wordCommand('approve', 'approved');
export const rejectCommand = (): Command => wordCommand('reject', 'rejected');

function wordCommand(name: string, verdict: 'approved' | 'rejected'): Command {
  return new Command(name)
    .description(
      verdict === 'approved'
        ? 'let a controller in mode recommend carry out a decision'
        : 'tell a controller in mode recommend to leave a decision undone',
    )
    .argument('<decision>', 'its id, as `wattwin journal` shows it')
    .option('--cluster <file>', `cluster file whose journal it is; ${clusterDefault}`)
    .option('--journal <dir>', 'the journal, where it is not beside the cluster file')
    .addHelpText(
      'after',
      `
  wattwin ${name} 20261122T061500-0001 --cluster cluster.yaml

The first word on a decision counts. One that has expired is not carried out any more.`,
    )
    .action((decision: string, options: Options) =>
      runCommand(() => say(decision, verdict, options)),
    );
}

function say(id: string, verdict: 'approved' | 'rejected', options: Options): void {
  const directory = journalDirectory(options);
  const decision = Journal.openReadOnly(directory).decision(id);
  if (decision === undefined) throw inputError('decision', `a decision of ${directory}`, id);
  if (decision.state !== 'open') {
    throw inputError(`decision ${id}`, 'one that waits for a word', decision.state);
  }
  const approvals = new Approvals(join(directory, 'approvals'));
  const by = userInfo().username;
  const word = approvals.say({ decision: id, verdict, atMs: systemClock.wallMs(), by });
  process.stdout.write(`${printable(`${id}: ${word.verdict} by ${word.by}`)}\n`);
  if (word.verdict !== verdict) process.exitCode = 1;
}
