/** Files of a controller beside its journal: what it has learned. */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ClusterSnapshot, OperationError, writeSnapshotFile } from '../../deploy/index.ts';
import { inputError } from '../../sim/index.ts';
import { writeAtomically } from '../files.ts';

const learnedPath = (directory: string): string => join(directory, 'twin.json');

/**
 * What an earlier controller has learned of the cluster; `undefined` before the first.
 *
 * @throws InputError when the file is not JSON.
 */
export function readLearned(directory: string): { value: unknown; path: string } | undefined {
  const path = learnedPath(directory);
  if (!existsSync(path)) return undefined;
  try {
    return { value: JSON.parse(readFileSync(path, 'utf8')), path };
  } catch (error) {
    throw inputError(
      path,
      'what a controller has learned, or no such file',
      (error as Error).message,
    );
  }
}

/** Writes what is known now: for the next controller, and for who watches this one. */
export function writeKnown(
  directory: string,
  learned: unknown,
  snapshot: ClusterSnapshot | undefined,
): void {
  try {
    writeAtomically(learnedPath(directory), JSON.stringify(learned));
    if (snapshot !== undefined) writeSnapshotFile(directory, snapshot);
  } catch (error) {
    // Where there is no room for this there is none for the journal: nothing may be done any more.
    const message = `${directory}: it cannot be written: ${(error as Error).message}`;
    throw new OperationError('ERR_JOURNAL', hostname(), message, { cause: error });
  }
}
