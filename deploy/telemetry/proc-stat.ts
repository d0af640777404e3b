/** `/proc/stat`: what each CPU did since the host started. */
import { count } from './listing.ts';

/**
 * Times of one CPU since boot, in ticks of USER_HZ. `guest` is part of `user` and `guestNice` of
 * `nice`: a sum over all ten would count VMs twice (proc(5)).
 */
export interface CpuTicks {
  readonly user: number;
  readonly nice: number;
  readonly system: number;
  readonly idle: number;
  readonly iowait: number;
  readonly irq: number;
  readonly softirq: number;
  readonly steal: number;
  readonly guest: number;
  readonly guestNice: number;
}

export interface ProcStat {
  /** By CPU number; CPUs that are off-line are not in it. */
  readonly cpus: ReadonlyMap<number, CpuTicks>;
  /** When the host started, s since 1970 by its own clock; moves when that clock is set. */
  readonly bootS?: number;
}

const names = [
  'user',
  'nice',
  'system',
  'idle',
  'iowait',
  'irq',
  'softirq',
  'steal',
  'guest',
  'guestNice',
] as const satisfies readonly (keyof CpuTicks)[];

/** Reads `/proc/stat`; lines that are cut or not numbers are left out. */
export function readProcStat(text: string): ProcStat {
  const cpus = new Map<number, CpuTicks>();
  let bootS: number | undefined;
  for (const line of text.split('\n')) {
    const [key, ...rest] = line.trim().split(/\s+/);
    if (key === 'btime') bootS = count(rest[0]);
    const cpu = /^cpu(\d+)$/.exec(key ?? '')?.[1];
    if (cpu === undefined) continue;
    // Kernels before 2.6.33 print fewer columns; four are the least that make a load.
    const values = rest.slice(0, names.length).map(count);
    if (values.length < 4 || values.includes(undefined)) continue;
    const ticks = Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0]));
    cpus.set(Number(cpu), ticks as Record<keyof CpuTicks, number>);
  }
  return { cpus, ...(bootS === undefined ? {} : { bootS }) };
}

/** What a CPU did in an interval, as fractions of the time that was accounted. */
export interface CpuLoad {
  /** Neither idle nor waiting for disks, in [0, 1]. */
  readonly utilization: number;
  /** Running VMs, part of the utilization. */
  readonly guestFraction: number;
  readonly stealFraction: number;
  readonly iowaitFraction: number;
  /** All ticks of the interval. */
  readonly ticks: number;
}

/**
 * The load between two readings; `undefined` when no tick passed or a counter went back, as it does
 * when the host restarts. `idle` and `iowait` alone may go back by themselves (proc(5)) and count as
 * unchanged then.
 */
export function cpuLoad(before: CpuTicks, after: CpuTicks): CpuLoad | undefined {
  const change = (name: keyof CpuTicks): number => after[name] - before[name];
  const idle = Math.max(0, change('idle'));
  const iowait = Math.max(0, change('iowait'));
  const counted = ['user', 'nice', 'system', 'irq', 'softirq', 'steal'] as const;
  const guest = change('guest') + change('guestNice');
  if (counted.some((name) => change(name) < 0) || guest < 0) return undefined;
  const busy = counted.reduce((sum, name) => sum + change(name), 0);
  const ticks = busy + idle + iowait;
  if (ticks === 0) return undefined;
  return {
    utilization: busy / ticks,
    // Guest time is added to its counter a moment apart from user time.
    guestFraction: Math.min(guest, busy) / ticks,
    stealFraction: change('steal') / ticks,
    iowaitFraction: iowait / ticks,
    ticks,
  };
}
