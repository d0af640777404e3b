/** The way to a cluster's hosts, as its file says. */
import { type ClusterFile, openSsh, systemClock, type Transport } from '../../deploy/index.ts';

export function openClusterSsh({ ssh: { config, timeout } }: ClusterFile): Transport {
  return openSsh({
    configFile: config,
    timeoutMs: timeout,
    connectTimeoutS: Math.max(1, Math.min(10, Math.floor(timeout / 1000))),
    clock: systemClock,
  });
}
