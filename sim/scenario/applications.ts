/** The `applications` of a scenario → VMs of replicas and what the model needs to know of them. */

import type { Issue } from '../errors.ts';
import { sharedUint16 } from '../numbers/columns.ts';
import { type DistributionSpec, scaled } from '../requests/distribution.ts';
import { keyValueApplication } from '../requests/key-value.ts';
import {
  type ApplicationSpec,
  type ArrivalSpec,
  hasCircle,
  type ServiceSpec,
  type StepSpec,
  type VariantSpec,
} from '../requests/request-spec.ts';
import { createWorkload, type VmSpec, type Workload } from '../workload.ts';
import type {
  ApplicationEntry,
  DistributionEntry,
  KeyValueEntry,
  ServiceEntry,
} from './application-schema.ts';

/** Collects VMs and issues while the applications of one scenario are read. */
interface Reading {
  readonly vms: VmSpec[];
  readonly firstVm: number;
  readonly issues: Issue[];
}

/** The workload with a VM for each replica after its own, and the applications on them. */
export interface WithApplications {
  readonly workload: Workload;
  readonly applications: readonly ApplicationSpec[];
}

/**
 * @param path Name of the scenario's file, for messages.
 * @param issues Gets what is wrong; the result is of use only if nothing was added.
 */
export function withApplications(
  entries: readonly ApplicationEntry[],
  workload: Workload,
  path: string,
  issues: Issue[],
): WithApplications {
  if (entries.length === 0) return { workload, applications: [] };
  const reading: Reading = { vms: [], firstVm: workload.vmNames.length, issues };
  const found = issues.length;
  const applications = entries.map((entry, index) => {
    const at = `${path}: applications[${index}]`;
    if (entries.findIndex(({ name }) => name === entry.name) < index) {
      issues.push({
        path: `${at}.name`,
        expected: 'a name used once',
        got: `"${entry.name}" again`,
      });
    }
    return applicationOf(entry, at, reading);
  });
  const taken = new Set(workload.vmNames);
  const twice = reading.vms.find(({ name }) => taken.has(name));
  if (twice !== undefined) {
    issues.push({
      path: `${path}: applications`,
      expected: 'replicas with names of their own',
      got: `"${twice.name}", which the workload has`,
    });
  }
  if (issues.length > found) return { workload, applications: [] };
  return { workload: withVms(workload, reading.vms), applications };
}

function applicationOf(entry: ApplicationEntry, at: string, reading: Reading): ApplicationSpec {
  const { name, services, keyValue, operations } = entry;
  const limits = {
    networkMs: entry.network,
    inFlightMax: entry.inFlight,
    ...(entry.timeout === undefined ? {} : { timeoutMs: entry.timeout }),
  };
  const arrivals = arrivalsOf(entry.arrivals, `${at}.arrivals`, reading.issues);
  if ((services === undefined) === (keyValue === undefined)) {
    const got = services === undefined ? 'neither' : 'both';
    reading.issues.push({ path: at, expected: 'services or keyValue', got });
  }
  if (keyValue !== undefined) {
    if (operations !== undefined) {
      const expected = 'no operations beside keyValue, which has its own';
      reading.issues.push({ path: `${at}.operations`, expected, got: `${operations.length}` });
    }
    return keyValueOf(name, keyValue, arrivals, limits, `${at}.keyValue`, reading);
  }
  const list = services ?? [];
  const names = list.map((service) => service.name);
  const specs = list.map((service, index) =>
    serviceOf(name, service, names, `${at}.services[${index}]`, reading),
  );
  if (hasCircle(specs)) {
    const expected = 'services that do not call each other in a circle';
    reading.issues.push({ path: `${at}.services`, expected, got: names.join(', ') });
  }
  return {
    name,
    arrivals,
    ...limits,
    services: specs,
    ...(operations === undefined
      ? {}
      : {
          operations: operations.map((operation, index) => {
            const { service = names[0] ?? '' } = operation;
            const where = `${at}.operations[${index}]`;
            const to = indexOf(service, names, `${where}.service`, reading.issues);
            const { demand } = operation;
            if (demand === undefined)
              return { name: operation.name, share: operation.share, service: to };
            const speed = list[to]?.vm.speed ?? 0;
            return {
              name: operation.name,
              share: operation.share,
              service: to,
              demand: workOf(demand, speed, `${where}.demand`, reading.issues),
            };
          }),
        }),
  };
}

