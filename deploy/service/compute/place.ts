/** Which host a new VM should start on: `POST /v1/place`. */
import { type Action, TwinView } from '../../../sim/index.ts';
import type { Operation } from '../../actions/operation.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';
import { PlannedCluster } from '../../control/guard/planned-cluster.ts';
import { type GuardContext, rules } from '../../control/guard/rules.ts';
import type { Refusal } from '../../decision.ts';
import { type LiveTwin, liveTwin } from '../../twin/live-twin.ts';
import { predict } from '../../twin/predict.ts';
import type { PlaceRequest } from '../api/requests.ts';
import { ServiceError } from '../service-error.ts';
import { guardingAlways, horizonOf, objectiveOf, type Surroundings } from './questions.ts';

/** A host that could take the VM; differences to the cluster without it. */
export interface PlaceCandidate {
  readonly host: string;
  /** It is off and would be woken first. */
  readonly wake: boolean;
  /** By the power curves alone, W. */
  readonly estimatedW: number;
  readonly energyJ: number;
  readonly lostVcpuS: number;
  /** By the objective, kWh-equivalents. */
  readonly cost: number;
  /** Highest of the host until the horizon, and what the VM adds to it. */
  readonly peakUtilization: number;
  readonly addedUtilization: number;
}

export interface PlaceAnswer {
  readonly atMs: number;
  readonly horizonS: number;
  /** Best first. */
  readonly hosts: readonly PlaceCandidate[];
  /** Hosts that could take it and were not simulated, the least estimated power first. */
  readonly others: readonly Pick<PlaceCandidate, 'host' | 'wake' | 'estimatedW'>[];
  readonly out: readonly ({ readonly host: string } & Refusal)[];
}

interface Option {
  readonly host: number;
  readonly wake: boolean;
  readonly estimatedW: number;
}

export function place(request: PlaceRequest, surroundings: Surroundings): PlaceAnswer {
  const { snapshot, vm, candidates } = request;
  const horizon = horizonOf(request.horizon, surroundings);
  const outlook = { horizon, objective: objectiveOf(request.objective, surroundings) };
  const wanted = withVm(snapshot, vm);
  const live = liveTwin(wanted, { horizon });
  const without = predict(liveTwin(snapshot, { horizon }), [], outlook);
  const { options, out } = sortOut(wanted, live, vm.name, request.limits, surroundings);
  const id = live.vmId(vm.name);
  const hosts = options.slice(0, candidates).map(({ host, wake, estimatedW }): PlaceCandidate => {
    const start: Action = { type: 'place', vm: id, host };
    const after = predict(live, wake ? [{ type: 'powerOn', host }, start] : [start], outlook);
    const { peakUtilization } = after.hosts[host]!;
    return {
      host: live.hostNames[host]!,
      wake,
      estimatedW,
      energyJ: after.energyJ - without.energyJ,
      lostVcpuS: after.lostVcpuS - without.lostVcpuS,
      cost: after.cost - without.cost,
      peakUtilization,
      addedUtilization: peakUtilization - without.hosts[host]!.peakUtilization,
    };
  });
  return {
    atMs: snapshot.atMs,
    horizonS: without.horizonS,
    hosts: hosts.sort((a, b) => a.cost - b.cost),
    others: options
      .slice(candidates)
      .map(({ host, ...rest }) => ({ host: live.hostNames[host]!, ...rest })),
    out,
  };
}

/** The snapshot with the VM waiting for a host. */
function withVm(snapshot: ClusterSnapshot, vm: PlaceRequest['vm']): ClusterSnapshot {
  if (snapshot.vms.some(({ name }) => name === vm.name)) {
    throw new ServiceError('invalid', 'the new VM needs a name of its own', [
      { path: 'body.vm.name', expected: 'a name that no VM of the snapshot has', got: vm.name },
    ]);
  }
  const fastestMhz = snapshot.hosts.reduce(
    (fastest, { frequenciesMhz }) => Math.max(fastest, frequenciesMhz[0]!),
    0,
  );
  const { name, vcpus, memoryBytes, demandMhz = vcpus * fastestMhz } = vm;
  return {
    ...snapshot,
    vms: [
      ...snapshot.vms,
      {
        ...{ name, host: null, vcpus, memoryBytes, demandMhz: [demandMhz] },
        ...{ movable: true, diskBytes: 0, weight: 1, confidence: 1 },
      },
    ],
    apart: [...snapshot.apart, ...vm.apart.map((other) => [name, other])],
  };
}

/** Hosts that could take the VM, the least estimated power first, and why the others cannot. */
function sortOut(
  snapshot: ClusterSnapshot,
  live: LiveTwin,
  vm: string,
  asked: PlaceRequest['limits'],
  surroundings: Surroundings,
): { readonly options: readonly Option[]; readonly out: PlaceAnswer['out'] } {
  const context: GuardContext = {
    planned: new PlannedCluster(snapshot),
    ...guardingAlways(asked, surroundings, 1),
  };
  const view = new TwinView(live.twin);
  const demandMips = snapshot.vms.at(-1)!.demandMhz[0]!;
  const options: Option[] = [];
  const out: ({ readonly host: string } & Refusal)[] = [];
  snapshot.hosts.forEach(({ name, canSleep, state }, host) => {
    const wake = canSleep && (state === 'off' || state === 'asleep');
    const refusal = whyNot(name, vm, wake, context);
    if (refusal !== undefined) {
      out.push({ host: name, ...refusal });
      return;
    }
    const pstate = wake ? 0 : view.pstate(host);
    const before = view.hostDemandMips(host);
    const nowW = wake ? view.offW(host) : view.powerW(host, pstate, before);
    const estimatedW = view.powerW(host, pstate, before + demandMips) - nowW;
    options.push({ host, wake, estimatedW });
  });
  options.sort((a, b) => a.estimatedW - b.estimatedW);
  return { options, out };
}

/** The first rule that forbids starting the VM there, after waking the host if need be. */
function whyNot(
  host: string,
  vm: string,
  wake: boolean,
  context: GuardContext,
): Refusal | undefined {
  const planned = context.planned.hosts.get(host)!;
  const start: Operation = { type: 'startVm', vm, host };
  // Taken as woken while the rules look.
  if (wake) planned.isOn = true;
  const found = rules
    .map(([rule, forbids]) => ({ rule, reason: forbids(start, context) }))
    .find(({ reason }) => reason !== undefined);
  if (wake) planned.isOn = false;
  return found?.reason === undefined ? undefined : { rule: found.rule, reason: found.reason };
}
