/** `wattwin journal`: what a controller decided, did, and what came of it. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import {
  Journal,
  JournalFold,
  type JournalView,
  journalHolder,
  printable,
} from '../../deploy/index.ts';
import { inputError } from '../../sim/index.ts';
import { printJson, runCommand, wholeNumber } from '../cli.ts';
import { clusterDefault } from '../live/cluster-path.ts';
import { journalDirectory } from '../live/journal-directory.ts';
import { decisionText, journalText } from '../live/journal-text.ts';

interface Options {
  readonly cluster?: string;
  readonly journal?: string;
  readonly decision?: string;
  readonly last: number;
  readonly json?: boolean;
}

export function journalCommand(): Command {
  return new Command('journal')
    .description('show what a controller decided and did; changes nothing')
    .option('--cluster <file>', `cluster file whose journal it is; ${clusterDefault}`)
    .option('--journal <dir>', 'the journal, where it is not beside the cluster file')
    .option('--decision <id>', 'one decision with all its items')
    .option('--last <n>', 'newest decisions that are shown', wholeNumber(1), 20)
    .option('--json', 'print JSON; with --decision also every record of its items')
    .addHelpText(
      'after',
      `
  wattwin journal --cluster cluster.yaml
  wattwin journal --cluster cluster.yaml --decision 20261122T061500-0001
  wattwin journal --journal journal --json

It may be looked at while the controller runs. The files are JSON, one record a line; so
\`jq 'select(.kind == "intent")' journal/*.jsonl\` works too. What is "to be undone" is what
\`wattwin restore\` would bring back.

Exit codes: 0 shown, 1 the journal is damaged (what can be read is shown), 2 bad input.`,
    )
    .action((options: Options) => runCommand(() => show(options)));
}

function show(options: Options): void {
  const directory = journalDirectory(options);
  if (!existsSync(directory)) {
    throw inputError(directory, 'a journal, which a controller makes', 'no such directory');
  }
  const journal = Journal.openReadOnly(directory);
  if (options.decision === undefined) showAll(journal, options);
  else showDecision(journal, options.decision, options.json ?? false);
  for (const note of journal.notes) process.stderr.write(`${printable(note)}\n`);
  if (journal.damage !== undefined) process.exitCode = 1;
}

function showAll(journal: JournalView, { last, json }: Options): void {
  const fold = new JournalFold();
  for (const record of journal.records()) fold.take(record);
  const decisions = fold.decisions(last).reverse();
  const holder = journalHolder(journal.directory);
  if (json) {
    const { directory, seq, notes } = journal;
    const toUndo = journal
      .toUndo()
      .map(({ intent, end }) => ({ ...intent, end: end?.kind ?? null }));
    const controller = holder ?? null;
    printJson({ directory, seq, notes, controller, decisions, toUndo });
  } else {
    process.stdout.write(journalText(journal, decisions, holder));
  }
}

function showDecision(journal: JournalView, id: string, isJson: boolean): void {
  const fold = new JournalFold();
  const intents = new Set<number>();
  const records = [...journal.records()].filter((record) => {
    fold.take(record);
    if (record.kind === 'intent' && record.decision === id) intents.add(record.seq);
    return 'intent' in record ? intents.has(record.intent) : intents.has(record.seq);
  });
  const decision = fold.decision(id) ?? journal.decision(id);
  if (decision === undefined) {
    throw inputError('--decision', `a decision of ${journal.directory}`, id);
  }
  if (isJson) printJson({ decision, records });
  else process.stdout.write(decisionText(decision, records));
}
