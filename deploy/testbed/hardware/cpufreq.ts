/**
 * A cpufreq policy: the CPUs that share one frequency, its governor and limits, and its files
 * (`Documentation/admin-guide/pm/cpufreq.rst`). All frequencies in kHz.
 */
import { governorNames, type HardwareConfig } from './config.ts';
import { FileError } from './errno.ts';
import { attribute, type DirectoryNode, directory, type FileNode, setting } from './file-tree.ts';
import {
  conservativeStep,
  type GovernorName,
  type Limits,
  ondemandKhz,
  resolveKhz,
  schedutilKhz,
} from './governors.ts';
import { leadingNumber, leadingWord, strictNumber } from './kernel-numbers.ts';

/** What the busiest CPU of a policy did lately. */
export interface PolicyLoad {
  /** Tracked, of the highest frequency, in [0, 1]: what schedutil sees. */
  readonly utilization: number;
  /** Busy fraction of the time since the last sample: what ondemand and conservative see. */
  readonly load: number;
}

/** Ticks of USER_HZ. */
const ticksPerS = 100;

/** The policy of some CPUs. Frequencies change in `sample` and in writes. */
export class Policy {
  readonly number: number;
  readonly cpus: readonly number[];
  readonly #table: readonly number[];
  readonly #refusesCrossedLimits: boolean;
  #governor: GovernorName;
  /** What users asked for; the limits follow from both. */
  #minRequestKhz = 0;
  #maxRequestKhz = Number.MAX_SAFE_INTEGER;
  #limits: Limits;
  #userKhz: number;
  #conservativeKhz: number;
  #kernelKhz: number;
  #ceilingKhz: number;
  #transitions = 0;
  readonly #stateS: Map<number, number>;
  /** Moves by the pair `from>to`. */
  readonly #moves = new Map<string, number>();

  constructor(number: number, cpus: readonly number[], config: HardwareConfig) {
    this.number = number;
    this.cpus = cpus;
    this.#table = config.operatingPoints.map(({ khz }) => khz);
    this.#refusesCrossedLimits = config.refusesCrossedLimits;
    this.#governor = config.governor as GovernorName;
    this.#limits = { minKhz: this.bottomKhz, maxKhz: this.topKhz };
    this.#ceilingKhz = this.topKhz;
    this.#kernelKhz = this.topKhz;
    this.#userKhz = this.topKhz;
    this.#conservativeKhz = this.topKhz;
    this.#stateS = new Map(this.#table.map((khz) => [khz, 0]));
    this.#startGovernor();
    this.#transitions = 0;
    this.#moves.clear();
  }

  get bottomKhz(): number {
    return this.#table[0]!;
  }

  get topKhz(): number {
    return this.#table.at(-1)!;
  }

