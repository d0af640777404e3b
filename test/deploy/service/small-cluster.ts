/** A small cluster as the service is asked about it, and a service for it. */
import { type Clock, systemClock } from '../../../deploy/clock.ts';
import type { SnapshotInput } from '../../../deploy/cluster/snapshot.ts';
import {
  type Computer,
  computerHere,
  computeWith,
} from '../../../deploy/service/compute/compute.ts';
import { forkSearch } from '../../../deploy/service/compute/fork-search.ts';
import { plansInMemory } from '../../../deploy/service/plan-store.ts';
import { createService, type ServiceOptions } from '../../../deploy/service/service.ts';
import { createPolicy } from '../../../sim/index.ts';

const gib = 2 ** 30;

/** Four hosts of 8 cores and 32 GiB; two VMs on each of the first three, the fourth is off. */
export const snapshot: SnapshotInput = {
  atMs: 1_790_000_000_000,
  intervalS: 60,
  hosts: ['h1', 'h2', 'h3', 'h4'].map((name) => ({
    name,
    state: name === 'h4' ? ('off' as const) : ('on' as const),
    cores: 8,
    memoryBytes: 32 * gib,
    frequenciesMhz: [2400, 1200],
    power: [
      { mhz: 2400, idleW: 100, fullW: 220 },
      { mhz: 1200, idleW: 80, fullW: 130 },
    ],
    offW: 5,
    canSleep: true,
  })),
  vms: ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => ({
    name,
    host: `h${1 + Math.floor(index / 2)}`,
    vcpus: 2,
    memoryBytes: 4 * gib,
    demandMhz: [1200, 1200, 1200],
  })),
};

export const body = (more: object = {}): string => JSON.stringify({ snapshot, ...more });

/** Time that stands still until it is told; nothing ever times out. */
export function stillClock(wallMs = 1_790_000_005_000): Clock & { wall: number } {
  return {
    wall: wallMs,
    wallMs() {
      return this.wall;
    },
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal),
    after: () => () => undefined,
  };
}

export const computerOfTests = (): Computer =>
  computerHere(
    computeWith({
      policyOf: (spec) => createPolicy(spec, 'policy'),
      planner: forkSearch,
      commands: (operation) => [`# ${operation.type}`],
    }),
  );

export async function serviceOfTests(
  options: Partial<ServiceOptions> = {},
): ReturnType<typeof createService> {
  const clock = options.clock ?? stillClock();
  return createService({
    host: '127.0.0.1',
    computer: computerOfTests(),
    plans: plansInMemory(clock),
    version: '0.0.0',
    ...options,
    clock,
  });
}
