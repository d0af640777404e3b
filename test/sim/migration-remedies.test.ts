import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  abortMigration,
  advance,
  applyPlan,
  checkInvariants,
  decodeSnapshot,
  encodeSnapshot,
  failHost,
  failMigration,
  governors,
  hostPower,
  isLegalPlan,
  type MigrationSpec,
  migrateVm,
  migrationOutcome,
  migrationStage,
  Plan,
  powerOff,
  qemuAutoConverge,
  switchMigration,
  type Twin,
  vmStatus,
} from '../../sim/index.ts';
import { type ClusterOptions, mib, startTwin, viewOf } from '../builders.ts';
import { doDeed, randomCluster, randomDeedsAndFailures, tries } from './random-cluster.ts';

/** 1000 MiB at 100 MiB/s: all memory in 10 s. The VM asks for 1000 MIPS. */
const plain: MigrationSpec = {
  bytesPerS: 100 * mib,
  dirtyIntensity: 0,
  workingSetBytes: 1000 * mib,
  downtimeLimitS: 0.3,
};

function startMove(migration: Partial<MigrationSpec>, more: Partial<ClusterOptions> = {}): Twin {
  const twin = startTwin({
    hosts: 2,
    vms: [{ host: 0, vcpus: 1, demandMips: 1000, memoryGib: 1000 / 1024 }],
    migration: { ...plain, ...migration },
    migrationOverheadFraction: 0,
    ...more,
  });
  advance(twin, 0);
  expect(migrateVm(twin, 0, 1)).toBeUndefined();
  return twin;
}

const hostOf = (twin: Twin): number => twin.state.vmHost[0]!;

describe('post-copy', () => {
  const fromStart: Partial<MigrationSpec> = {
    postCopy: 'start',
    postCopyPauseS: 0.1,
    postCopySlowdown: 0.3,
  };

  it('from the start: a short stop, then 10 s on the target at 70 % of the speed', () => {
    const twin = startMove(fromStart);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.paused);
    advance(twin, 100);
    expect([hostOf(twin), twin.state.vmStatus[0]]).toEqual([1, vmStatus.running]);
    expect(twin.state.hostUsedMips[1]).toBeCloseTo(700, 9);
    // Both hosts hold the memory.
    expect([...twin.state.hostReservedBytes.slice(0, 2)]).toEqual([1000 * mib, 1000 * mib]);
    advance(twin, 10_099);
    expect(twin.state.migrationStage[0]).toBe(migrationStage.postCopy);
    advance(twin, 10_101);
    expect(twin.state.hostUsedMips[1]).toBe(1000);
    expect([...twin.state.hostReservedBytes.slice(0, 2)]).toEqual([0, 1000 * mib]);
    const [count, bytes, durationMs, downtimeMs] = twin.state.migrationTotals;
    expect([count, bytes]).toEqual([1, 1000 * mib]);
    expect(durationMs).toBeCloseTo(10_100, 6);
    expect(downtimeMs).toBeCloseTo(100, 6);
    // 0.1 s of nothing and 30 % of 10 s, at 1000 MIPS.
    expect(twin.state.vmDegradedMi[0]).toBeCloseTo(100 + 3000, 6);
    expect(twin.state.vmShortMi[0]).toBe(0);
  });

  it('after the first round pulls only what got dirty meanwhile', () => {
    // 30 MiB/s for 10 s: 300 MiB are pulled in 3 s.
    const twin = startMove({ postCopy: 'afterFirstRound', dirtyBytesPerS: 30 * mib });
    advance(twin, 13_200);
    const [count, bytes, durationMs] = twin.state.migrationTotals;
    expect([count, bytes]).toEqual([1, 1300 * mib]);
    expect(durationMs).toBeCloseTo(10_000 + 100 + 3000, 6);
  });

  it('on request in the middle of a round: what was sent and not made dirty is there', () => {
    // After 4 s 400 MiB are sent and 40 dirty: 640 MiB follow the VM.
    const twin = startMove({ dirtyBytesPerS: 10 * mib });
    advance(twin, 4000);
    expect(switchMigration(twin, 0)).toBeUndefined();
    expect(switchMigration(twin, 0)).toBe('the VM has already stopped on the source');
    advance(twin, 4101);
    expect(hostOf(twin)).toBe(1);
    expect(abortMigration(twin, 0)).toBe('the VM already runs on the target');
    advance(twin, 60_000);
    const [, bytes, durationMs] = twin.state.migrationTotals;
    expect(bytes! / mib).toBeCloseTo(400 + 640, 6);
    expect(durationMs).toBeCloseTo(4000 + 100 + 6400, 3);
    expect(switchMigration(twin, 0)).toBe('the VM is not migrating');
  });

  it.each([
    ['the source fails', (twin: Twin) => failHost(twin, 0)],
    ['the target fails', (twin: Twin) => failHost(twin, 1)],
    ['the connection breaks', (twin: Twin) => failMigration(twin, 0)],
  ])('kills the VM when %s', (_, fail) => {
    const twin = startMove(fromStart);
    advance(twin, 5000);
    fail(twin);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.departed);
    expect(twin.state.migrationOutcomes[migrationOutcome.vmLost]).toBe(1);
    expect([...twin.state.hostReservedBytes.slice(0, 2)]).toEqual([0, 0]);
    checkInvariants(twin);
  });

  it('keeps a draining source up until all memory has left it', () => {
    const twin = startMove(fromStart);
    advance(twin, 200);
    expect(powerOff(twin, 0)).toBeUndefined();
    advance(twin, 10_050);
    expect(twin.state.hostPower[0]).toBe(hostPower.on);
    advance(twin, 10_150);
    expect(twin.state.hostPower[0]).toBe(hostPower.shuttingDown);
  });
});

