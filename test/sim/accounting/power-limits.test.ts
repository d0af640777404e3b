/** Power limits in the twin: kept, changed while it runs, and nobody else's business. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IdlePolicy } from '../../../sim/accounting/idle-policy.ts';
import type { PowerLimitSpec } from '../../../sim/accounting/limit-spec.ts';
import {
  advance,
  applyAction,
  checkInvariants,
  decodeSnapshot,
  deliveredMips,
  encodeSnapshot,
  governors,
  hostEnergyNowJ,
  isLegalPlan,
  limitHostPower,
  limitPstates,
  limitVmPower,
  setDemand,
  setQuota,
  settleAll,
  streamBytes,
  Twin,
  TwinView,
  vmEnergy,
} from '../../../sim/index.ts';
import { type ClusterOptions, clusterModel, mib, threePstates } from '../../builders.ts';
import { doDeed, randomCluster, randomDeedsAndFailures, tries } from '../random-cluster.ts';

/** A twin with accounting, and limits that are all still infinite. */
function limited(
  options: ClusterOptions,
  limits: Partial<PowerLimitSpec> = {},
  idle: IdlePolicy = 'none',
): Twin {
  const model = clusterModel(options);
  const none = (length: number): Float64Array => new Float64Array(length).fill(Infinity);
  return Twin.create(
    {
      ...model,
      accounting: {
        idle,
        limits: {
          vmCpuW: none(model.vms),
          vmDiskW: none(model.vms),
          hostW: none(model.hosts),
          means: 'vms',
          everyMs: 100,
          diskEveryMs: 200,
          diskJoulesPerByte: new Float64Array(0),
          requestBytes: 65_536,
          ...limits,
        },
      },
    },
    1,
    governors,
  );
}

/** What `vm` is charged for idling and its work over the next `seconds`, W. */
function meanW(twin: Twin, vm: number, seconds = 1): number {
  const read = (): number => {
    const copy = twin.fork();
    settleAll(copy);
    return vmEnergy(copy, vm).idleJ + vmEnergy(copy, vm).activeJ;
  };
  const before = read();
  advance(twin, twin.nowMs + seconds * 1000, checkInvariants);
  return (read() - before) / seconds;
}

/** Two VMs of 50 and 25 W for their work, on a host of 100 to 200 W that is 75 % busy. */
const pair: ClusterOptions = {
  hosts: 1,
  vms: [
    { host: 0, demandMips: 2000, vcpus: 2 },
    { host: 0, demandMips: 1000, vcpus: 1 },
  ],
};

