/** The cluster as it will be when the operations so far are done: what the guard's rules look at. */
import type { Operation } from '../../actions/operation.ts';
import type { ClusterSnapshot, SnapshotHost, SnapshotVm } from '../../cluster/snapshot.ts';
import { standingMhz } from '../../cluster/standing-frequency.ts';

/** A host under the plan so far. */
export interface PlannedHost {
  readonly host: SnapshotHost;
  isOn: boolean;
  /** What its cores run at, at most where they follow their load, MHz. */
  mhz: number;
  /** Memory that no VM there, on its way there or not yet gone holds, bytes. */
  freeBytes: number;
  /** Σ newest demand of its VMs, cores × MHz. */
  demandMhz: number;
  readonly vms: Set<string>;
}

export interface PlannedVm {
  readonly vm: SnapshotVm;
  host: string | null;
  readonly demandMhz: number;
}

export class PlannedCluster {
  readonly hosts: ReadonlyMap<string, PlannedHost>;
  readonly vms: ReadonlyMap<string, PlannedVm>;
  /** Sets of which no two share a host, and sets that share one, by VM. */
  readonly apart: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly together: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Hosts whose VMs or power the plan changes. */
  readonly touched = new Set<string>();
  migrations = 0;

  constructor(snapshot: ClusterSnapshot) {
    this.hosts = new Map(
      snapshot.hosts.map((host) => [
        host.name,
        {
          host,
          isOn: host.state === 'on' || host.state === 'unknown',
          mhz: standingMhz(host),
          freeBytes: host.memoryBytes,
          demandMhz: 0,
          vms: new Set<string>(),
        },
      ]),
    );
    this.vms = new Map(
      snapshot.vms.map((vm) => [
        vm.name,
        { vm, host: vm.movingTo ?? vm.host, demandMhz: newestDemand(snapshot, vm) },
      ]),
    );
    for (const planned of this.vms.values()) {
      if (planned.host !== null) this.#arrive(planned, planned.host);
      const { host, movingTo, memoryBytes } = planned.vm;
      // On its way it holds memory at both ends.
      if (movingTo !== undefined && host !== null) this.#hold(host, -memoryBytes);
    }
    this.apart = bySetMember(snapshot.apart);
    this.together = bySetMember(snapshot.together);
  }

  /** Takes the operation as done. */
  apply(operation: Operation): void {
    switch (operation.type) {
      case 'migrate': {
        const vm = this.vms.get(operation.vm)!;
        this.#leave(vm);
        this.#arrive(vm, operation.to);
        this.migrations++;
        this.#touch(operation.from, operation.to);
        break;
      }
      case 'startVm': {
        this.#arrive(this.vms.get(operation.vm)!, operation.host);
        this.#touch(operation.host);
        break;
      }
      case 'setFrequency':
        this.hosts.get(operation.host)!.mhz = operation.khz / 1000;
        break;
      case 'wakeHost':
      case 'sleepHost':
        this.hosts.get(operation.host)!.isOn = operation.type === 'wakeHost';
        this.#touch(operation.host);
        break;
      default:
    }
  }

  #touch(...hosts: string[]): void {
    for (const host of hosts) this.touched.add(host);
  }

  #arrive(planned: PlannedVm, name: string): void {
    planned.host = name;
    const host = this.hosts.get(name);
    if (host === undefined) return;
    host.vms.add(planned.vm.name);
    host.freeBytes -= planned.vm.memoryBytes;
    host.demandMhz += planned.demandMhz;
  }

  #leave(planned: PlannedVm): void {
    const host = planned.host === null ? undefined : this.hosts.get(planned.host);
    planned.host = null;
    if (host === undefined) return;
    host.vms.delete(planned.vm.name);
    host.freeBytes += planned.vm.memoryBytes;
    host.demandMhz -= planned.demandMhz;
  }

  #hold(name: string, bytes: number): void {
    const host = this.hosts.get(name);
    if (host !== undefined) host.freeBytes += bytes;
  }
}

/** The newest measurement; before the first, all that the VM may take. */
function newestDemand({ hosts }: ClusterSnapshot, vm: SnapshotVm): number {
  const newest = vm.demandMhz.at(-1);
  if (newest !== undefined) return newest;
  const host = hosts.find(({ name }) => name === vm.host) ?? hosts[0]!;
  return vm.vcpus * host.frequenciesMhz[0]!;
}

function bySetMember(
  sets: readonly (readonly string[])[],
): Map<string, readonly (readonly string[])[]> {
  const found = new Map<string, (readonly string[])[]>();
  for (const set of sets) {
    for (const member of set) {
      const sets = found.get(member);
      if (sets === undefined) found.set(member, [set]);
      else sets.push(set);
    }
  }
  return found;
}
