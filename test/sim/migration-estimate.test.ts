import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PreCopy, preCopy } from '../../scripts/docs/referees/pre-copy.ts';
import {
  advance,
  expectMigration,
  type MigrationSpec,
  migrateVm,
  migrationOutcome,
  qemuAutoConverge,
  type Twin,
} from '../../sim/index.ts';
import { gib, mib, startTwin } from '../builders.ts';

/** One VM on host 0 of two, alone on the network; nothing but `dirtyBytesPerS` dirties. */
function aloneTwin(memoryMib: number, migration: MigrationSpec, overhead = 0): Twin {
  return startTwin({
    hosts: [{ memoryGib: 64 }, { memoryGib: 64 }],
    vms: [{ host: 0, vcpus: 1, demandMips: 600, memoryGib: memoryMib / 1024 }],
    network: { type: 'star', portBytesPerS: 100 * gib },
    migrationOverheadFraction: overhead,
    migration,
  });
}

interface Course {
  readonly rounds: number;
  readonly preCopyS: number;
  readonly downtimeS: number;
  readonly durationS: number;
  readonly bytes: number;
}

/** Moves VM 0 and tells how it went. */
function move(twin: Twin): Course {
  const beginMs = twin.nowMs;
  let rounds = 0;
  let pauseMs = beginMs;
  let endMs = beginMs;
  twin.recorder = {
    migrationRound: (_vm, stage) => {
      if (stage === 1 || stage === 2) rounds++;
    },
    vmPaused: (_vm, _host, timeMs) => {
      pauseMs = timeMs;
    },
    migrationEnded: (_vm, _source, _target, _startMs, timeMs) => {
      endMs = timeMs;
    },
  };
  expect(migrateVm(twin, 0, 1)).toBeUndefined();
  advance(twin, beginMs + 1e9);
  const [, bytes, , downtimeMs] = twin.state.migrationTotals;
  return {
    rounds,
    preCopyS: (pauseMs - beginMs) / 1000,
    downtimeS: downtimeMs! / 1000,
    durationS: (endMs - beginMs) / 1000,
    bytes: bytes!,
  };
}

const rules = (rate: number, dirty: number, more: Partial<MigrationSpec> = {}): MigrationSpec => ({
  bytesPerS: rate * mib,
  dirtyIntensity: 0,
  dirtyBytesPerS: dirty * mib,
  workingSetBytes: Infinity,
  downtimeLimitS: 0.3,
  ...more,
});

describe('pre-copy at QEMU’s 300 ms', () => {
  // V₊ = V·D/B until V ≤ B·0.3 s; worked out with D / B = λ: n rounds take V·(1 − λⁿ)/(1 − λ)/B.
  it.each([
    // memory MiB, rate and dirtying MiB/s, rounds, pre-copy s, downtime ms
    [2048, 117, 0, 1, 17.5, 0],
    [2048, 117, 20, 3, 21.0, 87],
    [2048, 117, 60, 7, 35.6, 163],
    [4096, 1170, 200, 2, 4.1, 102],
  ])('%d MiB at %d MiB/s, dirtied at %d MiB/s', (memory, rate, dirty, rounds, preCopyS, ms) => {
    const course = move(aloneTwin(memory, rules(rate, dirty)));
    expect(course.rounds).toBe(rounds);
    expect(Math.round(course.preCopyS * 10) / 10).toBe(preCopyS);
    expect(Math.round(course.downtimeS * 1000)).toBe(ms);
  });

  it('8 GiB at 117 MiB/s and 110 MiB/s of dirtying do not converge: 30 rounds, then 11 s of stop', () => {
    const course = move(aloneTwin(8192, rules(117, 110, { roundsMax: 30 })));
    expect(course.rounds).toBe(30);
    // 8192 · (1 − λ³⁰)/(1 − λ)/117 = 986.4 s with λ = 110/117; 8192·λ³⁰ = 1287 MiB are left.
    expect(course.preCopyS).toBeCloseTo(986.4, 1);
    expect(course.downtimeS).toBeCloseTo(11.0, 1);
  });
});

