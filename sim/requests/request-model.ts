/**
 * Applications as immutable columns. A replica is a VM; each such VM is one processor-sharing queue
 * (`queue.ts`). Ids are dense: operations, services and queues of all applications are numbered one
 * after the other.
 */

import { assert } from '../errors.ts';
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';
import { type DistributionTable, DistributionTableBuilder } from './distribution.ts';
import { operationWorkMi } from './lost-work.ts';
import {
  type ApplicationSpec,
  type ArrivalSpec,
  balanceRules,
  hasCircle,
  type OperationSpec,
  type StepSpec,
} from './request-spec.ts';

/** Arrival kinds as stored in `RequestModel.sourceKind`. */
export const sourceKinds = { poisson: 0, regular: 1, mmpp: 2, trace: 3, clients: 4 } as const;

/** Immutable columns of all applications. Starts are [n + 1]: row i owns [start[i], start[i + 1]). */
export interface RequestModel {
  /** [applications] */
  readonly applications: number;
  readonly applicationNames: readonly string[];
  readonly sourceKind: Int32Array;
  /** Rates of a source per s, and how long each holds, ms: one entry, its states, or its steps. */
  readonly rateStart: Int32Array;
  readonly ratePerS: Float64Array;
  readonly rateMs: Float64Array;
  readonly clients: Int32Array;
  /** Distribution of think times, ms, -1 without clients. */
  readonly thinkRow: Int32Array;
  readonly backoffMs: Float64Array;
  readonly clientNetworkMs: Float64Array;
  readonly timeoutMs: Float64Array;
  readonly serviceStart: Int32Array;
  readonly operationStart: Int32Array;
  /** Call slots: those of application a are [callStart[a], callStart[a + 1]). */
  readonly callStart: Int32Array;
  readonly calls: number;

  /** [operations] */
  readonly operations: number;
  readonly operationNames: readonly string[];
  readonly operationApplication: Int32Array;
  /** Upper end of the operation's stretch of [0, 1). */
  readonly operationUpTo: Float64Array;
  readonly operationService: Int32Array;
  /** Distributions, -1 where the variant's holds (or the operation's, for a miss). */
  readonly operationRow: Int32Array;
  readonly missProbability: Float64Array;
  readonly missRow: Int32Array;
  readonly missWaitMs: Float64Array;
  /** Mean work of one request, calls included, MIPS·s. */
  readonly operationWorkMi: Float64Array;

  /** [services] */
  readonly services: number;
  readonly serviceNames: readonly string[];
  readonly queueStart: Int32Array;
  readonly serviceActive: Int32Array;
  /** Index in `balanceRules`. */
  readonly serviceBalance: Int32Array;
  readonly wakeMs: Float64Array;
  readonly switchMs: Float64Array;
  readonly variantStart: Int32Array;
  readonly initialVariant: Int32Array;
  readonly stepStart: Int32Array;

  /** [variants] */
  readonly variantNames: readonly string[];
  readonly variantRow: Int32Array;
  readonly variantAccuracy: Float64Array;
  readonly variantBytes: Float64Array;

  /** [steps], [edges] */
  readonly stepParallel: Int32Array;
  readonly edgeStart: Int32Array;
  readonly edgeService: Int32Array;
  readonly edgeCount: Float64Array;
  readonly edgeNetworkMs: Float64Array;

  /** [queues] */
  readonly queues: number;
  readonly queueVm: Int32Array;
  readonly queueService: Int32Array;
  /** Places of queue q: [placeStart[q], placeStart[q + 1]). */
  readonly placeStart: Int32Array;
  /** [vms, or 0 without queues] Queue of a VM, -1 for none. */
  readonly vmQueue: Int32Array;

  readonly distributions: DistributionTable;
}

const defaults = { queueMax: 500, inFlightMax: 2000, backoffMs: 100 };

/** An application with its operations filled in. */
type Complete = ApplicationSpec & { readonly operations: readonly OperationSpec[] };

/**
 * @param vms Number of VMs; replicas are indices below it.
 * @throws InvariantError when indices or shapes disagree (inputs are checked where they are read).
 */
export function buildRequests(specs: readonly ApplicationSpec[], vms: number): RequestModel {
  const table = new DistributionTableBuilder();
  const applications = specs.map(
    (spec): Complete => ({
      ...spec,
      operations: spec.operations ?? [{ name: 'request', share: 1, service: 0 }],
    }),
  );
  for (const application of applications) checkApplication(application);
  const serviceStart = starts(applications.map((application) => application.services.length));
  const columns = {
    ...sourceColumns(applications, table),
    serviceStart,
    ...operationColumns(applications, serviceStart, table),
    ...serviceColumns(applications, table),
    ...stepColumns(applications, serviceStart),
    ...queueColumns(applications, vms),
  };
  return { ...columns, distributions: table.build() };
}

