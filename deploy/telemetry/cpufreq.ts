/** Frequencies of cpufreq policies: now, and on average since the last reading. */
import { count, countOf, cpuList, foldersOf, lineOf, readListing } from './listing.ts';

/** A policy: the CPUs that share one frequency request. All frequencies in kHz, as the kernel's. */
export interface PolicyReading {
  /** `policy0` → 0. */
  readonly policy: number;
  readonly cpus: readonly number[];
  /** `scaling_cur_freq`: at the moment of reading. */
  readonly currentKhz?: number;
  readonly governor?: string;
  /** Time at each frequency since the driver started, in ticks of 10 ms. */
  readonly ticksAtKhz?: ReadonlyMap<number, number>;
}

const policies = '/sys/devices/system/cpu/cpufreq/policy*';

/** The files that a sample reads of each policy. */
export const cpufreqFiles: readonly string[] = [
  `${policies}/affected_cpus`,
  `${policies}/scaling_cur_freq`,
  `${policies}/scaling_governor`,
  `${policies}/stats/time_in_state`,
];

/** Reads the listing of the policies' files. */
export function readCpufreq(text: string): PolicyReading[] {
  const listing = readListing(text, [
    'affected_cpus',
    'scaling_cur_freq',
    'scaling_governor',
    'time_in_state',
  ]);
  const folders = foldersOf(listing);
  const byPath = new Map(folders.map((folder) => [folder.path, folder]));
  return folders.flatMap((folder) => {
    const policy = /^policy(\d+)$/.exec(folder.name)?.[1];
    if (policy === undefined) return [];
    const lines = byPath.get(`${folder.path}/stats`)?.files.get('time_in_state');
    const currentKhz = countOf(folder, 'scaling_cur_freq');
    const governor = lineOf(folder, 'scaling_governor');
    return [
      {
        policy: Number(policy),
        // All its CPUs off-line: the file is empty.
        cpus: cpuList(lineOf(folder, 'affected_cpus')) ?? [],
        ...(currentKhz === undefined || currentKhz === 0 ? {} : { currentKhz }),
        ...(governor === undefined ? {} : { governor }),
        ...(lines === undefined ? {} : { ticksAtKhz: readTimeInState(lines) }),
      },
    ];
  });
}

/** `1200000 4711` per line: kHz and ticks of 10 ms. */
export function readTimeInState(lines: readonly string[]): Map<number, number> {
  const ticks = new Map<number, number>();
  for (const line of lines) {
    const [khz, time] = line.trim().split(/\s+/).map(count);
    if (khz !== undefined && time !== undefined) ticks.set(khz, time);
  }
  return ticks;
}

/**
 * Mean frequency between two readings, kHz: Σ f·Δt / ΣΔt. `undefined` when nothing passed, a counter
 * went back (`stats/reset`, a restart), or the frequencies differ (another driver).
 */
export function meanKhz(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number | undefined {
  if (before.size !== after.size) return undefined;
  let weighted = 0;
  let total = 0;
  for (const [khz, ticks] of after) {
    const change = ticks - (before.get(khz) ?? Number.NaN);
    if (!(change >= 0)) return undefined;
    weighted += khz * change;
    total += change;
  }
  return total === 0 ? undefined : weighted / total;
}
