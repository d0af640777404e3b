/** Hosts that choose their frequency themselves: what the live twin foretells of them. */
import { describe, expect, it } from 'vitest';
import {
  type ClusterSnapshot,
  type SnapshotInput,
  snapshotSchema,
} from '../../../deploy/cluster/snapshot.ts';
import { liveTwin } from '../../../deploy/twin/live-twin.ts';
import { predict } from '../../../deploy/twin/predict.ts';
import {
  advance,
  applyPlan,
  checkInvariants,
  createPolicy,
  energyNowJ,
  governorNamed,
  Plan,
  policyChance,
  Twin,
  TwinView,
} from '../../../sim/index.ts';
import { clusterModel, gib } from '../../builders.ts';

const frequenciesMhz = [3000, 2600, 2200, 1800, 1400, 1000];

/** 50 W, and 100 W more at full load and 3000 MHz, by the square of the frequency. */
const powerAt = (mhz: number) => ({ mhz, idleW: 50, fullW: 50 + 100 * (mhz / 3000) ** 2 });

type HostInput = Partial<SnapshotInput['hosts'][number]>;

/** One host of two cores with one VM of one vCPU. */
function snapshotOf(host: HostInput, demandMhz: number[], intervalS = 60): ClusterSnapshot {
  return snapshotSchema.parse({
    atMs: 1_700_000_000_000,
    intervalS,
    hosts: [
      {
        name: 'a',
        cores: 2,
        memoryBytes: 8 * gib,
        frequenciesMhz,
        currentMhz: 1000,
        power: frequenciesMhz.map(powerAt),
        ...host,
      },
    ],
    vms: [{ name: 'vm', host: 'a', vcpus: 1, memoryBytes: gib, demandMhz }],
  });
}

/** Power of the host at a frequency when `busyMhz` of its two cores work. */
const wattsOf = (mhz: number, busyMhz: number): number => {
  const { idleW, fullW } = powerAt(mhz);
  return idleW + (busyMhz / (2 * mhz)) * (fullW - idleW);
};

const constant = (mhz: number) => ({
  forecast: (_: readonly number[], steps: number) => new Array<number>(steps).fill(mhz),
});

describe('a governed host of the live twin', () => {
  // 1.25 · 1600 = 2000 → 2200 MHz;
  it.each([
    { governor: 'schedutil', mhz: 2200 },
    { governor: 'performance', mhz: 3000 },
    { governor: 'powersave', mhz: 1000 },
    { governor: 'userspace', mhz: 1000 },
    { governor: undefined, mhz: 1000 },
  ] as const)('under $governor goes to $mhz MHz when more is asked for', ({ governor, mhz }) => {
    const snapshot = snapshotOf(governor === undefined ? {} : { governor }, [400]);
    const live = liveTwin(snapshot, { ...constant(1600), horizon: 1 });
    const { powerW, lostVcpuS } = predict(live, []);
    // Within what the first second takes until the frequency is found.
    expect(Math.abs(powerW[0]! / wattsOf(mhz, Math.min(mhz, 1600)) - 1)).toBeLessThan(0.003);
    if (mhz >= 2200) expect(lostVcpuS).toBeLessThan(0.2);
    else expect(lostVcpuS).toBeCloseTo((60 * 600) / 3000, 6);
  });

  it.each(['schedutil', 'ondemand', 'conservative'] as const)(
    'does under %s what a simulated one with that governor does',
    (name) => {
      const rule = governorNamed(name, 'governor');
      const demandMips = [300, 1900, 2900, 700, 2300, 100];
      const model = clusterModel({
        hosts: [
          {
            cores: 2,
            pstates: frequenciesMhz.map((mhz) => {
              const { idleW, fullW } = powerAt(mhz);
              return { coreMips: mhz, idleW, epsilonW: idleW, fullW };
            }),
            initialPstate: 5,
            governor: { rule: 0, periodMs: rule.periodMs, slots: rule.slots },
          },
        ],
        vms: [{ demandMips, vcpus: 1, host: 0 }],
        intervalS: 60,
      });
      const real = Twin.create({ ...model, governors: [{ name, options: {} }] }, 1);
      advance(real, 60_000);
      const startJ = energyNowJ(real);
      advance(real, 360_000);
      const live = liveTwin(snapshotOf({ governor: name }, [300]), {
        horizon: 5,
        forecast: () => demandMips.slice(1),
      });
      const { energyJ } = predict(live, []);
      expect(Math.abs(energyJ / (energyNowJ(real) - startJ) - 1)).toBeLessThan(1e-3);
    },
  );

  it('begins as if its load had lasted: it loses nothing that it would not lose', () => {
    const snapshot = snapshotOf({ governor: 'schedutil', currentMhz: 2200 }, [1600]);
    const { lostVcpuS } = predict(liveTwin(snapshot, { ...constant(1600), horizon: 1 }), []);
    expect(lostVcpuS).toBe(0);
  });

  it('keeps to the frequency that a plan sets', () => {
    const snapshot = snapshotOf({ governor: 'schedutil' }, [1600]);
    const live = liveTwin(snapshot, { ...constant(1600), horizon: 3 });
    const { powerW } = predict(live, [{ type: 'setPstate', host: 0, pstate: 1 }]);
    for (const watts of powerW) expect(watts).toBeCloseTo(wattsOf(2600, 1600), 6);
    const fork = live.twin.fork();
    applyPlan(fork, [{ type: 'setPstate', host: 0, pstate: 1 }]);
    advance(fork, fork.nowMs + 60_000);
    checkInvariants(fork);
  });

  it('is left to itself by a policy that leaves frequencies alone', () => {
    const live = liveTwin(snapshotOf({ governor: 'schedutil' }, [1600]));
    const plan = new Plan();
    const policy = createPolicy({ name: 'best-fit', frequency: 'none' }, 'policy');
    policy.decide(new TwinView(live.twin), plan, policyChance(live.twin));
    expect(plan.actions).toEqual([]);
  });

  it('obeys what it was told before its governor', () => {
    const host: HostInput = { governor: 'schedutil', requestedMhz: 1800 };
    const live = liveTwin(snapshotOf(host, [1600]), { ...constant(1600), horizon: 1 });
    expect(predict(live, []).powerW[0]).toBeCloseTo(wattsOf(1800, 1600), 6);
  });
});

describe('CPU that a host takes for itself', () => {
  it('is what it was busy with and its VMs did not ask for', () => {
    // Half of 2 · 1800 MHz, of which the VM had 1200.
    const host: HostInput = { requestedMhz: 1800, currentMhz: 1800, utilization: 0.5 };
    const live = liveTwin(snapshotOf(host, [1200]), { ...constant(600), horizon: 2 });
    const { powerW, hosts, lostVcpuS } = predict(live, []);
    for (const watts of powerW) expect(watts).toBeCloseTo(wattsOf(1800, 600 + 600), 6);
    expect(hosts[0]!.peakUtilization).toBeCloseTo(1200 / 3600, 9);
    expect(lostVcpuS).toBe(0);
    checkInvariants(live.twin);
  });

  it('is none where VMs ask for more than was done, or nothing was measured', () => {
    for (const host of [
      { requestedMhz: 1800, currentMhz: 1800, utilization: 0.2 },
      { requestedMhz: 1800, currentMhz: 1800 },
      { requestedMhz: 1800, utilization: 0.9, currentMhz: undefined as never },
    ]) {
      const live = liveTwin(snapshotOf(host, [1200]), { ...constant(600), horizon: 1 });
      expect(predict(live, []).powerW[0]).toBeCloseTo(wattsOf(1800, 600), 6);
    }
  });
});
