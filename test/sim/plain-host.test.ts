/** The shortcut for plain hosts against the path that all others take: the same bytes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advance, setDemand, type Twin } from '../../sim/index.ts';
import { startTwin } from '../builders.ts';
import { tries } from './random-cluster.ts';

const cores = [2, 3, 16];
const pstates = [
  { coreMips: 1000, idleW: 50, epsilonW: 60, fullW: 110 },
  {
    coreMips: 700,
    idleW: 10,
    epsilonW: 10,
    fullW: 100,
    curveW: [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100],
  },
];

/** Nine VMs on three hosts, with demand that does not divide evenly. */
const start = (initialPstate: number): Twin =>
  startTwin({
    hosts: cores.map((count) => ({ cores: count, pstates, initialPstate })),
    vms: Array.from({ length: 9 }, (_, vm) => ({
      vcpus: 1 + (vm % 3),
      host: vm % 3,
      demandMips: [700 + 7 * vm, 0, 900 + 11 * vm, 333],
    })),
  });

const change = fc.record({
  vm: fc.nat(8),
  mips: fc.double({ min: 0, max: 4000, noNaN: true }),
  afterMs: fc.integer({ min: 0, max: 200_000 }),
});

it('shares a host as the general path does, at the tick and between ticks', () => {
  let overloads = 0;
  fc.assert(
    fc.property(fc.nat(1), fc.array(change, { minLength: 1, maxLength: 12 }), (pstate, changes) => {
      const plain = start(pstate);
      const general = start(pstate);
      // One more reason for the general path on every host.
      for (let host = 0; host < 3; host++) general.state.hostSpecial[host]!++;
      for (const { vm, mips, afterMs } of changes) {
        for (const twin of [plain, general]) {
          advance(twin, twin.nowMs + afterMs);
          expect(setDemand(twin, vm, mips)).toBeUndefined();
        }
      }
      for (let host = 0; host < 3; host++) general.state.hostSpecial[host]!--;
      expect(plain.state.equals(general.state)).toBe(true);
      overloads += Number(plain.state.hostOverloadMs[0]! > 0);
    }),
    tries(300),
  );
  expect(overloads).toBeGreaterThan(50);
});
