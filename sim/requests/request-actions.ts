/**
 * What one can do to an application: use another variant of a service, park replicas and activate
 * them. Like all transitions they return why not, `undefined` when done, and leave nothing half-changed.
 *
 * A parked replica keeps its VM, with its memory, and gets no calls; it answers those it has. Without
 * calls it asks for no CPU, so any quota it is given while parked changes nothing.
 */
import { vmStatus } from '../status.ts';
import { phases, schedule } from '../timers.ts';
import type { Refusal } from '../transitions.ts';
import type { Twin } from '../twin.ts';

/**
 * Uses another variant of a service, from now on or after the service's switch time. Until then, and
 * for calls already in a queue, the present one serves.
 *
 * @param service Index of the service in the application.
 * @param variant Index of the variant in the service.
 */
export function setVariant(
  twin: Twin,
  application: number,
  service: number,
  variant: number,
): Refusal {
  const { requests } = twin.model;
  const { serviceVariant, serviceNext } = twin.state.requests;
  const at = serviceAt(twin, application, service);
  if (typeof at === 'string') return at;
  const first = requests.variantStart[at]!;
  if (!(variant >= 0 && first + variant < requests.variantStart[at + 1]!)) {
    return 'the service has no such variant';
  }
  if (serviceNext[at]! >= 0) return 'the service is being switched to another variant';
  if (serviceVariant[at] === variant) return undefined;
  for (let queue = requests.queueStart[at]!; queue < requests.queueStart[at + 1]!; queue++) {
    const memory = twin.model.workload.memoryBytes[requests.queueVm[queue]!]!;
    if (memory < requests.variantBytes[first + variant]!) {
      return 'a replica has not enough memory for the variant';
    }
  }
  const switchMs = requests.switchMs[at]!;
  if (switchMs === 0) {
    serviceVariant[at] = variant;
    return undefined;
  }
  serviceNext[at] = variant;
  const doneMs = twin.state.nowMs[0]! + switchMs;
  schedule(twin.state, twin.timers.service + at, doneMs, phases.transition);
  return undefined;
}

/** Stops the calls to the replica on `vm`; it answers those it has. The last one cannot be parked. */
export function parkReplica(twin: Twin, vm: number): Refusal {
  const { queueActive } = twin.state.requests;
  const queue = queueAt(twin, vm);
  if (typeof queue === 'string') return queue;
  if (queueActive[queue] === 0) return 'the replica is already parked';
  if (activeReplicas(twin, twin.model.requests.queueService[queue]!) === 1) {
    return 'it is the last active replica of its service';
  }
  queueActive[queue] = 0;
  return undefined;
}

/** Lets the replica on `vm` have calls again. */
export function activateReplica(twin: Twin, vm: number): Refusal {
  const { queueActive } = twin.state.requests;
  const queue = queueAt(twin, vm);
  if (typeof queue === 'string') return queue;
  if (queueActive[queue] === 1) return 'the replica is already active';
  if (!isRunning(twin, queue)) return 'the VM of the replica is not running';
  queueActive[queue] = 1;
  return undefined;
}

/**
 * Makes `count` replicas of a service active: activates parked ones whose VM runs, first to last, or
 * parks active ones, last to first.
 *
 * @param service Index of the service in the application.
 */
export function setReplicas(
  twin: Twin,
  application: number,
  service: number,
  count: number,
): Refusal {
  const { queueStart } = twin.model.requests;
  const { queueActive } = twin.state.requests;
  const at = serviceAt(twin, application, service);
  if (typeof at === 'string') return at;
  if (!Number.isInteger(count) || count < 1) return 'a service needs at least one active replica';
  const first = queueStart[at]!;
  const end = queueStart[at + 1]!;
  if (count > end - first) return `the service has only ${end - first} replicas`;
  let missing = count - activeReplicas(twin, at);
  const ready: number[] = [];
  for (let queue = first; queue < end && ready.length < missing; queue++) {
    if (queueActive[queue] === 0 && isRunning(twin, queue)) ready.push(queue);
  }
  if (ready.length < missing) return 'too few VMs of parked replicas are running';
  for (const queue of ready) queueActive[queue] = 1;
  for (let queue = end - 1; missing < 0; queue--) {
    if (queueActive[queue] === 0) continue;
    queueActive[queue] = 0;
    missing++;
  }
  return undefined;
}

/** Replicas of a service (numbered over all applications) that are not parked. */
export function activeReplicas(twin: Twin, service: number): number {
  const { queueStart } = twin.model.requests;
  let active = 0;
  for (let queue = queueStart[service]!; queue < queueStart[service + 1]!; queue++) {
    active += twin.state.requests.queueActive[queue]!;
  }
  return active;
}

function isRunning(twin: Twin, queue: number): boolean {
  const status = twin.state.vmStatus[twin.model.requests.queueVm[queue]!]!;
  return status === vmStatus.running || status === vmStatus.paused;
}

/** Service over all applications, or why there is none. */
function serviceAt(twin: Twin, application: number, service: number): number | string {
  const { applications, serviceStart } = twin.model.requests;
  if (!(application >= 0 && application < applications)) return 'there is no such application';
  const at = serviceStart[application]! + service;
  if (!(service >= 0 && at < serviceStart[application + 1]!)) {
    return 'the application has no such service';
  }
  return at;
}

function queueAt(twin: Twin, vm: number): number | string {
  const { vmQueue } = twin.model.requests;
  const queue = vmQueue[vm] ?? -1;
  return queue >= 0 ? queue : 'the VM is no replica of a service';
}
