/** One process at a time in a directory. */
import { join } from 'node:path';
import { OperationError, systemClock, takeLease } from '../deploy/index.ts';
import { inputError } from '../sim/index.ts';

/**
 * Takes the directory. A lock whose process is gone (it was killed) is taken over.
 *
 * @returns What gives the directory free again.
 * @throws InputError naming the process that holds it.
 */
export function lockDirectory(directory: string): () => void {
  try {
    return takeLease(join(directory, '.lock'), 'it', systemClock).release;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw inputError(directory, 'a directory no other process writes to', error.message);
  }
}
