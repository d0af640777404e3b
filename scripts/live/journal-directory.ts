/** Where the journal of a cluster lies. */
import { dirname, join } from 'node:path';
import { clusterPath } from './cluster-path.ts';

/** `journal` beside the cluster file, unless it is said to be elsewhere. */
export function journalDirectory(options: {
  readonly cluster?: string | undefined;
  readonly journal?: string | undefined;
}): string {
  if (options.journal !== undefined) return options.journal;
  return join(dirname(clusterPath(options.cluster)), 'journal');
}
