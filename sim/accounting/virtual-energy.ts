/**
 * Energy as a VM may see it: counters of its own that only go up and wrap as RAPL's do, and the files
 * that Linux' powercap interface would show for them, so that any RAPL reader works in the guest.
 *
 * The counters are energy in µJ (a power in W written there would run wrong by the reader's period),
 * fractions of a µJ are carried on, and a wrap loses nothing: a reader that adds the range when the
 * value has fallen gets the true sum.
 */
import { assert } from '../errors.ts';

/** Range of a 32-bit RAPL counter in units of 2^-14 J as Linux reports it, µJ. */
export const raplRangeUj = 262_143_328_850;

/** Counters of `zones` zones for each of `vms` VMs. */
export class VirtualCounters {
  readonly zones: number;
  readonly rangeUj: number;
  /** [vms × zones × 2] Whole µJ in [0, range), then the fraction carried on. */
  readonly #state: Float64Array;

  constructor(
    vms: number,
    zones: number,
    rangeUj = raplRangeUj,
    state: Float64Array = new Float64Array(VirtualCounters.length(vms, zones)),
  ) {
    assert(Number.isSafeInteger(rangeUj) && rangeUj > 0, () => `a range of ${rangeUj} µJ`);
    assert(state.length === VirtualCounters.length(vms, zones), () => `${state.length} floats`);
    this.zones = zones;
    this.rangeUj = rangeUj;
    this.#state = state;
  }

  static length(vms: number, zones: number): number {
    return 2 * vms * zones;
  }

  /** Adds energy that was charged to `vm`, J, at least 0. */
  add(vm: number, zone: number, energyJ: number): void {
    assert(energyJ >= 0 && energyJ < 9e9, () => `VM ${vm} is charged ${energyJ} J`);
    const cell = 2 * (vm * this.zones + zone);
    const uj = energyJ * 1e6 + this.#state[cell + 1]!;
    const whole = Math.floor(uj);
    this.#state[cell] = (this.#state[cell]! + (whole % this.rangeUj)) % this.rangeUj;
    this.#state[cell + 1] = uj - whole;
  }

  /** The counter as the guest reads it, µJ. */
  energyUj(vm: number, zone: number): number {
    return this.#state[2 * (vm * this.zones + zone)]!;
  }
}

/** One powercap zone of a guest. */
export interface VirtualZone {
  /** `package-0`, `core`, `dram`, … */
  readonly name: string;
  readonly energyUj: number;
  readonly rangeUj: number;
  /** The VM's power limit, shown as the long-term constraint, W. */
  readonly limitW?: number;
  readonly parts?: readonly VirtualZone[];
}

/**
 * The files below `/sys/class/powercap` for these zones: path → content.
 *
 * Zone `P` is `intel-rapl:P`, its part `k` is `intel-rapl:P:k`, as in the kernel's own tree.
 */
export function powercapFiles(zones: readonly VirtualZone[]): Map<string, string> {
  const files = new Map<string, string>([['intel-rapl/enabled', '1\n']]);
  zones.forEach((zone, index) => {
    addZone(files, `intel-rapl:${index}`, zone);
    zone.parts?.forEach((part, k) => {
      addZone(files, `intel-rapl:${index}:${k}`, part);
    });
  });
  return files;
}

function addZone(files: Map<string, string>, directory: string, zone: VirtualZone): void {
  const { name, energyUj, rangeUj, limitW } = zone;
  assert(
    Number.isSafeInteger(energyUj) && energyUj >= 0 && energyUj <= rangeUj,
    () => `zone ${name} shows ${energyUj} of ${rangeUj} µJ`,
  );
  const put = (file: string, content: string | number): void => {
    files.set(`${directory}/${file}`, `${content}\n`);
  };
  put('name', name);
  put('enabled', 1);
  put('energy_uj', energyUj);
  put('max_energy_range_uj', rangeUj);
  if (limitW === undefined) return;
  put('constraint_0_name', 'long_term');
  put('constraint_0_power_limit_uw', Math.round(limitW * 1e6));
}
