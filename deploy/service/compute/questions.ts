/** What every computed answer starts from: objective, horizon and limits of a request. */
import type { Objective } from '../../../sim/index.ts';
import type { Operation } from '../../actions/operation.ts';
import type { ClusterFile } from '../../cluster/cluster-file.ts';
import { clusterObjective, clusterTranslation } from '../../control/cluster-terms.ts';
import type { GuardLimits, Past } from '../../control/guard/rules.ts';
import type { TranslationOptions } from '../../control/translate.ts';
import type { DecideRequest } from '../api/requests.ts';

/** What a service knows beside the request. */
export interface Surroundings {
  /** Where it is attached to a cluster. */
  readonly cluster?: ClusterFile;
  readonly past?: Past;
  /** Wall-clock time, ms since 1970. */
  readonly nowMs: number;
  /** The exact commands of an operation, for plans. */
  readonly commands: (operation: Operation) => readonly string[];
}

export const defaultHorizon = 6;

/** Nothing but what is impossible is forbidden. */
const noLimits: GuardLimits = {
  migrations: Infinity,
  hosts: Infinity,
  hostsOn: 0,
  vmCooldown: 0,
  hostCooldown: 0,
  utilization: Infinity,
  confidence: 0,
};

const noPast: Past = { movedMs: new Map(), powerMs: new Map() };

/** The guard of an answer. */
export interface Guarding {
  readonly limits: GuardLimits;
  readonly past: Past;
  readonly nowMs: number;
}

/**
 * The limits that hold: those asked for and the cluster's own, whichever is stricter, so that nobody
 * gets round the cluster file. `undefined`: neither has any.
 */
export function guardingOf(
  asked: DecideRequest['limits'],
  { cluster, past = noPast, nowMs }: Surroundings,
): Guarding | undefined {
  if (asked === undefined && cluster === undefined) return undefined;
  const one = cluster?.guard ?? noLimits;
  const other = asked === undefined ? noLimits : { ...noLimits, ...asked };
  return {
    limits: {
      migrations: Math.min(one.migrations, other.migrations),
      hosts: Math.min(one.hosts, other.hosts),
      hostsOn: Math.max(one.hostsOn, other.hostsOn),
      vmCooldown: one.vmCooldown,
      hostCooldown: one.hostCooldown,
      utilization: Math.min(one.utilization, other.utilization),
      confidence: Math.max(one.confidence, other.confidence),
    },
    past,
    nowMs,
  };
}

/**
 * The same, where impossible operations are to be named even without limits.
 *
 * @param utilization Most CPU that may be asked of a host where nobody set a limit.
 */
export const guardingAlways = (
  asked: DecideRequest['limits'],
  surroundings: Surroundings,
  utilization = Infinity,
): Guarding =>
  guardingOf(asked, surroundings) ?? {
    limits: { ...noLimits, utilization },
    past: noPast,
    nowMs: surroundings.nowMs,
  };

export const horizonOf = (asked: number | undefined, { cluster }: Surroundings): number =>
  asked ?? cluster?.horizon ?? defaultHorizon;

/** The objective asked for, or the cluster's, or the usual one. */
export const objectiveOf = (
  asked: DecideRequest['objective'],
  { cluster }: Surroundings,
): Objective => clusterObjective(asked ?? cluster?.objective);

/** How actions become operations. */
export const translationOf = ({ cluster }: Surroundings): TranslationOptions =>
  clusterTranslation(cluster);
