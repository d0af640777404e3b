/** The hands on a cluster's real hosts: ssh by its cluster file, an executor, and who finds VMs. */
import {
  type ClusterFile,
  createExecutor,
  createVmFinder,
  type Executor,
  systemClock,
  type VmFinder,
} from '../../deploy/index.ts';
import { openClusterSsh } from './cluster-ssh.ts';

export interface Hands {
  readonly executor: Executor;
  readonly finder: VmFinder;
}

/** Opens ssh, does the work, and ends the connections whatever happens. */
export async function withExecutor<T>(
  cluster: ClusterFile,
  work: (hands: Hands) => Promise<T>,
): Promise<T> {
  const transport = openClusterSsh(cluster);
  try {
    const options = { cluster, transport, clock: systemClock };
    return await work({ executor: createExecutor(options), finder: createVmFinder(options) });
  } finally {
    await transport.close();
  }
}
