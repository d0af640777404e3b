import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdlePolicy, idlePolicies } from '../../../sim/accounting/idle-policy.ts';
import {
  hostPartCount,
  hostParts,
  vmPartCount,
  vmParts,
} from '../../../sim/accounting/ledger-parts.ts';
import { checkLedger, unattributedEnergy, vmEnergy } from '../../../sim/accounting/twin-ledger.ts';
import {
  advance,
  checkInvariants,
  decodeSnapshot,
  deliveredMips,
  encodeSnapshot,
  governors,
  hostPower,
  migrateVm,
  migrationStage,
  powerOff,
  powerOn,
  settleAll,
  Twin,
} from '../../../sim/index.ts';
import { settleHost, shareHost } from '../../../sim/sharing.ts';
import { type ClusterOptions, clusterModel, mib } from '../../builders.ts';
import {
  doDeed,
  randomCluster,
  randomDeeds,
  randomDeedsAndFailures,
  tries,
} from '../random-cluster.ts';

/** A twin that charges energy to its VMs. */
function accounted(options: ClusterOptions, idle: IdlePolicy): Twin {
  return Twin.create({ ...clusterModel(options), accounting: { idle } }, 1, governors);
}

/** Two VMs of 2000 and 1000 MIPS on a host of 100 to 200 W: load 3/4, so 175 W. */
const pair: ClusterOptions = {
  hosts: 1,
  vms: [
    { host: 0, demandMips: 2000, vcpus: 2 },
    { host: 0, demandMips: 1000, vcpus: 1 },
  ],
};

function charged(idle: IdlePolicy): readonly number[][] {
  const twin = accounted(pair, idle);
  advance(twin, 3_600_000);
  settleAll(twin);
  checkInvariants(twin);
  const unattributed = unattributedEnergy(twin);
  return [
    [vmEnergy(twin, 0).idleJ, vmEnergy(twin, 0).activeJ],
    [vmEnergy(twin, 1).idleJ, vmEnergy(twin, 1).activeJ],
    [unattributed.idleJ],
  ];
}

describe('one hour of two VMs, 100 W idle and 75 W for their work', () => {
  const active = [50 * 3600, 25 * 3600] as const;
  const expected: Readonly<Record<IdlePolicy, readonly [number, number, number]>> = {
    even: [50, 50, 0],
    // 2 × 1000 and 1 × 1000 MIPS reserved; 2000 and 1000 MIPS used.
    reservation: [200 / 3, 100 / 3, 0],
    usage: [200 / 3, 100 / 3, 0],
    none: [0, 0, 100],
  };
  it.each(idlePolicies)('idle power by %s', (idle) => {
    const [a, b, rest] = charged(idle);
    const [idleA, idleB, nobody] = expected[idle];
    expect(a![0]).toBeCloseTo(idleA * 3600, 6);
    expect(b![0]).toBeCloseTo(idleB * 3600, 6);
    expect(rest![0]).toBeCloseTo(nobody * 3600, 6);
    expect([a![1], b![1]]).toEqual([expect.closeTo(active[0], 6), expect.closeTo(active[1], 6)]);
  });
});

it('usage and reservation differ where VMs do not use what they have reserved', () => {
  const options: ClusterOptions = { hosts: 1, vms: [{ host: 0 }, { host: 0, demandMips: 500 }] };
  const idleOf = (idle: IdlePolicy): number[] => {
    const twin = accounted(options, idle);
    advance(twin, 1000);
    settleAll(twin);
    return [vmEnergy(twin, 0).idleJ, vmEnergy(twin, 1).idleJ];
  };
  expect(idleOf('usage')).toEqual([0, 100]);
  expect(idleOf('reservation')).toEqual([50, 50]);
});

