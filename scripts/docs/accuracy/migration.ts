/** Live migration against plain pre-copy, and what is foretold against what happens. */
import {
  advance,
  expectMigration,
  type MigrationSpec,
  migrateVm,
  qemuAutoConverge,
  RandomStream,
  type Twin,
} from '../../../sim/index.ts';
import { preCopy } from '../referees/pre-copy.ts';
import { type AccuracyGroup, type AccuracyRow, apart, Worst } from './row.ts';
import { mib, smallTwin } from './small-twin.ts';

const cases = 500;

export const migration: AccuracyGroup = {
  name: 'migration',
  kind: 'exact',
  measure: () => [preCopyRow(), forecastRow()],
};

const choose = <T>(random: RandomStream, values: readonly T[]): T =>
  values[random.integer(values.length)]!;

function moving(memoryMib: number, spec: MigrationSpec, overhead: number): Twin {
  return smallTwin({
    hosts: [{}, {}],
    vms: [{ host: 0, vcpus: 1, demandMips: 600, memoryMib }],
    migration: () => spec,
    migrationOverheadFraction: overhead,
  });
}

function preCopyRow(): AccuracyRow {
  const random = new RandomStream(1, 'pre-copy');
  const times = new Worst();
  const bytes = new Worst();
  for (let index = 0; index < cases; index++) {
    const memoryMib = 1 + random.integer(16_384);
    const spec = {
      bytesPerS: (5 + random.integer(1996)) * mib,
      dirtyBytesPerS: random.integer(1501) * mib,
      workingSetBytes: choose(random, [0, 3, 200, 8192]) * mib,
      downtimeLimitS: choose(random, [0, 0.03, 0.3, 2]),
      roundsMax: 1 + random.integer(40),
      resumeS: choose(random, [0, 0.2]),
    };
    const plain = preCopy({ memoryBytes: memoryMib * mib, ...spec });
    const twin = moving(memoryMib, { ...spec, dirtyIntensity: 0 }, 0);
    let rounds = 0;
    twin.recorder = {
      migrationRound: (_vm, stage) => {
        if (stage < 3) rounds++;
      },
    };
    migrateVm(twin, 0, 1);
    advance(twin, 1e9);
    const [, sent, durationMs, downtimeMs] = twin.state.migrationTotals;
    times.add(durationMs! / 1000 - plain.preCopyS - plain.downtimeS);
    times.add(downtimeMs! / 1000 - plain.downtimeS);
    bytes.add((sent! - plain.bytes) / Math.max(1, plain.rounds));
    if (rounds !== plain.rounds) times.add(Number.NaN);
  }
  return {
    model: 'Live migration, pre-copy',
    page: 'live-migration',
    referee: `plain pre-copy, ${cases} random sizes, rates and limits`,
    error: `times ${apart(times.value, 's')}, bytes ${bytes.value === 0 ? 'equal' : `within ${Math.ceil(bytes.value)} a round`}`,
  };
}

function forecastRow(): AccuracyRow {
  const random = new RandomStream(2, 'forecast');
  const times = new Worst();
  const bytes = new Worst();
  const remedies = ['goOn', 'stop', 'abort', 'postCopy'] as const;
  for (let index = 0; index < cases; index++) {
    const spec: MigrationSpec = {
      bytesPerS: (5 + random.integer(1996)) * mib,
      dirtyIntensity: choose(random, [0, 0.2, 0.8, 1.3]),
      dirtyBytesPerS: choose(random, [0, 0, 40]) * mib,
      workingSetBytes: choose(random, [64, 1024]) * mib,
      storageBytes: choose(random, [0, 0, 5120]) * mib,
      downtimeLimitS: choose(random, [0.03, 0.3]),
      roundsMax: 4 + random.integer(37),
      autoConverge: choose(random, [null, qemuAutoConverge]),
      stallFraction: choose(random, [0.7, 0.95]),
      stallRounds: 1 + random.integer(4),
      onStall: choose(random, remedies),
      timeoutS: choose(random, [Infinity, 3.3, 30.1]),
      onTimeout: choose(random, remedies),
      postCopy: choose(random, ['request', 'request', 'afterFirstRound', 'start'] as const),
      postCopyPauseS: choose(random, [0.02, 0.1]),
      compression: choose(random, [1, 1.5]),
    };
    const twin = moving(64 + random.integer(4033), spec, 0.1);
    advance(twin, 0);
    const forecast = expectMigration(twin, 0, 1);
    let endMs = 0;
    const ended = (...numbers: readonly number[]): void => {
      endMs = numbers[4]!;
    };
    twin.recorder = { migrationEnded: ended, migrationDropped: ended };
    migrateVm(twin, 0, 1);
    advance(twin, 1e8);
    const [moved, sent, , downtimeMs] = twin.state.migrationTotals;
    if ((moved === 0) !== (forecast.outcome === 'aborted')) times.add(Number.NaN);
    times.add(endMs / 1000 - forecast.durationS);
    if (moved === 1) times.add(downtimeMs! / 1000 - forecast.downtimeS);
    bytes.addRelative(sent!, forecast.bytes);
  }
  return {
    model: 'Forecast of a migration',
    page: 'live-migration',
    referee: `the twin itself at constant rates, ${cases} random rules`,
    error: `times ${apart(times.value, 's')}, bytes ${apart(bytes.value)}`,
  };
}
