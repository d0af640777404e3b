/**
 * Requests that were not served in time, as CPU time asked for and not delivered: each counts with the
 * work that a request of its operation takes on average, in all services together. A request that is
 * only slow loses nothing: what slowness costs is for its timeout to say.
 */
import type { Twin } from '../twin.ts';
import { meanOf } from './distribution.ts';
import type { ApplicationSpec, OperationSpec } from './request-spec.ts';
import { totalCount, totals } from './request-state.ts';

/** Mean work of one request with the variants in use at the start, calls included, MIPS·s. */
export function operationWorkMi(
  { services }: Pick<ApplicationSpec, 'services'>,
  operation: OperationSpec,
): number {
  const callsMi = (service: number): number =>
    (services[service]!.steps ?? [])
      .flatMap(({ calls }) => calls)
      .reduce((sum, call) => sum + call.count * serviceMi(call.service), 0);
  const ownMi = (service: number): number => {
    const { variants, variant = 0 } = services[service]!;
    return meanOf(variants[variant]!.demand);
  };
  const serviceMi = (service: number): number => ownMi(service) + callsMi(service);
  const { service, demand, miss } = operation;
  const hitMi = demand === undefined ? ownMi(service) : meanOf(demand);
  const missMi = miss?.demand === undefined ? hitMi : meanOf(miss.demand);
  const share = miss?.probability ?? 0;
  return (1 - share) * hitMi + share * missMi + callsMi(service);
}

/** Work of all requests so far. */
export interface RequestWork {
  /** Of those begun, and of those rejected, failed or late, MIPS·s. */
  readonly begunMi: number;
  readonly lostMi: number;
  /** The latter at the nominal speed of the VMs that were asked first, vCPU·s. */
  readonly lostVcpuS: number;
}

export function requestWork(twin: Twin): RequestWork {
  const { requests: model, workload } = twin.model;
  const { operationTotals } = twin.state.requests;
  const work = { begunMi: 0, lostMi: 0, lostVcpuS: 0 };
  for (let operation = 0; operation < model.operations; operation++) {
    const at = operation * totalCount;
    const eachMi = model.operationWorkMi[operation]!;
    const lost =
      operationTotals[at + totals.rejected]! +
      operationTotals[at + totals.failed]! +
      operationTotals[at + totals.late]!;
    const vm = model.queueVm[model.queueStart[model.operationService[operation]!]!]!;
    work.begunMi += operationTotals[at + totals.begun]! * eachMi;
    work.lostMi += lost * eachMi;
    work.lostVcpuS += (lost * eachMi) / workload.vcpuMips[vm]!;
  }
  return work;
}

/** Whether `vm` answers requests: its work is counted by request, not by the CPU it could have used. */
export function answersRequests(twin: Twin, vm: number): boolean {
  const { vmQueue } = twin.model.requests;
  return vmQueue.length > 0 && vmQueue[vm]! >= 0;
}