it('a host that boots, stands empty, shuts down and is off costs nobody anything', () => {
  const twin = accounted({ hosts: [{ initiallyOn: false }] }, 'even');
  powerOn(twin, 0);
  advance(twin, 100_000);
  powerOff(twin, 0);
  advance(twin, 120_000);
  settleAll(twin);
  // 60 s of boot at 150 W, 40 s idle at 100 W, 10 s of shutdown at 120 W, 10 s off at 5 W.
  expect(unattributedEnergy(twin)).toEqual({
    idleJ: 40 * 100,
    hostJ: 0,
    offJ: 10 * 5,
    transitionJ: 60 * 150 + 10 * 120,
  });
});

it('a moving VM pays for the CPU that is lost to being copied', () => {
  const twin = accounted(
    {
      hosts: 2,
      vms: [{ host: 0, demandMips: 2000, memoryGib: 1 }],
      migration: { bytesPerS: 100 * mib, dirtyIntensity: 0, workingSetBytes: 0 },
      migrationOverheadFraction: 0.25,
    },
    'even',
  );
  migrateVm(twin, 0, 1);
  // 1 GiB at 100 MiB/s: 10.24 s, all of it on the source, at 50 W for its work.
  advance(twin, 20_000);
  settleAll(twin);
  checkInvariants(twin);
  const { activeJ, migrationJ } = vmEnergy(twin, 0);
  expect(migrationJ).toBeCloseTo(0.25 * 50 * 10.24, 6);
  expect(activeJ).toBeCloseTo(50 * 20 - migrationJ, 6);
});

it('CPU of the host itself is paid by the VMs that move, else by nobody', () => {
  const work = (move: boolean): Twin => {
    const twin = accounted(
      { hosts: 2, vms: [{ host: 0, memoryGib: 1 }], migrationOverheadFraction: 0 },
      'none',
    );
    settleHost(twin, 1, 0);
    twin.state.hostBackgroundMips[1] = 1000;
    if (move) migrateVm(twin, 0, 1);
    shareHost(twin, 1);
    advance(twin, 10_000);
    settleAll(twin);
    checkInvariants(twin);
    return twin;
  };
  // A quarter of the host for 10 s: 25 W.
  expect(vmEnergy(work(true), 0).migrationJ).toBeCloseTo(250, 9);
  expect(unattributedEnergy(work(true)).hostJ).toBeCloseTo(0, 9);
  expect(vmEnergy(work(false), 0).migrationJ).toBe(0);
  expect(unattributedEnergy(work(false)).hostJ).toBeCloseTo(250, 9);
});

it('CPU that copying takes on both hosts is paid by the VM that is copied', () => {
  const twin = Twin.create(
    {
      ...clusterModel({
        hosts: 2,
        vms: [
          { host: 0, memoryGib: 1 },
          { host: 0, memoryGib: 1, demandMips: 500 },
        ],
        copyingCores: { source: 0.5, target: 0.25, atBytesPerS: 100 * mib },
      }),
      accounting: { idle: 'none' },
    },
    1,
    governors,
  );
  migrateVm(twin, 0, 1);
  advance(twin, 20_000);
  settleAll(twin);
  checkInvariants(twin);
  // 1 GiB at 100 MiB/s: 10.24 s with half a core and a quarter of one, 25 W per core.
  expect(vmEnergy(twin, 0).migrationJ).toBeCloseTo(0.75 * 25 * 10.24, 1);
  expect(vmEnergy(twin, 1)).toEqual({
    idleJ: 0,
    activeJ: expect.closeTo(0.5 * 25 * 20, 6),
    migrationJ: 0,
  });
  expect(unattributedEnergy(twin).hostJ).toBeLessThan(0.01);
});

it('tasks that run on the host itself are nobody’s', () => {
  const twin = accounted(
    {
      hosts: 1,
      vms: [{ host: 0, demandMips: 1000 }],
      tasks: [
        {
          name: 'backup',
          on: { host: 0 },
          startMs: 0,
          phases: [{ type: 'work', work: 1e9, threads: 2 }],
        },
      ],
    },
    'even',
  );
  advance(twin, 1000);
  settleAll(twin);
  checkInvariants(twin);
  expect(vmEnergy(twin, 0)).toEqual({ idleJ: 100, activeJ: expect.closeTo(25, 9), migrationJ: 0 });
  expect(unattributedEnergy(twin).hostJ).toBeCloseTo(50, 9);
});

