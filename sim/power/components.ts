/**
 * Host power from its parts:
 *
 *   P_host = P_dc + loss_psu(P_dc)
 *   P_dc   = base + Σ packages (uncore + cores) + DRAM + disks + NIC + fans(T)
 *
 * A host is described once (`ComponentHost`, plain data), compiled to one column of numbers, and
 * evaluated at an operating point without allocating: `writeComponentPowerW`. `componentPowerW` is the
 * same with objects. Formulas and their limits: `cmos.ts`, `package.ts`, `devices.ts`.
 *
 * Power is a function of the temperature given; that temperature follows from power is the affair of
 * `sim/thermal/`.
 */

import { inputError } from '../errors.ts';
import { exp } from '../numbers/exact-math.ts';
import type { CoreSpec, VoltageCurve } from './cmos.ts';
import {
  type DiskSpec,
  type DramSpec,
  type FanSpec,
  fanSpeed,
  type NicSpec,
  type PsuSpec,
  psuLossAt,
  psuLossFraction,
} from './devices.ts';
import { allIdleFraction, type UncoreSpec, uncoreW } from './package.ts';

/** A host as the sum of its parts. Plain data. */
export interface ComponentHost {
  readonly packages: number;
  readonly coresPerPackage: number;
  readonly voltage: VoltageCurve;
  /** All cores of a package run at the voltage of the fastest one (Intel before Haswell-EP). */
  readonly sharedVoltage: boolean;
  readonly core: CoreSpec;
  /** Power of an idle core relative to a busy one where the point does not say: its C-states. */
  readonly idleRelativePower: number;
  /** Per package. */
  readonly uncore: UncoreSpec;
  readonly dram: DramSpec;
  readonly disk: DiskSpec;
  readonly nic: NicSpec;
  readonly fan: FanSpec;
  readonly psu: PsuSpec;
  /** Board, chipset, management controller, W. */
  readonly baseW: number;
}

/** Cores that share a frequency, how fast and how busy they are. */
export interface DomainPoint {
  readonly cores: number;
  readonly frequencyHz: number;
  /** Mean busy fraction of the domain's cores, in [0, 1]. */
  readonly busyFraction: number;
  /** Default: that of the host's description. */
  readonly idleRelativePower?: number;
}

/** What a component host does at one moment. */
export interface OperatingPoint {
  /** In order of the cores: the first domains fill the first package. */
  readonly domains: readonly DomainPoint[];
  readonly temperatureC: number;
  readonly dramBytesPerS?: number;
  /** Busy fraction of the disks, in [0, 1]. */
  readonly diskBusy?: number;
  readonly nicBytesPerS?: number;
}

/** Places in the output of `writeComponentPowerW`. */
export const componentParts = [
  'core',
  'uncore',
  'dram',
  'disk',
  'nic',
  'fan',
  'base',
  'psuLoss',
  'total',
] as const;

/** Power of each part, W. `total` is at the wall and the sum of all others. */
export type ComponentPower = Readonly<Record<(typeof componentParts)[number], number>>;

/** Numbers of a point before its domains: temperature, DRAM, disk, NIC, number of domains. */
export const pointHeader = 5;
/** Numbers per domain: cores, Hz, busy fraction, relative idle power (negative: the host's own). */
export const pointStride = 4;

/** Places in a compiled host; the tables of voltage (Hz, V) and losses (load, loss) follow. */
const at = {
  packages: 0,
  coresPerPackage: 1,
  capacitanceF: 2,
  leakageAPerV: 3,
  referenceC: 4,
  leakagePerK: 5,
  idleRelativePower: 6,
  sharedVoltage: 7,
  uncoreLowW: 8,
  uncoreHighW: 9,
  uncoreSleepW: 10,
  dramIdleW: 11,
  dramJPerByte: 12,
  diskIdleW: 13,
  diskRangeW: 14,
  nicIdleW: 15,
  nicJPerByte: 16,
  fanFullW: 17,
  fanSpeedMin: 18,
  fanLowC: 19,
  fanHighC: 20,
  baseW: 21,
  psuCount: 22,
  psuRatedW: 23,
  voltages: 24,
  losses: 25,
  tables: 26,
} as const;

