/**
 * Everything in a host that is not CPU, one small formula each; rates are means over the interval.
 *
 *   DRAM   idle W per GiB × size + energy per byte × bytes/s
 *   disk   idle + busy fraction × (active − idle); a request is busy for size / rate + seek
 *   NIC    idle + energy per byte × bytes/s
 *   fan    full × speed³, the speed rising on a straight line with temperature (fan affinity laws)
 *   PSU    losses, straight lines between measured loads
 *
 * The PSU interpolates losses, not efficiencies: so power at the wall rises with power inside, and
 * a supply without load still draws what the line through its first two points says (Platinum:
 * 1.6 % of the rated power). Source of the points: the 80 PLUS programme's minima for 230 V internal
 * redundant supplies; real ones do a little better.
 */

export interface DramSpec {
  readonly gib: number;
  readonly idleWPerGib: number;
  readonly joulesPerByte: number;
}

export interface DiskSpec {
  readonly count: number;
  readonly idleW: number;
  readonly activeW: number;
  readonly bytesPerS: number;
  /** Mean time of positioning per request, s. */
  readonly seekS: number;
}

export interface NicSpec {
  readonly idleW: number;
  readonly joulesPerByte: number;
}

export interface FanSpec {
  /** All fans at full speed, W. */
  readonly fullW: number;
  /** Lowest speed relative to the full one, up to `lowC`; full speed from `highC` on. */
  readonly speedMin: number;
  readonly lowC: number;
  readonly highC: number;
}

export interface PsuSpec {
  /** Supplies that share the load. */
  readonly count: number;
  /** Rated output of one, W. */
  readonly ratedW: number;
  /** (load, efficiency), loads rising; at least 2 points. */
  readonly efficiency: readonly (readonly [load: number, efficiency: number])[];
}

/**
 * Maxtor DiamondMax Plus 9, 160 GB: power as measured by Stoess, Lang & Bellosa (USENIX ATC 2007,
 * constants of their prototype); the data sheet says 3.45 and 5.6 W.
 */
export const maxtorDiamondMax: DiskSpec = {
  count: 1,
  idleW: 4.083,
  activeW: 6.714,
  bytesPerS: 57e6,
  seekS: 0.0093,
};

/** 80 PLUS minima, 230 V internal redundant. */
export const psuEfficiency = {
  bronze: [
    [0.2, 0.81],
    [0.5, 0.85],
    [1, 0.81],
  ],
  silver: [
    [0.2, 0.85],
    [0.5, 0.89],
    [1, 0.85],
  ],
  gold: [
    [0.2, 0.88],
    [0.5, 0.92],
    [1, 0.88],
  ],
  platinum: [
    [0.2, 0.9],
    [0.5, 0.94],
    [1, 0.91],
  ],
  titanium: [
    [0.1, 0.9],
    [0.2, 0.94],
    [0.5, 0.96],
    [1, 0.91],
  ],
} as const satisfies Readonly<Record<string, PsuSpec['efficiency']>>;

/** Fraction of the time a disk is busy, at most 1. */
export function diskBusyFraction(disk: DiskSpec, bytesPerS: number, requestsPerS: number): number {
  const busy = (bytesPerS / disk.bytesPerS + requestsPerS * disk.seekS) / disk.count;
  return busy < 1 ? busy : 1;
}

/** Speed of the fans relative to full speed. */
export function fanSpeed(
  speedMin: number,
  lowC: number,
  highC: number,
  temperatureC: number,
): number {
  if (temperatureC <= lowC) return speedMin;
  if (temperatureC >= highC) return 1;
  return speedMin + ((temperatureC - lowC) / (highC - lowC)) * (1 - speedMin);
}

/** Loss of a supply as a fraction of its rated power when it delivers the fraction `load` of it. */
export const psuLossFraction = (load: number, efficiency: number): number =>
  load * (1 / efficiency - 1);

/**
 * Loss of a supply relative to its rated power, from `count` pairs (load, loss) at `points[start]`;
 * the outer lines go on, but never below 0.
 */
export function psuLossAt(
  points: ArrayLike<number>,
  start: number,
  count: number,
  load: number,
): number {
  const last = start + 2 * (count - 1);
  let above = start + 2;
  while (above < last && points[above]! < load) above += 2;
  const [lowLoad, lowLoss] = [points[above - 2]!, points[above - 1]!];
  const slope = (points[above + 1]! - lowLoss) / (points[above]! - lowLoad);
  const loss = lowLoss + (load - lowLoad) * slope;
  return loss > 0 ? loss : 0;
}
