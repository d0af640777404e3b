/** CPU quotas: what they leave, where they bind, and that nobody else notices. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waterLevel } from '../../sim/contention.ts';
import {
  advance,
  checkInvariants,
  deliveredMips,
  governors,
  isLegalPlan,
  migrateVm,
  setDomainPstate,
  setPstate,
  setQuota,
  settleAll,
  summarizeRequests,
  Twin,
  TwinView,
} from '../../sim/index.ts';
import { applyDemandRow, tickPlainly } from '../../sim/tick.ts';
import { clusterModel, mib, startTwin, threePstates } from '../builders.ts';
import { doDeed, randomCluster, randomDeeds, tries } from './random-cluster.ts';

describe('a VM of 2 vCPUs that asks for 1600 MIPS, on cores of 1000 MIPS', () => {
  const start = (): Twin =>
    startTwin({
      hosts: [{ pstates: threePstates }, { pstates: threePstates }],
      vms: [
        { host: 0, demandMips: 1600 },
        { host: 0, demandMips: 2000 },
      ],
    });

  it('gets the CPU time of its quota, and what that is depends on the P-state', () => {
    const twin = start();
    advance(twin, 0);
    expect(setQuota(twin, 0, 1.25)).toBeUndefined();
    expect([deliveredMips(twin, 0), deliveredMips(twin, 1)]).toEqual([1250, 2000]);
    setPstate(twin, 0, 2);
    // 500 MIPS a core: 1.25 cores are 625; the other VM's two vCPUs can do 1000.
    expect([deliveredMips(twin, 0), deliveredMips(twin, 1)]).toEqual([625, 1000]);
    setPstate(twin, 0, 0);
    setQuota(twin, 0, 1.75);
    expect(deliveredMips(twin, 0)).toBe(1600);
    setQuota(twin, 0, Infinity);
    expect(deliveredMips(twin, 0)).toBe(1600);
  });

  it('loses what the quota keeps from it, and the other loses nothing', () => {
    const twin = start();
    setQuota(twin, 0, 1.25);
    advance(twin, 10_000);
    settleAll(twin);
    expect([...twin.state.vmShortMi]).toEqual([3500, 0]);
    expect(twin.state.hostShortMi[0]).toBe(3500);
    expect(twin.state.hostOverloadMs[0]).toBe(10_000);
    // (1250 + 2000) of 4000 MIPS.
    expect(twin.state.hostPowerW[0]).toBeCloseTo(104 + 96 * (3250 / 4000), 12);
  });

  it('takes its quota along when it moves, and leaves no reason behind', () => {
    const twin = start();
    const before = [...twin.state.hostSpecial];
    setQuota(twin, 0, 0.5);
    expect(twin.state.hostSpecial[0]).toBe(before[0]! + 1);
    migrateVm(twin, 0, 1);
    advance(twin, 100_000, checkInvariants);
    expect(twin.state.vmHost[0]).toBe(1);
    expect(deliveredMips(twin, 0)).toBe(500);
    expect([...twin.state.hostSpecial]).toEqual([before[0], before[1]! + 1, before[2]]);
    setQuota(twin, 0, Infinity);
    expect([...twin.state.hostSpecial]).toEqual(before);
  });

  it('refuses in words', () => {
    const twin = start();
    expect(setQuota(twin, 7, 1)).toBe('there is no such VM');
    expect(setQuota(twin, -1, 1)).toBe('there is no such VM');
    for (const cores of [0, -1, Number.NaN]) {
      expect(setQuota(twin, 0, cores)).toBe('a quota is a number of cores above 0');
    }
  });

  it('policies see quotas, and which may be set', () => {
    const twin = start();
    setQuota(twin, 0, 0.5);
    const view = new TwinView(twin);
    expect([view.quota(0), view.quota(1)]).toEqual([0.5, Infinity]);
    expect(isLegalPlan(view, [{ type: 'setQuota', vm: 0, cores: 2 }])).toBe(true);
    expect(isLegalPlan(view, [{ type: 'setQuota', vm: 0, cores: 0 }])).toBe(false);
  });
});

it('a quota may be set before a VM comes, and not after it has gone', () => {
  const twin = startTwin({
    hosts: 1,
    vms: [{ demandMips: 1600, arrivalS: 10, departureS: 20 }],
  });
  setQuota(twin, 0, 0.5);
  const before = [...twin.state.hostSpecial];
  advance(twin, 15_000, checkInvariants);
  // It waits in limbo.
  expect(twin.state.hostSpecial[1]).toBe(before[1]! + 1);
  advance(twin, 30_000, checkInvariants);
  expect([...twin.state.hostSpecial]).toEqual(before);
  expect(setQuota(twin, 0, 1)).toBe('the VM has ended');
});

it('what migration denies a VM is counted below its quota, the rest as short', () => {
  const twin = startTwin({
    hosts: 2,
    vms: [{ host: 0, demandMips: 2000, memoryGib: 1 }],
    migration: {
      bytesPerS: 100 * mib,
      dirtyIntensity: 0,
      dirtyBytesPerS: 90 * mib,
      workingSetBytes: 900 * mib,
      autoConverge: { trigger: 0.1, initial: 0.6, step: 0.1, max: 0.99 },
    },
    migrationOverheadFraction: 0,
  });
  setQuota(twin, 0, 1.5);
  migrateVm(twin, 0, 1);
  let throttled = 0;
  advance(twin, 200_000, (at) => {
    checkInvariants(at);
    if (at.state.migrationThrottle[0]! > 0.5) throttled++;
  });
  settleAll(twin);
  expect(throttled).toBeGreaterThan(0);
  const demanded = twin.state.vmDemandedMi[0]!;
  const { vmShortMi, vmDegradedMi } = twin.state;
  // Half a core is short while it runs; work + losses = demand.
  expect(vmDegradedMi[0]).toBeGreaterThan(0);
  expect(twin.state.hostWorkMi[0]! + twin.state.hostWorkMi[1]!).toBeCloseTo(
    demanded - vmShortMi[0]! - vmDegradedMi[0]!,
    3,
  );
  expect(vmShortMi[0]).toBeLessThanOrEqual(500 * 200);
});

it('tasks in a VM share its quota', () => {
  const twin = startTwin({
    hosts: 1,
    vms: [{ host: 0 }],
    taskDriven: [true],
    tasks: ['a', 'b'].map((name) => ({
      name,
      on: { vm: 0 },
      startMs: 0,
      phases: [{ type: 'work' as const, work: 1000 }],
    })),
  });
  setQuota(twin, 0, 0.5);
  expect([...twin.state.taskRateMips]).toEqual([250, 250]);
  advance(twin, 10_000, checkInvariants);
  expect([...twin.state.taskFinishedMs]).toEqual([4000, 4000]);
});

it('shares are those of water filling with the quotas as caps', () => {
  const claim = fc.record({
    demandMips: fc.integer({ min: 0, max: 4000 }),
    vcpus: fc.integer({ min: 1, max: 4 }),
    quota: fc.oneof(fc.constant(Infinity), fc.double({ min: 0.01, max: 4, noNaN: true })),
  });
  fc.assert(
    fc.property(
      fc.array(claim, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 2 }),
      (claims, pstate) => {
        const twin = startTwin({
          hosts: [{ pstates: threePstates, memoryGib: 64 }],
          vms: claims.map((each) => ({ ...each, host: 0 })),
        });
        claims.forEach(({ quota }, vm) => {
          setQuota(twin, vm, quota);
        });
        setPstate(twin, 0, pstate);
        advance(twin, 0, checkInvariants);
        const core = threePstates[pstate]!.coreMips;
        const capOf = claims.map(({ demandMips, vcpus, quota }) =>
          Math.min(demandMips, vcpus * core, quota === Infinity ? Infinity : quota * core),
        );
        // Brute force: the level by bisection.
        let low = 0;
        let high = 1e6;
        const sumAt = (level: number): number =>
          capOf.reduce((sum, cap, vm) => sum + Math.min(cap, level * claims[vm]!.vcpus), 0);
        for (let step = 0; step < 200; step++) {
          const middle = (low + high) / 2;
          if (sumAt(middle) <= 4 * core) low = middle;
          else high = middle;
        }
        claims.forEach(({ vcpus }, vm) => {
          expect(deliveredMips(twin, vm)).toBeCloseTo(Math.min(capOf[vm]!, low * vcpus), 6);
        });
        const caps = Float64Array.from(capOf);
        const weights = Float64Array.from(claims, ({ vcpus }) => vcpus);
        expect(twin.state.hostLevel[0]).toBe(waterLevel(caps, weights, caps.length, 4 * core));
      },
    ),
    tries(500),
  );
});

it('quotas beyond what vCPUs can do change nothing but the path taken', () => {
  fc.assert(
    fc.property(randomCluster, randomDeeds, (cluster, deeds) => {
      const free = startTwin(cluster, 1, governors);
      const model = clusterModel(cluster);
      const vmQuota = new Float64Array(model.vms).fill(1000);
      const loose = Twin.create({ ...model, vmQuota }, 1, governors);
      const story = deeds.filter(({ kind }) => kind !== 'setQuota');
      for (const deed of story)
        for (const twin of [free, loose]) doDeed(twin, deed, checkInvariants);
      for (const twin of [free, loose]) {
        advance(twin, twin.nowMs + 400_000, checkInvariants);
        twin.state.vmQuota.fill(0);
        twin.state.hostSpecial.fill(0);
      }
      expect(loose.state.equals(free.state)).toBe(true);
    }),
    tries(150),
  );
});

it('the fused tick and its plain form agree where some VMs have quotas', () => {
  fc.assert(
    fc.property(
      randomCluster,
      fc.array(fc.double({ min: 0.05, max: 2, noNaN: true }), { minLength: 1, maxLength: 4 }),
      (cluster, quotas) => {
        const twin = startTwin(cluster, 1, governors);
        quotas.forEach((cores, vm) => {
          setQuota(twin, (3 * vm) % twin.model.vms, cores);
        });
        while (twin.state.nextTickMs[0]! < Infinity) {
          const fast = twin.fork();
          const plain = twin.fork();
          for (const fork of [fast, plain]) fork.state.nowMs[0] = twin.state.nextTickMs[0]!;
          applyDemandRow(fast);
          tickPlainly(plain);
          expect(fast.state.equals(plain.state)).toBe(true);
          advance(twin, twin.state.nextTickMs[0]!, checkInvariants);
        }
      },
    ),
    tries(150),
  );
});

it('each vCPU has an equal part of a quota, at the speed of its own domain', () => {
  const host = { cores: 4, pstates: threePstates, frequency: { domains: 4 } };
  const twin = startTwin({ hosts: [host], vms: [{ host: 0, vcpus: 2, demandMips: 2000 }] });
  setDomainPstate(twin, 0, 1, 2);
  advance(twin, 0, checkInvariants);
  expect(deliveredMips(twin, 0)).toBe(1000 + 500);
  setQuota(twin, 0, 1);
  // Half a core of 1000 and half a core of 500 MIPS.
  expect(deliveredMips(twin, 0)).toBe(500 + 250);
  advance(twin, 1000, checkInvariants);
  settleAll(twin);
  expect(twin.state.vmShortMi[0]).toBeCloseTo(1250, 9);
});

it('requests are served at the speed of the quota', () => {
  const latencyMs = (cores: number): number => {
    const twin = startTwin({
      hosts: [{ cores: 1 }],
      vms: [{ vcpus: 1, host: 0 }],
      applications: [
        {
          name: 'a',
          arrivals: { type: 'poisson', perS: 1 },
          services: [
            {
              name: 's',
              replicas: [0],
              variants: [{ name: 'v', demand: { type: 'constant', mean: 1 } }],
            },
          ],
        },
      ],
    });
    setQuota(twin, 0, cores);
    advance(twin, 20_000, checkInvariants);
    // The fastest request met nobody else: 1 MIPS·s at quota × 1000 MIPS.
    return summarizeRequests(twin)[0]!.latencyMs.p50;
  };
  expect(latencyMs(1)).toBeCloseTo(1, 1);
  expect(latencyMs(0.25) / latencyMs(1)).toBeCloseTo(4, 1);
});

it('the load that governors see ends at the quota', () => {
  const twin = startTwin(
    {
      hosts: [
        {
          pstates: threePstates,
          governor: {
            rule: governors.findIndex(({ name }) => name === 'ondemand'),
            periodMs: 10_000,
            slots: governors.find(({ name }) => name === 'ondemand')!.slots ?? 0,
          },
        },
      ],
      vms: [{ host: 0, demandMips: 2000 }],
    },
    1,
    governors,
  );
  advance(twin, 60_000);
  expect(twin.state.hostPstate[0]).toBe(0);
  // A tenth of two cores: the busiest CPU is 10 % busy.
  setQuota(twin, 0, 0.2);
  advance(twin, 120_000, checkInvariants);
  expect(twin.state.hostPstate[0]).toBe(2);
});
