/**
 * The powercap tree of one package (`Documentation/power/powercap/powercap.rst`): `intel-rapl:0` with
 * its parts `core` (`:0:0`) and `dram` (`:0:1`), names and places as on real machines.
 */
import type { HardwareConfig } from './config.ts';
import { FileError } from './errno.ts';
import {
  attribute,
  type DirectoryNode,
  directory,
  type FileNode,
  link,
  setting,
} from './file-tree.ts';
import type { PowerLimiter } from './power-limit.ts';

/** Energy since boot as a counter shows it: µJ from a start, and from 0 again behind its range. */
export class EnergyCounter {
  readonly #startUj: number;
  readonly #rangeUj: number;
  #energyJ = 0;

  constructor({ energyStartUj, maxEnergyRangeUj }: HardwareConfig) {
    this.#startUj = energyStartUj;
    this.#rangeUj = maxEnergyRangeUj;
  }

  add(energyJ: number): void {
    this.#energyJ += energyJ;
  }

  /** Since boot, never wrapped, J. */
  get energyJ(): number {
    return this.#energyJ;
  }

  get counterUj(): number {
    return Math.floor((this.#startUj + this.#energyJ * 1e6) % this.#rangeUj);
  }
}

/** Counters by the kernel's names of the zones. */
export interface EnergyCounters {
  readonly package: EnergyCounter;
  readonly core: EnergyCounter;
  readonly dram: EnergyCounter;
}

/** What the files need of the host. */
export interface PowercapPort {
  /** Accounts for everything until now. */
  settle(): void;
  /** Lets new limits have their effect. */
  apply(): void;
}

/** `kstrtou64(text, 10)`. */
function decimal(text: string): number {
  const value = /^\+?\d+\n?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new FileError('EINVAL');
  return value;
}

/** The tree below `/sys/class/powercap`. */
export function powercapDirectory(
  counters: EnergyCounters,
  limiter: PowerLimiter,
  config: HardwareConfig,
  port: PowercapPort,
): DirectoryNode {
  const zone = (name: string, counter: EnergyCounter): Record<string, FileNode> => ({
    name: attribute(() => name),
    // Readable by root alone, since it tells what others compute.
    energy_uj: attribute(() => {
      port.settle();
      return counter.counterUj;
    }, 0o400),
    max_energy_range_uj: attribute(() => config.maxEnergyRangeUj),
  });
  /** A part without a limit of its own. */
  const part = (name: string, counter: EnergyCounter): DirectoryNode =>
    directory({ ...zone(name, counter), enabled: attribute(() => 0) });
  const knob = (read: () => number, write: (value: number) => void): FileNode =>
    setting(read, (text) => {
      const value = decimal(text);
      port.settle();
      write(value);
      port.apply();
    });
  const designUw = Math.round(config.longTermLimitW * 1e6);
  const package0 = directory({
    ...zone('package-0', counters.package),
    enabled: setting(
      () => Number(limiter.isEnabled),
      (text) => {
        const isEnabled = { 0: false, 1: true }[text.trim()];
        if (isEnabled === undefined) throw new FileError('EINVAL');
        port.settle();
        limiter.isEnabled = isEnabled;
        port.apply();
      },
    ),
    constraint_0_name: attribute(() => 'long_term'),
    constraint_0_max_power_uw: attribute(() => designUw),
    constraint_0_power_limit_uw: knob(
      () => Math.round(limiter.longTermW * 1e6),
      (value) => {
        limiter.longTermW = value / 1e6;
      },
    ),
    constraint_0_time_window_us: knob(
      () => Math.round(limiter.windowS * 1e6),
      (value) => {
        if (value === 0) throw new FileError('EINVAL');
        limiter.windowS = value / 1e6;
      },
    ),
    constraint_1_name: attribute(() => 'short_term'),
    constraint_1_power_limit_uw: knob(
      () => Math.round(limiter.shortTermW * 1e6),
      (value) => {
        limiter.shortTermW = value / 1e6;
      },
    ),
    'intel-rapl:0:0': part('core', counters.core),
    'intel-rapl:0:1': part('dram', counters.dram),
  });
  return directory({
    'intel-rapl': directory({ enabled: attribute(() => 1), 'intel-rapl:0': package0 }),
    'intel-rapl:0': link('intel-rapl/intel-rapl:0'),
    'intel-rapl:0:0': link('intel-rapl/intel-rapl:0/intel-rapl:0:0'),
    'intel-rapl:0:1': link('intel-rapl/intel-rapl:0/intel-rapl:0:1'),
  });
}