it('without accounting the columns are empty; with it nothing else changes', () => {
  fc.assert(
    fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
      const off = Twin.create(clusterModel(cluster), 1, governors);
      const on = accounted(cluster, 'even');
      expect(off.state.ledgerVmJ.length + off.state.ledgerHostJ.length).toBe(0);
      for (const deed of deeds) for (const twin of [off, on]) doDeed(twin, deed);
      for (const twin of [off, on]) advance(twin, twin.nowMs + 1_000_000);
      expect([...on.state.hostEnergyJ]).toEqual([...off.state.hostEnergyJ]);
      expect([...on.state.vmShortMi]).toEqual([...off.state.vmShortMi]);
      expect(on.state.eventsProcessed[0]).toBe(off.state.eventsProcessed[0]);
    }),
    tries(100),
  );
});

it('forks and snapshots carry the ledger on', () => {
  fc.assert(
    fc.property(randomCluster, randomDeeds, (cluster, deeds) => {
      const twin = accounted(cluster, 'usage');
      for (const deed of deeds) doDeed(twin, deed);
      const fork = twin.fork();
      const restored = decodeSnapshot(encodeSnapshot(twin), twin.model, 'snapshot', governors);
      for (const each of [twin, fork, restored]) {
        advance(each, each.nowMs + 700_000);
        settleAll(each);
      }
      expect(fork.state.equals(twin.state)).toBe(true);
      expect(restored.state.equals(twin.state)).toBe(true);
      checkLedger(restored);
    }),
    tries(60),
  );
});

/** Mean over the domains of the idle power of each one’s P-state, W. */
function idleOf(twin: Twin, host: number): number {
  const { model, state } = twin;
  const domains = model.hostDomains[host]!;
  let sumW = 0;
  for (let domain = 0; domain < domains; domain++) {
    const pstate = state.domains.pstate[model.domainStart[host]! + domain]!;
    sumW += model.pstateIdleW[model.pstateStart[host]! + pstate]! / domains;
  }
  return sumW;
}

/**
 * The same accounting done plainly: a table of watts by host and VM, read after every event and
 * integrated until the next. Nothing is shared with the ledger but the rates.
 */
class PlainAccountant {
  readonly #twin: Twin;
  readonly energyJ: Float64Array;
  #watts: Float64Array;
  #sinceMs: number;

  constructor(twin: Twin) {
    this.#twin = twin;
    const { hosts, vms } = twin.model;
    this.energyJ = new Float64Array(hosts * (vms + 1));
    this.#watts = new Float64Array(hosts * (vms + 1));
    this.#sinceMs = twin.nowMs;
    this.read();
  }