describe('a limit on a VM’s CPU', () => {
  it('is kept within the band of 1 W, and the other VM does not notice', () => {
    const twin = limited(pair);
    expect(limitVmPower(twin, 0, 30)).toBeUndefined();
    advance(twin, 4000);
    for (let second = 0; second < 10; second++) {
      const fork = twin.fork();
      expect(meanW(fork, 1)).toBeCloseTo(25, 9);
      const power = meanW(twin, 0);
      expect(power).toBeLessThanOrEqual(30);
      expect(power).toBeGreaterThan(29);
    }
    expect(deliveredMips(twin, 1)).toBe(1000);
    settleAll(twin);
    expect(twin.state.vmShortMi[0]).toBeGreaterThan(0.39 * 2000 * 13);
    expect(twin.state.vmShortMi[1]).toBe(0);
  });

  it('is met by the published steps: 100 ms apart, of 20 in a stride of 500', () => {
    const twin = limited(pair);
    limitVmPower(twin, 0, 30);
    const strides: number[] = [];
    for (let look = 1; look <= 20; look++) {
      advance(twin, look * 100);
      strides.push(twin.state.limits.vmStride[0]!);
    }
    // 50 W · 500 / stride ≤ 30 W from 833⅓ on: the 17th step leads to 840.
    expect(strides).toEqual(Array.from({ length: 20 }, (_, n) => 500 + 20 * Math.min(n + 1, 17)));
    expect(twin.state.limits.vmCores[0]).toBe(2 * (500 / 840));
  });

  it('starts from what the VM uses where that is less than it could', () => {
    const twin = limited({ hosts: 1, vms: [{ host: 0, demandMips: 500 }] });
    // 12.5 W for its work; a quarter of its two vCPUs.
    limitVmPower(twin, 0, 10);
    advance(twin, 100);
    expect(twin.state.limits.vmStride[0]).toBe(500 * 4 + 20);
    advance(twin, 5000);
    expect(meanW(twin, 0)).toBeLessThanOrEqual(10);
  });

  it('changes at run time, also upwards and to none', () => {
    const twin = limited(pair);
    for (const [watts, most, least] of [
      [40, 40, 39],
      [20, 20, 19],
      [30, 30, 29],
      [Infinity, 50, 50 - 1e-9],
    ] as const) {
      limitVmPower(twin, 0, watts);
      advance(twin, twin.nowMs + 10_000, checkInvariants);
      const power = meanW(twin, 0);
      expect(power).toBeLessThanOrEqual(most + 1e-9);
      expect(power).toBeGreaterThan(least);
    }
    expect(twin.state.limits.vmCores[0]).toBe(Infinity);
  });

  it('leaves a quota alone; the smaller of both holds', () => {
    const twin = limited(pair);
    setQuota(twin, 0, 0.5);
    limitVmPower(twin, 0, 30);
    advance(twin, 5000);
    expect(deliveredMips(twin, 0)).toBe(500);
    expect(twin.state.limits.vmCores[0]).toBe(Infinity);
    setQuota(twin, 0, Infinity);
    advance(twin, 10_000);
    expect(meanW(twin, 0)).toBeLessThanOrEqual(30);
    limitVmPower(twin, 0, Infinity);
    advance(twin, 20_000);
    expect(deliveredMips(twin, 0)).toBe(2000);
  });

  it('below the share of idle power ends at a hundredth of the CPU', () => {
    const twin = limited(pair, {}, 'even');
    limitVmPower(twin, 0, 10);
    advance(twin, 300_000, checkInvariants);
    expect(twin.state.limits.vmStride[0]).toBe(50_000);
    expect(deliveredMips(twin, 0)).toBeCloseTo(20, 9);
    const events = twin.state.eventsProcessed[0]!;
    advance(twin, 400_000);
    expect(twin.state.eventsProcessed[0]).toBe(events);
  });

  it('costs no events once it is settled, and none where it is never met', () => {
    const twin = limited({ ...pair, steps: 1 });
    limitVmPower(twin, 0, 30);
    advance(twin, 5000);
    const events = twin.state.eventsProcessed[0]!;
    advance(twin, 3_600_000);
    expect(twin.state.eventsProcessed[0]).toBe(events);
    setDemand(twin, 0, 1900);
    advance(twin, 3_700_000);
    expect(twin.state.eventsProcessed[0]).toBeGreaterThan(events);
    expect(twin.state.eventsProcessed[0]).toBeLessThan(events + 60);
    const free = limited({ ...pair, steps: 1 });
    advance(free, 3_600_000);
    expect(free.state.eventsProcessed[0]).toBe(1);
  });
});