describe('auto-converge', () => {
  it('throttles the VM until its dirtying fits, and counts what it loses as degraded', () => {
    // Fully busy, 90 MiB/s of dirtying at 100 MiB/s: too dirty at each round.
    const twin = startMove({ dirtyIntensity: 0.9, autoConverge: qemuAutoConverge });
    const throttles: number[] = [];
    advance(twin, 300_000, () => {
      const throttle = twin.state.migrationThrottle[0]!;
      if (twin.state.migrationStage[0] === migrationStage.free) return;
      if (throttles.at(-1) !== throttle) throttles.push(throttle);
      expect(twin.state.hostUsedMips[0]! <= 1000 * (1 - throttle) + 1e-9).toBe(true);
    });
    // 20 %, then 10 % more at every second round over 50 %: 0.9·(1 − 0.5) = 0.45 is enough.
    expect(throttles.map((throttle) => Math.round(throttle * 100))).toEqual([0, 20, 30, 40, 50]);
    expect(twin.state.migrationTotals[0]).toBe(1);
    expect(twin.state.vmDegradedMi[0]).toBeGreaterThan(1000);
    expect(twin.state.vmShortMi[0]).toBe(0);
  });

  it('does nothing to a VM that needs less than what it is left', () => {
    const twin = startMove(
      { dirtyBytesPerS: 70 * mib, roundsMax: 6, autoConverge: qemuAutoConverge },
      { vms: [{ host: 0, vcpus: 1, demandMips: 100, memoryGib: 1000 / 1024 }] },
    );
    advance(twin, 60_000);
    expect(twin.state.migrationTotals[0]).toBe(1);
    // Only the stop itself costs anything.
    const downtimeS = twin.state.migrationTotals[3]! / 1000;
    expect(twin.state.vmDegradedMi[0]).toBeCloseTo(100 * downtimeS, 6);
  });
});

