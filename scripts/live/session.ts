/** What every command that changes real hosts holds: the cluster, the right to act, the way there. */
import {
  type ClusterFile,
  createExecutor,
  type Executor,
  Journal,
  readClusterFile,
  systemClock,
  type Transport,
  takeControl,
} from '../../deploy/index.ts';
import { clusterPath } from './cluster-path.ts';
import { openClusterSsh } from './cluster-ssh.ts';
import { journalDirectory } from './journal-directory.ts';

export interface ClusterSession {
  readonly cluster: ClusterFile;
  readonly transport: Transport;
  readonly executor: Executor;
  readonly journal: Journal;
  /** What a person should know about the journal or the lease, a sentence each. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/**
 * Takes the lease of the cluster and opens its journal.
 *
 * @throws InputError for a cluster file with problems; OperationError `ERR_LEASE` while another
 *   process holds the cluster, `ERR_JOURNAL` when the journal cannot be written.
 */
export function openSession(options: {
  readonly cluster?: string | undefined;
  readonly journal?: string | undefined;
}): ClusterSession {
  const cluster = readClusterFile(clusterPath(options.cluster));
  const directory = journalDirectory(options);
  const names = cluster.hosts.map(({ name }) => name);
  const lease = takeControl(
    { directory, hosts: names, sshConfig: cluster.ssh.config },
    systemClock,
  );
  try {
    const journal = Journal.open(directory, systemClock);
    const transport = openClusterSsh(cluster);
    return {
      cluster,
      transport,
      executor: createExecutor({ cluster, transport, clock: systemClock }),
      journal,
      notes: [...(lease.note === undefined ? [] : [lease.note]), ...journal.notes],
      async close() {
        try {
          await transport.close();
          journal.close();
        } finally {
          lease.release();
        }
      },
    };
  } catch (error) {
    lease.release();
    throw error;
  }
}