const anyPreCopy: fc.Arbitrary<PreCopy> = fc.record({
  memoryBytes: fc.integer({ min: 1, max: 16384 }).map((size) => size * mib),
  bytesPerS: fc.integer({ min: 5, max: 2000 }).map((rate) => rate * mib),
  dirtyBytesPerS: fc.integer({ min: 0, max: 1500 }).map((rate) => rate * mib),
  workingSetBytes: fc.constantFrom(0, 3 * mib, 200 * mib, 8 * gib),
  downtimeLimitS: fc.constantFrom(0, 0.03, 0.3, 2),
  roundsMax: fc.integer({ min: 1, max: 40 }),
  resumeS: fc.constantFrom(0, 0.2),
});

it('the twin does what plain pre-copy does, whatever the sizes and rates', () => {
  fc.assert(
    fc.property(anyPreCopy, (spec) => {
      const { memoryBytes, ...migration } = spec;
      const twin = aloneTwin(memoryBytes / mib, { ...migration, dirtyIntensity: 0 });
      const course = move(twin);
      const plain = preCopy(spec);
      // A round may come out one byte apart where a product of the clock falls on a whole byte.
      expect(Math.abs(course.bytes - plain.bytes)).toBeLessThanOrEqual(
        2 * plain.rounds + 1e-9 * plain.bytes,
      );
      expect(course.rounds).toBe(plain.rounds);
      expect(course.preCopyS).toBeCloseTo(plain.preCopyS, 6);
      expect(course.downtimeS).toBeCloseTo(plain.downtimeS, 6);
    }),
    { seed: 3, numRuns: 500 },
  );
});

const anyRules: fc.Arbitrary<MigrationSpec> = fc.record({
  bytesPerS: fc.integer({ min: 5, max: 2000 }).map((rate) => rate * mib),
  dirtyIntensity: fc.constantFrom(0, 0.2, 0.8, 1.3),
  dirtyBytesPerS: fc.constantFrom(0, 0, 40 * mib),
  workingSetBytes: fc.constantFrom(64 * mib, gib),
  storageBytes: fc.constantFrom(0, 0, 5 * gib),
  downtimeLimitS: fc.constantFrom(0.03, 0.3),
  roundsMax: fc.integer({ min: 4, max: 40 }),
  resumeS: fc.constantFrom(0, 0.05),
  autoConverge: fc.constantFrom(null, qemuAutoConverge),
  stallFraction: fc.constantFrom(0.7, 0.95),
  stallRounds: fc.integer({ min: 1, max: 4 }),
  onStall: fc.constantFrom('goOn' as const, 'stop' as const, 'abort' as const, 'postCopy' as const),
  timeoutS: fc.constantFrom(Infinity, 3.3, 30.1),
  onTimeout: fc.constantFrom(
    'goOn' as const,
    'stop' as const,
    'abort' as const,
    'postCopy' as const,
  ),
  postCopy: fc.constantFrom(
    'request' as const,
    'request' as const,
    'afterFirstRound' as const,
    'start' as const,
  ),
  postCopyPauseS: fc.constantFrom(0.02, 0.1),
  compression: fc.constantFrom(1, 1.5),
  storageBytesPerS: fc.constantFrom(Infinity, 60 * mib),
});

