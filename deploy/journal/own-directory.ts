/** Whoever can write into a journal says what a restore does, and which decisions are approved. */
import { statSync } from 'node:fs';
import process from 'node:process';
import { journalError } from './segment.ts';

/**
 * Sees that nobody else can write into a directory. One that is not there is made by its user, for
 * itself alone.
 *
 * @throws OperationError `ERR_JOURNAL`.
 */
export function checkOwn(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return;
  const { mode, uid } = found;
  if (uid !== process.getuid?.() && uid !== 0) {
    throw journalError(`${directory}: it belongs to user ${uid}, who could write anything into it`);
  }
  if ((mode & 0o022) !== 0) {
    const octal = (mode & 0o7777).toString(8);
    throw journalError(
      `${directory}: others can write into it (mode ${octal}); look at what is there, then chmod go-w`,
    );
  }
}
