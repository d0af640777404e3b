/** What a cluster teaches while it is watched: the power of each host, and what migrations take. */
import { z } from 'zod';
import { InputError, issuesOf } from '../../sim/index.ts';
import {
  HostPowerCalibrator,
  hostPowerStateSchema,
  type PowerPoint,
  type PowerPrior,
  type PowerSample,
} from './host-power-calibrator.ts';
import { MigrationCalibrator, migrationStateSchema } from './migration-calibrator.ts';

const calibratorStateSchema = z.strictObject({
  version: z.literal(1),
  hosts: z.array(z.strictObject({ name: z.string(), power: hostPowerStateSchema })),
  migrations: migrationStateSchema,
});

/** Everything that is remembered; plain JSON. */
export type CalibratorState = z.output<typeof calibratorStateSchema>;

/** What is known of a host before anything is measured. */
export interface KnownHost {
  readonly fastestMhz: number;
  readonly cores: number;
  /** W at the fastest frequency, where somebody said so. */
  readonly idleW?: number | undefined;
  readonly fullW?: number | undefined;
}

/** Power of each host and pace of migrations, learned while they run. */
export class Calibrator {
  readonly migrations = new MigrationCalibrator();
  readonly #hosts = new Map<string, { known: KnownHost; power: HostPowerCalibrator }>();
  /** Of hosts that have not been seen since. */
  readonly #waiting = new Map<string, CalibratorState['hosts'][number]['power']>();

  /**
   * Takes up what an earlier one remembered.
   *
   * @param path What to call the state in messages.
   * @throws InputError with every issue.
   */
  static restore(state: unknown, path: string): Calibrator {
    const result = calibratorStateSchema.safeParse(state);
    if (!result.success) throw new InputError(issuesOf(result.error, state, path));
    const calibrator = new Calibrator();
    calibrator.migrations.restore(result.data.migrations);
    for (const { name, power } of result.data.hosts) calibrator.#waiting.set(name, power);
    return calibrator;
  }

  get state(): CalibratorState {
    const seen = [...this.#hosts].map(([name, { power }]) => ({ name, power: power.state }));
    const waiting = [...this.#waiting].map(([name, power]) => ({ name, power }));
    return { version: 1, hosts: [...seen, ...waiting], migrations: this.migrations.state };
  }

  /** Learns from one interval of a host. @returns Whether the sample was used. */
  observe(name: string, known: KnownHost, sample: PowerSample): boolean {
    return this.#hostOf(name, known).add(sample);
  }

  /** Power of a host at each of its frequencies. */
  power(name: string, known: KnownHost, frequenciesMhz: readonly number[]): PowerPoint[] {
    const host = this.#hostOf(name, known);
    return frequenciesMhz.map((mhz) => host.at(mhz));
  }

  /** Mean relative error of the newest predictions of a host's power; `undefined` before any. */
  recentError(name: string): number | undefined {
    return this.#hosts.get(name)?.power.recentError;
  }

  #hostOf(name: string, known: KnownHost): HostPowerCalibrator {
    const there = this.#hosts.get(name);
    if (there !== undefined && isSame(there.known, known)) return there.power;
    const host = new HostPowerCalibrator(known.fastestMhz, priorOf(known));
    // Samples are as measured: what is known besides may change around them.
    const state = there?.power.state ?? this.#waiting.get(name);
    if (state !== undefined) host.restore(state);
    this.#waiting.delete(name);
    this.#hosts.set(name, { known, power: host });
    return host;
  }
}

const isSame = (a: KnownHost, b: KnownHost): boolean =>
  a.fastestMhz === b.fastestMhz &&
  a.cores === b.cores &&
  a.idleW === b.idleW &&
  a.fullW === b.fullW;

/**
 * What is believed of a host that nobody described: 20 W and 1.5 W a core idle, 7 W a core more at
 * full load, about what RAPL counts of packages and DRAM. It yields to a handful of samples.
 */
export function priorOf({ cores, idleW, fullW }: KnownHost): PowerPrior {
  const guessedIdleW = 20 + 1.5 * cores;
  const guessedRangeW = 7 * cores;
  const idle = idleW ?? (fullW === undefined ? guessedIdleW : 0.4 * fullW);
  const full = Math.max(idle, fullW ?? idle + guessedRangeW);
  return { idleW: idle, fullW: full, isGuess: idleW === undefined || fullW === undefined };
}
