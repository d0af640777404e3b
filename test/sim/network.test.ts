import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, migrateVm, type RoutedNetwork, type Twin } from '../../sim/index.ts';
import { gib, mib, startTwin } from '../builders.ts';

const hosts = 4;

/** A VM for each ordered pair of hosts, with 1 GiB to copy and its own rate cap, bytes/s. */
const pairs = Array.from({ length: hosts * hosts }, (_, pair) => ({
  source: Math.floor(pair / hosts),
  target: pair % hosts,
})).filter(({ source, target }) => source !== target);

interface Case {
  readonly linkBytesPerS: readonly number[];
  readonly latencyS: readonly number[];
  readonly transport: RoutedNetwork['transport'];
  readonly crossTraffic: boolean;
  /** Links of each pair, and its VM's rate cap; a pair without cap does not move. */
  readonly flows: readonly { readonly links: readonly number[]; readonly cap: number }[];
}

const links = 5;
const network: fc.Arbitrary<Case> = fc.record({
  linkBytesPerS: fc.array(fc.constantFrom(10e6, 37e6, 100e6, 125e6), {
    minLength: links,
    maxLength: links,
  }),
  latencyS: fc.array(fc.constantFrom(0, 0, 0.001, 0.004), { minLength: links, maxLength: links }),
  transport: fc.constantFrom('fluid', 'tcp'),
  crossTraffic: fc.boolean(),
  flows: fc.array(
    fc.record({
      links: fc.subarray([0, 1, 2, 3, 4], { minLength: 1, maxLength: 4 }),
      cap: fc.constantFrom(-1, 0, 3e6, 20e6, 60e6),
    }),
    { minLength: pairs.length, maxLength: pairs.length },
  ),
});

/** All migrations of a case under way, past their start-up delay. */
function startFlows(spec: Case): Twin {
  const twin = startTwin({
    hosts: Array.from({ length: hosts }, () => ({ memoryGib: 64 })),
    vms: pairs.map(({ source }) => ({ host: source, memoryGib: 1 })),
    network: {
      type: 'routed',
      links: spec.linkBytesPerS.map((bytesPerS, link) => ({
        bytesPerS,
        latencyS: spec.latencyS[link]!,
      })),
      routes: pairs.map((pair, index) => ({ ...pair, links: spec.flows[index]!.links })),
      transport: spec.transport,
      crossTraffic: spec.crossTraffic,
    },
    migrationsMax: pairs.length,
  });
  pairs.forEach(({ target }, vm) => {
    const { cap } = spec.flows[vm]!;
    if (cap < 0) return;
    twin.model.migrationBytesPerS[vm] = cap;
    expect(migrateVm(twin, vm, target)).toBeUndefined();
  });
  advance(twin, 500);
  return twin;
}

it('rates are max-min fair: each flow is at its cap, or first among equals on a full link', () => {
  fc.assert(
    fc.property(network, (spec) => {
      const { state } = startFlows(spec);
      const usable = (spec.transport === 'tcp' ? 0.97 : 1) / (spec.crossTraffic ? 1.05 : 1);
      const flows = spec.flows.flatMap(({ links: route, cap }, vm) => {
        const slot = state.vmMigration[vm]!;
        if (slot < 0) return [];
        const latencyS = route.reduce((sum, link) => sum + spec.latencyS[link]!, 0);
        const slowness = route.reduce((sum, link) => sum + 20537 / spec.linkBytesPerS[link]!, 0);
        const tcp = spec.transport === 'tcp';
        const windowed = latencyS > 0 ? (4194304 / (2 * latencyS)) * (tcp ? 0.97 : 1) : Infinity;
        const weight = latencyS > 0 ? 1 / (latencyS + (tcp ? slowness : 0)) : 1;
        const rate = state.flowBytesPerS[slot]!;
        return [{ route, weight, rate, cap: Math.min(cap > 0 ? cap : Infinity, windowed) }];
      });
      const near = 1 + 1e-9;
      for (const flow of flows) {
        expect(flow.rate).toBeGreaterThan(0);
        expect(flow.rate).toBeLessThanOrEqual(flow.cap * near);
        if (flow.rate * near >= flow.cap) continue;
        const bottleneck = flow.route.some((link) => {
          const users = flows.filter((other) => other.route.includes(link));
          const load = users.reduce((sum, user) => sum + user.rate, 0);
          const full = load * near >= spec.linkBytesPerS[link]! * usable;
          const first = users.every(
            (user) => user.rate / user.weight <= (flow.rate / flow.weight) * near,
          );
          return full && first;
        });
        expect(bottleneck).toBe(true);
      }
      for (let link = 0; link < links; link++) {
        const users = flows.filter((flow) => flow.route.includes(link));
        const load = users.reduce((sum, user) => sum + user.rate, 0);
        expect(load).toBeLessThanOrEqual(spec.linkBytesPerS[link]! * usable * near);
      }
    }),
    { seed: 5, numRuns: 400 },
  );
});

describe('a star', () => {
  it('shares the port of a host between what comes and what goes', () => {
    // Host 0 sends to 1 and receives from 2 over its port of 100 MiB/s: 50 MiB/s each.
    const twin = startTwin({
      hosts: 3,
      vms: [{ host: 0 }, { host: 2 }],
      network: { type: 'star', portBytesPerS: 100 * mib },
      migration: { bytesPerS: gib, dirtyIntensity: 0, workingSetBytes: 0 },
    });
    migrateVm(twin, 0, 1);
    expect(twin.state.flowBytesPerS[0]).toBe(100 * mib);
    advance(twin, 1000);
    migrateVm(twin, 1, 0);
    expect([...twin.state.flowBytesPerS]).toEqual([50 * mib, 50 * mib]);
    // 2048 MiB each: 1948 left of the first after 1 s, done 38.96 s later; then the second, which
    // has sent as much, sends its last 100 MiB alone in 1 s.
    advance(twin, 100_000);
    expect(twin.state.migrationTotals[0]).toBe(2);
    expect(twin.state.migrationTotals[2]).toBeCloseTo(39_960 + 39_960, 6);
  });
});
