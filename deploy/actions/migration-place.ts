/** Where a VM is while it is moved and after: both hosts are asked, because either may be wrong alone. */
import type { Domain, HostDomains } from './domains.ts';

export type Place =
  /** On its way, or what is seen may be a moment in between. */
  'moving' | 'source' | 'target' | 'both' | 'neither';

/** libvirt's reasons for a pause that belong to a migration: under way, or waiting for its data. */
const migrationPauses: ReadonlySet<number> = new Set([2, 11, 12]);
/** Of running: on its target, but with memory still at its source. */
const postCopy = 10;

/**
 * The place by two readings.
 *
 * @param source With the job of the VM, as is `target`.
 */
export function placeOf(vm: string, source: HostDomains, target: HostDomains): Place {
  const [here, there] = [source, target].map(({ domains }) =>
    domains.find(({ name, isActive }) => name === vm && isActive),
  );
  if (source.job?.isActive === true || target.job?.isActive === true) return 'moving';
  if ([here, there].some(isInBetween)) return 'moving';
  if (here !== undefined) return there === undefined ? 'source' : 'both';
  return there === undefined ? 'neither' : 'target';
}

function isInBetween(domain: Domain | undefined): boolean {
  if (domain === undefined) return false;
  if (domain.state === 'paused') return migrationPauses.has(domain.reason);
  return domain.state === 'running' && domain.reason === postCopy;
}
