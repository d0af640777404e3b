/**
 * A process on a host of files, to be killed: `act` changes settings without end, `restore` brings them
 * back. `MODE FILES JOURNAL`; says `ready` before its first change.
 */
import process from 'node:process';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { systemClock } from '../../../deploy/clock.ts';
import { Journal } from '../../../deploy/journal/journal.ts';
import { takeLease } from '../../../deploy/journal/lease.ts';
import { restore } from '../../../deploy/journal/restore.ts';
import { fileExecutor, fileFinder } from './file-world.ts';

const [mode, files, directory] = process.argv.slice(2) as ['act' | 'restore', string, string];
const executor = fileExecutor(files);
takeLease(`${directory}-lease`, 'it', systemClock);
const journal = Journal.open(directory, systemClock, { segmentBytes: 4000 });
process.stdout.write('ready\n');

if (mode === 'restore') {
  const options = { journal, executor, finder: fileFinder, clock: systemClock, execute: true };
  const { left } = await restore(options);
  process.stdout.write(`left ${left.length}\n`);
} else {
  const governors = ['powersave', 'performance', 'schedutil'];
  for (let count = 0; ; count++) {
    const vm = ['v', 'w', 'x'][count % 3]!;
    const operation: Operation =
      count % 2 === 0
        ? { type: 'setGovernor', host: 'here', governor: governors[(count % 5) % 3]! }
        : { type: 'setQuota', vm, host: 'here', coresPerVcpu: (count % 7) / 8 + 0.1 };
    const prepared = await executor.prepare(operation);
    if (prepared.isDone) continue;
    const { undo } = prepared;
    const intent = journal.append({ kind: 'intent', decision: 'd', item: 0, operation, undo });
    journal.append({ kind: 'done', intent, effect: await executor.apply(prepared) });
  }
}