describe('a migration that does not get there', () => {
  const hopeless: Partial<MigrationSpec> = {
    dirtyBytesPerS: 120 * mib,
    stallFraction: 0.95,
    stallRounds: 3,
  };

  it('is noticed after three rounds and given up', () => {
    const twin = startMove({ ...hopeless, onStall: 'abort' });
    advance(twin, 30_000 - 1);
    expect(twin.state.vmMigration[0]).toBe(0);
    advance(twin, 30_001);
    expect([twin.state.vmMigration[0], hostOf(twin)]).toEqual([-1, 0]);
    expect(twin.state.migrationOutcomes[migrationOutcome.aborted]).toBe(1);
    expect(twin.state.hostReservedBytes[1]).toBe(0);
    // Its bytes went over the wire all the same.
    expect(twin.state.migrationTotals[0]).toBe(0);
    expect(twin.state.migrationTotals[1]).toBe(3000 * mib);
  });

  it('or stopped by force: 10 s of downtime for all that is dirty', () => {
    const twin = startMove({ ...hopeless, onStall: 'stop' });
    advance(twin, 60_000);
    expect(twin.state.migrationTotals[3]).toBeCloseTo(10_000, 6);
  });

  it('or goes on by post-copy', () => {
    const twin = startMove({ ...hopeless, onStall: 'postCopy' });
    advance(twin, 60_000);
    expect(twin.state.migrationTotals[0]).toBe(1);
    expect(twin.state.migrationTotals[3]).toBeCloseTo(100, 6);
  });

  it('goes on for ever where nothing is said', () => {
    const twin = startMove(hopeless);
    advance(twin, 3_600_000);
    expect(twin.state.vmMigration[0]).toBe(0);
  });

  it('meets its timeout to the millisecond', () => {
    const aborted = startMove({ ...hopeless, timeoutS: 12.5, onTimeout: 'abort' });
    advance(aborted, 12_500);
    expect([aborted.state.vmMigration[0], hostOf(aborted)]).toEqual([-1, 0]);
    const stopped = startMove({ ...hopeless, timeoutS: 12.5, onTimeout: 'stop' });
    advance(stopped, 12_500);
    expect(stopped.state.vmStatus[0]).toBe(vmStatus.paused);
    // 1000 − 250 MiB unsent and 300 dirty are more than all there is.
    advance(stopped, 60_000);
    expect(stopped.state.migrationTotals[3]).toBeCloseTo(10_000, 3);
  });
});

it('the disk goes first, at the rate of disk copying', () => {
  const twin = startMove({ storageBytes: 600 * mib, storageBytesPerS: 20 * mib });
  expect(switchMigration(twin, 0)).toBe('the disk of the VM is still being copied');
  expect(twin.state.flowBytesPerS[0]).toBe(20 * mib);
  advance(twin, 29_999);
  expect(twin.state.migrationStage[0]).toBe(migrationStage.disk);
  advance(twin, 60_000);
  expect(twin.state.migrationTotals[2]).toBeCloseTo(30_000 + 10_000, 6);
  expect(twin.state.migrationTotals[1]).toBe(1600 * mib);
});

it('an abort leaves everything as it was', () => {
  for (const atMs of [0, 1, 4000, 10_050]) {
    const twin = startMove({ dirtyBytesPerS: 2 * mib, downtimeLimitS: 1 });
    advance(twin, atMs);
    const paused = twin.state.vmStatus[0] === vmStatus.paused;
    expect(paused).toBe(atMs === 10_050);
    expect(abortMigration(twin, 0)).toBeUndefined();
    expect(abortMigration(twin, 0)).toBe('the VM is not migrating');
    expect([hostOf(twin), twin.state.vmStatus[0]]).toEqual([0, vmStatus.running]);
    expect([twin.state.hostUsedMips[0], twin.state.hostUsedMips[1]]).toEqual([1000, 0]);
    expect([twin.state.hostSpecial[0], twin.state.hostSpecial[1]]).toEqual([0, 0]);
    expect(twin.state.heapSize[0]).toBe(0);
    checkInvariants(twin);
  }
});

