/**
 * What can be done to real hosts and their VMs, as data: it can be shown, journaled, sent and undone.
 * Names are those that ssh and libvirt know.
 */

/** Settings of one cpufreq policy, kHz, as the kernel shows them. */
export interface CpufreqSetting {
  /** Number of `policyN`. */
  readonly policy: number;
  readonly governor: string;
  readonly minKhz: number;
  readonly maxKhz: number;
  /** Only under the `userspace` governor. */
  readonly setKhz?: number;
}

/** How a VM is moved; see `virsh migrate`. */
export interface MigrationWay {
  /** `none`: the VM has no disk. `copy`: its disk is copied to the other host too. */
  readonly storage: 'none' | 'shared' | 'copy';
  /** Rate at most, MiB/s; default: as fast as the link. */
  readonly bandwidthMibps?: number;
  /** Slows the VM down while it dirties memory faster than it can be sent. */
  readonly autoConverge?: boolean;
  /** Lets the VM go on at its target before all memory is there, if it does not get there otherwise. */
  readonly postCopy?: boolean;
}

export type Operation =
  | ({
      readonly type: 'migrate';
      readonly vm: string;
      readonly from: string;
      readonly to: string;
    } & MigrationWay)
  | { readonly type: 'startVm'; readonly vm: string; readonly host: string }
  | {
      readonly type: 'stopVm';
      readonly vm: string;
      readonly host: string;
      /** Pull the plug instead of asking the guest. */
      readonly force?: boolean;
    }
  /** Running vCPUs, only upward while the VM runs. */
  | {
      readonly type: 'setVcpus';
      readonly vm: string;
      readonly host: string;
      readonly vcpus: number;
    }
  /** Most CPU for each vCPU, in cores; `null`: no limit. */
  | {
      readonly type: 'setQuota';
      readonly vm: string;
      readonly host: string;
      readonly coresPerVcpu: number | null;
      /** How often the limit starts anew; default: 100,000. */
      readonly periodUs?: number;
    }
  | {
      readonly type: 'setShares';
      readonly vm: string;
      readonly host: string;
      readonly shares: number;
    }
  /** CPUs that each vCPU may use, as kernel lists such as `0-3,8`. */
  | {
      readonly type: 'pinVcpus';
      readonly vm: string;
      readonly host: string;
      readonly cpus: readonly string[];
    }
  | {
      readonly type: 'setMemory';
      readonly vm: string;
      readonly host: string;
      readonly bytes: number;
    }
  /** One governor, or one fixed frequency, for all of a host's policies or those named. */
  | {
      readonly type: 'setGovernor';
      readonly host: string;
      readonly governor: string;
      readonly policies?: readonly number[];
    }
  | {
      readonly type: 'setFrequency';
      readonly host: string;
      readonly khz: number;
      readonly policies?: readonly number[];
    }
  /** Every policy exactly so: what undoes the two above. */
  | {
      readonly type: 'setCpufreq';
      readonly host: string;
      readonly settings: readonly CpufreqSetting[];
    }
  /** S3: suspend to memory. S5: power off. Only an empty host. */
  | { readonly type: 'sleepHost'; readonly host: string; readonly to: 'S3' | 'S5' }
  | { readonly type: 'wakeHost'; readonly host: string };

export type OperationType = Operation['type'];

/** The names that each kind must have. */
const namesOf: Readonly<Record<OperationType, readonly ('vm' | 'host' | 'from' | 'to')[]>> = {
  migrate: ['vm', 'from', 'to'],
  startVm: ['vm', 'host'],
  stopVm: ['vm', 'host'],
  setVcpus: ['vm', 'host'],
  setQuota: ['vm', 'host'],
  setShares: ['vm', 'host'],
  pinVcpus: ['vm', 'host'],
  setMemory: ['vm', 'host'],
  setGovernor: ['host'],
  setFrequency: ['host'],
  setCpufreq: ['host'],
  sleepHost: ['host'],
  wakeHost: ['host'],
};

/** Whether a value is of a kind that there is and names what it is about; its numbers the executor checks. */
export function isOperation(value: unknown): value is Operation {
  if (typeof value !== 'object' || value === null) return false;
  const { type } = value as { readonly type?: unknown };
  if (typeof type !== 'string' || !Object.hasOwn(namesOf, type)) return false;
  const names = value as Readonly<Record<string, unknown>>;
  return namesOf[type as OperationType].every((name) => typeof names[name] === 'string');
}

/** A size for people. */
export const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

/** One line for people. */
export function describeOperation(operation: Operation): string {
  switch (operation.type) {
    case 'migrate':
      return `migrate ${operation.vm} from ${operation.from} to ${operation.to}`;
    case 'startVm':
      return `start ${operation.vm} on ${operation.host}`;
    case 'stopVm':
      return `${operation.force ? 'force off' : 'shut down'} ${operation.vm} on ${operation.host}`;
    case 'setVcpus':
      return `give ${operation.vm} ${operation.vcpus} vCPUs`;
    case 'setQuota':
      return operation.coresPerVcpu === null
        ? `lift the CPU quota of ${operation.vm}`
        : `limit each vCPU of ${operation.vm} to ${operation.coresPerVcpu} cores`;
    case 'setShares':
      return `give ${operation.vm} ${operation.shares} CPU shares`;
    case 'pinVcpus':
      return `pin ${operation.vm} to ${operation.cpus.join(' / ')}`;
    case 'setMemory':
      return `set the memory of ${operation.vm} to ${mib(operation.bytes)}`;
    case 'setGovernor':
      return `set governor ${operation.governor} on ${operation.host}`;
    case 'setFrequency':
      return `set ${operation.host} to ${Math.round(operation.khz / 1000)} MHz`;
    case 'setCpufreq':
      return `put back cpufreq settings of ${operation.host}`;
    case 'sleepHost':
      return `${operation.to === 'S3' ? 'suspend' : 'power off'} ${operation.host}`;
    case 'wakeHost':
      return `wake ${operation.host}`;
  }
}

/** Hosts that an operation touches. */
export function hostsOf(operation: Operation): readonly string[] {
  return operation.type === 'migrate' ? [operation.from, operation.to] : [operation.host];
}
