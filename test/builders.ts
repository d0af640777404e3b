/**
 * Small clusters for tests, written with as few words as a test needs. Everything left out has a
 * round default: hosts of 4 × 1000 MIPS and 16 GiB that draw 100 W idle and 200 W at full load;
 * VMs of 2 × 1000 MIPS and 2 GiB; rows of 300 s; migration at 100 MiB/s that costs 10 % of the VM's
 * CPU.
 */
import {
  buildModel,
  type ClusterModel,
  createWorkload,
  type GovernorRule,
  type HostSpec,
  type MigrationSpec,
  type ModelSpec,
  type NetworkSpec,
  sharedUint16,
  Twin,
  TwinView,
  type VmSpec,
} from '../sim/index.ts';

export const gib = 1024 * 1024 * 1024;
export const mib = 1024 * 1024;

/** A host that differs from the default one. */
export interface HostOptions extends Partial<Omit<HostSpec, 'pstates'>> {
  /** Core speed of the only P-state, MIPS. @default 1000 */
  readonly coreMips?: number;
  /** Power of the only P-state without load and at full load, W. @default 100 and 200 */
  readonly idleW?: number;
  readonly fullW?: number;
  /** Replaces the three above. */
  readonly pstates?: HostSpec['pstates'];
  readonly memoryGib?: number;
}

export interface VmOptions {
  readonly name?: string;
  /** Demand per row, MIPS; whole numbers. The last value holds on. @default 0 */
  readonly demandMips?: number | readonly number[];
  /** @default 2 */
  readonly vcpus?: number;
  /** @default 1000 */
  readonly vcpuMips?: number;
  /** @default 2 */
  readonly memoryGib?: number;
  /** @default 0 */
  readonly arrivalS?: number;
  /** @default never */
  readonly departureS?: number;
  /** Host at time 0. @default none: the VM waits to be placed */
  readonly host?: number;
}

export interface ClusterOptions {
  /** So many default hosts, or one entry each. */
  readonly hosts: number | readonly HostOptions[];
  readonly vms?: readonly VmOptions[];
  /** Rows of the demand grid. @default the longest demand given, at least 1 */
  readonly steps?: number;
  /** @default 300 */
  readonly intervalS?: number;
  /** Behaviour of every VM's migration. @default 100 MiB/s, nothing dirtied */
  readonly migration?: MigrationSpec;
  /** @default 0.1 */
  readonly migrationOverheadFraction?: number;
  readonly migrationsMax?: number;
  /** @default a star of 1 GiB/s ports */
  readonly network?: NetworkSpec;
  /** @default none of these */
  readonly copyingCores?: NonNullable<ModelSpec['copyingCores']>;
  readonly traffic?: NonNullable<ModelSpec['traffic']>;
  readonly disks?: NonNullable<ModelSpec['disks']>;
  readonly trackNic?: boolean;
  readonly tasks?: NonNullable<ModelSpec['tasks']>;
  readonly taskDriven?: readonly boolean[];
  readonly applications?: NonNullable<ModelSpec['applications']>;
  readonly faults?: NonNullable<ModelSpec['faults']>;
  readonly facility?: NonNullable<ModelSpec['facility']>;
}

/** A host: 4 cores of 1000 MIPS, 16 GiB, 100 to 200 W, 5 W off, 60 s to boot, 10 s to shut down. */
export function hostSpec(options: HostOptions = {}, name = 'host'): HostSpec {
  const { coreMips = 1000, idleW = 100, fullW = 200, memoryGib, pstates, ...rest } = options;
  return {
    name,
    cores: 4,
    memoryBytes: (memoryGib ?? 16) * gib,
    pstates: pstates ?? [{ coreMips, idleW, epsilonW: idleW, fullW }],
    offW: 5,
    bootMs: 60_000,
    bootW: 150,
    shutdownMs: 10_000,
    shutdownW: 120,
    ...rest,
  };
}

/** Three P-states of 1000, 750 and 500 MIPS at falling power. */
export const threePstates: HostSpec['pstates'] = [
  { coreMips: 1000, idleW: 100, epsilonW: 104, fullW: 200 },
  { coreMips: 750, idleW: 90, epsilonW: 92, fullW: 150 },
  { coreMips: 500, idleW: 80, epsilonW: 81, fullW: 110 },
];

export function clusterModel(options: ClusterOptions): ClusterModel {
  const { vms = [], intervalS = 300 } = options;
  const hosts =
    typeof options.hosts === 'number'
      ? Array.from({ length: options.hosts }, (): HostOptions => ({}))
      : options.hosts;
  const demands = vms.map(({ demandMips = 0 }) =>
    typeof demandMips === 'number' ? [demandMips] : demandMips,
  );
  const steps = options.steps ?? Math.max(1, ...demands.map((demand) => demand.length));
  const demandUnits = sharedUint16(steps * vms.length);
  demands.forEach((demand, vm) => {
    for (let step = 0; step < steps; step++) {
      demandUnits[step * vms.length + vm] = demand[Math.min(step, demand.length - 1)] ?? 0;
    }
  });
  const specs = vms.map(
    (vm, index): VmSpec => ({
      name: vm.name ?? `vm-${index}`,
      vcpus: vm.vcpus ?? 2,
      vcpuMips: vm.vcpuMips ?? 1000,
      memoryBytes: (vm.memoryGib ?? 2) * gib,
      arrivalMs: (vm.arrivalS ?? 0) * 1000,
      departureMs: vm.departureS === undefined ? Infinity : vm.departureS * 1000,
      mipsPerUnit: 1,
    }),
  );
  const migration = options.migration ?? {
    bytesPerS: 100 * mib,
    dirtyIntensity: 0,
    workingSetBytes: 0,
  };
  return buildModel({
    hosts: hosts.map((host, index) => hostSpec(host, `host-${index}`)),
    workload: createWorkload('test', intervalS * 1000, specs, demandUnits),
    initialHost: vms.map((vm) => vm.host ?? -1),
    migration: () => migration,
    network: options.network ?? { type: 'star', portBytesPerS: gib },
    migrationOverheadFraction: options.migrationOverheadFraction ?? 0.1,
    ...(options.migrationsMax === undefined ? {} : { migrationsMax: options.migrationsMax }),
    ...(options.copyingCores === undefined ? {} : { copyingCores: options.copyingCores }),
    ...(options.traffic === undefined ? {} : { traffic: options.traffic }),
    ...(options.disks === undefined ? {} : { disks: options.disks }),
    ...(options.trackNic === undefined ? {} : { trackNic: options.trackNic }),
    ...(options.tasks === undefined ? {} : { tasks: options.tasks }),
    ...(options.taskDriven === undefined ? {} : { taskDriven: options.taskDriven }),
    ...(options.applications === undefined ? {} : { applications: options.applications }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...(options.facility === undefined ? {} : { facility: options.facility }),
  });
}

/** A twin of that cluster at time 0. */
export function startTwin(
  options: ClusterOptions,
  seed = 1,
  governors: readonly GovernorRule[] = [],
): Twin {
  return Twin.create(clusterModel(options), seed, governors);
}

/** What a policy would see now. */
export function viewOf(twin: Twin): TwinView {
  return new TwinView(twin);
}