/** Every number of a description with its path and the least it may be. */
function checkComponent(host: ComponentHost): void {
  const least = (path: string, value: number, minimum: number): void => {
    if (!(value >= minimum && value < Number.POSITIVE_INFINITY)) {
      throw inputError(`component.${path}`, `a number of at least ${minimum}`, `${value}`);
    }
  };
  const rising = (path: string, values: readonly number[], minimum: number): void => {
    values.forEach((value, index) => {
      least(`${path}[${index}]`, value, index === 0 ? minimum : values[index - 1]!);
    });
  };
  const { voltage, core, uncore, dram, disk, nic, fan, psu } = host;
  least('packages', host.packages, 1);
  least('coresPerPackage', host.coresPerPackage, 1);
  if (voltage.frequenciesHz.length !== voltage.volts.length || voltage.volts.length < 2) {
    throw inputError('component.voltage', 'as many volts as frequencies, at least 2', 'others');
  }
  rising('voltage.frequenciesHz', voltage.frequenciesHz, 1);
  rising('voltage.volts', voltage.volts, 0);
  for (const [name, value] of Object.entries(core)) {
    least(`core.${name}`, value, name === 'referenceC' ? -273.15 : 0);
  }
  least('idleRelativePower', host.idleRelativePower, 0);
  rising('uncore', [uncore.sleepW ?? uncore.lowW, uncore.lowW, uncore.highW], 0);
  for (const [path, part] of Object.entries({ dram, disk, nic })) {
    for (const [name, value] of Object.entries(part)) least(`${path}.${name}`, value, 0);
  }
  least('disk.activeW', disk.activeW, disk.idleW);
  rising('fan', [fan.lowC, fan.highC], -273.15);
  rising('fan.speedMin', [fan.speedMin, 1], 0);
  least('fan.fullW', fan.fullW, 0);
  least('baseW', host.baseW, 0);
  least('psu.count', psu.count, 1);
  least('psu.ratedW', psu.ratedW, 1);
  checkSupply(psu);
}

/** Losses must rise with load, or a busier host would draw less. */
function checkSupply({ efficiency }: PsuSpec): void {
  let [load, loss] = [0, 0];
  for (const [nextLoad, ratio] of efficiency) {
    const nextLoss = psuLossFraction(nextLoad, ratio);
    if (!(ratio > 0 && ratio <= 1 && nextLoad > load && nextLoss >= loss)) {
      const expected = 'rising loads with efficiencies up to 1 and losses that rise with load';
      throw inputError('component.psu.efficiency', expected, JSON.stringify(efficiency));
    }
    [load, loss] = [nextLoad, nextLoss];
  }
  if (efficiency.length < 2) {
    throw inputError('component.psu.efficiency', 'at least 2 points', `${efficiency.length}`);
  }
}

/**
 * A description as one column of numbers for `writeComponentPowerW`.
 *
 * @throws InputError when a number is missing or out of its range.
 */
