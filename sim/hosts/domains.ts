/**
 * Hosts with several frequency domains (cores, modules, sockets): which cores a VM's vCPUs live on,
 * and how each domain shares its own capacity.
 *
 * A host of C cores has D domains of C / D consecutive cores. The vCPUs of a VM live on consecutive
 * cores from its home core on, around the end to core 0, and stay there until the VM moves: pinned
 * where the scenario says so, else where the fewest vCPUs live. A VM's demand is split evenly over
 * its running vCPUs; within a domain claims share by weighted max-min, as on a whole host.
 */
import { waterLevel } from '../contention.ts';
import { claimMips } from '../migration/effects.ts';
import { hostPower } from '../status.ts';
import type { Twin } from '../twin.ts';
import { quotaMips } from '../vms/quota.ts';

/** Speed of one core of `domain` (counted from the host's first) now, MIPS; 0 while switching. */
export function domainCoreMips(twin: Twin, host: number, domain: number): number {
  const { model, state } = twin;
  if (state.hostPower[host] !== hostPower.on) return 0;
  const at = model.domainStart[host]! + domain;
  if (state.domains.halted[at]! > 0) return 0;
  return model.pstateCoreMips[model.pstateStart[host]! + state.domains.pstate[at]!]!;
}

/** CPU that the host has in its present P-states, MIPS; 0 unless it is on. */
export function hostCapacityMips(twin: Twin, host: number): number {
  const { model } = twin;
  const domains = model.hostDomains[host]!;
  if (domains === 1) return model.hostCores[host]! * domainCoreMips(twin, host, 0);
  const cores = model.hostCores[host]! / domains;
  let sum = 0;
  for (let domain = 0; domain < domains; domain++) {
    sum += cores * domainCoreMips(twin, host, domain);
  }
  return sum;
}

/** Speed of the fastest core of the host now, MIPS. */
export function fastestCoreMips(twin: Twin, host: number): number {
  const domains = twin.model.hostDomains[host]!;
  if (domains === 1) return domainCoreMips(twin, host, 0);
  let fastest = 0;
  for (let domain = 0; domain < domains; domain++) {
    fastest = Math.max(fastest, domainCoreMips(twin, host, domain));
  }
  return fastest;
}

/** Length of the overlap of [a, a + n) and [b, b + m). */
function overlap(a: number, n: number, b: number, m: number): number {
  return Math.max(0, Math.min(a + n, b + m) - Math.max(a, b));
}

/** How many of the `threads` vCPUs from core `home` on live in `domain` of `host`. */
export function vcpusInDomain(
  cores: number,
  domains: number,
  home: number,
  threads: number,
  domain: number,
): number {
  const size = cores / domains;
  const first = domain * size;
  const rounds = Math.floor(threads / cores);
  const rest = threads - rounds * cores;
  return (
    rounds * size + overlap(home, rest, first, size) + overlap(home, rest, first + cores, size)
  );
}

/** Gives `vm`, which has just come to `host`, a home core. */
export function homeVm(twin: Twin, host: number, vm: number): void {
  const { model, state } = twin;
  if (model.hostDomains[host]! <= 1) return;
  const pinned = model.vmPinnedCore[vm]!;
  const cores = model.hostCores[host]!;
  state.vmCore[vm] = pinned >= 0 ? pinned % cores : emptiestCore(twin, host, vm);
}

/** First core of the stretch where the fewest vCPUs of others live; the lowest on a tie. */
function emptiestCore(twin: Twin, host: number, newcomer: number): number {
  const { model, state } = twin;
  const cores = model.hostCores[host]!;
  const living = new Int32Array(cores);
  const start = state.hostSlot[host]!;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    if (vm === newcomer) continue;
    for (let vcpu = 0; vcpu < model.workload.vcpus[vm]!; vcpu++) {
      living[(state.vmCore[vm]! + vcpu) % cores]!++;
    }
  }
  let best = 0;
  let fewest = Infinity;
  for (let core = 0; core < cores; core++) {
    let met = 0;
    for (let vcpu = 0; vcpu < model.workload.vcpus[newcomer]!; vcpu++) {
      met += living[(core + vcpu) % cores]!;
    }
    if (met < fewest) {
      fewest = met;
      best = core;
    }
  }
  return best;
}

