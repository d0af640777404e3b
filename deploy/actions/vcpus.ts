/** Running vCPUs, upward. */
import type { Action } from './action.ts';
import { readDomains, runningDomain } from './domains.ts';
import type { Operation } from './operation.ts';
import { refused } from './site.ts';

type SetVcpus = Extract<Operation, { type: 'setVcpus' }>;

export const setVcpus: Action<SetVcpus> = {
  steps: ({ vm, host, vcpus }, site) => [
    { host, commands: site.virsh('setvcpus', '--domain', vm, '--count', String(vcpus), '--live') },
  ],
  async look({ vm, host, vcpus }, site, limits) {
    const domain = runningDomain(await readDomains(site, host, limits, vm), vm);
    if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > domain.vcpusMaximum) {
      throw refused(host, `it can have 1 to ${domain.vcpusMaximum} vCPUs, not ${vcpus}`);
    }
    if (vcpus < domain.vcpus) {
      throw refused(
        host,
        `it has ${domain.vcpus} vCPUs, and taking some from a running VM is not dependable: ` +
          'QEMU under TCG removes them without saying so, and aborts when they come back. ' +
          'Use a quota to give it less CPU',
      );
    }
    // Nothing takes a vCPU back while the VM runs, so there is no undo.
    return { isDone: vcpus === domain.vcpus, undo: [], now: `it has ${domain.vcpus} vCPUs` };
  },
  settleMs: ({ settleMs }) => settleMs,
};
