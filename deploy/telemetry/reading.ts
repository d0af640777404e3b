/** One reading of a host: the remote script, and its answer as counters. Nothing is a rate yet. */

import type { ScriptSection } from '../ssh/frames.ts';
import { shellWord } from '../ssh/quote.ts';
import type { RemoteAnswer } from '../ssh/transport.ts';
import { type CgroupReading, cgroupDirectories, cgroupFiles, readCgroups } from './cgroup.ts';
import { cpufreqFiles, type PolicyReading, readCpufreq } from './cpufreq.ts';
import { type DomstatsReading, readDomstats } from './domstats.ts';
import { count, listFiles } from './listing.ts';
import { type MemoryReading, present, readMeminfo } from './meminfo.ts';
import { readPowercap, type ZoneReading } from './powercap.ts';
import { type PressureReading, readPressure } from './pressure.ts';
import { type ProcStat, readProcStat } from './proc-stat.ts';
import { readTemperatures, readThrottleCounts, type TemperatureReading } from './thermal.ts';

export interface ReadingOptions {
  /** libvirt's connection URI on the host. */
  readonly virshUri: string;
  /** Read energy counters with `sudo -n`. */
  readonly sudo: boolean;
}

/** Names of the parts of a reading; each is one section of the script. */
export const readingParts = [
  'clock',
  'energy',
  'cpu',
  'frequency',
  'memory',
  'pressure',
  'temperature',
  'cgroups',
  'domains',
] as const;
export type ReadingPart = (typeof readingParts)[number];

/** libvirt may hang while a VM's monitor does; the rest of the reading must not wait for it. */
const virshSeconds = 8;

/** `virsh` that reads only, with a time limit where the host has `timeout`. */
export function virshCommand(uri: string, command: string): string {
  return (
    `T=; command -v timeout >/dev/null && T='timeout ${virshSeconds}'; ` +
    `command -v virsh >/dev/null || exit 127; $T virsh -r -q -c ${shellWord(uri)} ${command}`
  );
}

/** The script of one reading. It only reads: no redirection but to /dev/null, no command that sets. */
export function readingSections({ virshUri, sudo }: ReadingOptions): ScriptSection[] {
  const powercap = (file: string): string => `/sys/class/powercap/*/${file}`;
  // The shell, which is not root, expands the pattern: sudo gets names of files, no wildcard.
  const energy = `${sudo ? 'sudo -n ' : ''}grep -aHs '' ${powercap('energy_uj')}`;
  const commands: Readonly<Record<ReadingPart, string>> = {
    clock: 'date +%s.%N; getconf CLK_TCK || echo; cat /proc/sys/kernel/random/boot_id',
    // First what changes fastest, closest to the clock.
    energy: `${energy}; ${listFiles(
      powercap('name'),
      powercap('max_energy_range_uj'),
      powercap('constraint_0_max_power_uw'),
    )}`,
    // Without the counts of interrupts, which are long.
    cpu: "grep -aE '^(cpu|btime)' /proc/stat",
    frequency: listFiles(...cpufreqFiles),
    memory: 'cat /proc/meminfo',
    pressure: listFiles('/proc/pressure/cpu', '/proc/pressure/memory', '/proc/pressure/io'),
    temperature: listFiles(
      '/sys/class/thermal/thermal_zone*/type',
      '/sys/class/thermal/thermal_zone*/temp',
      '/sys/class/hwmon/hwmon*/name',
      '/sys/class/hwmon/hwmon*/temp*_input',
      '/sys/class/hwmon/hwmon*/temp*_label',
      '/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count',
    ),
    cgroups: listFiles(
      ...cgroupDirectories.flatMap((directory) =>
        cgroupFiles.map((file) => `${directory}/${file}`),
      ),
    ),
    domains: virshCommand(
      virshUri,
      'domstats --raw --nowait --state --cpu-total --vcpu --balloon --block --interface',
    ),
  };
  return readingParts.map((name) => ({ name, commands: commands[name] }));
}

/** Counters and states of a host at one time. A part that could not be read is absent. */
export interface HostReading {
  readonly host: string;
  /** Uptime when the clock was read, s: the host's own time, which does not jump. */
  readonly uptimeS: number;
  /** The host's wall clock, s since 1970; with fractions where its `date` has them. */
  readonly hostWallS?: number;
  /** This machine's wall clock at that moment, ms, as well as the exchange tells. */
  readonly observedAtMs: number;
  /** Greatest error of `observedAtMs`, ms: half of what the network took. */
  readonly observedErrorMs: number;
  readonly receivedAtMs: number;
  readonly receivedMonotonicMs: number;
  readonly ticksPerS: number;
  /** New at each start of the host. */
  readonly bootId?: string;
  /** Uptime at which each part was read, s. */
  readonly partUptimeS: Readonly<Partial<Record<ReadingPart, number>>>;
  readonly cpu?: ProcStat;
  readonly policies?: readonly PolicyReading[];
  readonly zones?: readonly ZoneReading[];
  readonly memory?: MemoryReading;
  readonly pressure?: readonly PressureReading[];
  readonly temperatures?: readonly TemperatureReading[];
  readonly throttleCounts?: ReadonlyMap<number, number>;
  readonly cgroups?: readonly CgroupReading[];
  readonly domstats?: DomstatsReading;
  /** Why a part is missing, where something can be said. */
  readonly missing: Readonly<Partial<Record<ReadingPart, string>>>;
}