describe('a limit on a whole host', () => {
  const seconds = (twin: Twin, count: number): number[] =>
    Array.from({ length: count }, () => {
      const before = hostEnergyNowJ(twin, 0);
      advance(twin, twin.nowMs + 1000, checkInvariants);
      return hostEnergyNowJ(twin, 0) - before;
    });

  it('is shared among its VMs by weight: who asks for less than its part keeps it', () => {
    const twin = limited({
      hosts: 1,
      vms: [
        { host: 0, demandMips: 2000, vcpus: 2 },
        { host: 0, demandMips: 400, vcpus: 2 },
      ],
    });
    // 160 W without a limit; 140 W leave 40 W for both, of which the second wants 10.
    expect(limitHostPower(twin, 0, 140)).toBeUndefined();
    advance(twin, 6000);
    for (const watts of seconds(twin, 10)) {
      expect(watts).toBeLessThanOrEqual(140.01);
      expect(watts).toBeGreaterThan(137.5);
    }
    expect(deliveredMips(twin, 1)).toBe(400);
    limitHostPower(twin, 0, Infinity);
    advance(twin, twin.nowMs + 10_000);
    expect(seconds(twin, 1)[0]).toBeCloseTo(160, 6);
  });

  it('or chooses the fastest P-state whose power is within it', () => {
    const host = { pstates: threePstates };
    const twin = limited(
      { hosts: [host], vms: [{ host: 0, demandMips: 2000 }] },
      {
        means: 'pstates',
      },
    );
    // 2000 of 4000 MIPS: 152 W; at 750 MIPS two vCPUs do 1500 of 3000: 121 W; at 500: 95.5 W.
    for (const [cap, power] of [
      [152, 152],
      [151, 121],
      [121, 121],
      [120, 95.5],
      [10, 95.5],
      [Infinity, 152],
    ] as const) {
      limitHostPower(twin, 0, cap);
      advance(twin, twin.nowMs + 1000, checkInvariants);
      expect(twin.state.hostPowerW[0]).toBeCloseTo(power, 9);
    }
  });

  it('is a reason of its own beside throttling: the slower P-state holds', () => {
    const host = { pstates: threePstates };
    const twin = limited(
      { hosts: [host], vms: [{ host: 0, demandMips: 2000 }] },
      {
        means: 'pstates',
      },
    );
    limitHostPower(twin, 0, 130);
    limitPstates(twin, 0, 2);
    advance(twin, 1000);
    expect(twin.state.hostPstate[0]).toBe(2);
    limitPstates(twin, 0, 0);
    expect(twin.state.hostPstate[0]).toBe(1);
    limitPstates(twin, 0, 2);
    limitHostPower(twin, 0, Infinity);
    advance(twin, 2000);
    expect(twin.state.hostPstate[0]).toBe(2);
    limitPstates(twin, 0, 0);
    expect(twin.state.hostPstate[0]).toBe(0);
  });
});

it('a limit on a disk throttles requests, comes within the dead band and leaves others alone', () => {
  const twin = limited(
    {
      hosts: 1,
      vms: [{ host: 0 }, { host: 0 }],
      disks: { bytesPerS: () => 200 * mib, demand: () => ({ bytesPerS: 50 * mib }) },
    },
    { diskJoulesPerByte: Float64Array.of(4 / (200 * mib)), requestBytes: 4096 },
  );
  const wattsOf = (vm: number): number => {
    const before = streamBytes(twin, vm).carried;
    advance(twin, twin.nowMs + 1000, checkInvariants);
    return ((streamBytes(twin, vm).carried - before) * 4) / (200 * mib);
  };
  expect(wattsOf(0)).toBeCloseTo(1, 9);
  limitVmPower(twin, 0, 0.5, 'disk');
  advance(twin, 15_000);
  for (let second = 0; second < 10; second++) {
    const watts = wattsOf(0);
    expect(watts).toBeLessThanOrEqual(0.6);
    expect(watts).toBeGreaterThan(0.3);
    expect(wattsOf(1)).toBeCloseTo(1, 9);
  }
  limitVmPower(twin, 0, Infinity, 'disk');
  advance(twin, twin.nowMs + 1000);
  expect(wattsOf(0)).toBeCloseTo(1, 9);
});

