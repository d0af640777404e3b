/** The hands on a cluster's real hosts: ssh by its cluster file, an executor, and who finds VMs. */
import {
  type ClusterFile,
  createExecutor,
  createVmFinder,
  type Executor,
  openSsh,
  systemClock,
  type VmFinder,
} from '../../deploy/index.ts';

export interface Hands {
  readonly executor: Executor;
  readonly finder: VmFinder;
}

/** Opens ssh, does the work, and ends the connections whatever happens. */
export async function withExecutor<T>(
  cluster: ClusterFile,
  work: (hands: Hands) => Promise<T>,
): Promise<T> {
  const { config, timeout } = cluster.ssh;
  const transport = openSsh({
    configFile: config,
    timeoutMs: timeout,
    connectTimeoutS: Math.max(1, Math.min(10, Math.floor(timeout / 1000))),
    clock: systemClock,
  });
  try {
    const options = { cluster, transport, clock: systemClock };
    return await work({ executor: createExecutor(options), finder: createVmFinder(options) });
  } finally {
    await transport.close();
  }
}
