/** A sample in one line. */
import type { HostSample } from '../../deploy/index.ts';

/** `cpu 12 %, 1.33 GHz, 50.4 W, VMs 3 (2.1 of 2.4 cores), 17 samples`; what is missing is left out. */
export function sampleNote(sample: HostSample, samples: number): string {
  const cpus = sample.cpus?.value ?? [];
  const mhz = (sample.frequencies?.value ?? []).map((one) => one.mhz);
  const { power, domains } = sample;
  const watts = power?.value.socketW;
  return [
    ...(cpus.length === 0
      ? []
      : [`cpu ${(mean(cpus.map((one) => one.utilization)) * 100).toFixed(0)} %`]),
    ...(mhz.length === 0 ? [] : [`${(mean(mhz) / 1000).toFixed(2)} GHz`]),
    ...(watts === undefined ? [] : [`${watts.toFixed(1)} W${power!.confidence < 0.5 ? '?' : ''}`]),
    ...(domains === undefined ? [] : [domainNote(domains.value)]),
    ...sample.doubts,
    `${samples} samples`,
  ].join(', ');
}

function domainNote(domains: NonNullable<HostSample['domains']>['value']): string {
  const running = domains.filter(({ state }) => state === 'running');
  const sum = (of: (domain: (typeof running)[number]) => number | undefined): number =>
    running.reduce((total, domain) => total + (of(domain) ?? 0), 0);
  const hasDemand = running.length > 0 && running.every((one) => one.demandCores !== undefined);
  const used = sum(({ usedCores }) => usedCores).toFixed(1);
  const demand = hasDemand ? `, ${sum(({ demandCores }) => demandCores).toFixed(1)} wanted` : '';
  return `${running.length} VMs on ${used} cores${demand}`;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