export function compileComponent(host: ComponentHost): Float64Array {
  checkComponent(host);
  const { voltage, core, uncore, dram, disk, nic, fan, psu } = host;
  const points = voltage.volts.length;
  const parameters = new Float64Array(at.tables + 2 * (points + psu.efficiency.length));
  const set = (place: keyof typeof at, value: number): void => {
    parameters[at[place]] = value;
  };
  set('packages', host.packages);
  set('coresPerPackage', host.coresPerPackage);
  set('capacitanceF', core.capacitanceF);
  set('leakageAPerV', core.referenceV > 0 ? core.leakageA / core.referenceV : 0);
  set('referenceC', core.referenceC);
  set('leakagePerK', core.leakagePerK);
  set('idleRelativePower', host.idleRelativePower);
  set('sharedVoltage', host.sharedVoltage ? 1 : 0);
  set('uncoreLowW', uncore.lowW);
  set('uncoreHighW', uncore.highW);
  set('uncoreSleepW', uncore.sleepW ?? uncore.lowW);
  set('dramIdleW', dram.gib * dram.idleWPerGib);
  set('dramJPerByte', dram.joulesPerByte);
  set('diskIdleW', disk.count * disk.idleW);
  set('diskRangeW', disk.count * (disk.activeW - disk.idleW));
  set('nicIdleW', nic.idleW);
  set('nicJPerByte', nic.joulesPerByte);
  set('fanFullW', fan.fullW);
  set('fanSpeedMin', fan.speedMin);
  set('fanLowC', fan.lowC);
  set('fanHighC', fan.highC);
  set('baseW', host.baseW);
  set('psuCount', psu.count);
  set('psuRatedW', psu.ratedW);
  set('voltages', points);
  set('losses', psu.efficiency.length);
  const pairs = voltage.frequenciesHz.map((hz, index) => [hz, voltage.volts[index]!]);
  const losses = psu.efficiency.map(([load, ratio]) => [load, psuLossFraction(load, ratio)]);
  parameters.set([...pairs, ...losses].flat(), at.tables);
  return parameters;
}

/** `voltageAt` on a compiled host. */
function compiledVoltage(parameters: Float64Array, frequencyHz: number): number {
  const first = at.tables;
  const last = first + 2 * (parameters[at.voltages]! - 1);
  if (frequencyHz >= parameters[last]!) return parameters[last + 1]!;
  if (frequencyHz <= parameters[first]!) return parameters[first + 1]!;
  let above = first + 2;
  while (parameters[above]! < frequencyHz) above += 2;
  const [low, lowV] = [parameters[above - 2]!, parameters[above - 1]!];
  const share = (frequencyHz - low) / (parameters[above]! - low);
  return lowV + share * (parameters[above + 1]! - lowV);
}

/** Cores of a domain that begins at core `from` which lie in the package that begins at `first`. */
function overlap(from: number, cores: number, first: number, perPackage: number): number {
  const low = from > first ? from : first;
  const high = from + cores < first + perPackage ? from + cores : first + perPackage;
  return high > low ? high - low : 0;
}

/** Adds the cores and the uncore of the package that begins at core `first` to `out`. */
function addPackage(
  parameters: Float64Array,
  point: Float64Array,
  first: number,
  out: Float64Array,
): void {
  const perPackage = parameters[at.coresPerPackage]!;
  const end = pointHeader + point[4]! * pointStride;
  let [from, fastestHz] = [0, 0];
  for (let place = pointHeader; place < end; place += pointStride) {
    const inside = overlap(from, point[place]!, first, perPackage) > 0;
    if (inside && point[place + 1]! > fastestHz) fastestHz = point[place + 1]!;
    from += point[place]!;
  }
  const heat = exp(parameters[at.leakagePerK]! * (point[0]! - parameters[at.referenceC]!));
  const isShared = parameters[at.sharedVoltage] === 1;
  let [coreW, asleep] = [0, 1];
  from = 0;
  for (let place = pointHeader; place < end; place += pointStride) {
    const cores = overlap(from, point[place]!, first, perPackage);
    from += point[place]!;
    if (cores === 0) continue;
    const frequencyHz = point[place + 1]!;
    const busy = point[place + 2]!;
    const idle = point[place + 3]! < 0 ? parameters[at.idleRelativePower]! : point[place + 3]!;
    const volts = compiledVoltage(parameters, isShared ? fastestHz : frequencyHz);
    const switching = parameters[at.capacitanceF]! * frequencyHz;
    const busyW = volts * volts * (switching + parameters[at.leakageAPerV]! * heat);
    coreW += cores * busyW * (busy + (1 - busy) * idle);
    asleep *= allIdleFraction(busy, cores);
  }
  const lowHz = parameters[at.tables]!;
  const highHz = parameters[at.tables + 2 * (parameters[at.voltages]! - 1)]!;
  const clamped = fastestHz < lowHz ? lowHz : fastestHz > highHz ? highHz : fastestHz;
  const relative = highHz > lowHz ? (clamped - lowHz) / (highHz - lowHz) : 1;
  out[0]! += coreW;
  out[1]! += uncoreW(
    parameters[at.uncoreLowW]!,
    parameters[at.uncoreHighW]!,
    parameters[at.uncoreSleepW]!,
    relative,
    asleep,
  );
}

