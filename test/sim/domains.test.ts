/** Hosts with several frequency domains against plain sums, and against hosts with one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vcpusInDomain } from '../../sim/hosts/domains.ts';
import {
  advance,
  deliveredMips,
  hostEnergyNowJ,
  setDomainPstate,
  setPstate,
} from '../../sim/index.ts';
import { startTwin, threePstates } from '../builders.ts';
import { tries } from './random-cluster.ts';

describe('where vCPUs live', () => {
  it('counts the ring of cores as a walk over it does', () => {
    fc.assert(
      fc.property(
        fc.constantFrom([8, 1], [8, 2], [8, 4], [8, 8], [6, 3]),
        fc.nat({ max: 7 }),
        fc.nat({ max: 20 }),
        ([cores, domains], first, threads) => {
          const home = first % cores!;
          const counts = new Array<number>(domains!).fill(0);
          for (let vcpu = 0; vcpu < threads; vcpu++) {
            counts[Math.floor(((home + vcpu) % cores!) / (cores! / domains!))]!++;
          }
          counts.forEach((count, domain) => {
            expect(vcpusInDomain(cores!, domains!, home, threads, domain)).toBe(count);
          });
        },
      ),
      tries(300),
    );
  });

  it('goes where the fewest others are', () => {
    const vm = { vcpus: 2, demandMips: 100, host: 0 };
    const twin = startTwin({
      hosts: [{ cores: 8, frequency: { domains: 4 } }],
      vms: [vm, vm, { ...vm, vcpus: 3 }, vm],
    });
    expect([...twin.state.vmCore]).toEqual([0, 2, 4, 6]);
  });
});

describe('sharing by domain', () => {
  const split = { cores: 4, pstates: threePstates, frequency: { domains: 2 } };

  it('gives each domain its own speed and its own contention', () => {
    // Two VMs of 2 vCPUs, one per domain; both ask for 1600 of 2000 MIPS.
    const vm = { vcpus: 2, demandMips: 1600, host: 0 };
    const twin = startTwin({ hosts: [split], vms: [vm, vm] });
    setDomainPstate(twin, 0, 1, 2);
    advance(twin, 1);
    expect(deliveredMips(twin, 0)).toBe(1600);
    expect(deliveredMips(twin, 1)).toBe(1000);
    // Half the host at 80 % in P-state 0, half at 100 % in P-state 2.
    const powerW = (104 + 0.8 * (200 - 104)) / 2 + 110 / 2;
    expect(twin.state.hostPowerW[0]).toBeCloseTo(powerW, 12);
  });

  it('is the same as one domain while all run alike and demand is spread evenly', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 5 }),
        fc.nat({ max: 2 }),
        (demands, pstate) => {
          // VMs as wide as the host live on every core.
          const vms = demands.map((demandMips) => ({ vcpus: 4, demandMips, host: 0 }));
          const one = startTwin({ hosts: [{ cores: 4, pstates: threePstates }], vms });
          const four = startTwin({ hosts: [{ ...split, frequency: { domains: 4 } }], vms });
          for (const twin of [one, four]) {
            setPstate(twin, 0, pstate);
            advance(twin, 100_000);
          }
          vms.forEach((_, vm) => {
            expect(deliveredMips(four, vm)).toBeCloseTo(deliveredMips(one, vm), 8);
          });
          expect(hostEnergyNowJ(four, 0)).toBeCloseTo(hostEnergyNowJ(one, 0), 6);
        },
      ),
      tries(100),
    );
  });
});
