/** Starting a VM on the host where it is defined. */
import { OperationError } from '../operation-error.ts';
import type { Action } from './action.ts';
import { absent, domainNamed, freeMemory, type HostDomains, readDomains } from './domains.ts';
import type { OperationLimits } from './executor.ts';
import { mib, type Operation } from './operation.ts';
import { refused, type Site } from './site.ts';
import { quoted } from './vm-name.ts';

type StartVm = Extract<Operation, { type: 'startVm' }>;

export const startVm: Action<StartVm> = {
  steps: ({ vm, host }, site) => [{ host, commands: site.virsh('start', '--domain', vm) }],
  async look({ vm, host }, site, limits) {
    const reading = await readDomains(site, host, limits, vm);
    const domain = domainNamed(reading, vm);
    const undo: readonly Operation[] = [{ type: 'stopVm', vm, host }];
    const now = `it is ${domain.state}`;
    if (domain.isRunning) return { isDone: true, undo, now };
    if (domain.isActive) throw absent(host, vm, `is ${domain.state} and cannot be started`);
    const elsewhere = await otherPlaces(site, host, vm, limits);
    if (elsewhere.length > 0) {
      throw refused(host, `VM ${quoted(vm)} is active on ${elsewhere.join(', ')}`);
    }
    const free = freeMemory(site, reading);
    if (free !== undefined && domain.currentBytes > free) {
      throw refused(host, `it lacks memory: ${mib(free)} left, ${mib(domain.currentBytes)} needed`);
    }
    return { isDone: false, undo, now };
  },
  settleMs: ({ startMs }) => startMs,
};

/** Hosts that are asked at the same time. */
const atOnce = 16;

/**
 * Other hosts of the cluster file on which a VM of that name is active: two that share a disk destroy
 * it. Hosts that do not answer are left out; they may be off, which is no reason not to start.
 */
async function otherPlaces(
  site: Site,
  host: string,
  vm: string,
  limits: OperationLimits,
): Promise<string[]> {
  const others = site.cluster.hosts.map(({ name }) => name).filter((name) => name !== host);
  const places: string[] = [];
  for (let first = 0; first < others.length; first += atOnce) {
    const readings = await Promise.all(
      others
        .slice(first, first + atOnce)
        .map((other) => readDomains(site, other, limits).catch(orNothing)),
    );
    for (const reading of readings) {
      if (reading?.domains.some(({ name, isActive }) => name === vm && isActive)) {
        places.push(reading.host);
      }
    }
  }
  return places;
}

function orNothing(error: unknown): HostDomains | undefined {
  if (error instanceof OperationError && error.code !== 'ERR_INTERRUPTED') return undefined;
  throw error;
}