it('refuses in words, and plans know', () => {
  const twin = limited(pair);
  expect(limitVmPower(twin, 9, 1)).toBe('there is no such VM');
  expect(limitHostPower(twin, 9, 1)).toBe('there is no such host');
  expect(limitVmPower(twin, 0, -1)).toBe('a limit is a number of W from 0 up');
  expect(limitHostPower(twin, 0, Number.NaN)).toBe('a limit is a number of W from 0 up');
  expect(limitVmPower(twin, 0, 1, 'disk')).toBe('the power of disks is not modelled');
  const plain = Twin.create(clusterModel(pair), 1);
  expect(limitVmPower(plain, 0, 1)).toBe('the cluster keeps no power limits');
  expect(limitHostPower(plain, 0, 1)).toBe('the cluster keeps no power limits');
  for (const at of [twin, plain]) {
    for (const action of [
      { type: 'limitVmPower', vm: 0, watts: 30 },
      { type: 'limitVmPower', vm: 0, watts: 30, of: 'disk' },
      { type: 'limitVmPower', vm: 0, watts: -1 },
      { type: 'limitHostPower', host: 0, watts: 150 },
      { type: 'limitHostPower', host: 0, watts: Number.NaN },
    ] as const) {
      const legal = isLegalPlan(new TwinView(at), [action]);
      expect(applyAction(at.fork(), action) === undefined).toBe(legal);
    }
  }
  applyAction(twin, { type: 'limitVmPower', vm: 0, watts: 30 });
  expect(new TwinView(twin).vmPowerLimitW(0)).toBe(30);
});

/** The CPU loop from outside, with quotas, once every 100 ms whether anything changed or not. */
function limitFromOutside(twin: Twin, limits: readonly number[], untilMs: number): number[][] {
  const { vms } = twin.model;
  const strides = new Float64Array(vms).fill(500);
  const before = new Float64Array(vms);
  const rows: number[][] = [];
  for (let atMs = 100; atMs <= untilMs; atMs += 100) {
    advance(twin, atMs);
    settleAll(twin);
    for (let vm = 0; vm < vms; vm++) {
      const chargedJ = vmEnergy(twin, vm).idleJ + vmEnergy(twin, vm).activeJ;
      const power = (chargedJ - before[vm]!) * 10;
      before[vm] = chargedJ;
      const most = Math.min(twin.model.workload.vcpus[vm]!, twin.model.hostCores[0]!);
      const used = deliveredMips(twin, vm) / 1000;
      let stride = strides[vm]!;
      if (power > limits[vm]!) {
        if (used > 0) stride = Math.max(stride, Math.floor((500 * most) / used));
        stride += 20;
      } else if (power < limits[vm]! - 1) stride = Math.max(500, stride - 20);
      strides[vm] = Math.min(50_000, stride);
    }
    for (let vm = 0; vm < vms; vm++) {
      const most = Math.min(twin.model.workload.vcpus[vm]!, twin.model.hostCores[0]!);
      setQuota(twin, vm, strides[vm]! > 500 ? most * (500 / strides[vm]!) : Infinity);
    }
    rows.push([...strides]);
  }
  return rows;
}

it('does what the same loop does from outside with quotas, look by look', () => {
  const vm = fc.record({
    demandMips: fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 3, maxLength: 3 }),
    vcpus: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(vm, fc.double({ min: 0.5, max: 60, noNaN: true })), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.constantFrom('none' as const, 'usage' as const),
      (claims, idle) => {
        const options: ClusterOptions = {
          hosts: 1,
          vms: claims.map(([each]) => ({ ...each, host: 0 })),
          intervalS: 20,
        };
        const limits = claims.map(([, watts]) => watts);
        const inside = limited(options, { vmCpuW: Float64Array.from(limits) }, idle);
        const outside = Twin.create({ ...clusterModel(options), accounting: { idle } }, 1);
        const expected = limitFromOutside(outside, limits, 60_000);
        expected.forEach((strides, look) => {
          advance(inside, 100 * (look + 1));
          expect([...inside.state.limits.vmStride]).toEqual(strides);
        });
        settleAll(inside);
        expect(inside.state.hostEnergyJ[0]).toBeCloseTo(outside.state.hostEnergyJ[0]!, 6);
      },
    ),
    tries(40),
  );
});

