/** Writes to a journal until there is no room, then something shorter; says how each went. */
import process from 'node:process';
import { systemClock } from '../../../deploy/clock.ts';
import { Journal } from '../../../deploy/journal/journal.ts';
import { OperationError } from '../../../deploy/operation-error.ts';

const journal = Journal.open(process.argv[2]!, systemClock);
let acknowledged = 0;
try {
  for (;;) acknowledged = journal.append({ kind: 'event', code: 'X', message: 'x'.repeat(200) });
} catch (error) {
  if (!(error instanceof OperationError)) throw error;
  process.stdout.write(`${acknowledged}\n${error.code}\n${error.message}\n`);
}
const seq = journal.append({ kind: 'end', reason: '' });
process.stdout.write(seq === acknowledged + 1 ? 'took a short one\n' : `took ${seq}\n`);
