/** Twins of a few hosts, for comparisons with plain formulas. */
import {
  buildModel,
  createWorkload,
  type HostSpec,
  type ModelSpec,
  sharedUint16,
  Twin,
} from '../../../sim/index.ts';

export const mib = 1024 * 1024;

export interface SmallVm {
  readonly host: number;
  readonly vcpus: number;
  /** Whole number, MIPS; holds for good. */
  readonly demandMips: number;
  readonly memoryMib?: number;
}

export interface SmallCluster extends Partial<Omit<ModelSpec, 'hosts' | 'workload'>> {
  /** What differs from 4 cores of 1000 MIPS, 64 GiB, 100 to 200 W. */
  readonly hosts: readonly Partial<HostSpec>[];
  readonly vms: readonly SmallVm[];
}

/** A twin of that cluster at time 0; ports of 100 GiB/s, migration at 100 MiB/s at no cost of CPU. */
export function smallTwin({ hosts, vms, ...more }: SmallCluster, seed = 1): Twin {
  const demandUnits = sharedUint16(vms.length);
  vms.forEach(({ demandMips }, vm) => {
    demandUnits[vm] = demandMips;
  });
  const specs = vms.map(({ vcpus, memoryMib = 1024 }, vm) => ({
    name: `vm-${vm}`,
    vcpus,
    vcpuMips: 1000,
    memoryBytes: memoryMib * mib,
    arrivalMs: 0,
    departureMs: Infinity,
    mipsPerUnit: 1,
  }));
  const model = buildModel({
    hosts: hosts.map((host, index) => ({ ...usualHost, name: `host-${index}`, ...host })),
    workload: createWorkload('small', 300_000, specs, demandUnits),
    initialHost: vms.map(({ host }) => host),
    migration: () => ({ bytesPerS: 100 * mib, dirtyIntensity: 0, workingSetBytes: 0 }),
    network: { type: 'star', portBytesPerS: 102_400 * mib },
    migrationOverheadFraction: 0,
    ...more,
  });
  return Twin.create(model, seed);
}

const usualHost: Omit<HostSpec, 'name'> = {
  cores: 4,
  memoryBytes: 65_536 * mib,
  pstates: [{ coreMips: 1000, idleW: 100, epsilonW: 100, fullW: 200 }],
  offW: 5,
  bootMs: 60_000,
  bootW: 150,
  shutdownMs: 10_000,
  shutdownW: 120,
};