function indexOf(name: string, names: readonly string[], at: string, issues: Issue[]): number {
  const index = names.indexOf(name);
  if (index < 0)
    issues.push({ path: at, expected: `one of ${names.join(', ')}`, got: `"${name}"` });
  return Math.max(0, index);
}

function serviceOf(
  application: string,
  entry: ServiceEntry,
  names: readonly string[],
  at: string,
  reading: Reading,
): ServiceSpec {
  const { issues } = reading;
  if (names.indexOf(entry.name) !== names.lastIndexOf(entry.name)) {
    issues.push({ path: `${at}.name`, expected: 'a name used once', got: `"${entry.name}" again` });
  }
  const variants = variantsOf(entry, at, issues);
  const variantNames = variants.map(({ name }) => name);
  const variant =
    entry.variant === undefined ? 0 : indexOf(entry.variant, variantNames, `${at}.variant`, issues);
  return {
    name: entry.name,
    ...replicasOf(`${application}/${entry.name}`, entry, at, reading),
    switchMs: entry.switch,
    variants,
    variant,
    steps: entry.steps.map(
      ({ parallel, calls }, step): StepSpec => ({
        parallel,
        calls: calls.map(({ service, count, network }, index) => ({
          service: indexOf(service, names, `${at}.steps[${step}].calls[${index}].service`, issues),
          count,
          networkMs: network,
        })),
      }),
    ),
  };
}

function variantsOf(entry: ServiceEntry, at: string, issues: Issue[]): VariantSpec[] {
  if ((entry.demand === undefined) === (entry.variants === undefined)) {
    const got = entry.demand === undefined ? 'neither' : 'both';
    issues.push({ path: at, expected: 'demand or variants', got });
  }
  const { speed, memory } = entry.vm;
  if (entry.demand !== undefined) {
    return [{ name: entry.name, demand: workOf(entry.demand, speed, `${at}.demand`, issues) }];
  }
  return (entry.variants ?? []).map((variant, index) => {
    const where = `${at}.variants[${index}]`;
    if (variant.memory > memory) {
      issues.push({
        path: `${where}.memory`,
        expected: `at most the VM's ${memory} bytes`,
        got: `${variant.memory} bytes`,
      });
    }
    return {
      name: variant.name,
      demand: workOf(variant.demand, speed, `${where}.demand`, issues),
      accuracy: variant.accuracy,
      memoryBytes: variant.memory,
    };
  });
}

/** Makes the VMs of a service's replicas. */
function replicasOf(
  name: string,
  entry: ServiceEntry | KeyValueEntry,
  at: string,
  reading: Reading,
): Omit<ServiceSpec, 'name' | 'variants'> {
  const { replicas, vm, active = replicas } = entry;
  if (active > replicas) {
    const expected = `at most the ${replicas} replicas`;
    reading.issues.push({ path: `${at}.active`, expected, got: `${active}` });
  }
  const ids = Array.from({ length: replicas }, (_, index) => {
    reading.vms.push({
      name: `${name}-${index}`,
      vcpus: vm.vcpus,
      vcpuMips: vm.speed,
      memoryBytes: vm.memory,
      arrivalMs: 0,
      departureMs: Infinity,
      mipsPerUnit: 1,
    });
    return reading.firstVm + reading.vms.length - 1;
  });
  return {
    replicas: ids,
    active,
    balance: entry.balance,
    queueMax: entry.queue,
    wakeMs: entry.wake,
  };
}

function keyValueOf(
  name: string,
  entry: KeyValueEntry,
  arrivals: ArrivalSpec,
  limits: Pick<ApplicationSpec, 'networkMs' | 'timeoutMs' | 'inFlightMax'>,
  at: string,
  reading: Reading,
): ApplicationSpec {
  const { speed } = entry.vm;
  const { keys, cached } = entry;
  const inMi = (ms: number): number => (ms * speed) / 1000;
  return keyValueApplication({
    name,
    workload: entry.workload,
    records: entry.records,
    cache: entry.cache,
    ...(keys === undefined ? {} : { keys }),
    ...(cached === undefined ? {} : { cached }),
    read: workOf(entry.read, speed, `${at}.read`, reading.issues),
    write: workOf(entry.write, speed, `${at}.write`, reading.issues),
    scannedMi: inMi(entry.scanned),
    missMi: inMi(entry.missWork),
    missWaitMs: entry.missWait,
    arrivals,
    ...limits,
    service: replicasOf(`${name}/store`, entry, at, reading),
  });
}

