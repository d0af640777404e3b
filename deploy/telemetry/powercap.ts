/**
 * Energy counters of the powercap tree (Intel and AMD RAPL).
 *
 * Zones are known by their path (`intel-rapl:1:0`): names repeat, every package has a `core`. Counters
 * run up to `max_energy_range_uj` and start again at 0. Zones overlap: core and uncore lie inside their
 * package, `psys` holds the whole board, and `intel-rapl-mmio` shows packages a second time.
 */
import { countOf, foldersOf, lineOf, readListing } from './listing.ts';

export interface ZoneReading {
  /** `intel-rapl:0:1`, the zone's name in sysfs. */
  readonly zone: string;
  /** What the kernel calls it: `package-0`, `dram`, `core`, `uncore`, `psys`. */
  readonly name: string;
  /** Counter, µJ; absent when this user may not read it. */
  readonly energyUj?: number;
  /** Greatest value of the counter, µJ. */
  readonly rangeUj?: number;
  /** Greatest power limit the zone can be given, W: close to its design power. */
  readonly designPowerW?: number;
}

/** Reads the listing of the zones' files. */
export function readPowercap(text: string): ZoneReading[] {
  const listing = readListing(text, [
    'name',
    'energy_uj',
    'max_energy_range_uj',
    'constraint_0_max_power_uw',
  ]);
  return foldersOf(listing).flatMap((folder) => {
    const name = lineOf(folder, 'name');
    // A control type (`intel-rapl`) is a folder without a zone number.
    if (name === undefined || !folder.name.includes(':')) return [];
    const energyUj = countOf(folder, 'energy_uj');
    const rangeUj = countOf(folder, 'max_energy_range_uj');
    const designUw = countOf(folder, 'constraint_0_max_power_uw');
    return [
      {
        zone: folder.name,
        name,
        ...(energyUj === undefined ? {} : { energyUj }),
        ...(rangeUj === undefined || rangeUj === 0 ? {} : { rangeUj }),
        ...(designUw === undefined || designUw === 0 ? {} : { designPowerW: designUw / 1e6 }),
      },
    ];
  });
}

/** What became of a counter in an interval. */
export type EnergyChange =
  | { readonly kind: 'measured'; readonly energyUj: number; readonly didWrap: boolean }
  /** More than the part can take; `energyUj` is cut to what it can. */
  | { readonly kind: 'spike'; readonly energyUj: number; readonly rawUj: number }
  /** Nothing was added although time went by: a package that is on always takes some. */
  | { readonly kind: 'frozen' }
  /** It went back, and not by wrapping. */
  | { readonly kind: 'reset' }
  /** It may have wrapped more than once. */
  | { readonly kind: 'ambiguous' }
  /** One of the readings is missing. */
  | { readonly kind: 'absent' };

/** Without a design power: far above any socket or its memory, far below a wrapped difference. */
const powerLimitDefaultW = 1000;
/** Parts may exceed their design power for a short time. */
const overDesign = 4;
/** RAPL counts about every 1 ms; shorter intervals may see nothing. */
const updateS = 0.05;

/** Greatest power a zone is believed to draw, W. */
export function powerLimitW({ designPowerW }: ZoneReading): number {
  return designPowerW === undefined ? powerLimitDefaultW : designPowerW * overDesign;
}

/**
 * Energy between two readings of one zone, µJ.
 *
 * @param elapsedS Between the readings, s, above 0.
 */
export function energyChange(
  before: ZoneReading,
  after: ZoneReading,
  elapsedS: number,
): EnergyChange {
  if (before.energyUj === undefined || after.energyUj === undefined) return { kind: 'absent' };
  const limitUj = powerLimitW(after) * elapsedS * 1e6;
  const { rangeUj } = after;
  const change = after.energyUj - before.energyUj;
  const didWrap = change < 0;
  if (didWrap && (rangeUj === undefined || before.energyUj > rangeUj)) return { kind: 'reset' };
  const energyUj = didWrap ? rangeUj! + change : change;
  if (energyUj > limitUj) {
    // A wrap takes a counter near its end; a fall from elsewhere is a reset.
    return didWrap ? { kind: 'reset' } : { kind: 'spike', energyUj: limitUj, rawUj: energyUj };
  }
  if (rangeUj !== undefined && limitUj >= rangeUj) return { kind: 'ambiguous' };
  if (energyUj === 0 && elapsedS >= updateS) return { kind: 'frozen' };
  return { kind: 'measured', energyUj, didWrap };
}

/** What part of a host a zone measures. */
export type ZonePart = 'package' | 'dram' | 'inside-package' | 'platform' | 'other';

/** By the kernel's names; a package may be `package-0` or `package-0-die-1`. */
export function partOf({ name }: { readonly name: string }): ZonePart {
  if (/^package(?:-|$)/.test(name)) return 'package';
  if (name === 'dram') return 'dram';
  if (name === 'core' || name === 'uncore') return 'inside-package';
  return name === 'psys' ? 'platform' : 'other';
}

/**
 * The zones whose sum is the power of sockets and memory, nothing twice: packages and DRAM; those of
 * `intel-rapl-mmio` only for a part that no other control type shows.
 */
export function countedZones<Zone extends { readonly zone: string; readonly name: string }>(
  zones: readonly Zone[],
): Zone[] {
  const parts = zones.filter((zone) => partOf(zone) === 'package' || partOf(zone) === 'dram');
  const isMmio = ({ zone }: Zone): boolean => zone.startsWith('intel-rapl-mmio');
  const labels = labelZones(zones);
  const direct = parts.filter((zone) => !isMmio(zone));
  const shown = new Set(direct.map((zone) => labels.get(zone.zone)));
  return [...direct, ...parts.filter((zone) => isMmio(zone) && !shown.has(labels.get(zone.zone)))];
}

/**
 * A name for each zone that is unlike those of other packages: `package-1` as it is, `dram` as it is on
 * a host with one package, and as `dram-1` where there are more.
 */
export function labelZones(
  zones: readonly { readonly zone: string; readonly name: string }[],
): ReadonlyMap<string, string> {
  const packages = new Map<string, string>();
  for (const { zone, name } of zones) {
    if (partOf({ name }) === 'package') packages.set(zone, name.replace(/^package-?/, ''));
  }
  const isSingle = new Set(packages.values()).size <= 1;
  return new Map(
    zones.map(({ zone, name }) => {
      const owner = packages.get(zone.slice(0, zone.lastIndexOf(':')));
      const isOwn = partOf({ name }) === 'package' || owner === undefined || isSingle;
      return [zone, isOwn ? name : `${name}-${owner}`];
    }),
  );
}