/** Rows one after the other: where each begins, and at the end where the last ends. */
function starts(lengths: readonly number[]): Int32Array {
  const column = fillInt32(lengths.length + 1, () => 0);
  lengths.forEach((length, row) => {
    column[row + 1] = column[row]! + length;
  });
  return column;
}

function ratesOf(arrivals: ArrivalSpec): { readonly perS: number; readonly ms: number }[] {
  switch (arrivals.type) {
    case 'poisson':
    case 'regular':
      return [{ perS: arrivals.perS, ms: Infinity }];
    case 'mmpp':
      return arrivals.states.map(({ perS, meanMs }) => ({ perS, ms: meanMs }));
    case 'trace':
      return arrivals.perS.map((perS) => ({ perS, ms: arrivals.stepMs }));
    case 'clients':
      return [];
  }
}

function sourceColumns(applications: readonly Complete[], table: DistributionTableBuilder) {
  const count = applications.length;
  const rates = applications.map((application) => ratesOf(application.arrivals));
  const all = rates.flat();
  const clients = applications.map(({ arrivals }) =>
    arrivals.type === 'clients' ? arrivals.clients : 0,
  );
  const think = applications.map(({ arrivals }) =>
    arrivals.type === 'clients' ? table.row(arrivals.thinkMs) : -1,
  );
  const callStart = starts(
    applications.map(({ inFlightMax = defaults.inFlightMax }, row) => inFlightMax + clients[row]!),
  );
  return {
    applications: count,
    applicationNames: applications.map(({ name }) => name),
    sourceKind: fillInt32(count, (row) => sourceKinds[applications[row]!.arrivals.type]),
    rateStart: starts(rates.map((list) => list.length)),
    ratePerS: fillFloat64(all.length, (row) => all[row]!.perS),
    rateMs: fillFloat64(all.length, (row) => all[row]!.ms),
    clients: fillInt32(count, (row) => clients[row]!),
    thinkRow: fillInt32(count, (row) => think[row]!),
    backoffMs: fillFloat64(count, (row) => {
      const { arrivals } = applications[row]!;
      return arrivals.type === 'clients' ? (arrivals.backoffMs ?? defaults.backoffMs) : 0;
    }),
    clientNetworkMs: fillFloat64(count, (row) => applications[row]!.networkMs ?? 0),
    timeoutMs: fillFloat64(count, (row) => applications[row]!.timeoutMs ?? Infinity),
    callStart,
    calls: callStart[count]!,
  };
}

function operationColumns(
  applications: readonly Complete[],
  serviceStart: Int32Array,
  table: DistributionTableBuilder,
) {
  const rows = applications.flatMap(({ operations }, application) => {
    const whole = operations.reduce((sum, { share }) => sum + share, 0);
    let upTo = 0;
    return operations.map((spec, index) => {
      upTo += spec.share / whole;
      return {
        spec,
        application,
        upTo: index === operations.length - 1 ? 1 : upTo,
        service: serviceStart[application]! + spec.service,
        row: spec.demand === undefined ? -1 : table.row(spec.demand),
        workMi: operationWorkMi(applications[application]!, spec),
        missRow: spec.miss?.demand === undefined ? -1 : table.row(spec.miss.demand),
      };
    });
  });
  const count = rows.length;
  return {
    operations: count,
    operationStart: starts(applications.map(({ operations }) => operations.length)),
    operationNames: rows.map(({ spec }) => spec.name),
    operationApplication: fillInt32(count, (row) => rows[row]!.application),
    operationUpTo: fillFloat64(count, (row) => rows[row]!.upTo),
    operationService: fillInt32(count, (row) => rows[row]!.service),
    operationRow: fillInt32(count, (row) => rows[row]!.row),
    missProbability: fillFloat64(count, (row) => rows[row]!.spec.miss?.probability ?? 0),
    missRow: fillInt32(count, (row) => rows[row]!.missRow),
    missWaitMs: fillFloat64(count, (row) => rows[row]!.spec.miss?.waitMs ?? 0),
    operationWorkMi: fillFloat64(count, (row) => rows[row]!.workMi),
  };
}

