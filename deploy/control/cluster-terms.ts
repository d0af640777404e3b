/** What a cluster file says in the terms of decisions: weights, and how actions become operations. */
import { defaultObjective, type Objective } from '../../sim/index.ts';
import type { ClusterFile } from '../cluster/cluster-file.ts';
import type { TranslationOptions } from './translate.ts';

/** Weights of the cluster file, or the usual ones. */
export function clusterObjective(weights: ClusterFile['objective'] | undefined): Objective {
  if (weights === undefined) return defaultObjective;
  return {
    energyPerKwh: weights.energy,
    lostPerVcpuHour: weights.lost,
    perMigration: weights.migration,
  };
}

/** Without a cluster file: what one says that says nothing. */
export function clusterTranslation(cluster: ClusterFile | undefined): TranslationOptions {
  const sleeps = new Map(cluster?.hosts.map(({ name, sleep }) => [name, sleep]));
  const way = cluster?.libvirt.migration;
  return {
    migration: {
      storage: way?.storage ?? 'shared',
      ...(way === undefined ? {} : { autoConverge: way.autoConverge, postCopy: way.postCopy }),
      ...(way?.bandwidth === undefined ? {} : { bandwidthMibps: way.bandwidth / 2 ** 20 }),
    },
    sleepOf: (host) => sleeps.get(host) ?? 'S5',
  };
}
