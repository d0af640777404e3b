/** What a host is and what could be read and set there. */

/** A cpufreq policy; frequencies in MHz. */
export interface PolicyCapability {
  readonly policy: number;
  readonly cpus: readonly number[];
  readonly driver?: string;
  readonly governor?: string;
  readonly governors: readonly string[];
  /** Absent under intel_pstate and CPPC, where any value from min to max can be asked for. */
  readonly availableMhz?: readonly number[];
  readonly hardwareMinMhz?: number;
  readonly hardwareMaxMhz?: number;
  readonly limitMinMhz?: number;
  readonly limitMaxMhz?: number;
  readonly baseMhz?: number;
  /** Absent when the driver does not know it. */
  readonly transitionLatencyNs?: number;
  readonly energyPreference?: string;
}

export interface IdleState {
  readonly state: number;
  readonly name: string;
  readonly exitLatencyUs?: number;
  readonly targetResidencyUs?: number;
  readonly isDisabled: boolean;
}

export interface ZoneCapability {
  readonly zone: string;
  readonly name: string;
  readonly label: string;
  readonly rangeUj?: number;
  readonly designPowerW?: number;
  /** Whether this user may read the counter. */
  readonly isReadable: boolean;
}

/** How far something can be done on a host by the user that asked. */
export interface Ability {
  readonly name: string;
  readonly kind: 'read' | 'act';
  /** `root`: with root's rights, say through sudo. */
  readonly status: 'yes' | 'root' | 'no';
  /** By what, or why not. */
  readonly how: string;
}

export interface HostCapabilities {
  readonly host: string;
  readonly observedAtMs: number;
  readonly kernel?: string;
  readonly os?: string;
  readonly machine?: string;
  readonly cpuModel?: string;
  readonly product?: string;
  /** The host is itself a virtual machine. */
  readonly isNested: boolean;
  readonly user: {
    readonly name?: string;
    readonly uid?: number;
    readonly groups: readonly string[];
  };
  /** Absent when it was not tried. */
  readonly hasPasswordlessSudo?: boolean;
  readonly topology: {
    readonly onlineCpus?: number;
    readonly sockets?: number;
    readonly cores?: number;
    readonly hasSmt?: boolean;
    readonly numaNodes?: number;
  };
  readonly memoryBytes?: number;
  /** What the kernel could sleep in: `freeze`, `mem` (to RAM), `disk`. */
  readonly sleepStates: readonly string[];
  readonly cpufreq: {
    readonly policies: readonly PolicyCapability[];
    readonly isBoostOn?: boolean;
    /** `active`, `passive`, `guided`, `off`. */
    readonly intelPstate?: string;
    readonly amdPstate?: string;
  };
  readonly cpuidle: {
    readonly driver?: string;
    readonly governor?: string;
    readonly states: readonly IdleState[];
  };
  readonly energyZones: readonly ZoneCapability[];
  readonly cgroup: {
    /** `hybrid`: version 2 is mounted, the CPU controller is in version 1. */
    readonly version?: 1 | 2 | 'hybrid';
    readonly controllers?: readonly string[];
  };
  readonly libvirt: {
    readonly uri: string;
    readonly isReachable: boolean;
    readonly library?: string;
    readonly hypervisor?: string;
    readonly problem?: string;
  };
  readonly domains?: readonly {
    readonly name: string;
    readonly state?: string;
    readonly vcpus?: number;
    readonly memoryBytes?: number;
  }[];
  /** What may be read and written, by path. */
  readonly access: Readonly<Record<string, { readonly read: boolean; readonly write: boolean }>>;
  readonly abilities: readonly Ability[];
}
