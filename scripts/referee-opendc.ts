/**
 * Replays an OpenDC workload on a cluster of identical hosts and prints its totals as one JSON
 * object. Exit code 0: done, 1: failed, 2: bad input.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { parsePowerModel, powerModelGrammar, runOpenDc } from '../sim/compat/opendc/index.ts';
import { inputError } from '../sim/errors.ts';
import { readCarbonSync, readOpenDcTasksSync } from '../traces/opendc.ts';
import { runAsScript } from './run-as-script.ts';

const hostsMax = 1_000_000;
const coresMax = 100_000;

function parseWhole(option: string, text: string, max: number): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= max) return value;
  throw inputError(option, `a whole number from 1 to ${max}`, text);
}

function parseAbove0(option: string, text: string): number {
  const value = /^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 1e15) return value;
  throw inputError(option, 'a number above 0', text);
}

function parseScaling(text: string): 'no-delay' | 'perfect' {
  if (text === 'no-delay' || text === 'perfect') return text;
  throw inputError('--scaling', 'no-delay or perfect', text);
}

function createProgram(): Command {
  return new Command('referee-opendc')
    .description('Replay an OpenDC workload on identical hosts and print its totals as JSON.')
    .requiredOption('--trace <directory>', 'holds tasks.parquet and fragments.parquet')
    .requiredOption('--hosts <count>', 'number of hosts')
    .requiredOption('--power <model>', 'power of a host in W, e.g. linear:32:180')
    .option('--carbon <file>', 'carbon intensity (default: carbon.parquet in the trace, if there)')
    .option('--cores <count>', 'cores of a host', '16')
    .option('--speed <MHz>', 'speed of a core', '2100')
    .option('--memory <MB>', 'memory of a host', '100000')
    .option('--scaling <policy>', 'no-delay or perfect', 'no-delay')
    .addHelpText(
      'after',
      `
Power models: ${powerModelGrammar}.

Prints one line:
  energyJ             energy of all hosts from the first submission to the last task's end, J
  completed           tasks that ran to their end
  endS                end of the last task, s after the first submission
  carbonG             grams of CO2, null without a carbon intensity
  terminated          tasks larger than every host
  skipped             tasks without fragments, which take no part
  meanUtilization     CPU used per capacity, over hosts and time
  sampledUtilization  the mean of hourly samples instead

Example:
  npm run --silent referee:opendc -- --trace surf_week --hosts 279 --power linear:32:180

Exit codes: 0 done, 1 failed, 2 bad input.`,
    )
    .exitOverride();
}

/** Runs the command line `args` and returns the line to print. */
export function referee(args: readonly string[]): string {
  const options = createProgram().parse(args, { from: 'user' }).opts<{
    trace: string;
    hosts: string;
    power: string;
    carbon?: string;
    cores: string;
    speed: string;
    memory: string;
    scaling: string;
  }>();
  const group = {
    count: parseWhole('--hosts', options.hosts, hostsMax),
    cores: parseWhole('--cores', options.cores, coresMax),
    coreMhz: parseAbove0('--speed', options.speed),
    memoryMb: parseAbove0('--memory', options.memory),
    power: parsePowerModel(options.power, '--power'),
  };
  const scaling = parseScaling(options.scaling);
  const carbonFile = options.carbon ?? join(options.trace, 'carbon.parquet');
  const hasCarbon = options.carbon !== undefined || existsSync(carbonFile);
  const result = runOpenDc({
    tasks: readOpenDcTasksSync(options.trace),
    hosts: [group],
    scaling,
    ...(hasCarbon ? { carbon: readCarbonSync(carbonFile) } : {}),
  });
  const { energyJ, completed, endS, carbonG, terminated, skipped } = result;
  const { meanUtilization, sampledUtilization } = result;
  const extras = { terminated, skipped, meanUtilization, sampledUtilization };
  return JSON.stringify({ energyJ, completed, endS, carbonG, ...extras });
}

runAsScript(import.meta.url, referee);