  readonly read = (): void => {
    const { model, state } = this.#twin;
    const elapsedS = (this.#twin.nowMs - this.#sinceMs) / 1000;
    this.#sinceMs = this.#twin.nowMs;
    this.#watts.forEach((watts, at) => {
      this.energyJ[at]! += watts * elapsedS;
    });
    const columns = model.vms + 1;
    this.#watts = new Float64Array(this.#watts.length);
    for (let host = 0; host < model.hosts; host++) {
      const powerW = state.hostPowerW[host]!;
      let restW = powerW;
      const give = (vm: number, watts: number): void => {
        this.#watts[host * columns + vm]! += watts;
        restW -= watts;
      };
      if (state.hostPower[host] === hostPower.on) {
        const residents = Array.from({ length: model.vms }, (_, vm) => vm).filter(
          (vm) => state.vmHost[vm] === host,
        );
        const used = state.hostUsedMips[host]!;
        const idleW = used > 0 ? Math.min(powerW, idleOf(this.#twin, host)) : powerW;
        for (const vm of residents) give(vm, idleW / residents.length);
        for (const vm of residents) {
          if (used > 0) give(vm, ((powerW - idleW) * deliveredMips(this.#twin, vm)) / used);
        }
      }
      this.#watts[host * columns + model.vms] = restW;
    }
  };
}

it('equals a plain accountant that reads every rate after every event', () => {
  let moves = 0;
  fc.assert(
    fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
      const twin = accounted(cluster, 'even');
      const plain = new PlainAccountant(twin);
      const watch = (): void => {
        plain.read();
        if (twin.state.migrationStage.some((stage) => stage !== migrationStage.free)) moves++;
      };
      for (const deed of deeds) doDeed(twin, deed, watch);
      advance(twin, twin.nowMs + 500_000, watch);
      plain.read();
      settleAll(twin);
      const { hosts, vms } = twin.model;
      const totalJ = plain.energyJ.reduce((sum, entry) => sum + entry, 0);
      for (let vm = 0; vm < vms; vm++) {
        let expected = 0;
        for (let host = 0; host < hosts; host++) expected += plain.energyJ[host * (vms + 1) + vm]!;
        const { idleJ, activeJ, migrationJ } = vmEnergy(twin, vm);
        expect(Math.abs(idleJ + activeJ + migrationJ - expected)).toBeLessThanOrEqual(
          1e-9 * Math.max(1, totalJ),
        );
      }
    }),
    tries(150),
  );
  expect(moves).toBeGreaterThan(500);
});

it('Σ VMs + unattributed = every host’s energy after every event of 10,000 random schedules', () => {
  let events = 0;
  let worst = 0;
  const check = (twin: Twin): void => {
    events++;
    const { model, state } = twin;
    const nowMs = state.nowMs[0]!;
    let vmJ = 0;
    let hostsJ = 0;
    for (const entry of state.ledgerVmJ) vmJ += entry;
    for (let host = 0; host < model.hosts; host++) {
      settleHost(twin, host, nowMs);
      const row = host * hostPartCount;
      let sumJ = 0;
      for (let part = 0; part < hostPartCount; part++) sumJ += state.ledgerHostJ[row + part]!;
      const energyJ = state.hostEnergyJ[host]!;
      if (energyJ > 0) worst = Math.max(worst, Math.abs(sumJ - energyJ) / energyJ);
    }
    vmJ = 0;
    for (const entry of state.ledgerVmJ) vmJ += entry;
    for (let host = 0; host < model.hosts; host++) {
      hostsJ += state.ledgerHostJ[host * hostPartCount + hostParts.vms]!;
    }
    if (hostsJ > 0) worst = Math.max(worst, Math.abs(vmJ - hostsJ) / hostsJ);
  };
  const few = randomDeedsAndFailures.map((deeds) => deeds.slice(0, 12));
  fc.assert(
    fc.property(randomCluster, few, fc.constantFrom(...idlePolicies), (cluster, deeds, idle) => {
      const twin = accounted(cluster, idle);
      for (const deed of deeds) doDeed(twin, deed, check);
      advance(twin, twin.nowMs + 400_000, check);
      checkLedger(twin);
    }),
    tries(10_000),
  );
  // Found 7e-14 in 1,345,542 events.
  expect(worst).toBeLessThan(1e-9);
  expect(events).toBeGreaterThan(150_000);
}, 120_000);

it('the check sees a joule that is lost, and one that was charged twice', () => {
  const twin = accounted(pair, 'even');
  advance(twin, 1000);
  settleAll(twin);
  const { ledgerHostJ, ledgerVmJ } = twin.state;
  checkLedger(twin);
  ledgerHostJ[hostParts.idle]! += 1;
  expect(() => checkLedger(twin)).toThrow('host 0 took 175 J, its ledger has 176 J');
  ledgerHostJ[hostParts.idle]! -= 1;
  ledgerVmJ[vmPartCount + vmParts.active]! += 1;
  expect(() => checkLedger(twin)).toThrow('VMs were charged 176 J');
  ledgerVmJ[vmPartCount + vmParts.active]! = -1;
  expect(() => checkLedger(twin)).toThrow('is -1 J');
});