/** The answer of `readingSections`; `undefined` when the host has no /proc/uptime. */
export function readHost(host: string, answer: RemoteAnswer): HostReading | undefined {
  const section = (part: ReadingPart) => answer.sections.get(part);
  const text = (part: ReadingPart): string => section(part)?.text ?? '';
  const uptimeS = section('clock')?.uptimeS;
  if (uptimeS === undefined) return undefined;
  const cpu = readProcStat(text('cpu'));
  const policies = readCpufreq(text('frequency'));
  const zones = readPowercap(text('energy'));
  const pressure = readPressure(text('pressure'));
  const temperatures = readTemperatures(text('temperature'));
  const throttleCounts = readThrottleCounts(text('temperature'));
  const cgroups = readCgroups(text('cgroups'));
  const hasDomains = section('domains')?.status === 0;
  const partUptimeS = Object.fromEntries(
    readingParts.flatMap((part) => {
      const at = section(part)?.uptimeS;
      return at === undefined ? [] : [[part, at]];
    }),
  ) as Partial<Record<ReadingPart, number>>;
  return {
    host,
    uptimeS,
    ...clockOf(text('clock')),
    ...observedAt(answer, uptimeS),
    receivedAtMs: answer.receivedAtMs,
    receivedMonotonicMs: answer.receivedMonotonicMs,
    partUptimeS,
    ...present({
      cpu: cpu.cpus.size > 0 ? cpu : undefined,
      policies: filled(policies),
      zones: filled(zones),
      memory: readMeminfo(text('memory')),
      pressure: filled(pressure),
      temperatures: filled(temperatures),
      throttleCounts: throttleCounts.size > 0 ? throttleCounts : undefined,
      cgroups: filled(cgroups),
      domstats: hasDomains ? readDomstats(text('domains')) : undefined,
    }),
    missing: present({
      frequency: policies.length === 0 ? 'no cpufreq policy' : undefined,
      energy: whyNoEnergy(zones),
      domains: hasDomains ? undefined : whyNoDomains(section('domains')?.status),
    }),
  };
}

const filled = <Item>(items: readonly Item[]): readonly Item[] | undefined =>
  items.length > 0 ? items : undefined;

function whyNoEnergy(zones: readonly ZoneReading[]): string | undefined {
  if (zones.length === 0) return 'no powercap zone';
  return zones.every(({ energyUj }) => energyUj === undefined)
    ? 'energy_uj may be read by root alone; see --sudo'
    : undefined;
}

function whyNoDomains(status: number | undefined): string {
  if (status === 127) return 'no virsh';
  return status === 124 || status === 143
    ? `virsh gave no answer within ${virshSeconds} s`
    : `virsh failed (status ${status ?? 'unknown'})`;
}

/** Three lines: `date +%s.%N` (busybox prints `%N` as it is), ticks per second, the boot's id. */
function clockOf(text: string): Pick<HostReading, 'hostWallS' | 'ticksPerS' | 'bootId'> {
  const [date, ticks, boot] = text.split('\n');
  const bootId = boot?.trim();
  const wall = /^(\d{1,12}(?:\.\d{1,9})?)/.exec(date ?? '')?.[1];
  return {
    ...(wall === undefined ? {} : { hostWallS: Number(wall) }),
    // 100 wherever Linux runs VMs.
    ticksPerS: count(ticks?.trim()) || 100,
    ...(bootId === undefined || bootId === '' ? {} : { bootId }),
  };
}

/**
 * When the clock was read, by this machine's clock. The exchange took some time, of which the script
 * itself took what uptime says; the rest went to both ways, half to each as far as is known.
 */
function observedAt(
  { sentAtMs, receivedAtMs, endUptimeS }: RemoteAnswer,
  uptimeS: number,
): Pick<HostReading, 'observedAtMs' | 'observedErrorMs'> {
  const exchangeMs = Math.max(0, receivedAtMs - sentAtMs);
  const scriptMs = Math.max(0, ((endUptimeS ?? uptimeS) - uptimeS) * 1000);
  const observedErrorMs = Math.max(0, exchangeMs - scriptMs) / 2;
  return { observedAtMs: sentAtMs + observedErrorMs, observedErrorMs };
}
