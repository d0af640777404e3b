/** VMs as the newest samples of all hosts show them: each once, with what it asked for. */

import type { DomainSample } from '../telemetry/domain-sample.ts';
import { confidenceOf } from '../telemetry/doubts.ts';
import type { HostSample } from '../telemetry/sample.ts';
import type { DemandHistory, SeenVm } from './demand-history.ts';
import { meanMhz } from './host-frequencies.ts';

/** A sample of a host that answers. */
export interface AnsweringHost {
  readonly name: string;
  readonly sample: HostSample;
  /** Speed that counts where the sample tells none, MHz. */
  readonly nominalMhz: number;
  /** Whether quotas of whole VMs are the VMs' own. */
  readonly countsGlobalQuota: boolean;
}

/** Above this share of its vCPUs a VM's wish is cut off. */
const saturation = 0.95;
/** What schedutil adds to a demand: a VM that uses all it has may want a quarter more. */
const wishFactor = 1.25;
/** Quotas that are used up in more than this share of their periods hold the VM back. */
const throttledShare = 0.05;
/** For a VM that says nothing about its memory, bytes. */
const unknownMemoryBytes = 2 ** 30;
/** What a snapshot can hold; a host that says more of a VM is not believed. */
const nameLengthMax = 253;
const vcpusMax = 1024;

/**
 * A VM that two hosts show is where it runs; the other host is where it is going. One that runs on
 * both is where it was before: two VMs of one name.
 *
 * @param fastestMhz Of all hosts: no vCPU can ask for more.
 */
export function seenVms(
  hosts: readonly AnsweringHost[],
  history: DemandHistory,
  fastestMhz: number,
): SeenVm[] {
  const before = new Map(history.vms.map((vm) => [vm.name, vm]));
  const places = new Map<string, { host: AnsweringHost; domain: DomainSample }[]>();
  for (const host of hosts) {
    for (const domain of host.sample.domains?.value ?? []) {
      if (!isThere(domain)) continue;
      const found = places.get(domain.name);
      if (found === undefined) places.set(domain.name, [{ host, domain }]);
      else found.push({ host, domain });
    }
  }
  return [...places].map(([name, found]) => {
    const known = before.get(name);
    const running = found.filter(({ domain }) => isRunning(domain));
    const candidates = running.length > 0 ? running : found;
    const { host, domain } =
      candidates.find((place) => place.host.name === known?.host) ?? candidates[0]!;
    const other = found.find((place) => place.host !== host && !running.includes(place));
    const { memory } = domain;
    const vcpus = Math.min(vcpusMax, Math.ceil(firstPositive(domain.vcpus, known?.vcpus) ?? 1));
    const demand = demandOf(domain, vcpus, host, fastestMhz);
    const quotaCores = quotaOf(domain, host);
    return {
      name,
      host: host.name,
      vcpus,
      memoryBytes:
        firstPositive(memory?.maximumBytes, memory?.currentBytes, known?.memoryBytes) ??
        unknownMemoryBytes,
      ...(quotaCores === undefined ? {} : { quotaCores }),
      hasDisk: (domain.blocks?.length ?? 0) > 0 || (known?.hasDisk ?? false),
      ...(other === undefined ? {} : { movingTo: other.host.name }),
      isDoubled: running.length > 1,
      ...demand,
    };
  });
}

const isThere = ({ name, state }: DomainSample): boolean =>
  name !== '' && name.length <= nameLengthMax && state !== 'shut-off' && state !== 'crashed';

/** The first of these numbers that is one and above 0. */
const firstPositive = (...values: readonly (number | undefined)[]): number | undefined =>
  values.find((value) => value !== undefined && value > 0 && value < Infinity);

/** The tighter of the two that libvirt knows, in cores. */
function quotaOf(
  { quotaCores, vcpuQuotaCores }: DomainSample,
  { countsGlobalQuota }: AnsweringHost,
): number | undefined {
  const whole = countsGlobalQuota ? firstPositive(quotaCores) : undefined;
  const vcpus = firstPositive(vcpuQuotaCores);
  return whole === undefined || vcpus === undefined ? (whole ?? vcpus) : Math.min(whole, vcpus);
}

/** A VM that arrives stands still at its target until it is there. */
const isRunning = ({ state }: DomainSample): boolean =>
  state === undefined || state === 'running' || state === 'blocked';

/** Cores wanted × MHz they ran at. What a VM without room wanted is unknown: a quarter more. */
function demandOf(
  domain: DomainSample,
  vcpus: number,
  { sample, nominalMhz }: AnsweringHost,
  fastestMhz: number,
): Pick<SeenVm, 'demandMhz' | 'confidence'> {
  const { demandCores, usedCores, throttledFraction = 0 } = domain;
  const cores = demandCores ?? usedCores;
  // How long ago the guest told about its memory says nothing about its CPU.
  const confidence = confidenceOf(domain.doubts.filter((doubt) => doubt !== 'stale'));
  if (cores === undefined || !(cores >= 0) || confidence === 0) return { confidence };
  const mhz = cores * (meanMhz(sample) ?? nominalMhz);
  const isHeld = demandCores === undefined && throttledFraction > throttledShare;
  const isSaturated = cores >= saturation * vcpus || isHeld;
  const most = vcpus * fastestMhz;
  return {
    demandMhz: Math.min(most, isSaturated ? wishFactor * mhz : mhz),
    confidence: confidence * (sample.frequencies?.confidence ?? 1),
  };
}