it('what is foretold comes true while rates stay: outcome, times, bytes and throttle', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anyRules, fc.integer({ min: 64, max: 4096 }), (migration, memory) => {
      const twin = aloneTwin(memory, migration, 0.1);
      advance(twin, 0);
      const forecast = expectMigration(twin, 0, 1);
      seen.add(forecast.outcome);
      let throttle = 0;
      const beginMs = twin.nowMs;
      let endMs = beginMs;
      const ended = (...args: readonly number[]): void => {
        endMs = args[4]!;
      };
      twin.recorder = { migrationEnded: ended, migrationDropped: ended };
      expect(migrateVm(twin, 0, 1)).toBeUndefined();
      advance(twin, 1e8, () => {
        if (twin.state.migrationStage[0] === 2) {
          throttle = Math.max(throttle, twin.state.migrationThrottle[0]!);
        }
      });
      const [moved, bytes, , downtimeMs] = twin.state.migrationTotals;
      expect(moved).toBe(forecast.outcome === 'aborted' ? 0 : 1);
      expect(twin.state.migrationOutcomes[migrationOutcome.postCopied]).toBe(
        forecast.outcome === 'postCopy' ? 1 : 0,
      );
      // The twin's clock has a resolution; a byte more or less per round comes of it.
      expect(Math.abs(bytes! / forecast.bytes - 1)).toBeLessThan(1e-6);
      expect((endMs - beginMs) / 1000).toBeCloseTo(forecast.durationS, 5);
      if (moved === 1) expect(downtimeMs! / 1000).toBeCloseTo(forecast.downtimeS, 5);
      expect(throttle).toBeLessThanOrEqual(forecast.throttle + 1e-12);
      expect(throttle).toBeGreaterThanOrEqual(forecast.throttle > 0.2 ? 0.2 : 0);
    }),
    { seed: 4, numRuns: 800 },
  );
  expect([...seen].sort()).toEqual(['aborted', 'postCopy', 'stopAndCopy']);
});

it('energy of the copying is linear in the bytes, with the slope that the settings give', () => {
  // (200 − 100) W over 4000 MIPS; 1.3 cores of 1000 MIPS while 100 MB/s flow: 0.325 µJ per byte.
  const slope = (100 / 4000) * (1300 / 100e6);
  const energies = [512, 1024, 2048, 4096].map((memory) => {
    const twin = startTwin({
      hosts: [{ memoryGib: 64 }, { memoryGib: 64 }],
      vms: [{ host: 0, vcpus: 1, demandMips: 0, memoryGib: memory / 1024 }],
      network: { type: 'star', portBytesPerS: 10 * gib },
      migration: { bytesPerS: 100e6, dirtyIntensity: 0, workingSetBytes: 0 },
      copyingCores: { source: 1, target: 0.3, atBytesPerS: 100e6 },
    });
    const still = twin.fork();
    const powerW = (_host: number, usedMips: number): number => 100 + (usedMips / 4000) * 100;
    const forecast = expectMigration(twin, 0, 1, powerW);
    expect(migrateVm(twin, 0, 1)).toBeUndefined();
    advance(twin, 200_000);
    advance(still, 200_000);
    expect(twin.state.hostBackgroundMips[0]).toBe(0);
    expect(twin.state.hostBackgroundMips[1]).toBe(0);
    const used = [0, 1].reduce((sum, host) => {
      const joules = (one: Twin): number =>
        one.state.hostEnergyJ[host]! +
        (one.state.hostPowerW[host]! * (one.nowMs - one.state.hostSinceMs[host]!)) / 1000;
      return sum + joules(twin) - joules(still);
    }, 0);
    expect(used / (memory * mib * slope)).toBeCloseTo(1, 6);
    expect(forecast.energyJ / used).toBeCloseTo(1, 6);
    return used;
  });
  expect(energies[3]! / energies[0]!).toBeCloseTo(8, 6);
});

it('takes the coefficient of Liu et al. (HPDC 2011), 0.512 J per MB, by choice of the cores', () => {
  // 0.512e-6 J/B = (100 W / 4000 MIPS) · (cores · 1000 MIPS) / 125e6 B/s: 2.56 cores in all.
  const twin = startTwin({
    hosts: [{ memoryGib: 64 }, { memoryGib: 64 }],
    vms: [{ host: 0, vcpus: 1, demandMips: 0, memoryGib: 1 }],
    network: { type: 'star', portBytesPerS: 10 * gib },
    migration: { bytesPerS: 125e6, dirtyIntensity: 0, workingSetBytes: 0 },
    copyingCores: { source: 1.97, target: 0.59, atBytesPerS: 125e6 },
  });
  const powerW = (_host: number, usedMips: number): number => 100 + (usedMips / 4000) * 100;
  const megabytes = gib / 1e6;
  expect(expectMigration(twin, 0, 1, powerW).energyJ / megabytes).toBeCloseTo(0.512, 6);
});
