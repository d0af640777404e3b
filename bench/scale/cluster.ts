/**
 * The cluster that the scale bench runs: ten VMs a host, hosts with measured power curves and hosts
 * with straight lines in turn, demand of office hours with noise from a seeded generator.
 */
import {
  buildModel,
  type ClusterModel,
  type HostSpec,
  hostFromPreset,
  RandomStream,
} from '../../sim/index.ts';
import { createSynthetic } from '../../traces/index.ts';

const seed = 1;
const vmsPerHost = 10;
const gib = 1024 * 1024 * 1024;

/** 24 cores and lines per P-state; 12 cores at twice the speed and a SPECpower curve. */
const presets = ['grid5000-stremi', 'ibm-x3550-m3-x5670'] as const;

/** VMs of 1, 2, 4 and 8 vCPUs, close to the proportion of the Bitbrains trace. */
const sizes = [1, 1, 1, 1, 2, 2, 4, 4, 8].map((vcpus) => ({
  vcpus,
  vcpuMips: 1800,
  memoryBytes: vcpus * gib,
}));

/** Whether the VMs of a host follow one another in memory, or lie anywhere, as after migrations. */
export type Placement = 'in order' | 'by chance';

/** `vms` VMs, ten on each host. */
export function buildCluster(vms: number, steps: number, placement: Placement): ClusterModel {
  const count = vms / vmsPerHost;
  const { workload } = createSynthetic({ vms, steps, seed, sizes });
  const hosts = Array.from({ length: count }, (_, host): HostSpec => {
    const preset = presets[host % presets.length]!;
    return { ...hostFromPreset(preset, `host-${host}`), memoryBytes: 256 * gib };
  });
  return buildModel({
    hosts,
    workload,
    migration: () => ({ bytesPerS: 1e9, dirtyIntensity: 0, workingSetBytes: 0 }),
    network: { type: 'star', portBytesPerS: 1.25e9 },
    migrationOverheadFraction: 0.1,
    initialHost: places(vms, placement).map((place) => Math.floor(place / vmsPerHost)),
  });
}

/** 0 … count − 1, in an order drawn by chance where so asked. */
function places(count: number, placement: Placement): number[] {
  const stream = new RandomStream(seed, 'scale/placement');
  const order = Array.from({ length: count }, (_, index) => index);
  if (placement === 'in order') return order;
  for (let index = count - 1; index > 0; index--) {
    const other = stream.integer(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}
