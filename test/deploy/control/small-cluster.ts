/** Snapshots of small clusters, as tests write them. */
import {
  type ClusterSnapshot,
  type SnapshotInput,
  snapshotSchema,
} from '../../../deploy/cluster/snapshot.ts';

export const gib = 2 ** 30;

type HostInput = SnapshotInput['hosts'][number];
type VmInput = SnapshotInput['vms'][number];

/** A host with 4 cores of 1000 to 2000 MHz and 16 GiB, if nothing else is said. */
export function host(name: string, change: Partial<HostInput> = {}): HostInput {
  return {
    name,
    cores: 4,
    memoryBytes: 16 * gib,
    frequenciesMhz: [2000, 1500, 1000],
    power: [
      { mhz: 2000, idleW: 60, fullW: 160 },
      { mhz: 1000, idleW: 55, fullW: 90 },
    ],
    canSleep: true,
    ...change,
  };
}

/** A VM of one vCPU and 1 GiB that asks for 500 MHz. */
export function vm(name: string, at: string | null, change: Partial<VmInput> = {}): VmInput {
  return { name, host: at, vcpus: 1, memoryBytes: gib, demandMhz: [500, 500], ...change };
}

export function cluster(
  hosts: readonly HostInput[],
  vms: readonly VmInput[],
  change: Partial<SnapshotInput> = {},
): ClusterSnapshot {
  return snapshotSchema.parse({ atMs: 1_000_000, intervalS: 10, hosts, vms, ...change });
}