function serviceColumns(applications: readonly Complete[], table: DistributionTableBuilder) {
  const services = applications.flatMap((application) => application.services);
  const variants = services.flatMap((service) => service.variants);
  const variantRows = variants.map(({ demand }) => table.row(demand));
  const count = services.length;
  return {
    services: count,
    serviceNames: services.map(({ name }) => name),
    queueStart: starts(services.map(({ replicas }) => replicas.length)),
    serviceActive: fillInt32(count, (row) => {
      const { active, replicas } = services[row]!;
      return active ?? replicas.length;
    }),
    serviceBalance: fillInt32(count, (row) =>
      balanceRules.indexOf(services[row]!.balance ?? 'least-requests'),
    ),
    wakeMs: fillFloat64(count, (row) => services[row]!.wakeMs ?? 0),
    switchMs: fillFloat64(count, (row) => services[row]!.switchMs ?? 0),
    variantStart: starts(services.map((service) => service.variants.length)),
    initialVariant: fillInt32(count, (row) => services[row]!.variant ?? 0),
    variantNames: variants.map(({ name }) => name),
    variantRow: fillInt32(variants.length, (row) => variantRows[row]!),
    variantAccuracy: fillFloat64(variants.length, (row) => variants[row]!.accuracy ?? 1),
    variantBytes: fillFloat64(variants.length, (row) => variants[row]!.memoryBytes ?? 0),
  };
}

/** Calls that are made one after the other become steps of their own. */
function stepColumns(applications: readonly Complete[], serviceStart: Int32Array) {
  const perService = applications.flatMap(({ services }, application) =>
    services.map(({ steps = [] }) =>
      steps.flatMap(({ parallel, calls }): StepSpec[] => {
        const edges = calls.map((call) => ({
          ...call,
          service: serviceStart[application]! + call.service,
        }));
        return parallel
          ? [{ parallel, calls: edges }]
          : edges.map((edge) => ({ parallel, calls: [edge] }));
      }),
    ),
  );
  const steps = perService.flat();
  const edges = steps.flatMap((step) => step.calls);
  return {
    stepStart: starts(perService.map((list) => list.length)),
    stepParallel: fillInt32(steps.length, (row) => (steps[row]!.parallel ? 1 : 0)),
    edgeStart: starts(steps.map((step) => step.calls.length)),
    edgeService: fillInt32(edges.length, (row) => edges[row]!.service),
    edgeCount: fillFloat64(edges.length, (row) => edges[row]!.count),
    edgeNetworkMs: fillFloat64(edges.length, (row) => edges[row]!.networkMs ?? 0),
  };
}

function queueColumns(applications: readonly Complete[], vms: number) {
  const rows = applications
    .flatMap(({ services }) => services)
    .flatMap(({ replicas, queueMax = defaults.queueMax }, service) =>
      replicas.map((vm) => ({ vm, service, queueMax })),
    );
  const vmQueue = fillInt32(rows.length === 0 ? 0 : vms, () => -1);
  rows.forEach(({ vm }, queue) => {
    assert(vm >= 0 && vm < vms, () => `a replica on VM ${vm} of ${vms}`);
    assert(vmQueue[vm] === -1, () => `VM ${vm} is a replica twice`);
    vmQueue[vm] = queue;
  });
  return {
    queues: rows.length,
    queueVm: fillInt32(rows.length, (row) => rows[row]!.vm),
    queueService: fillInt32(rows.length, (row) => rows[row]!.service),
    placeStart: starts(rows.map(({ queueMax }) => queueMax)),
    vmQueue,
  };
}

function checkApplication({ name, services, operations, arrivals }: Complete): void {
  const isService = (index: number): boolean =>
    Number.isInteger(index) && index >= 0 && index < services.length;
  assert(operations.length > 0, () => `${name} has no operation`);
  assert(
    operations.every(({ share, service }) => share > 0 && isService(service)),
    () => `an operation of ${name} has no share or no service`,
  );
  for (const { perS, ms } of ratesOf(arrivals)) {
    assert(
      perS >= 0 && perS < Infinity && ms > 0,
      () => `${name} has ${perS} requests/s for ${ms} ms`,
    );
  }
  for (const service of services) {
    const { active = service.replicas.length, variant = 0 } = service;
    assert(service.variants.length > 0, () => `${service.name} has no variant`);
    assert(
      active >= 0 && active <= service.replicas.length && variant < service.variants.length,
      () => `${service.name} begins with ${active} replicas in variant ${variant}`,
    );
    for (const { calls } of service.steps ?? []) {
      assert(
        calls.every((call) => isService(call.service) && call.count >= 0),
        () => `${service.name} calls a service that ${name} does not have`,
      );
    }
  }
  assert(!hasCircle(services), () => `services of ${name} call each other in a circle`);
}
