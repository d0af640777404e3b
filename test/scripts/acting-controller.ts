/**
 * A controller reduced to what it does to hosts: each operation is looked at, written down, done, and
 * its end written down. `CLUSTER JOURNAL OPERATIONS(JSON)`; prints a line when it begins each.
 */
import process from 'node:process';
import { Journal, type Operation, readClusterFile, systemClock } from '../../deploy/index.ts';
import { withExecutor } from '../../scripts/live/executor-of.ts';

const [clusterFile, directory, operations] = process.argv.slice(2) as [string, string, string];

await withExecutor(readClusterFile(clusterFile), async ({ executor }) => {
  const journal = Journal.open(directory, systemClock);
  journal.append({ kind: 'start', mode: 'act', policy: 'none', pid: process.pid });
  for (const [item, operation] of (JSON.parse(operations) as Operation[]).entries()) {
    process.stdout.write(`${item}\n`);
    const prepared = await executor.prepare(operation);
    if (prepared.isDone) continue;
    const { undo } = prepared;
    const intent = journal.append({ kind: 'intent', decision: 'd1', item, operation, undo });
    journal.append({ kind: 'done', intent, effect: await executor.apply(prepared) });
  }
  journal.append({ kind: 'end', reason: 'all is done' });
  journal.close();
});