/**
 * Power of every part, W, into `out` in the order of `componentParts`; returns the total. Nothing
 * is allocated.
 *
 * @param parameters Of `compileComponent`.
 * @param point Of `flattenPoint`: `pointHeader` numbers, then `pointStride` per domain.
 * @param out At least 9 numbers.
 */
export function writeComponentPowerW(
  parameters: Float64Array,
  point: Float64Array,
  out: Float64Array,
): number {
  out[0] = 0;
  out[1] = 0;
  const packages = parameters[at.packages]!;
  const perPackage = parameters[at.coresPerPackage]!;
  for (let index = 0; index < packages; index++) {
    addPackage(parameters, point, index * perPackage, out);
  }
  out[2] = parameters[at.dramIdleW]! + parameters[at.dramJPerByte]! * point[1]!;
  out[3] = parameters[at.diskIdleW]! + parameters[at.diskRangeW]! * point[2]!;
  out[4] = parameters[at.nicIdleW]! + parameters[at.nicJPerByte]! * point[3]!;
  const speed = fanSpeed(
    parameters[at.fanSpeedMin]!,
    parameters[at.fanLowC]!,
    parameters[at.fanHighC]!,
    point[0]!,
  );
  out[5] = parameters[at.fanFullW]! * (speed * speed * speed);
  out[6] = parameters[at.baseW]!;
  const insideW = out[0]! + out[1]! + out[2]! + out[3]! + out[4]! + out[5]! + out[6]!;
  const capacityW = parameters[at.psuCount]! * parameters[at.psuRatedW]!;
  const losses = at.tables + 2 * parameters[at.voltages]!;
  out[7] = capacityW * psuLossAt(parameters, losses, parameters[at.losses]!, insideW / capacityW);
  out[8] = insideW + out[7]!;
  return out[8]!;
}

/** An operating point as numbers. */
export function flattenPoint(point: OperatingPoint): Float64Array {
  const { domains, temperatureC, dramBytesPerS = 0, diskBusy = 0, nicBytesPerS = 0 } = point;
  return Float64Array.from([
    ...[temperatureC, dramBytesPerS, diskBusy, nicBytesPerS, domains.length],
    ...domains.flatMap(({ cores, frequencyHz, busyFraction, idleRelativePower = -1 }) => [
      ...[cores, frequencyHz, busyFraction, idleRelativePower],
    ]),
  ]);
}

/** All cores at one frequency and busy fraction, nothing else going on. */
export const uniformPoint = (
  host: ComponentHost,
  frequencyHz: number,
  busyFraction: number,
  temperatureC: number,
): OperatingPoint => ({
  domains: [{ cores: host.packages * host.coresPerPackage, frequencyHz, busyFraction }],
  temperatureC,
});

/**
 * Power of a described host at an operating point, by part.
 *
 * @throws InputError when the description is out of range.
 */
export function componentPowerW(host: ComponentHost, point: OperatingPoint): ComponentPower {
  const out = new Float64Array(componentParts.length);
  writeComponentPowerW(compileComponent(host), flattenPoint(point), out);
  return Object.fromEntries(componentParts.map((part, index) => [part, out[index]!])) as Record<
    (typeof componentParts)[number],
    number
  >;
}
