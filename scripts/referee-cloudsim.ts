/**
 * Runs CloudSim 4.0's PlanetLab power benchmark on a directory of traces and prints its totals as
 * one JSON object. Exit code 0: done, 1: failed, 2: bad input.
 */

import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  type CloudSimDetector,
  type CloudSimSelection,
  defaultParameters,
  runCloudSim,
} from '../sim/compat/cloudsim/index.ts';
import { InputError, type Issue, inputError } from '../sim/errors.ts';
import { runAsScript } from './run-as-script.ts';

/** Lines of a trace file that are used: a day in steps of 300 s. */
const samplesPerDay = 288;
/** Files whose faults are listed; one fault each. */
const issuesMax = 20;
const hostsMax = 100_000;

const migratingDetectors: readonly CloudSimDetector[] = ['thr', 'iqr', 'mad', 'lr', 'lrr'];
const selections: readonly CloudSimSelection[] = ['mmt', 'mc', 'mu', 'rs'];

interface Policy {
  readonly detector: CloudSimDetector;
  readonly selection: CloudSimSelection;
}

/**
 * Reads a directory of PlanetLab traces: one file a VM, one whole percentage of CPU load a line,
 * 288 lines. Files are taken in order of their names' UTF-16 code units, which decides the VMs'
 * types and places. Lines after the 288th are checked but not used, as in CloudSim.
 *
 * @throws InputError naming each file that cannot be used.
 */
export function readTraceDirectory(directory: string): Uint8Array[] {
  const issues: Issue[] = [];
  const traces: Uint8Array[] = [];
  for (const entry of listDirectory(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      issues.push({ path, expected: 'a trace file', got: 'a directory' });
    } else {
      const read = readTrace(path);
      if (read instanceof Uint8Array) traces.push(read);
      else issues.push(read);
    }
    if (issues.length === issuesMax) break;
  }
  if (issues.length > 0) throw new InputError(issues);
  if (traces.length === 0) throw inputError(directory, 'at least one trace file', 'none');
  return traces;
}

function listDirectory(directory: string): Dirent[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  } catch (error) {
    throw inputError(directory, 'a directory of trace files', describeFailure(error));
  }
}

function readTrace(path: string): Uint8Array | Issue {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { path, expected: 'a readable file', got: describeFailure(error) };
  }
  const lines = text.split(/\r\n|\n|\r/);
  while (lines.at(-1) === '') lines.pop();
  const trace = new Uint8Array(samplesPerDay);
  for (const [index, line] of lines.entries()) {
    const percent = /^[0-9]{1,9}$/.test(line) ? Number(line) : Number.NaN;
    if (!(percent <= 100)) {
      const got = line === '' ? 'an empty line' : line;
      return { path: `${path}:${index + 1}`, expected: 'a whole number from 0 to 100', got };
    }
    if (index < samplesPerDay) trace[index] = percent;
  }
  if (lines.length >= samplesPerDay) return trace;
  return {
    path: `${path}:${lines.length + 1}`,
    expected: `${samplesPerDay} lines`,
    got: `the end of the file after ${lines.length}`,
  };
}

/** What the system says, e.g. `nothing there` for a path that does not exist. */
function describeFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOENT') return 'nothing there';
  return code === 'ENOTDIR' ? 'a file' : code;
}

/** Reads a policy name: `npa`, `dvfs` or `<detector>-<selection>`. */
export function parsePolicy(name: string): Policy {
  if (name === 'npa' || name === 'dvfs') return { detector: name, selection: 'mmt' };
  for (const detector of migratingDetectors) {
    for (const selection of selections) {
      if (name === `${detector}-${selection}`) return { detector, selection };
    }
  }
  const detectors = migratingDetectors.join('|');
  throw inputError('--policy', `npa, dvfs or ${detectors} with -${selections.join('|-')}`, name);
}

function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw inputError(option, `a whole number from ${min} to ${max}`, text);
}

function parseParameter(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw inputError('--parameter', 'a number from 0 up', text);
}

function createProgram(): Command {
  const { thr, iqr, mad, lr } = defaultParameters;
  return new Command('referee-cloudsim')
    .description("Run CloudSim 4.0's PlanetLab power benchmark and print its totals as JSON.")
    .requiredOption('--traces <directory>', 'one file a VM, 288 lines of CPU load in whole percent')
    .requiredOption('--policy <name>', 'npa, dvfs or <detector>-<selection>, e.g. thr-mmt')
    .option('--parameter <number>', `default: thr ${thr}, iqr ${iqr}, mad ${mad}, lr and lrr ${lr}`)
    .option('--hosts <count>', 'hosts, half of each type', '800')
    .option('--seed <number>', 'seed of selection rs, which CloudSim leaves unseeded', '1')
    .addHelpText(
      'after',
      `
Detectors of overload: thr iqr mad lr lrr. Selections of the VM to move: mmt mc mu rs.
npa draws full power all day; dvfs draws power by load; neither migrates.
A ratio of an empty total (no VM ever asked for anything) is printed as null.

Example:
  npm run --silent referee:cloudsim -- --traces planetlab/20110303 --policy lr-mmt

Exit codes: 0 done, 1 failed, 2 bad input.`,
    )
    .exitOverride();
}

/** Runs the command line `args` and returns the line to print. */
export function referee(args: readonly string[]): string {
  const options = createProgram().parse(args, { from: 'user' }).opts<{
    traces: string;
    policy: string;
    parameter?: string;
    hosts: string;
    seed: string;
  }>();
  const { detector, selection } = parsePolicy(options.policy);
  const result = runCloudSim({
    detector,
    selection,
    ...(options.parameter === undefined ? {} : { parameter: parseParameter(options.parameter) }),
    hosts: parseWhole('--hosts', options.hosts, 1, hostsMax),
    seed: parseWhole('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
    traces: readTraceDirectory(options.traces),
  });
  const { energyKwh, energyJ, ...others } = result;
  return JSON.stringify({ energyKwh, energyJ, ...others });
}

runAsScript(import.meta.url, referee);
