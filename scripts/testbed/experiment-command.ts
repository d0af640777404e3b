/** `wattwin testbed experiment`: the same load under one governor after the other. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { usualRedisFullPerS } from '../../deploy/testbed/load/index.ts';
import { wholeNumber } from '../cli.ts';
import { durationOption } from '../observe/connection-options.ts';
import { type ExperimentOptions, runExperiment } from './experiment.ts';
import { governorList } from './governor.ts';
import { runTestbedCommand } from './run.ts';

export function experimentCommand(): Command {
  return new Command('experiment')
    .description('up, the same load and telemetry under each governor, down; then a comparison')
    .option('--name <name>', 'of the testbed, which must not be there yet', 'experiment')
    .requiredOption('--out <dir>', 'a directory for each governor goes there')
    .option(
      '--governors <list>',
      'performance, powersave, schedutil, ondemand, conservative, userspace:MHZ; the first is what the others are compared with',
      governorList,
      governorList('performance,schedutil'),
    )
    .option('--hosts <n>', 'hosts', wholeNumber(1), 2)
    .option('--vms <n>', 'VMs', wholeNumber(1), 2)
    .option('--redis <n>', 'how many of them run Redis', wholeNumber(0), 1)
    .option('--seed <n>', 'of the load', wholeNumber(0), 1)
    .addOption(durationOption('--duration <time>', 'of the load under each governor', '120 s'))
    .addOption(durationOption('--phase <time>', 'between two shifts of the load', '10 s'))
    .option('--mean <fraction>', 'mean utilization at full speed', mean, 0.3)
    .option('--redis-full <n>', 'operations/s that fill a VM', wholeNumber(1), usualRedisFullPerS)
    .addOption(new Option('--keep', 'leave the testbed up at the end'))
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
  sudo wattwin testbed experiment --out runs/governors --governors performance,schedutil,powersave

DIR/GOVERNOR/ holds plan.json, load.jsonl and summary.json of the load and HOST/metrics.jsonl of every
host; \`wattwin testbed load compare\` reads two of them, \`wattwin calibrate\` a host's. Ctrl-C ends the load
in hand with a report, and the testbed is taken down.`,
    )
    .action((options: ExperimentOptions) =>
      runTestbedCommand((signal) => runExperiment(options, signal)),
    );
}

function mean(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('expected a number between 0 and 1.');
}
