/** At what frequencies a host can run, and at what it did. */

import { type SnapshotHost, snapshotGovernors } from '../cluster/snapshot.ts';
import type { HostCapabilities, PolicyCapability } from '../probe/capabilities.ts';
import type { HostSample } from '../telemetry/sample.ts';

/** Where nothing tells how fast the cores are. All hosts of that kind count alike. */
const unknownMhz = 2000;
/** Frequencies to choose from where any between two can be had. */
const evenSteps = 8;
/** Most that a snapshot holds. */
const stepsMax = 64;

/**
 * Frequencies that can be asked for, MHz, the fastest first: those that the driver lists, else even
 * steps between its limits. Of several cpufreq policies the one with the most CPUs counts.
 */
export function frequenciesOf(capabilities: HostCapabilities | undefined): number[] {
  const policy = mainPolicy(capabilities);
  const listed = policy?.availableMhz ?? [];
  if (listed.length > 0) return falling(listed);
  const most = [policy?.hardwareMaxMhz, policy?.limitMaxMhz, policy?.baseMhz].find(isKnown);
  if (most === undefined) return [unknownMhz];
  const least = [policy?.hardwareMinMhz, policy?.limitMinMhz].find(isKnown) ?? most;
  const step = (most - least) / (evenSteps - 1);
  return falling(Array.from({ length: evenSteps }, (_, index) => Math.round(most - index * step)));
}

/** What a core can run at; a file of a host may hold anything. */
const isFrequency = (mhz: number): boolean => mhz > 0 && mhz <= 100_000;

const isKnown = (mhz: number | undefined): mhz is number => mhz !== undefined && isFrequency(mhz);

/** Each once, the fastest first; of too many some are left out evenly. */
function falling(values: readonly number[]): number[] {
  const sorted = [...new Set(values)].filter(isFrequency).sort((a, b) => b - a);
  if (sorted.length === 0) return [unknownMhz];
  if (sorted.length <= stepsMax) return sorted;
  const at = (step: number): number => Math.round((step * (sorted.length - 1)) / (stepsMax - 1));
  return Array.from({ length: stepsMax }, (_, step) => sorted[at(step)]!);
}

function mainPolicy(capabilities: HostCapabilities | undefined): PolicyCapability | undefined {
  return capabilities?.cpufreq.policies.reduce<PolicyCapability | undefined>(
    (most, one) => (most === undefined || one.cpus.length > most.cpus.length ? one : most),
    undefined,
  );
}

/** The one frequency that the host was told to keep to when it was probed, MHz. */
export function requestedOf(capabilities: HostCapabilities | undefined): number | undefined {
  const { limitMinMhz, limitMaxMhz } = mainPolicy(capabilities) ?? {};
  const governor = governorOf(capabilities);
  if (governor === 'performance' && isKnown(limitMaxMhz)) return limitMaxMhz;
  if (governor === 'powersave' && isKnown(limitMinMhz)) return limitMinMhz;
  return isKnown(limitMaxMhz) && limitMinMhz === limitMaxMhz ? limitMaxMhz : undefined;
}

/** Drivers whose `powersave` is a rule of the hardware's or their own, not the lowest frequency. */
const choosingDrivers: readonly (string | undefined)[] = ['intel_pstate', 'amd-pstate-epp'];

/** The governor that the host was under when it was probed; `undefined` for one that the twin has no rule of. */
export function governorOf(capabilities: HostCapabilities | undefined): SnapshotHost['governor'] {
  const policy = mainPolicy(capabilities);
  if (policy?.governor === 'powersave' && choosingDrivers.includes(policy.driver)) return undefined;
  return snapshotGovernors.find((name) => name === policy?.governor);
}

/**
 * Mean frequency of the work that was done in the interval, MHz: of the CPUs, each by how busy it
 * was. What CPUs idle at says nothing of the speed of the VMs.
 */
export function meanMhz({ cpus, frequencies }: HostSample): number | undefined {
  const known = frequencies?.value.filter(({ mhz }) => isFrequency(mhz)) ?? [];
  if (known.length === 0) return undefined;
  const busy = new Map(cpus?.value.map(({ cpu, utilization }) => [cpu, utilization]));
  let [weighted, weight, sum] = [0, 0, 0];
  for (const { cpu, mhz } of known) {
    const share = Math.min(1, Math.max(0, busy.get(cpu) ?? 0)) || 0;
    weighted += share * mhz;
    weight += share;
    sum += mhz;
  }
  return weight > 0 ? weighted / weight : sum / known.length;
}
