/**
 * Samples of a host from `metrics.jsonl` as DeepScale's daemon writes it: one object per second with
 * the load and frequency of each CPU and the energy that each RAPL zone took since the one before.
 *
 *   {"timestamp": ISO, "percpu": [{"cpu", "usage_percent", "frequency_mhz"}, …],
 *    "rapl_energy": {ZONE: {"current_uj", "delta_uj"}}}
 *
 * The file often begins or ends in the middle of a line; such lines are counted, not read. Power is
 * that of the packages and of DRAM: zones `core` and `uncore` lie inside a package, and `psys` holds
 * everything. RAPL sees no fans, disks or power supply. A counter that wrapped shows as a negative
 * difference, or as none at all; both are left out.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { inputError } from '../../sim/index.ts';

const line = z.looseObject({
  timestamp: z.union([z.string(), z.number()]),
  percpu: z
    .array(
      z.looseObject({
        usage_percent: z.number().min(0).max(101),
        frequency_mhz: z.number().positive().nullable().optional(),
      }),
    )
    .min(1),
  rapl_energy: z.record(z.string(), z.looseObject({ delta_uj: z.number() })),
});

export interface HostMetrics {
  readonly timeMs: Float64Array;
  readonly utilization: Float64Array;
  readonly powerW: Float64Array;
  /** Mean over the CPUs, MHz; only if every sample has it. */
  readonly frequencyMhz?: Float64Array;
  /** Lines that are no whole object of that form. */
  readonly brokenLines: number;
  /** Samples without a usable energy difference. */
  readonly withoutPower: number;
}

/** @throws InputError when fewer than two lines can be used. */
export function readHostMetrics(path: string): HostMetrics {
  const rows: { timeMs: number; utilization: number; powerW: number; mhz: number }[] = [];
  let brokenLines = 0;
  let withoutPower = 0;
  let beforeMs = Number.NaN;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text.trim() === '') continue;
    const parsed = parseLine(text);
    if (parsed === undefined) {
      brokenLines++;
      continue;
    }
    const timeMs = new Date(parsed.timestamp).getTime();
    const seconds = (timeMs - beforeMs) / 1000;
    beforeMs = timeMs;
    const powerW = totalUj(parsed.rapl_energy) / 1e6 / seconds;
    if (!(seconds > 0) || !(powerW > 0) || !Number.isFinite(powerW)) {
      withoutPower++;
      continue;
    }
    const { percpu } = parsed;
    const mean = (of: (cpu: (typeof percpu)[number]) => number): number =>
      percpu.reduce((sum, cpu) => sum + of(cpu), 0) / percpu.length;
    rows.push({
      timeMs,
      utilization: Math.min(1, mean(({ usage_percent }) => usage_percent) / 100),
      powerW,
      mhz: mean(({ frequency_mhz }) => frequency_mhz ?? Number.NaN),
    });
  }
  if (rows.length < 2) {
    throw inputError(
      path,
      'at least three lines with timestamp, percpu and rapl_energy',
      `${rows.length} usable, ${brokenLines} broken, ${withoutPower} without power`,
    );
  }
  const column = (of: (row: (typeof rows)[number]) => number): Float64Array =>
    Float64Array.from(rows, of);
  return {
    timeMs: column(({ timeMs }) => timeMs),
    utilization: column(({ utilization }) => utilization),
    powerW: column(({ powerW }) => powerW),
    ...(rows.some(({ mhz }) => Number.isNaN(mhz))
      ? {}
      : { frequencyMhz: column(({ mhz }) => mhz) }),
    brokenLines,
    withoutPower,
  };
}

function parseLine(text: string): z.output<typeof line> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = line.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** Energy of packages and DRAM; NaN when a counter went back. */
function totalUj(zones: z.output<typeof line>['rapl_energy']): number {
  let sum = 0;
  for (const [name, { delta_uj }] of Object.entries(zones)) {
    if (!/^(?:package|dram)/.test(name)) continue;
    if (delta_uj < 0) return Number.NaN;
    sum += delta_uj;
  }
  return sum;
}
