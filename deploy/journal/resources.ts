/** What an operation sets, by name: two undos of the same thing are one, and the older one counts. */
import type { Operation } from '../actions/operation.ts';

/** A setting of one host or VM; equal text, equal thing. A host's cpufreq policies are things each. */
export function resourcesOf(operation: Operation): readonly string[] {
  switch (operation.type) {
    case 'migrate':
      return [`vm ${operation.vm} placement`];
    case 'startVm':
    case 'stopVm':
      return [`vm ${operation.vm} running`];
    case 'setVcpus':
      return [`vm ${operation.vm} vcpus`];
    case 'setQuota':
      return [`vm ${operation.vm} quota`];
    case 'setShares':
      return [`vm ${operation.vm} shares`];
    case 'pinVcpus':
      return [`vm ${operation.vm} pinning`];
    case 'setMemory':
      return [`vm ${operation.vm} memory`];
    case 'setGovernor':
    case 'setFrequency':
      return operation.policies === undefined
        ? [cpufreq(operation.host, 'all')]
        : operation.policies.map((policy) => cpufreq(operation.host, policy));
    case 'setCpufreq':
      return operation.settings.map(({ policy }) => cpufreq(operation.host, policy));
    case 'sleepHost':
    case 'wakeHost':
      return [`host ${operation.host} power`];
  }
}

const cpufreq = (host: string, policy: number | 'all'): string => `host ${host} cpufreq ${policy}`;

/** Resources that older undos bring back already. */
export class Covered {
  readonly #seen = new Set<string>();

  has(resource: string): boolean {
    return (
      this.#seen.has(resource) || this.#seen.has(resource.replace(/ cpufreq \d+$/, ' cpufreq all'))
    );
  }

  add(operation: Operation): void {
    for (const resource of resourcesOf(operation)) this.#seen.add(resource);
  }
}
