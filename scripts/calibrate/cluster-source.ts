/** A directory of OpenDC files with a meter (`consumption.parquet`) as telemetry of a cluster. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterTelemetry, dayMs, medianStep } from '../../sim/calibration/cluster-power.ts';
import { type Replay, replayTasks } from '../../sim/calibration/load-replay.ts';
import { InputError, type Issue, inputError } from '../../sim/index.ts';
import { readConsumption, readOpenDcTasks } from '../../traces/index.ts';

/** Longest silence of the meter that is bridged; longer ones are an error, ms. */
export const gapMsMax = 6 * 3_600_000;

export interface ClusterSource {
  readonly telemetry: ClusterTelemetry;
  readonly replay: Replay;
  /** Cores of a task's host, as most tasks have it. */
  readonly hostCapacityMhz: number;
  readonly hostCores: number;
  readonly hostMemoryMb: number;
  /** What was found in the meter's file. */
  readonly meter: {
    readonly samples: number;
    /** Readings of 0 W of a cluster that is on: left out. */
    readonly zeros: number;
    /** Samples that should lie between others and do not. */
    readonly missing: number;
    readonly stepMs: number;
    readonly days: number;
  };
}

/** Whether `directory` holds what this reader wants. */
export function isClusterDirectory(directory: string): boolean {
  return existsSync(join(directory, 'consumption.parquet'));
}

/**
 * Reads, replays and checks.
 *
 * @throws InputError for missing or broken files, fewer days than `fitDays` and something to test on,
 *   readings that are no power, clocks that go back and silences of more than six hours.
 */
export async function readCluster(
  directory: string,
  { hosts, fitDays }: { readonly hosts: number; readonly fitDays: number },
): Promise<ClusterSource> {
  const file = join(directory, 'consumption.parquet');
  const consumption = await readConsumption(file);
  checkMeter(file, consumption.timestampMs, consumption.powerW, fitDays);
  const tasks = await readOpenDcTasks(directory);
  const firstMs = tasks.submissionMs[0];
  if (firstMs === undefined) {
    throw inputError(join(directory, 'tasks.parquet'), 'at least one task', 'none');
  }
  const load = {
    // The meter's clock starts with the first submission.
    submissionMs: tasks.submissionMs.map((time) => time - firstMs),
    capacityMhz: tasks.cpuCapacityMhz,
    fragmentStart: tasks.fragmentStart,
    fragmentMs: tasks.fragmentMs,
    fragmentMhz: tasks.fragmentMhz,
  };
  checkCapacities(join(directory, 'tasks.parquet'), tasks.ids, load);
  const replay = replayTasks(load, hosts);
  const kept = Array.from(consumption.powerW, (_, row) => row).filter(
    (row) => consumption.powerW[row]! > 0,
  );
  const stepMs = medianStep(consumption.timestampMs);
  const lastMs = consumption.timestampMs.at(-1)!;
  const expected = Math.round((lastMs - consumption.timestampMs[0]!) / stepMs) + 1;
  return {
    telemetry: {
      hosts,
      tasks: load,
      startMs: replay.startMs,
      timestampMs: Float64Array.from(kept, (row) => consumption.timestampMs[row]!),
      powerW: Float64Array.from(kept, (row) => consumption.powerW[row]!),
    },
    replay,
    hostCapacityMhz: mostCommon(load.capacityMhz),
    hostCores: mostCommon(tasks.cpuCount),
    hostMemoryMb: mostCommon(tasks.memoryMb),
    meter: {
      samples: consumption.timestampMs.length,
      zeros: consumption.timestampMs.length - kept.length,
      missing: Math.max(0, expected - consumption.timestampMs.length),
      stepMs,
      days: lastMs / dayMs,
    },
  };
}

function checkMeter(
  file: string,
  timestampMs: Float64Array,
  powerW: Float64Array,
  fitDays: number,
): void {
  const lastMs = timestampMs.at(-1);
  if (lastMs === undefined || lastMs <= fitDays * dayMs) {
    throw inputError(
      file,
      `more than ${fitDays} days of samples: ${fitDays} to fit (--fit-days), the rest to test`,
      lastMs === undefined ? 'no sample' : `${(lastMs / dayMs).toFixed(2)} days`,
    );
  }
  if (timestampMs[0]! < 0 || timestampMs[0]! > dayMs) {
    throw inputError(
      `${file}: timestamp, row 1`,
      'time since the first submission, in the first day',
      `${timestampMs[0]} ms`,
    );
  }
  for (let row = 1; row < timestampMs.length; row++) {
    const gapMs = timestampMs[row]! - timestampMs[row - 1]!;
    if (gapMs > gapMsMax) {
      throw inputError(
        `${file}: timestamp, row ${row + 1}`,
        'a sample at least every 6 h',
        `${(gapMs / 3_600_000).toFixed(1)} h after the one before`,
      );
    }
  }
  const positive = powerW.reduce((count, power) => count + (power > 0 ? 1 : 0), 0);
  if (2 * positive < powerW.length) {
    throw inputError(
      `${file}: power_draw`,
      'power above 0 in most samples',
      `${positive} of ${powerW.length}`,
    );
  }
}

function checkCapacities(
  file: string,
  ids: readonly string[],
  { capacityMhz, fragmentStart }: ClusterTelemetry['tasks'],
): void {
  const issues: Issue[] = [];
  for (let task = 0; task < ids.length && issues.length < 5; task++) {
    if (capacityMhz[task]! > 0 || fragmentStart[task] === fragmentStart[task + 1]) continue;
    issues.push({
      path: `${file}: cpu_capacity of task ${ids[task]}`,
      expected: 'MHz above 0, as the task has fragments',
      got: String(capacityMhz[task]),
    });
  }
  if (issues.length > 0) throw new InputError(issues);
}

function mostCommon(values: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let index = 0; index < values.length; index++) {
    counts.set(values[index]!, (counts.get(values[index]!) ?? 0) + 1);
  }
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}
