/**
 * What an emulated host is made of. One JSON object, every key optional: `{}` is a host with two CPUs.
 *
 * This folder runs by itself inside a host, so nothing in it may import from outside.
 */

/** A frequency and the voltage it takes. */
export interface OperatingPoint {
  readonly khz: number;
  readonly volt: number;
}

/** Constants of the power formula, see `power-physics.ts`. */
export interface PowerConstants {
  /** What a package takes with all CPUs idle, W. @default 14 */
  readonly packageIdleW: number;
  /** The part of it that the cores take, W, at most all. @default 4 */
  readonly coreIdleW: number;
  /** Switched capacitance of a busy CPU, nF: it takes C·V²·f. @default 7 */
  readonly capacitanceNf: number;
  /** Memory that nobody uses, W. @default 3 */
  readonly dramIdleW: number;
  /** What memory takes more when all CPUs are busy at the highest frequency, W. @default 5 */
  readonly dramBusyW: number;
  /** Board, fans and disks, W; no RAPL zone shows them. @default 8 */
  readonly boardW: number;
  /** Of the power supply, in (0, 1]. @default 0.9 */
  readonly supplyEfficiency: number;
}

export interface HardwareConfig {
  /** Emulated CPUs. @default 2 */
  readonly cpus: number;
  /** Real cores that one emulated CPU is at its highest frequency, in [0.01, 1]. @default 0.4 */
  readonly share: number;
  /** CPUs that share one frequency. @default 1 */
  readonly cpusPerPolicy: number;
  /** Upward by frequency; at least one. @default 800 to 3200 MHz in steps of 400 MHz */
  readonly operatingPoints: readonly OperatingPoint[];
  /** Governor of every policy at boot. @default 'schedutil' */
  readonly governor: string;
  /** `cpuinfo_transition_latency`, ns; what is shown, not what is waited. @default 10000 */
  readonly transitionLatencyNs: number;
  /**
   * Whether a `scaling_min_freq` above the maximum, or a maximum below the minimum, is refused with
   * EINVAL, as by kernels before 5.3, instead of being clamped. @default false
   */
  readonly refusesCrossedLimits: boolean;
  readonly power: PowerConstants;
  /** Where energy counters start again at 0, µJ. @default 262143328850, 2^32 steps of 2^-14 J */
  readonly maxEnergyRangeUj: number;
  /** What every energy counter says at boot, µJ, below the range. @default 0 */
  readonly energyStartUj: number;
  /** Power limits of the package at boot, W. @default 95 and 120 */
  readonly longTermLimitW: number;
  readonly shortTermLimitW: number;
  /** Over which the long-term limit holds on average, ms. @default 1000 */
  readonly longTermWindowMs: number;
  /** Where the control groups are mounted, version 1 or 2. @default '/sys/fs/cgroup' */
  readonly cgroupRoot: string;
  /** The group of all VMs below each controller's root. @default 'machine' */
  readonly machineGroup: string;
  /** Between two looks at what the VMs used, ms. @default 100 */
  readonly tickMs: number;
  /** A meter at the plug of the host, for a file outside it: see `meter.ts`. @default none */
  readonly meterFile?: string;
  /** Between two readings of the meter, ms. @default 500 */
  readonly meterMs: number;
  /** What is broken, see `faults.ts`. @default 'faults.json' beside the configuration */
  readonly faultsFile?: string;
}

const defaultPoints: readonly OperatingPoint[] = [
  [800_000, 0.7],
  [1_200_000, 0.75],
  [1_600_000, 0.81],
  [2_000_000, 0.88],
  [2_400_000, 0.96],
  [2_800_000, 1.05],
  [3_200_000, 1.15],
].map(([khz, volt]) => ({ khz: khz!, volt: volt! }));

/** A configuration that cannot be used; the message is one line that names the key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(path: string, expected: string, got: unknown) {
    super(`${path}: expected ${expected}, got ${JSON.stringify(got) ?? 'nothing'}`);
  }
}

/** Names of the governors that a policy can be given. */
export const governorNames = [
  'conservative',
  'ondemand',
  'userspace',
  'powersave',
  'performance',
  'schedutil',
] as const;

type Fields = Readonly<Record<string, unknown>>;

/** Reads the keys of one object and remembers which it was asked for. */
class Reader {
  readonly #path: string;
  readonly #fields: Fields;
  readonly #known = new Set<string>();

