/** What a cluster teaches, remembered over a restart; migrations told by their records. */
import { describe, expect, it } from 'vitest';
import { Calibrator, type KnownHost, priorOf } from '../../../deploy/twin/calibrator.ts';
import { MigrationCalibrator } from '../../../deploy/twin/migration-calibrator.ts';
import { advance, applyAction, RandomStream, type Recorder } from '../../../sim/index.ts';
import { gib, mib, startTwin } from '../../builders.ts';

const known: KnownHost = { fastestMhz: 2000, cores: 8, idleW: 50, fullW: 150 };
const sample = (utilization: number, watts: number) => ({
  utilization,
  mhz: 2000,
  watts,
  confidence: 1,
});

describe('a calibrator', () => {
  it('knows each host by itself, at each of its frequencies', () => {
    const calibrator = new Calibrator();
    for (let index = 0; index < 60; index++) {
      const load = (index % 10) / 10;
      expect(calibrator.observe('a', known, sample(load, 40 + 60 * load))).toBe(true);
    }
    const [fast, slow] = calibrator.power('a', known, [2000, 1000]);
    // The prior of 50 and 150 W counts as two of about 45 samples.
    expect(fast!.idleW).toBeCloseTo(40, 0);
    expect(fast!.fullW).toBeGreaterThan(98);
    expect(fast!.fullW).toBeLessThan(104);
    expect(slow!.fullW).toBeCloseTo(slow!.idleW + (fast!.fullW - fast!.idleW) / 4, 9);
    expect(calibrator.power('b', known, [2000])).toEqual([{ mhz: 2000, idleW: 50, fullW: 150 }]);
    expect(calibrator.recentError('a')).toBeLessThan(0.03);
    expect(calibrator.recentError('b')).toBeUndefined();
  });

  it('refuses what cannot be', () => {
    const calibrator = new Calibrator();
    expect(calibrator.observe('a', known, sample(1.2, 50))).toBe(false);
    expect(calibrator.observe('a', known, sample(0.5, 0))).toBe(false);
    expect(calibrator.observe('a', known, { ...sample(0.5, 50), confidence: 0 })).toBe(false);
  });

  it('remembers over a restart, hosts that do not come back included', () => {
    const calibrator = new Calibrator();
    for (let index = 0; index < 20; index++) {
      calibrator.observe('a', known, sample(index / 20, 60 + 3 * index));
      calibrator.observe('b', known, sample(index / 20, 30 + index));
    }
    calibrator.migrations.add('vm', gib, {
      elapsedMs: 9000,
      didChange: true,
      transferredBytes: gib,
    });
    const restored = Calibrator.restore(JSON.parse(JSON.stringify(calibrator.state)), 'state');
    expect(restored.power('a', known, [2000, 1500])).toEqual(
      calibrator.power('a', known, [2000, 1500]),
    );
    const again = Calibrator.restore(restored.state, 'state');
    expect(again.power('b', known, [2000])).toEqual(calibrator.power('b', known, [2000]));
    expect(again.migrations.state).toEqual(calibrator.migrations.state);
  });

  it('says everything that is wrong with a state', () => {
    const wrong = { version: 2, hosts: [{ name: 'a', power: {} }], migrations: 'none' };
    expect(() => Calibrator.restore(wrong, 'calibration.json')).toThrow(
      /version: expected 1, got 2\n.*samples.*\n[\s\S]*migrations: expected array/,
    );
  });

  it('guesses what nobody said, and knows that it does', () => {
    expect(priorOf(known)).toEqual({ idleW: 50, fullW: 150, isGuess: false });
    expect(priorOf({ fastestMhz: 1, cores: 16 })).toEqual({ idleW: 44, fullW: 156, isGuess: true });
    expect(priorOf({ fastestMhz: 1, cores: 4, fullW: 100 })).toEqual({
      idleW: 40,
      fullW: 100,
      isGuess: true,
    });
    expect(priorOf({ fastestMhz: 1, cores: 4, idleW: 90, fullW: 80 }).fullW).toBe(90);
  });
});

describe('migrations that are done', () => {
  /** What the twin's own migrations look like to libvirt. */
  function migrated(seed: number, overheadMs: number) {
    const random = new RandomStream(seed, 'vm');
    const memoryGib = 0.5 + Math.floor(random.float() * 8) / 2;
    const dirtyBytesPerS = random.float() * 60 * mib;
    const twin = startTwin({
      hosts: 2,
      vms: [{ demandMips: 1000, memoryGib, host: 0 }],
      migration: {
        bytesPerS: 100 * mib,
        dirtyIntensity: 0,
        dirtyBytesPerS,
        workingSetBytes: memoryGib * gib,
        downtimeLimitS: 0.3,
      },
      network: { type: 'star', portBytesPerS: gib },
    });
    let [transferredBytes, pausedMs, downtimeMs, endMs] = [0, 0, 0, 0];
    const recorder: Recorder = {
      migrationRound: (_vm, _stage, bytes) => {
        transferredBytes += bytes;
      },
      vmPaused: (_vm, _host, timeMs) => {
        pausedMs = timeMs;
      },
      vmResumed: (_vm, _host, timeMs) => {
        downtimeMs = timeMs - pausedMs;
      },
      migrationEnded: (_vm, _source, _target, _startMs, timeMs) => {
        endMs = timeMs;
      },
    };
    twin.recorder = recorder;
    applyAction(twin, { type: 'migrate', vm: 0, host: 1 });
    advance(twin, 3_600_000);
    const noise = 1 + 0.04 * (random.float() - 0.5);
    return {
      memoryBytes: memoryGib * gib,
      dirtyBytesPerS,
      effect: {
        elapsedMs: (endMs + overheadMs) * noise,
        didChange: true,
        transferredBytes,
        downtimeMs,
      },
    };
  }

  it('tell the rate and what each VM makes dirty', () => {
    const calibrator = new MigrationCalibrator();
    const rates = new Map<string, number>();
    for (let seed = 1; seed <= 12; seed++) {
      const { memoryBytes, dirtyBytesPerS, effect } = migrated(seed, 700);
      expect(calibrator.add(`vm-${seed}`, memoryBytes, effect)).toBe(true);
      rates.set(`vm-${seed}`, dirtyBytesPerS);
      if (seed < 3) expect(calibrator.bytesPerS).toBeUndefined();
    }
    expect(calibrator.bytesPerS! / (100 * mib)).toBeGreaterThan(0.96);
    expect(calibrator.bytesPerS! / (100 * mib)).toBeLessThan(1.04);
    for (const [vm, rate] of rates) {
      expect(Math.abs(calibrator.dirtyBytesPerS(vm)! - rate) / mib).toBeLessThan(4);
    }
    expect(calibrator.dirtyBytesPerS('another')).toBeUndefined();
  });

  it('count only when something was moved, and told of', () => {
    const calibrator = new MigrationCalibrator();
    expect(calibrator.add('vm', gib, { elapsedMs: 5, didChange: false })).toBe(false);
    expect(calibrator.add('vm', gib, { elapsedMs: 5000, didChange: true })).toBe(false);
  });
});
