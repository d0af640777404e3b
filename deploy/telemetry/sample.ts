/** A sample of a host: rates and states of one interval, each with its source and confidence. */
import type { DomainSample } from './domain-sample.ts';
import type { Doubt, Observed } from './doubts.ts';
import type { MemoryReading } from './meminfo.ts';
import type { ZonePart } from './powercap.ts';
import type { CpuTicks } from './proc-stat.ts';
import type { ReadingPart } from './reading.ts';
import type { TemperatureReading } from './thermal.ts';

export interface CpuSample {
  readonly cpu: number;
  /** Busy share of the interval, in [0, 1]. */
  readonly utilization: number;
  /** Share that VMs ran, part of the utilization. */
  readonly guestFraction: number;
  readonly stealFraction: number;
  /** Times since boot, in ticks. */
  readonly ticks: CpuTicks;
}

export interface FrequencySample {
  readonly cpu: number;
  readonly policy: number;
  readonly mhz: number;
  /** Mean over the interval (`time_in_state`), or the value at its end (`scaling_cur_freq`). */
  readonly kind: 'mean' | 'moment';
}

export interface EnergySample {
  /** `intel-rapl:0:1`. */
  readonly zone: string;
  /** `dram`, or `dram-0` on a host with several packages. */
  readonly label: string;
  readonly part: ZonePart;
  /** Counter at the end, µJ. */
  readonly counterUj?: number;
  /** Energy of the interval, J. */
  readonly energyJ?: number;
  readonly didWrap: boolean;
  readonly confidence: number;
  readonly doubts: readonly Doubt[];
}

export interface HostPower {
  /** Packages and DRAM, nothing twice, W. Not fans, disks, board nor power supply. */
  readonly socketW?: number;
  /** `psys`: the board as far as its maker wired it, W. */
  readonly platformW?: number;
}

export interface PressureSample {
  readonly resource: string;
  /** Share of the interval in which some task waited, in [0, 1]. */
  readonly someFraction: number;
  readonly fullFraction?: number;
}

export interface HostSample {
  readonly host: string;
  /** End of the interval, ms since 1970 by the observing machine's clock. */
  readonly observedAtMs: number;
  /** The same by the host's own clock, ms; absent when it could not be read. */
  readonly hostWallMs?: number;
  /** Length of the interval by the host's clock, s. */
  readonly elapsedS: number;
  readonly uptimeS: number;
  readonly ticksPerS: number;
  /** About the interval itself; they are in every rate's doubts too. */
  readonly doubts: readonly Doubt[];
  readonly cpus?: Observed<readonly CpuSample[]>;
  readonly frequencies?: Observed<readonly FrequencySample[]>;
  readonly energies?: Observed<readonly EnergySample[]>;
  readonly power?: Observed<HostPower>;
  readonly memory?: Observed<MemoryReading>;
  readonly pressure?: Observed<readonly PressureSample[]>;
  readonly temperatures?: Observed<readonly TemperatureReading[]>;
  /** Times that CPUs were slowed for heat in the interval. */
  readonly thermalThrottles?: Observed<number>;
  readonly domains?: Observed<readonly DomainSample[]>;
  /** Why a part is missing. */
  readonly missing: Readonly<Partial<Record<ReadingPart, string>>>;
}
