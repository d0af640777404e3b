/** Temperatures of thermal zones and hwmon sensors, and how often CPUs were slowed for heat. */
import { countOf, type Folder, foldersOf, integer, lineOf, readListing } from './listing.ts';

export interface TemperatureReading {
  /** `thermal_zone2` or `hwmon1/temp3`. */
  readonly sensor: string;
  /** What it measures: `x86_pkg_temp`, `coretemp Package id 0`. */
  readonly name: string;
  readonly celsius: number;
}

/** Outside of this a sensor is broken or not connected, °C. */
const plausible = { min: -50, max: 150 } as const;

/** Reads the listing of both trees; what is not plausible is left out. */
export function readTemperatures(text: string): TemperatureReading[] {
  const listing = readListing(text, ['type', 'temp', 'name', 'temp\\d+_input', 'temp\\d+_label']);
  return foldersOf(listing).flatMap((folder) =>
    folder.name.startsWith('thermal_zone') ? thermalZone(folder) : hwmonSensors(folder),
  );
}

const reading = (sensor: string, name: string, text: string | undefined): TemperatureReading[] => {
  const celsius = (integer(text) ?? Number.NaN) / 1000;
  return celsius > plausible.min && celsius < plausible.max ? [{ sensor, name, celsius }] : [];
};

const thermalZone = (folder: Folder): TemperatureReading[] =>
  reading(folder.name, lineOf(folder, 'type') ?? folder.name, lineOf(folder, 'temp'));

function hwmonSensors(folder: Folder): TemperatureReading[] {
  const chip = lineOf(folder, 'name') ?? folder.name;
  return [...folder.files.keys()].flatMap((file) => {
    const number = /^(temp\d+)_input$/.exec(file)?.[1];
    if (number === undefined) return [];
    const label = lineOf(folder, `${number}_label`);
    const name = label === undefined ? chip : `${chip} ${label}`;
    return reading(`${folder.name}/${number}`, name, lineOf(folder, file));
  });
}

/** Times that each CPU was throttled since boot, by CPU number. */
export function readThrottleCounts(text: string): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const folder of foldersOf(readListing(text, ['core_throttle_count']))) {
    const cpu = /\/cpu(\d+)\/thermal_throttle$/.exec(folder.path)?.[1];
    const times = countOf(folder, 'core_throttle_count');
    if (cpu !== undefined && times !== undefined) counts.set(Number(cpu), times);
  }
  return counts;
}
