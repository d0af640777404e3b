/** Two readings of a host → one sample. */
import type { CgroupReading } from './cgroup.ts';
import { meanKhz, type PolicyReading } from './cpufreq.ts';
import { type DomainSample, domainSample } from './domain-sample.ts';
import { confidenceOf, type Doubt, type Observed } from './doubts.ts';
import { hostPower } from './host-power.ts';
import type { Interval } from './interval.ts';
import { type EnergyChange, energyChange, labelZones, partOf } from './powercap.ts';
import { cpuLoad } from './proc-stat.ts';
import type { HostReading, ReadingPart } from './reading.ts';
import type {
  CpuSample,
  EnergySample,
  FrequencySample,
  HostSample,
  PressureSample,
} from './sample.ts';

type Continuous = Extract<Interval, { kind: 'continuous' }>;

/** The sample of the interval between two readings of the same host. */
export function sampleBetween(
  before: HostReading,
  after: HostReading,
  { elapsedS, doubts }: Continuous,
): HostSample {
  const observe = <Value>(
    part: ReadingPart,
    source: string,
    value: Value | undefined,
    own: readonly Doubt[] = [],
  ): Observed<Value> | undefined => {
    if (value === undefined) return undefined;
    const found = [...new Set(own)];
    const observedAtMs = readAt(after, part);
    return {
      value,
      observedAtMs,
      ageMs: Math.max(0, after.receivedAtMs - observedAtMs),
      source,
      confidence: confidenceOf(found),
      doubts: found,
    };
  };
  const cpus = cpuSamples(before, after, elapsedS);
  const frequencies = frequencySamples(before, after);
  const energies = energySamples(before, after, elapsedS);
  const power = energies === undefined ? undefined : hostPower(energies, elapsedS);
  const { memory, temperatures } = after;
  const parts = {
    cpus: observe('cpu', '/proc/stat', cpus?.value, [...doubts, ...(cpus?.doubts ?? [])]),
    frequencies: observe(
      'frequency',
      'cpufreq',
      frequencies,
      frequencies?.some(({ kind }) => kind === 'moment') === true ? ['moment-only'] : [],
    ),
    energies: observe('energy', 'powercap', energies, doubts),
    power: observe('energy', 'powercap', power?.value, [...doubts, ...(power?.doubts ?? [])]),
    memory: observe('memory', '/proc/meminfo', memory),
    pressure: observe('pressure', '/proc/pressure', pressureSamples(before, after), doubts),
    temperatures: observe('temperature', 'thermal and hwmon', temperatures, ['moment-only']),
    thermalThrottles: observe('temperature', 'thermal_throttle', throttles(before, after)),
    domains: observe('domains', 'virsh domstats', domainSamples(before, after, elapsedS, doubts), [
      ...doubts,
      ...((after.domstats?.brokenLines ?? 0) > 0 ? (['broken-lines'] as const) : []),
    ]),
  };
  return {
    host: after.host,
    observedAtMs: after.observedAtMs,
    ...(after.hostWallS === undefined ? {} : { hostWallMs: after.hostWallS * 1000 }),
    elapsedS,
    uptimeS: after.uptimeS,
    ticksPerS: after.ticksPerS,
    doubts,
    ...(Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as Pick<
      HostSample,
      keyof typeof parts
    >),
    missing: after.missing,
  };
}

/** When a part was read by this machine's clock: the reading's moment and the uptime since. */
function readAt(reading: HostReading, part: ReadingPart): number {
  const sinceS = (reading.partUptimeS[part] ?? reading.uptimeS) - reading.uptimeS;
  return Math.min(reading.observedAtMs + Math.max(0, sinceS) * 1000, reading.receivedAtMs);
}

function cpuSamples(
  before: HostReading,
  after: HostReading,
  elapsedS: number,
): { readonly value: CpuSample[]; readonly doubts: readonly Doubt[] } | undefined {
  if (before.cpu === undefined || after.cpu === undefined) return undefined;
  const value: CpuSample[] = [];
  let ticks = 0;
  let compared = 0;
  for (const [cpu, now] of after.cpu.cpus) {
    const then = before.cpu.cpus.get(cpu);
    if (then === undefined) continue;
    compared++;
    const load = cpuLoad(then, now);
    if (load === undefined) continue;
    const { utilization, guestFraction, stealFraction } = load;
    ticks += load.ticks;
    value.push({ cpu, utilization, guestFraction, stealFraction, ticks: now });
  }
  if (compared === 0) return undefined;
  // A CPU that went off-line or stopped counting is missing here, and so are its ticks.
  const share = ticks / (compared * elapsedS * after.ticksPerS);
  const step = 1 / (elapsedS * after.ticksPerS);
  if (ticks === 0) return { value: [], doubts: ['frozen'] };
  return {
    value,
    doubts: [
      ...(Math.abs(share - 1) > 0.1 + 4 * step ? (['ticks-missing'] as const) : []),
      ...(step > 0.05 ? (['coarse-counter'] as const) : []),
    ],
  };
}

