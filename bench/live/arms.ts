/** The arms of the live experiment: who sets frequencies and moves VMs, all else being the same. */

export interface Arm {
  readonly name: string;
  /** Governor of all hosts when the load begins, and of a controlled arm before its controller acts. */
  readonly governor: string;
  readonly control?: ControlledArm;
}

export interface ControlledArm {
  /** As `wattwin control --policy` takes it. */
  readonly policy: string;
  /** Keys of `guard` in the cluster file that are not as in the other arms. */
  readonly guard: Readonly<Record<string, unknown>>;
}

const packing = JSON.stringify({ name: 'best-fit', frequency: 'ondemand', maxUtilization: 0.6 });

/** The first is what all others are compared with. */
export const arms: readonly Arm[] = [
  { name: 'performance', governor: 'performance' },
  { name: 'schedutil', governor: 'schedutil' },
  {
    name: 'frequency only',
    governor: 'performance',
    control: { policy: packing, guard: { migrations: 0, hostsOn: 2 } },
  },
  {
    name: 'packing',
    governor: 'performance',
    control: { policy: packing, guard: {} },
  },
  {
    name: 'oracle',
    governor: 'performance',
    control: { policy: 'oracle', guard: {} },
  },
];

/** Guard of every controlled arm: headroom for what comes between two decisions. */
export const commonGuard = { utilization: 0.6, vmCooldown: '30 s', hostCooldown: '60 s' } as const;

/** W of a host that is off: its supply and the part that listens for the call to wake. */
export const offPowerW = 2;

/** The load of every run; what a VM at full speed does is fixed, so that every arm gets the same work. */
export const load = {
  phaseS: 20,
  mean: 0.3,
  jobMs: 30,
  /** Agent's units per second; a VM at 3.2 GHz does 24,000 to 27,000 here when little else runs. */
  unitsPerS: 20_000,
  redisFullPerS: 300,
} as const;
