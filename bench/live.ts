/**
 * The live experiment: the same load on real libvirt hosts of a testbed under each arm and seed, and what
 * it took at the plug. Needs root and what `wattwin testbed up` needs.
 *
 *   npm run --silent bench -- live [--seeds 1..3] [--duration 120s] [--out DIR] [--arms a,b] [--name NAME]
 *
 * Runs are kept in DIR; those that are there already are not done again. Charts go to DIR too.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seedList } from '../scripts/cli.ts';
import { inputError, parseQuantity } from '../sim/index.ts';
import { arms } from './live/arms.ts';
import { writeLiveCharts } from './live/charts.ts';
import type { Outcome } from './live/outcome.ts';
import { controlRows, liveRows, machineLoadLine } from './live/rows.ts';
import { readOutcome, runArm } from './live/run-arm.ts';

export interface LiveOptions {
  readonly seeds: readonly number[];
  readonly durationS: number;
  readonly out: string;
  readonly arms: readonly string[];
  readonly name: string;
}

/** @throws InputError for what is no duration or arm. */
export function readLiveOptions(args: readonly string[]): LiveOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1..3' },
      duration: { type: 'string', default: '120s' },
      out: { type: 'string', default: 'runs/live' },
      arms: { type: 'string', default: arms.map(({ name }) => name).join(',') },
      name: { type: 'string', default: 'live' },
    },
  });
  const durationMs = parseQuantity('duration', values.duration);
  if (durationMs === undefined || durationMs < 30_000) {
    throw inputError('--duration', 'a duration from 30 s up', values.duration);
  }
  const names = values.arms.split(',');
  const unknown = names.find((name) => !arms.some((arm) => arm.name === name));
  if (unknown !== undefined) {
    throw inputError('--arms', `of ${arms.map(({ name }) => name).join(', ')}`, unknown);
  }
  return {
    seeds: seedList(values.seeds),
    durationS: durationMs / 1000,
    out: values.out,
    arms: names,
    name: values.name,
  };
}

export interface LiveResult {
  /** What came of the arms, and what controllers did. */
  readonly tables: readonly (readonly (readonly string[])[])[];
  readonly notes: string;
}

/** All arms on one seed after the other. */
export async function benchLive(options: LiveOptions): Promise<LiveResult> {
  const { seeds, durationS, out, name } = options;
  const chosen = arms.filter((arm) => options.arms.includes(arm.name));
  const outcomes: Outcome[] = [];
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.on('SIGINT', interrupt);
  try {
    for (const seed of seeds) {
      const directoryOf = (arm: string): string =>
        join(out, `seed-${seed}`, arm.replaceAll(' ', '-'));
      const [first] = chosen;
      for (const arm of chosen) {
        stop.signal.throwIfAborted();
        const directory = directoryOf(arm.name);
        const like = arm === first ? undefined : directoryOf(first!.name);
        const run = { seed, durationS, name, directory, like, signal: stop.signal };
        const outcome = readOutcome(directory) ?? (await runArm(arm, run));
        process.stderr.write(`seed ${seed} ${arm.name}: ${outcome.energyJ.toFixed(0)} J\n`);
        outcomes.push(outcome);
      }
    }
  } finally {
    process.off('SIGINT', interrupt);
  }
  await writeLiveCharts(outcomes, out);
  const tables = [liveRows(outcomes), controlRows(outcomes)];
  return { tables, notes: machineLoadLine(outcomes) };
}
