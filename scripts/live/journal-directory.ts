/** Where the journal of a cluster lies. */
import { dirname, join } from 'node:path';
import { inputError } from '../../sim/index.ts';

/** `journal` beside the cluster file, unless it is said to be elsewhere. */
export function journalDirectory(options: {
  readonly cluster?: string | undefined;
  readonly journal?: string | undefined;
}): string {
  if (options.journal !== undefined) return options.journal;
  if (options.cluster === undefined) {
    throw inputError('--cluster', 'a cluster file, or --journal with a directory', 'neither');
  }
  return join(dirname(options.cluster), 'journal');
}