/** CPU that `vm` receives from all the domains its vCPUs live in, MIPS. */
export function deliveredOverDomains(twin: Twin, vm: number): number {
  const { model, state } = twin;
  const host = state.vmHost[vm]!;
  const threads = state.vmThreads[vm]!;
  if (threads === 0) return 0;
  const cores = model.hostCores[host]!;
  const domains = model.hostDomains[host]!;
  const perVcpu = state.vmAskedMips[vm]! / threads;
  const weight = state.vmShareWeight[vm]! / threads;
  let sum = 0;
  for (let domain = 0; domain < domains; domain++) {
    const count = vcpusInDomain(cores, domains, state.vmCore[vm]!, threads, domain);
    if (count === 0) continue;
    const coreMips = domainCoreMips(twin, host, domain);
    const limit = quotaMips(twin, vm, coreMips) / threads;
    const cap = count * claimMips(twin, vm, perVcpu, coreMips, limit);
    const level = state.domains.level[model.domainStart[host]! + domain]!;
    sum += level === Infinity ? cap : Math.min(cap, level * weight * count);
  }
  return sum;
}

/** Shares every domain among the vCPUs that live there. Returns the CPU used by VMs, MIPS. */
export function shareDomains(twin: Twin, host: number, backgroundMips: number): number {
  const { model, state } = twin;
  const domains = model.hostDomains[host]!;
  const size = model.hostCores[host]! / domains;
  const capacity = hostCapacityMips(twin, host);
  const left = capacity > 0 ? 1 - backgroundMips / capacity : 0;
  let usedSum = 0;
  for (let domain = 0; domain < domains; domain++) {
    const at = model.domainStart[host]! + domain;
    const coreMips = domainCoreMips(twin, host, domain);
    const offered = size * coreMips;
    const used = shareDomain(twin, host, domain, coreMips, offered * left);
    usedSum += used;
    // A domain that is switching delivers nothing and burns what it burnt before.
    if (state.domains.halted[at] === 0) {
      state.domains.load[at] = offered > 0 ? Math.min(1, used / offered + (1 - left)) : 0;
    }
  }
  return usedSum;
}

function shareDomain(
  twin: Twin,
  host: number,
  domain: number,
  coreMips: number,
  capacity: number,
): number {
  const { model, state } = twin;
  const { caps, weights } = twin.scratch;
  const cores = model.hostCores[host]!;
  const domains = model.hostDomains[host]!;
  const start = state.hostSlot[host]!;
  let claims = 0;
  let capSum = 0;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    const threads = state.vmThreads[vm]!;
    if (threads === 0) continue;
    const count = vcpusInDomain(cores, domains, state.vmCore[vm]!, threads, domain);
    if (count === 0) continue;
    const asked = state.vmAskedMips[vm]! / threads;
    const limit = quotaMips(twin, vm, coreMips) / threads;
    const cap = count * claimMips(twin, vm, asked, coreMips, limit);
    caps[claims] = cap;
    weights[claims] = (state.vmShareWeight[vm]! / threads) * count;
    capSum += cap;
    claims++;
  }
  const level = waterLevel(caps, weights, claims, capacity);
  state.domains.level[model.domainStart[host]! + domain] = level;
  return level === Infinity ? capSum : capacity;
}

/** Largest fraction of a core's speed that one vCPU in `domain` (or on the host) receives, [0, 1]. */
export function busiestVcpu(
  twin: Twin,
  host: number,
  coreMips: number,
  level: number,
  domain = -1,
): number {
  const { model, state } = twin;
  if (coreMips <= 0) return 0;
  const cores = model.hostCores[host]!;
  const domains = model.hostDomains[host]!;
  const start = state.hostSlot[host]!;
  let busiest = 0;
  for (let slot = start; slot < start + state.hostVms[host]!; slot++) {
    const vm = state.slots[slot]!;
    const threads = state.vmThreads[vm]!;
    if (threads === 0) continue;
    if (domain >= 0 && vcpusInDomain(cores, domains, state.vmCore[vm]!, threads, domain) === 0) {
      continue;
    }
    const share = (level * state.vmShareWeight[vm]!) / threads;
    const limit = quotaMips(twin, vm, coreMips) / threads;
    busiest = Math.max(busiest, Math.min(state.vmAskedMips[vm]! / threads, share, limit));
  }
  return Math.min(1, busiest / coreMips);
}