describe('a plan', () => {
  const actionsOn = (twin: Twin): string[] =>
    (['abortMigration', 'switchMigration'] as const).flatMap((type) =>
      isLegalPlan(viewOf(twin), [{ type, vm: 0 }]) ? [type] : [],
    );

  it('may end a migration, and may let the VM go ahead of its memory', () => {
    const twin = startMove({ storageBytes: 100 * mib });
    const progress = viewOf(twin).migration(0);
    expect(progress).toMatchObject({ source: 0, target: 1, stage: 'disk', rounds: 0 });
    expect(actionsOn(twin)).toEqual(['abortMigration']);
    advance(twin, 5000);
    expect(viewOf(twin).migration(0)).toMatchObject({ stage: 'memory', elapsedS: 5 });
    expect(actionsOn(twin)).toEqual(['abortMigration', 'switchMigration']);
    const fork = twin.fork();
    const plan = new Plan();
    plan.switchMigration(0);
    plan.abortMigration(0);
    // The same VM twice is one too many, for the mask and for a VM that has gone ahead.
    expect(isLegalPlan(viewOf(twin), plan.actions)).toBe(false);
    expect(applyPlan(twin, plan.actions.slice(0, 1))).toEqual([]);
    advance(twin, 5200);
    expect(actionsOn(twin)).toEqual([]);
    expect(applyPlan(twin, plan.actions)).toEqual([
      { action: plan.actions[0], reason: 'the VM has already stopped on the source' },
      { action: plan.actions[1], reason: 'the VM already runs on the target' },
    ]);
    expect(applyPlan(fork, plan.actions.slice(1))).toEqual([]);
    expect(viewOf(fork).migration(0)).toBeUndefined();
    expect(viewOf(fork).hostOf(0)).toBe(0);
    expect(actionsOn(fork)).toEqual([]);
  });
});

it('channels weigh among transfers on one port', () => {
  const twin = startTwin({
    hosts: 3,
    vms: [{ host: 0 }, { host: 0 }],
    network: { type: 'star', portBytesPerS: 80 * mib },
    migration: plain,
  });
  twin.model.migrationRule[1] = 1;
  (twin.model.migrationRules as object[]).push({ ...twin.model.migrationRules[0], channels: 3 });
  migrateVm(twin, 0, 1);
  migrateVm(twin, 1, 2);
  expect([...twin.state.flowBytesPerS]).toEqual([20 * mib, 60 * mib]);
});

const anyRules: fc.Arbitrary<Partial<MigrationSpec>> = fc.record({
  dirtyBytesPerS: fc.constantFrom(0, 20 * mib, 250 * mib),
  downtimeLimitS: fc.constantFrom(0.03, 0.3),
  roundsMax: fc.constantFrom(3, 30, Infinity),
  resumeS: fc.constantFrom(0, 0.5),
  autoConverge: fc.constantFrom(null, qemuAutoConverge),
  stallFraction: fc.constant(0.9),
  stallRounds: fc.constantFrom(1, 3),
  onStall: fc.constantFrom('goOn' as const, 'stop' as const, 'abort' as const, 'postCopy' as const),
  timeoutS: fc.constantFrom(Infinity, 5, 40),
  onTimeout: fc.constantFrom('stop' as const, 'abort' as const, 'postCopy' as const),
  postCopy: fc.constantFrom('request' as const, 'afterFirstRound' as const, 'start' as const),
  postCopyPauseS: fc.constantFrom(0, 0.4),
  postCopySlowdown: fc.constantFrom(0, 0.5),
  compression: fc.constantFrom(1, 2),
  channels: fc.constantFrom(1, 4),
  storageBytes: fc.constantFrom(0, 300 * mib),
});