it('limits that are never met change nothing', () => {
  fc.assert(
    fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
      const plain = Twin.create(
        { ...clusterModel(cluster), accounting: { idle: 'even' } },
        1,
        governors,
      );
      const high = limited(cluster, {}, 'even');
      high.state.limits.vmCpuW.fill(1e9);
      for (const deed of deeds)
        for (const twin of [plain, high]) doDeed(twin, deed, checkInvariants);
      for (const twin of [plain, high]) advance(twin, twin.nowMs + 300_000, checkInvariants);
      for (const twin of [plain, high]) settleAll(twin);
      // Looks settle hosts in between, which rounds differently.
      plain.state.hostEnergyJ.forEach((energyJ, host) => {
        expect(high.state.hostEnergyJ[host]! / energyJ || 1).toBeCloseTo(1, 9);
      });
      plain.state.vmShortMi.forEach((shortMi, vm) => {
        expect(high.state.vmShortMi[vm]! - shortMi).toBeCloseTo(0, 3);
      });
    }),
    tries(60),
  );
});

it('with limits everywhere every invariant holds, forks and snapshots go on alike', () => {
  const watts = fc.array(fc.double({ min: 0, max: 150, noNaN: true }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(
      randomCluster,
      randomDeedsAndFailures,
      watts,
      fc.constantFrom('vms' as const, 'pstates' as const),
      fc.constantFrom(100, 5000),
      (cluster, deeds, limits, means, everyMs) => {
        const twin = limited(cluster, { means, everyMs, diskEveryMs: 2 * everyMs }, 'usage');
        const { vms, hosts } = twin.model;
        limits.forEach((limit, index) => {
          if (index % 2 === 0) limitVmPower(twin, index % vms, limit);
          else limitHostPower(twin, index % hosts, limit + 50);
        });
        for (const deed of deeds.slice(0, 10)) doDeed(twin, deed, checkInvariants);
        const fork = twin.fork();
        const restored = decodeSnapshot(encodeSnapshot(twin), twin.model, 'snapshot', governors);
        for (const each of [twin, fork, restored]) {
          for (const deed of deeds.slice(10, 15)) doDeed(each, deed);
          advance(each, each.nowMs + 60_000, checkInvariants);
        }
        expect(fork.state.equals(twin.state)).toBe(true);
        expect(restored.state.equals(twin.state)).toBe(true);
      },
    ),
    tries(60),
  );
});

it('settled, no window of a second is above the limit by more than one step, and others keep theirs', () => {
  const vm = fc.record({
    demandMips: fc.integer({ min: 100, max: 2000 }),
    vcpus: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(
      fc.array(vm, { minLength: 2, maxLength: 4 }),
      fc.double({ min: 0.2, max: 1.2, noNaN: true }),
      fc.constantFrom('none' as const, 'even' as const, 'usage' as const),
      (vms, part, idle) => {
        const host = { cores: 16 };
        const twin = limited(
          { hosts: [host], vms: vms.map((each) => ({ ...each, host: 0 })) },
          {},
          idle,
        );
        const free = twin.fork();
        const demandW = meanW(free, 0);
        const copy = twin.fork();
        settleAll(copy);
        const idleW = idle === 'even' ? 100 / vms.length : 0;
        const limit = idleW + part * (demandW - idleW);
        limitVmPower(twin, 0, limit);
        advance(twin, 300_000, checkInvariants);
        // One step of 20 from a stride s lowers the share by 20 / (s + 20) of what it was.
        const stride = twin.state.limits.vmStride[0]!;
        const step = (demandW * 20) / (stride - 20);
        for (let second = 0; second < 5; second++) {
          expect(meanW(twin, 0)).toBeLessThanOrEqual(limit + step + 1e-9);
        }
        for (let other = 1; other < vms.length; other++) {
          expect(deliveredMips(twin, other)).toBe(deliveredMips(free, other));
        }
      },
    ),
    tries(60),
  );
});
