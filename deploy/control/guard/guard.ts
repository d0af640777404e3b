/** The last word before real hosts: what of a plan may be done. */
import type { Operation } from '../../actions/operation.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';
import type { Refusal } from '../../decision.ts';
import { PlannedCluster } from './planned-cluster.ts';
import { type GuardLimits, type Past, rules } from './rules.ts';

/**
 * Goes through the operations in order. One that a rule forbids is taken as not done by those after
 * it, so a host that cannot be drained is not switched off either.
 *
 * @param snapshot Where the operations start from.
 * @param past What cool-downs count from.
 * @returns One entry per operation: why it may not be done, or `undefined`.
 */
export function guard(
  operations: readonly Operation[],
  snapshot: ClusterSnapshot,
  limits: GuardLimits,
  past: Past,
  nowMs: number,
): (Refusal | undefined)[] {
  const planned = new PlannedCluster(snapshot);
  const context = { planned, limits, past, nowMs };
  return operations.map((operation) => {
    for (const [rule, forbids] of rules) {
      const reason = forbids(operation, context);
      if (reason !== undefined) return { rule, reason };
    }
    planned.apply(operation);
    return undefined;
  });
}
