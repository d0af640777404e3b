/** Files of a controller beside its journal: what it has learned, and the kill switch. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

export function writeLearned(directory: string, value: unknown): void {
  writeAtomically(learnedPath(directory), JSON.stringify(value));
}

/** Why nothing may be done now, if so. */
export function killSwitch(path: string): string | undefined {
  return existsSync(path) ? `the file ${path} exists` : undefined;
}