function frequencySamples(before: HostReading, after: HostReading): FrequencySample[] | undefined {
  const samples = after.policies?.flatMap((policy) => {
    const old = before.policies?.find((one) => one.policy === policy.policy);
    const found = frequencyOf(old, policy);
    if (found === undefined) return [];
    return policy.cpus.map((cpu) => ({ cpu, policy: policy.policy, ...found }));
  });
  return samples === undefined || samples.length === 0 ? undefined : samples;
}

function frequencyOf(
  before: PolicyReading | undefined,
  { ticksAtKhz, currentKhz }: PolicyReading,
): Pick<FrequencySample, 'mhz' | 'kind'> | undefined {
  const khz =
    ticksAtKhz === undefined || before?.ticksAtKhz === undefined
      ? undefined
      : meanKhz(before.ticksAtKhz, ticksAtKhz);
  if (khz !== undefined) return { mhz: khz / 1000, kind: 'mean' };
  return currentKhz === undefined ? undefined : { mhz: currentKhz / 1000, kind: 'moment' };
}

const doubtOfChange: Readonly<Record<EnergyChange['kind'], readonly Doubt[]>> = {
  measured: [],
  spike: ['spike'],
  frozen: ['frozen'],
  reset: ['reset'],
  ambiguous: ['maybe-wrapped-twice'],
  absent: ['unreadable'],
};

function energySamples(
  before: HostReading,
  after: HostReading,
  elapsedS: number,
): EnergySample[] | undefined {
  if (after.zones === undefined) return undefined;
  const labels = labelZones(after.zones);
  return after.zones.map((zone) => {
    const old = before.zones?.find((one) => one.zone === zone.zone);
    const change: EnergyChange =
      old === undefined ? { kind: 'absent' } : energyChange(old, zone, elapsedS);
    const found = doubtOfChange[change.kind];
    return {
      zone: zone.zone,
      label: labels.get(zone.zone) ?? zone.name,
      part: partOf(zone),
      ...(zone.energyUj === undefined ? {} : { counterUj: zone.energyUj }),
      ...('energyUj' in change ? { energyJ: change.energyUj / 1e6 } : {}),
      didWrap: change.kind === 'measured' && change.didWrap,
      confidence: confidenceOf(found),
      doubts: found,
    };
  });
}

function pressureSamples(before: HostReading, after: HostReading): PressureSample[] | undefined {
  const elapsedS =
    (after.partUptimeS.pressure ?? after.uptimeS) - (before.partUptimeS.pressure ?? before.uptimeS);
  if (!(elapsedS > 0)) return undefined;
  const samples = after.pressure?.flatMap(({ resource, someUs, fullUs }) => {
    const old = before.pressure?.find((one) => one.resource === resource);
    if (old === undefined || someUs < old.someUs) return [];
    const fraction = (us: number): number => Math.min(1, us / 1e6 / elapsedS);
    return [
      {
        resource,
        someFraction: fraction(someUs - old.someUs),
        ...(fullUs === undefined || old.fullUs === undefined || fullUs < old.fullUs
          ? {}
          : { fullFraction: fraction(fullUs - old.fullUs) }),
      },
    ];
  });
  return samples === undefined || samples.length === 0 ? undefined : samples;
}

function throttles(before: HostReading, after: HostReading): number | undefined {
  if (before.throttleCounts === undefined || after.throttleCounts === undefined) return undefined;
  let sum = 0;
  for (const [cpu, times] of after.throttleCounts) {
    sum += Math.max(0, times - (before.throttleCounts.get(cpu) ?? times));
  }
  return sum;
}

function domainSamples(
  before: HostReading,
  after: HostReading,
  hostElapsedS: number,
  doubts: readonly Doubt[],
): DomainSample[] | undefined {
  if (after.domstats === undefined) return undefined;
  // virsh answers last, and late when libvirt is busy: its own moments are nearer to the truth, and
  // those of uptime are whole hundredths.
  const [then, now] = [before.partUptimeS.domains, after.partUptimeS.domains];
  const shift = then === undefined || now === undefined ? 0 : lag(now, after) - lag(then, before);
  const elapsedS = Math.max(hostElapsedS / 2, hostElapsedS + shift);
  const old = new Map(before.domstats?.domains.map((domain) => [domain.name, domain]));
  return after.domstats.domains.map((domain) => {
    const groups = {
      before: groupOf(before, domain.name),
      after: groupOf(after, domain.name),
      vcpus: vcpuGroupsOf(after, domain.name),
    };
    const sample = domainSample(old.get(domain.name), domain, groups, elapsedS, after.hostWallS);
    const found = [...new Set([...doubts, ...sample.doubts])];
    return { ...sample, confidence: confidenceOf(found), doubts: found };
  });
}

const lag = (atS: number, reading: HostReading): number => atS - reading.uptimeS;

function groupOf(reading: HostReading, domain: string): CgroupReading | undefined {
  return reading.cgroups?.find((group) => group.domain === domain && group.part === undefined);
}

function vcpuGroupsOf(reading: HostReading, domain: string): CgroupReading[] {
  return (reading.cgroups ?? []).filter(
    (group) => group.domain === domain && group.part?.startsWith('vcpu') === true,
  );
}
