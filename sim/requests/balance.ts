/** Which replica a call goes to. */
import { vmStatus } from '../status.ts';
import type { Twin } from '../twin.ts';
import { drawAt, drawFloat } from './draws.ts';
import { balanceRules } from './request-spec.ts';

const leastRequests = balanceRules.indexOf('least-requests');
const random = balanceRules.indexOf('random');

/** Whether the replica gets calls: active, and its VM runs (or stands still for a migration). */
export function isServing(twin: Twin, queue: number): boolean {
  const { queueActive, queueClosed } = twin.state.requests;
  if (queueActive[queue] !== 1 || queueClosed[queue] === 1) return false;
  const status = twin.state.vmStatus[twin.model.requests.queueVm[queue]!]!;
  return status === vmStatus.running || status === vmStatus.paused;
}

/** Queue of the replica of `service` that gets a call with this seed, -1 when none serves. */
export function chooseReplica(twin: Twin, service: number, seed: number): number {
  const { queueStart, serviceBalance } = twin.model.requests;
  const start = queueStart[service]!;
  const count = queueStart[service + 1]! - start;
  if (count === 1) return isServing(twin, start) ? start : -1;
  const rule = serviceBalance[service];
  if (rule === random) return randomReplica(twin, start, count, seed);
  return nextReplica(twin, service, rule === leastRequests);
}

/**
 * From the replica after the last chosen one on, around: the first that serves, or the first of
 * those with the fewest calls.
 */
function nextReplica(twin: Twin, service: number, fewest: boolean): number {
  const { queueStart } = twin.model.requests;
  const { serviceTurn, queueCalls } = twin.state.requests;
  const start = queueStart[service]!;
  const count = queueStart[service + 1]! - start;
  let best = -1;
  let turn = serviceTurn[service]!;
  for (let tried = 0; tried < count; tried++) {
    const queue = start + turn;
    turn = turn + 1 === count ? 0 : turn + 1;
    if (!isServing(twin, queue)) continue;
    if (best >= 0 && queueCalls[queue]! >= queueCalls[best]!) continue;
    best = queue;
    if (!fewest || queueCalls[queue] === 0) break;
  }
  if (best >= 0) serviceTurn[service] = best - start + 1 === count ? 0 : best - start + 1;
  return best;
}

function randomReplica(twin: Twin, start: number, count: number, seed: number): number {
  let serving = 0;
  for (let queue = start; queue < start + count; queue++) {
    if (isServing(twin, queue)) serving++;
  }
  let skip = Math.floor(drawFloat(seed, drawAt.replica) * serving);
  for (let queue = start; queue < start + count; queue++) {
    if (isServing(twin, queue) && skip-- === 0) return queue;
  }
  return -1;
}
