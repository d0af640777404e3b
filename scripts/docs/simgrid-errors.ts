/** How far the engine's answers are from SimGrid 3.32's stored ones, scenario by scenario. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseSimGridScenario,
  runSimGrid,
  type SimGridResult,
  type SimGridScaleResult,
} from '../../sim/compat/simgrid/index.ts';
import { inputError } from '../../sim/index.ts';

export interface SimGridError {
  readonly scenario: string;
  readonly what: string;
  /** Largest relative error of a host's energy, at the end or at a sample. */
  readonly energy: number;
  /** Largest error of a date of a task, migration or switch, s; undefined when none is stored. */
  readonly dateS: number | undefined;
}

const scenarios: readonly (readonly [name: string, expected: string, what: string])[] = [
  ['S1_dvfs', 'S1_dvfs', 'frequency changes, tasks of several threads'],
  ['S1g_governors', 'S1g_governors', "SimGrid's four governors, 27 changes"],
  ['S2_sharing', 'S2_sharing', 'hosts shared by VMs, VMs by tasks; bounds and priorities'],
  ['S3_migration', 'S3_migration', 'six migrations over one link, a host off and on again'],
  ['S5_precopy', 'S5_precopy', 'pre-copy rounds of seven VMs'],
  ['S6_quirks', 'S6_quirks.ideal', "cases where SimGrid has bugs, against its model's answer"],
  ['S4_100x1000', 'S4_100x1000', '100 hosts, 1,000 VMs, a day'],
  ['S4_800x1052', 'S4_800x1052', '800 hosts, 1,052 VMs, a day'],
];

/** @param directory Holds `scenarios/` and `expected/`. */
export function simGridErrors(directory: string): SimGridError[] {
  return scenarios.map(([scenario, expected, what]) => {
    const path = join(directory, 'scenarios', `${scenario}.json`);
    const ours = runSimGrid(parseSimGridScenario(read(path), path));
    const theirs = JSON.parse(
      read(join(directory, 'expected', `${expected}.json`)),
    ) as Partial<SimGridResult>;
    const energies = [relative(ours.energy_J, theirs.energy_J ?? {})];
    if (isScale(ours)) return { scenario, what, energy: energies[0]!, dateS: undefined };
    (theirs.samples ?? []).forEach((sample, index) => {
      energies.push(relative(ours.samples[index]?.energy_J ?? {}, sample.energy_J));
    });
    const dateS = absolute(datesOf(ours, theirs), datesOf(theirs, theirs));
    return { scenario, what, energy: Math.max(...energies), dateS };
  });
}

const isScale = (result: SimGridResult | SimGridScaleResult): result is SimGridScaleResult =>
  Array.isArray(result.energy_J);

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw inputError(path, 'a readable file', (error as NodeJS.ErrnoException).code ?? 'error');
  }
}

/** Every date that `stored` has, by what it is. */
function datesOf(
  result: Partial<SimGridResult>,
  stored: Partial<SimGridResult>,
): Record<string, number> {
  const dates: Record<string, number> = {};
  for (const [task, end] of Object.entries(result.completion ?? {})) dates[`${task} done`] = end;
  for (const { task, phase, start, end } of (stored.task_phases && result.task_phases) ?? []) {
    dates[`${task} ${phase} starts`] = start;
    dates[`${task} ${phase} ends`] = end;
  }
  for (const { vm, call, ...migration } of result.migrations ?? []) {
    dates[`${vm} leaves at ${call}`] = call;
    dates[`${vm} of ${call} arrives`] = migration.return;
  }
  for (const { host, type, start, end } of (stored.power && result.power) ?? []) {
    dates[`${host} ${type} starts`] = start;
    dates[`${host} ${type} ends`] = end;
  }
  return dates;
}

type Numbers = Readonly<Record<string, number>> | readonly number[];

/** Largest |ours − theirs| / theirs; Infinity when one has a key that the other has not. */
function relative(ours: Numbers, theirs: Numbers): number {
  return worst(ours, theirs, (a, b) => (a === b ? 0 : Math.abs(a - b) / Math.abs(b)));
}

function absolute(ours: Numbers, theirs: Numbers): number {
  return worst(ours, theirs, (a, b) => Math.abs(a - b));
}

function worst(ours: Numbers, theirs: Numbers, error: (a: number, b: number) => number): number {
  const expected = new Map(Object.entries(theirs));
  const found = Object.entries(ours);
  if (found.length !== expected.size) return Number.POSITIVE_INFINITY;
  return found.reduce((largest, [key, value]) => {
    const other = expected.get(key);
    return Math.max(largest, other === undefined ? Number.POSITIVE_INFINITY : error(value, other));
  }, 0);
}
