/**
 * Calibration from a directory of telemetry tables, CSV or JSON lines: `hosts` (power over load),
 * `requests` (service times of queues), `migrations` (bandwidth and dirtying), `metrics.jsonl`
 * (DeepScale's host daemon). What is there is fitted.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  fitHostPower,
  type HostPowerFit,
  type HostSamples,
} from '../../sim/calibration/host-power.ts';
import { fitMigrations, type MigrationFit } from '../../sim/calibration/migration-fit.ts';
import { fitQueue, type QueueFit } from '../../sim/calibration/queue-fit.ts';
import { inputError } from '../../sim/index.ts';
import { readHostMetrics } from './host-metrics.ts';
import { type ColumnSpec, type RecordRow, readRecords, recordFile } from './records.ts';

const number = (meaning: string, min?: number, max?: number, required = true): ColumnSpec => ({
  required,
  kind: 'number',
  meaning,
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
const text = (meaning: string, required: boolean): ColumnSpec => ({
  required,
  kind: 'text',
  meaning,
});

/** The tables and their columns, as documented. */
export const telemetryTables = {
  hosts: {
    time_ms: number('time, ms'),
    host: text('name of the host', true),
    model: text('model of the host; default: the host itself', false),
    utilization: number('fraction of all cores in use', 0, 1),
    power_w: number('power, W', 0),
    frequency_mhz: number('frequency of the cores, MHz', 1, undefined, false),
  },
  requests: {
    time_ms: number('time, ms'),
    service: text('name of the queue', true),
    arrivals_per_s: number('requests per second', 0),
    utilization: number('fraction of the server in use', 0, 1),
    latency_ms: number('mean response time, ms', 0),
  },
  migrations: {
    vm: text('name of the VM', true),
    memory_bytes: number('memory of the VM, bytes', 1),
    duration_ms: number('from the first copy until it runs at the target, ms', 0),
    transferred_bytes: number('all that was copied, bytes', 1),
    downtime_ms: number('time it stood still, ms', 0, undefined, false),
    rounds: number('copies after the first', 0, 10_000, false),
    busy_vcpus: number('vCPUs that were busy', 0.01, undefined, false),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ColumnSpec>>>>;

/** Power of one model of host. */
export interface PowerFit extends HostPowerFit {
  readonly model: string;
  readonly hosts: number;
}

export interface TelemetryResult {
  readonly format: 'wattwin-telemetry-calibration';
  readonly version: 1;
  readonly directory: string;
  readonly power: readonly PowerFit[];
  readonly queues: readonly ({ readonly service: string } & QueueFit)[];
  readonly migrations?: MigrationFit;
  /** What could not be fitted or was left out, in words. */
  readonly notes: readonly string[];
}

/**
 * Reads and fits all tables of `directory`.
 *
 * @throws InputError when there is none, or for each bad value.
 */
export function calibrateTelemetry(directory: string): TelemetryResult {
  const notes: string[] = [];
  const files = {
    hosts: recordFile(directory, 'hosts'),
    requests: recordFile(directory, 'requests'),
    migrations: recordFile(directory, 'migrations'),
  };
  const metrics = join(directory, 'metrics.jsonl');
  const hasMetrics = existsSync(metrics);
  if (!hasMetrics && Object.values(files).every((path) => path === undefined)) {
    throw inputError(
      directory,
      'consumption.parquet beside tasks.parquet and fragments.parquet, or a table hosts, requests or migrations (.csv or .jsonl), or metrics.jsonl',
      existsSync(directory) ? 'none of them' : 'no such directory',
    );
  }
  const power = [
    ...(files.hosts === undefined ? [] : fitHosts(files.hosts, notes)),
    ...(hasMetrics ? fitMetrics(metrics, notes) : []),
  ];
  const queues = files.requests === undefined ? [] : fitQueues(files.requests, notes);
  const migrations = files.migrations === undefined ? undefined : fitMoves(files.migrations, notes);
  return {
    format: 'wattwin-telemetry-calibration',
    version: 1,
    directory,
    power,
    queues,
    ...(migrations === undefined ? {} : { migrations }),
    notes,
  };
}

function groupBy(rows: readonly RecordRow[], key: (row: RecordRow) => string) {
  const groups = new Map<string, RecordRow[]>();
  for (const row of rows) {
    const name = key(row);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

function byTime(rows: readonly RecordRow[]): RecordRow[] {
  return rows.slice().sort((a, b) => a.number('time_ms')! - b.number('time_ms')!);
}

function fitHosts(path: string, notes: string[]): PowerFit[] {
  const rows = readRecords(path, telemetryTables.hosts);
  const models = groupBy(rows, (row) => row.text('model') ?? row.text('host')!);
  return [...models].flatMap(([model, members]) => {
    const used = byTime(members).filter((row) => row.number('power_w')! > 0);
    const zeros = members.length - used.length;
    if (zeros > 0) notes.push(`${path}: ${model}: ${zeros} readings of 0 W left out`);
    const column = (name: string): Float64Array =>
      Float64Array.from(used, (row) => row.number(name)!);
    const frequencies = used.every((row) => row.number('frequency_mhz') !== undefined);
    const samples: HostSamples = {
      utilization: column('utilization'),
      powerW: column('power_w'),
      ...(frequencies ? { frequencyMhz: column('frequency_mhz') } : {}),
    };
    const hosts = new Set(members.map((row) => row.text('host'))).size;
    return described(path, model, hosts, samples, notes);
  });
}

function described(
  path: string,
  model: string,
  hosts: number,
  samples: HostSamples,
  notes: string[],
): PowerFit[] {
  const fit = fitHostPower(samples);
  if (fit !== undefined) return [{ model, hosts, ...fit }];
  notes.push(
    `${path}: ${model}: no fit; it takes 30 samples at one frequency whose load spans a tenth`,
  );
  return [];
}

function fitMetrics(path: string, notes: string[]): PowerFit[] {
  const metrics = readHostMetrics(path);
  if (metrics.brokenLines > 0) notes.push(`${path}: ${metrics.brokenLines} broken lines left out`);
  if (metrics.withoutPower > 1) {
    notes.push(`${path}: ${metrics.withoutPower} samples without an energy difference left out`);
  }
  return described(path, 'metrics', 1, metrics, notes);
}

function fitQueues(path: string, notes: string[]): ({ service: string } & QueueFit)[] {
  const rows = readRecords(path, telemetryTables.requests);
  return [...groupBy(rows, (row) => row.text('service')!)].flatMap(([service, members]) => {
    const column = (name: string): Float64Array =>
      Float64Array.from(members, (row) => row.number(name)!);
    const fit = fitQueue({
      arrivalsPerS: column('arrivals_per_s'),
      utilization: column('utilization'),
      latencyMs: column('latency_ms'),
    });
    if (fit !== undefined) return [{ service, ...fit }];
    notes.push(`${path}: ${service}: no fit; it takes 10 intervals with requests, below 97 % load`);
    return [];
  });
}

function fitMoves(path: string, notes: string[]): MigrationFit | undefined {
  const rows = readRecords(path, telemetryTables.migrations);
  const fit = fitMigrations(
    rows.map((row) => {
      const [downtimeMs, rounds] = [row.number('downtime_ms'), row.number('rounds')];
      const busyVcpus = row.number('busy_vcpus');
      return {
        memoryBytes: row.number('memory_bytes')!,
        durationMs: row.number('duration_ms')!,
        transferredBytes: row.number('transferred_bytes')!,
        ...(downtimeMs === undefined ? {} : { downtimeMs }),
        ...(rounds === undefined ? {} : { rounds }),
        ...(busyVcpus === undefined ? {} : { busyVcpus }),
      };
    }),
  );
  if (fit === undefined) notes.push(`${path}: no fit; it takes three records that differ in size`);
  return fit;
}

/** The result in a terminal. */
export function formatTelemetry(result: TelemetryResult): string {
  const lines = [`${result.directory}`];
  for (const { model, hosts, pstates, shape, error } of result.power) {
    lines.push(
      `power of ${model} (${hosts} host${hosts === 1 ? '' : 's'}): ${shape}, ${error.mape.toFixed(2)} % by cross-validation over ${error.samples} samples`,
    );
    for (const { frequencyMhz, samples, idleW, epsilonW, fullW } of pstates) {
      const at = frequencyMhz === undefined ? '' : `${frequencyMhz.toFixed(0)} MHz: `;
      lines.push(
        `  ${at}idle ${idleW.toFixed(1)} W, from ${epsilonW.toFixed(1)} W to ${fullW.toFixed(1)} W at full load (${samples} samples)`,
      );
    }
  }
  for (const queue of result.queues) {
    lines.push(
      `queue ${queue.service}: ${queue.serviceMs.toFixed(3)} ms of CPU per request by load, ${queue.serviceByLatencyMs.toFixed(3)} ms by latency, ${queue.offCpuMs.toFixed(2)} ms off the CPU; full at ${queue.servicesPerS.toFixed(1)} requests/s`,
    );
  }
  if (result.migrations !== undefined) {
    const { bandwidthBytesPerS, overheadMs, dirtyBytesPerS, dirtyIntensity, durationError } =
      result.migrations;
    lines.push(
      `migrations: ${(bandwidthBytesPerS / 1e6).toFixed(2)} MB/s, ${overheadMs.toFixed(0)} ms besides the copies, dirtying ${(dirtyBytesPerS / 1e6).toFixed(2)} MB/s (${dirtyIntensity.toFixed(3)} of the bandwidth per busy vCPU); durations within ${durationError.mape.toFixed(2)} %`,
    );
  }
  lines.push(...result.notes.map((note) => `note: ${note}`));
  return `${lines.join('\n')}\n`;
}