  get governor(): GovernorName {
    return this.#governor;
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** What the kernel asks of the CPUs. */
  get requestedKhz(): number {
    return this.#kernelKhz;
  }

  /** What they run at: no more than a power limit lets them. */
  get currentKhz(): number {
    return Math.min(this.#kernelKhz, this.#ceilingKhz);
  }

  /** What a power limit of the package lets its CPUs run at. */
  limitTo(ceilingKhz: number): void {
    this.#ceilingKhz = Math.max(this.bottomKhz, ceilingKhz);
  }

  /** Time went by at the present frequency. */
  advance(elapsedS: number): void {
    this.#stateS.set(this.#kernelKhz, this.#stateS.get(this.#kernelKhz)! + elapsedS);
  }

  /** The governor looks at the load; `performance`, `powersave` and `userspace` do not care. */
  sample({ utilization, load }: PolicyLoad): void {
    switch (this.#governor) {
      case 'schedutil': {
        const wantedKhz = schedutilKhz(this.topKhz, utilization);
        this.#setKhz(resolveKhz(this.#table, wantedKhz, this.#limits, 'L'));
        return;
      }
      case 'ondemand':
        this.#setKhz(ondemandKhz(this.#table, load, this.#limits));
        return;
      case 'conservative': {
        const { requestedKhz, khz } = conservativeStep(
          this.#table,
          load,
          this.#conservativeKhz,
          this.#kernelKhz,
          this.#limits,
        );
        this.#conservativeKhz = requestedKhz;
        this.#setKhz(khz);
        return;
      }
      default:
    }
  }

  /** @throws FileError EINVAL for a governor that is not there; case does not matter, as in the kernel. */
  setGovernor(text: string): void {
    const word = leadingWord(text).toLowerCase();
    const governor = governorNames.find((name) => name === word);
    if (governor === undefined) throw new FileError('EINVAL');
    if (governor === this.#governor) return;
    this.#governor = governor;
    this.#startGovernor();
  }

  /** @throws FileError EINVAL unless the governor is `userspace`. */
  setSpeed(text: string): void {
    if (this.#governor !== 'userspace') throw new FileError('EINVAL');
    this.#userKhz = leadingNumber(text);
    this.#applyLimits();
  }

  setMin(text: string): void {
    const khz = strictNumber(text);
    if (this.#refusesCrossedLimits && khz > this.#limits.maxKhz) throw new FileError('EINVAL');
    this.#minRequestKhz = khz;
    this.#updateLimits();
  }

  setMax(text: string): void {
    const khz = strictNumber(text);
    if (this.#refusesCrossedLimits && khz < this.#limits.minKhz) throw new FileError('EINVAL');
    this.#maxRequestKhz = khz;
    this.#updateLimits();
  }

  /** The value of `scaling_setspeed`. */
  get speedText(): string {
    return this.#governor === 'userspace' ? String(this.#kernelKhz) : '<unsupported>';
  }

  /** `stats/time_in_state`: kHz and ticks of 10 ms. */
  get timeInState(): string {
    return this.#table
      .toReversed()
      .map((khz) => `${khz} ${Math.floor(this.#stateS.get(khz)! * ticksPerS)}\n`)
      .join('');
  }

  get transitions(): number {
    return this.#transitions;
  }

  /** `stats/trans_table`: how often it went from the frequency of a row to that of a column. */
  get transitionTable(): string {
    const table = this.#table.toReversed();
    const cell = (value: number | string): string => String(value).padStart(9);
    const rows = table.map((from) => {
      const counts = table.map((to) => cell(this.#moves.get(`${from}>${to}`) ?? 0));
      return `${cell(from)}: ${counts.join(' ')} `;
    });
    return ['   From  :    To', `         : ${table.map(cell).join(' ')} `, ...rows].join('\n');
  }

  resetStatistics(): void {
    this.#transitions = 0;
    this.#moves.clear();
    for (const khz of this.#table) this.#stateS.set(khz, 0);
  }

  /**
   * Limits that contradict each other give way to the maximum; both then take frequencies of the table.
   * What was asked for is remembered, so a minimum comes back when the maximum rises again.
   */
  #updateLimits(): void {
    const clamp = (khz: number): number => Math.min(Math.max(khz, this.bottomKhz), this.topKhz);
    const highestKhz = clamp(this.#maxRequestKhz);
    const lowestKhz = Math.min(clamp(this.#minRequestKhz), highestKhz);
    // Between two frequencies there is none: the next one above is taken as the maximum.
    const maxKhz =
      this.#table.findLast((khz) => khz <= highestKhz && khz >= lowestKhz) ??
      this.#table.find((khz) => khz >= highestKhz)!;
    const minKhz = Math.min(this.#table.find((khz) => khz >= lowestKhz)!, maxKhz);
    this.#limits = { minKhz, maxKhz };
    this.#applyLimits();
  }

  #startGovernor(): void {
    this.#userKhz = this.#kernelKhz;
    this.#conservativeKhz = this.#kernelKhz;
    this.#applyLimits();
  }

  #applyLimits(): void {
    const { minKhz, maxKhz } = this.#limits;
    const wantedKhz = {
      performance: maxKhz,
      powersave: minKhz,
      userspace: this.#userKhz,
      schedutil: this.#kernelKhz,
      ondemand: this.#kernelKhz,
      conservative: this.#kernelKhz,
    }[this.#governor];
    this.#setKhz(resolveKhz(this.#table, wantedKhz, this.#limits, 'L'));
  }

  #setKhz(khz: number): void {
    if (khz === this.#kernelKhz) return;
    const move = `${this.#kernelKhz}>${khz}`;
    this.#moves.set(move, (this.#moves.get(move) ?? 0) + 1);
    this.#kernelKhz = khz;
    this.#transitions++;
  }
}

/** What the files of a policy need of the host. */
export interface PolicyPort {
  /** Accounts for everything until now, at the frequencies until now. */
  settle(): void;
  /** Lets new frequencies have their effect. */
  apply(): void;
  /** Writes of governors succeed and change nothing. */
  ignoresGovernors(): boolean;
  /** Frequencies, limits and governors cannot be written. */
  isReadOnly(): boolean;
}

/** The files of `policyN`. */
export function policyDirectory(
  policy: Policy,
  config: HardwareConfig,
  port: PolicyPort,
): DirectoryNode {
  const refuse = (code: 'EACCES' | 'EPERM'): void => {
    if (port.isReadOnly()) throw new FileError(code);
  };
  const knob = (read: () => string | number, write: (text: string) => void): FileNode => ({
    ...setting(read, (text) => {
      refuse('EPERM');
      port.settle();
      write(text);
      port.apply();
    }),
    openForWriting: () => refuse('EACCES'),
  });
  const settled = (read: () => string): (() => string) => {
    return () => {
      port.settle();
      return read();
    };
  };
  const table = config.operatingPoints.map(({ khz }) => khz).toReversed();
  return directory({
    affected_cpus: attribute(() => policy.cpus.join(' ')),
    related_cpus: attribute(() => policy.cpus.join(' ')),
    cpuinfo_cur_freq: attribute(() => policy.currentKhz, 0o400),
    cpuinfo_min_freq: attribute(() => policy.bottomKhz),
    cpuinfo_max_freq: attribute(() => policy.topKhz),
    cpuinfo_transition_latency: attribute(() => config.transitionLatencyNs),
    scaling_available_frequencies: attribute(() => `${table.join(' ')} `),
    scaling_available_governors: attribute(() => `${governorNames.join(' ')} `),
    scaling_cur_freq: attribute(() => policy.currentKhz),
    scaling_driver: attribute(() => 'wattwin-cpufreq'),
    scaling_governor: knob(
      () => policy.governor,
      (text) => {
        if (!port.ignoresGovernors()) policy.setGovernor(text);
      },
    ),
    scaling_max_freq: knob(
      () => policy.limits.maxKhz,
      (text) => policy.setMax(text),
    ),
    scaling_min_freq: knob(
      () => policy.limits.minKhz,
      (text) => policy.setMin(text),
    ),
    scaling_setspeed: knob(
      () => policy.speedText,
      (text) => policy.setSpeed(text),
    ),
    stats: directory({
      time_in_state: {
        ...attribute(() => ''),
        read: settled(() => policy.timeInState),
      },
      total_trans: attribute(() => policy.transitions),
      trans_table: attribute(() => policy.transitionTable),
      reset: {
        ...setting(
          () => '',
          () => {
            port.settle();
            policy.resetStatistics();
          },
        ),
        mode: 0o200,
      },
    }),
  });
}
