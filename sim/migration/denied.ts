/** CPU that a migration keeps from the VM that is being copied. */
import { domainCoreMips, vcpusInDomain } from '../hosts/domains.ts';
import { vmStatus } from '../status.ts';
import type { Twin } from '../twin.ts';
import { quotaMips } from '../vms/quota.ts';
import { claimMips } from './effects.ts';

/** CPU that `vm` asks for and is denied: all while it stands still, else what throttling takes, MIPS. */
export function deniedMips(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const asked = state.vmAskedMips[vm]!;
  if (state.vmStatus[vm] === vmStatus.paused) return asked;
  const migration = state.vmMigration[vm]!;
  const threads = state.vmThreads[vm]!;
  if (migration < 0 || state.migrationThrottle[migration] === 0 || threads === 0) return 0;
  const host = state.vmHost[vm]!;
  const domains = model.hostDomains[host]!;
  if (domains === 1) {
    const coreMips = domainCoreMips(twin, host, 0);
    return keptBack(twin, vm, asked, threads * coreMips, quotaMips(twin, vm, coreMips));
  }
  const cores = model.hostCores[host]!;
  let sum = 0;
  for (let domain = 0; domain < domains; domain++) {
    const count = vcpusInDomain(cores, domains, state.vmCore[vm]!, threads, domain);
    const coreMips = domainCoreMips(twin, host, domain);
    const limit = quotaMips(twin, vm, coreMips) / threads;
    sum += count * keptBack(twin, vm, asked / threads, coreMips, limit);
  }
  return sum;
}

/** Of what its quota would let it have. */
function keptBack(twin: Twin, vm: number, asked: number, top: number, limit: number): number {
  return Math.min(asked, top, limit) - claimMips(twin, vm, asked, top, limit);
}