/** Random clusters whose migrations have random rules, with traffic, disks and CPU for copying. */
const busyCluster: fc.Arbitrary<ClusterOptions> = fc
  .tuple(randomCluster, anyRules, fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean())
  .map(([cluster, rules, copying, traffic, disks, racks]) => {
    const vms = cluster.vms?.length ?? 0;
    return {
      ...cluster,
      migration: { ...cluster.migration!, ...rules },
      ...(copying ? { copyingCores: { source: 0.7, target: 0.3, atBytesPerS: 1e8 } } : {}),
      ...(racks
        ? {
            network: {
              type: 'star' as const,
              portBytesPerS: 60 * mib,
              duplex: true,
              racks: { rackOf: (host: number) => host % 2, uplinkBytesPerS: 50 * mib },
              outsideBytesPerS: 20 * mib,
            },
          }
        : {}),
      ...(traffic
        ? {
            traffic: Array.from({ length: vms }, (_, vm) => ({
              from: { vm },
              to: vm % 3 === 0 ? ('outside' as const) : { vm: (vm + 1) % vms },
              bytesPerS: (vm + 1) * 3 * mib,
              ...(vm % 2 === 0 ? { bytes: 900 * mib, startMs: 5000 } : {}),
            })),
          }
        : {}),
      ...(disks
        ? {
            disks: {
              bytesPerS: () => 30 * mib,
              demand: (vm: number) => ({
                bytesPerS: vm * mib,
                bytesPerMi: vm % 2 === 0 ? 3000 : 0,
                limitBytesPerS: vm % 3 === 0 ? 4 * mib : Infinity,
              }),
            },
          }
        : {}),
    };
  });

const meddle = fc.array(
  fc.record({ kind: fc.constantFrom('abort', 'switch', 'fail', 'none', 'none'), vm: fc.nat() }),
  { minLength: 40, maxLength: 40 },
);

it('whatever the rules and whatever is done, invariants hold, forks and snapshots agree', () => {
  const outcomes = [0, 0, 0, 0];
  fc.assert(
    fc.property(busyCluster, randomDeedsAndFailures, meddle, (cluster, deeds, meddling) => {
      const twin = startTwin(cluster, 1, governors);
      checkInvariants(twin);
      let other: Twin | undefined;
      deeds.forEach((deed, index) => {
        const { kind, vm } = meddling[index % meddling.length]!;
        if (index === 8) other = decodeSnapshot(encodeSnapshot(twin), twin.model, 'x', governors);
        for (const one of other === undefined ? [twin] : [twin, other]) {
          doDeed(one, deed, checkInvariants);
          const target = vm % one.model.vms;
          if (kind === 'abort') abortMigration(one, target);
          if (kind === 'switch') switchMigration(one, target);
          if (kind === 'fail' && one.state.vmMigration[target]! >= 0) {
            failMigration(one, one.state.vmMigration[target]!);
          }
          checkInvariants(one);
        }
      });
      advance(twin, twin.nowMs + 1_000_000, checkInvariants);
      if (other !== undefined) {
        advance(other, twin.nowMs);
        expect(other.state.equals(twin.state)).toBe(true);
      }
      twin.state.migrationOutcomes.forEach((count, row) => {
        outcomes[row]! += count;
      });
      for (let vm = 0; vm < twin.model.vms; vm++) {
        const { vmShortMi, vmDegradedMi, vmDemandedMi, vmAskedMips, vmSinceMs } = twin.state;
        const demanded =
          vmDemandedMi[vm]! + (vmAskedMips[vm]! * (twin.nowMs - vmSinceMs[vm]!)) / 1000;
        const lost = vmShortMi[vm]! + vmDegradedMi[vm]!;
        expect(lost).toBeLessThanOrEqual(demanded * (1 + 1e-9) + 1e-6);
      }
    }),
    tries(400),
  );
  // Each kind of end has come up.
  for (const count of outcomes) expect(count).toBeGreaterThan(0);
});