function arrivalsOf(entry: ApplicationEntry['arrivals'], at: string, issues: Issue[]): ArrivalSpec {
  const needed = <T>(key: string, value: T | undefined, instead: T): T => {
    if (value !== undefined) return value;
    issues.push({
      path: `${at}.${key}`,
      expected: `a value for type ${entry.type}`,
      got: 'nothing',
    });
    return instead;
  };
  switch (entry.type) {
    case 'poisson':
    case 'regular':
      return { type: entry.type, perS: needed('rate', entry.rate, 0) };
    case 'mmpp':
      return {
        type: 'mmpp',
        states: needed('states', entry.states, []).map(({ rate, mean }, index) => ({
          perS: rate,
          meanMs: positive(mean, `${at}.states[${index}].mean`, issues),
        })),
      };
    case 'trace':
      return {
        type: 'trace',
        perS: needed('rates', entry.rates, []),
        stepMs: positive(needed('every', entry.every, 1), `${at}.every`, issues),
      };
    case 'clients':
      return {
        type: 'clients',
        clients: needed('clients', entry.clients, 0),
        thinkMs:
          entry.think === undefined
            ? { type: 'constant', mean: 0 }
            : distributionOf(entry.think, `${at}.think`, issues),
        backoffMs: positive(entry.backoff, `${at}.backoff`, issues),
      };
  }
}

function positive(ms: number, at: string, issues: Issue[]): number {
  if (ms > 0) return ms;
  issues.push({ path: at, expected: 'a duration above 0', got: `${ms} ms` });
  return 1;
}

/** Time of a vCPU of `speed` MIPS as work, MIPS·s. */
function workOf(
  entry: DistributionEntry,
  speed: number,
  at: string,
  issues: Issue[],
): DistributionSpec {
  return scaled(distributionOf(entry, at, issues), speed / 1000);
}

/** The distribution, ms. */
function distributionOf(entry: DistributionEntry, at: string, issues: Issue[]): DistributionSpec {
  const { type } = entry;
  const needed = <T>(key: string, value: T | undefined, instead: T): T => {
    if (value !== undefined) return value;
    issues.push({ path: `${at}.${key}`, expected: `a value for type ${type}`, got: 'nothing' });
    return instead;
  };
  switch (type) {
    case 'empirical':
      return { type, values: needed('values', entry.values, [0]) };
    case 'uniform': {
      const min = needed('min', entry.min, 0);
      const max = needed('max', entry.max, min);
      if (max < min)
        issues.push({ path: `${at}.max`, expected: `at least ${min} ms`, got: `${max} ms` });
      return { type, min, max };
    }
    case 'lognormal':
      return { type, mean: needed('mean', entry.mean, 0), scv: entry.scv ?? 1 };
    case 'hyperexponential': {
      const scv = entry.scv ?? 4;
      if (scv < 1) issues.push({ path: `${at}.scv`, expected: 'at least 1', got: `${scv}` });
      return { type, mean: needed('mean', entry.mean, 0), scv };
    }
    default:
      return { type, mean: needed('mean', entry.mean, 0) };
  }
}

/** The workload with further VMs, whose rows are empty. */
function withVms(workload: Workload, vms: readonly VmSpec[]): Workload {
  const before = workload.vmNames.length;
  const own = workload.vmNames.map(
    (name, vm): VmSpec => ({
      name,
      vcpus: workload.vcpus[vm]!,
      vcpuMips: workload.vcpuMips[vm]!,
      memoryBytes: workload.memoryBytes[vm]!,
      arrivalMs: workload.arrivalMs[vm]!,
      departureMs: workload.departureMs[vm]!,
      mipsPerUnit: workload.mipsPerUnit[vm]!,
    }),
  );
  const width = before + vms.length;
  const demandUnits = sharedUint16(workload.steps * width);
  for (let step = 0; step < workload.steps; step++) {
    const row = workload.demandUnits.subarray(step * before, (step + 1) * before);
    demandUnits.set(row, step * width);
  }
  return createWorkload(workload.name, workload.intervalMs, [...own, ...vms], demandUnits);
}