  constructor(path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ConfigError(path === '' ? 'config' : path, 'an object', value);
    }
    this.#path = path;
    this.#fields = value as Fields;
  }

  pathOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }

  value(key: string): unknown {
    this.#known.add(key);
    return this.#fields[key];
  }

  number(key: string, otherwise: number, min: number, max: number, isInteger = false): number {
    const value = this.value(key) ?? otherwise;
    const isGood = typeof value === 'number' && value >= min && value <= max;
    if (!isGood || (isInteger && !Number.isInteger(value))) {
      const kind = isInteger ? 'an integer' : 'a number';
      throw new ConfigError(this.pathOf(key), `${kind} from ${min} to ${max}`, value);
    }
    return value;
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '' || value.includes('\0')) {
      throw new ConfigError(this.pathOf(key), 'text', value);
    }
    return value;
  }

  boolean(key: string, otherwise: boolean): boolean {
    const value = this.value(key) ?? otherwise;
    if (typeof value !== 'boolean') throw new ConfigError(this.pathOf(key), 'true or false', value);
    return value;
  }

  /** Refuses keys that nobody asked for: a misspelt one would silently be the default. */
  finish(): void {
    for (const key of Object.keys(this.#fields)) {
      if (!this.#known.has(key)) {
        throw new ConfigError(
          this.pathOf(key),
          `one of ${[...this.#known].join(', ')}`,
          `key ${key}`,
        );
      }
    }
  }
}

function readPoints(value: unknown): readonly OperatingPoint[] {
  if (value === undefined) return defaultPoints;
  if (!Array.isArray(value) || value.length === 0 || value.length > 64) {
    throw new ConfigError('operatingPoints', 'a list of 1 to 64 of { khz, volt }', value);
  }
  const points = value.map((entry: unknown, index): OperatingPoint => {
    const reader = new Reader(`operatingPoints[${index}]`, entry);
    const khz = reader.number('khz', Number.NaN, 1, 100_000_000, true);
    const volt = reader.number('volt', Number.NaN, 0.1, 5);
    reader.finish();
    return { khz, volt };
  });
  points.slice(1).forEach((point, index) => {
    if (point.khz <= points[index]!.khz) {
      throw new ConfigError(
        `operatingPoints[${index + 1}].khz`,
        `more than ${points[index]!.khz}`,
        point.khz,
      );
    }
  });
  return points;
}

function readPower(value: unknown): PowerConstants {
  const reader = new Reader('power', value ?? {});
  const packageIdleW = reader.number('packageIdleW', 14, 0, 10_000);
  const power = {
    packageIdleW,
    coreIdleW: reader.number('coreIdleW', Math.min(4, packageIdleW), 0, packageIdleW),
    capacitanceNf: reader.number('capacitanceNf', 7, 0, 10_000),
    dramIdleW: reader.number('dramIdleW', 3, 0, 10_000),
    dramBusyW: reader.number('dramBusyW', 5, 0, 10_000),
    boardW: reader.number('boardW', 8, 0, 10_000),
    supplyEfficiency: reader.number('supplyEfficiency', 0.9, 0.01, 1),
  };
  reader.finish();
  return power;
}

/**
 * Checks a parsed configuration and fills in what it leaves out.
 *
 * @throws ConfigError with the first key that is wrong.
 */
export function readConfig(value: unknown): HardwareConfig {
  const reader = new Reader('', value);
  const governor = reader.text('governor') ?? 'schedutil';
  if (!governorNames.some((name) => name === governor)) {
    throw new ConfigError('governor', `one of ${governorNames.join(', ')}`, governor);
  }
  const meterFile = reader.text('meterFile');
  const faultsFile = reader.text('faultsFile');
  const maxEnergyRangeUj = reader.number(
    'maxEnergyRangeUj',
    262_143_328_850,
    1_000_000,
    Number.MAX_SAFE_INTEGER,
    true,
  );
  const config: HardwareConfig = {
    cpus: reader.number('cpus', 2, 1, 1024, true),
    share: reader.number('share', 0.4, 0.01, 1),
    cpusPerPolicy: reader.number('cpusPerPolicy', 1, 1, 1024, true),
    operatingPoints: readPoints(reader.value('operatingPoints')),
    governor,
    transitionLatencyNs: reader.number('transitionLatencyNs', 10_000, 0, 0xffffffff, true),
    refusesCrossedLimits: reader.boolean('refusesCrossedLimits', false),
    power: readPower(reader.value('power')),
    maxEnergyRangeUj,
    energyStartUj: reader.number('energyStartUj', 0, 0, maxEnergyRangeUj - 1, true),
    longTermLimitW: reader.number('longTermLimitW', 95, 0.001, 1_000_000),
    shortTermLimitW: reader.number('shortTermLimitW', 120, 0.001, 1_000_000),
    longTermWindowMs: reader.number('longTermWindowMs', 1000, 1, 1_000_000),
    cgroupRoot: reader.text('cgroupRoot') ?? '/sys/fs/cgroup',
    machineGroup: reader.text('machineGroup') ?? 'machine',
    tickMs: reader.number('tickMs', 100, 10, 10_000),
    meterMs: reader.number('meterMs', 500, 10, 60_000),
    ...(meterFile === undefined ? {} : { meterFile }),
    ...(faultsFile === undefined ? {} : { faultsFile }),
  };
  reader.finish();
  return config;
}

/**
 * Reads the text of a configuration file.
 *
 * @throws ConfigError
 */
export function parseConfig(text: string): HardwareConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError('config', 'JSON', (error as Error).message);
  }
  return readConfig(value);
}
