/**
 * Exact integrals of what hosts do: energy, carbon, delivered work, samples of utilization, and a
 * profile of power over time. A host's stretches of constant use must come in order of time.
 */
import type { Hosts } from './hosts.ts';
import type { PowerFunction } from './power-model.ts';

/** Carbon intensity as a step function: each value holds from its time to the next one's. */
export interface CarbonSteps {
  /** Wall-clock ms, rising, [steps]. */
  readonly timestampMs: Float64Array;
  /** Grams of CO₂ per kWh, [steps]. */
  readonly gramsPerKwh: Float64Array;
}

export interface MeterOptions {
  /** Power functions by host group. */
  readonly power: readonly PowerFunction[];
  /** Steps in ms since the start of the simulation. */
  readonly carbon?: CarbonSteps | undefined;
  /** Time between two samples of utilization, ms; OpenDC's demos export every hour. */
  readonly sampleMs: number;
  /** Width of the bins of the power profile, ms; none is kept without it. */
  readonly profileMs?: number | undefined;
}

/** W·ms of a kWh. */
const wattMsPerKwh = 3.6e9;

/** Adds up stretches of constant use. */
export class Meter {
  /** W·ms, [hosts]. */
  readonly energyWms: Float64Array;
  /** MHz·ms delivered, [hosts]. */
  readonly workMhzMs: Float64Array;
  /** W·ms·g/kWh, [hosts]. */
  readonly carbon: Float64Array;
  /** Sum of the utilizations seen by the samples, [hosts]. */
  readonly sampled: Float64Array;
  /** W·ms by bin, at least [bins so far]. */
  profileWms = new Float64Array(0);
  readonly #options: MeterOptions;
  readonly #hosts: Hosts;
  /** Step of the carbon intensity at the end of the host's last stretch, [hosts]. */
  readonly #step: Int32Array;
  readonly #stepEndMs: Float64Array;
  readonly #intensity: Float64Array;

  constructor(hosts: Hosts, options: MeterOptions) {
    this.energyWms = new Float64Array(hosts.count);
    this.workMhzMs = new Float64Array(hosts.count);
    this.carbon = new Float64Array(hosts.count);
    this.sampled = new Float64Array(hosts.count);
    this.#options = options;
    this.#hosts = hosts;
    this.#step = new Int32Array(hosts.count);
    // The first value also holds before its time and the last one for good, as in OpenDC.
    const { timestampMs, gramsPerKwh } = options.carbon ?? {
      timestampMs: new Float64Array(1),
      gramsPerKwh: new Float64Array(1),
    };
    this.#stepEndMs = Float64Array.from(timestampMs, (_, at) => timestampMs[at + 1] ?? Infinity);
    this.#intensity = gramsPerKwh;
  }

  /**
   * The host used `usedMhz` from `fromMs` to `toMs`, and before that what it was told before.
   *
   * @param usedMhz At most the host's capacity.
   */
  add(host: number, fromMs: number, toMs: number, usedMhz: number): void {
    const lengthMs = toMs - fromMs;
    if (!(lengthMs > 0)) return;
    const u = usedMhz / this.#hosts.capacityMhz[host]!;
    const powerW = this.#options.power[this.#hosts.group[host]!]!(u);
    this.energyWms[host]! += powerW * lengthMs;
    this.workMhzMs[host]! += usedMhz * lengthMs;
    const { sampleMs, carbon, profileMs } = this.#options;
    const samples = Math.floor(toMs / sampleMs) - Math.floor(fromMs / sampleMs);
    if (samples > 0) this.sampled[host]! += samples * u;
    if (carbon !== undefined) this.#addCarbon(host, fromMs, toMs, powerW);
    if (profileMs !== undefined) this.#addProfile(profileMs, fromMs, toMs, powerW);
  }

  /** Grams of all hosts. */
  carbonG(): number {
    return this.carbon.reduce((sum, value) => sum + value, 0) / wattMsPerKwh;
  }

  #addCarbon(host: number, fromMs: number, toMs: number, powerW: number): void {
    let step = this.#step[host]!;
    let from = fromMs;
    while (this.#stepEndMs[step]! <= from) step++;
    while (this.#stepEndMs[step]! < toMs) {
      this.carbon[host]! += powerW * (this.#stepEndMs[step]! - from) * this.#intensity[step]!;
      from = this.#stepEndMs[step++]!;
    }
    this.carbon[host]! += powerW * (toMs - from) * this.#intensity[step]!;
    this.#step[host] = step;
  }

  #addProfile(binMs: number, fromMs: number, toMs: number, powerW: number): void {
    const last = Math.ceil(toMs / binMs) - 1;
    if (last >= this.profileWms.length) {
      const longer = new Float64Array(Math.max(1024, 2 * (last + 1)));
      longer.set(this.profileWms);
      this.profileWms = longer;
    }
    for (let bin = Math.floor(fromMs / binMs); bin <= last; bin++) {
      const from = Math.max(fromMs, bin * binMs);
      const to = Math.min(toMs, (bin + 1) * binMs);
      this.profileWms[bin]! += powerW * (to - from);
    }
  }
}
