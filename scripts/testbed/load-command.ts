/** `wattwin testbed load`: work for the VMs, and how it went. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { usualRedisFullPerS, workloadNames, ycsbShape } from '../../deploy/testbed/load/index.ts';
import { parseQuantity } from '../../sim/index.ts';
import { wholeNumber } from '../cli.ts';
import { durationOption } from '../observe/connection-options.ts';
import { type CompareOptions, compareLoads } from './load-compare.ts';
import { type LoadRunOptions, runLoadCommand } from './load-run.ts';
import { runYcsbCommand, type YcsbCommandOptions } from './load-ycsb.ts';
import { runTestbedCommand } from './run.ts';

export function loadCommand(): Command {
  const load = new Command('load')
    .description('load that shifts between VMs, YCSB for Redis, and what runs cost')
    .addHelpText(
      'after',
      `
  sudo wattwin testbed load run --seed 7 --duration "120 s" --out runs/performance
  sudo wattwin testbed load run --like runs/performance --out runs/controlled
  wattwin testbed load compare runs/performance runs/controlled
  sudo wattwin testbed load ycsb --workload a --rate 100 --duration "30 s"

Requests are due at times of their own (an open loop) and latencies count from then, whether the client
could send or the server answer. docs/load.md says what is measured, and how exactly.`,
    );
  addRun(load);
  addYcsb(load);
  addCompare(load);
  return load;
}

function addRun(load: Command): void {
  load
    .command('run')
    .description('load that shifts between all VMs of a testbed; the same for the same seed')
    .addOption(nameOption())
    .requiredOption('--out <dir>', 'where plan.json, load.jsonl and summary.json go')
    .option('--like <dir>', 'the load of that run again, to the byte; leaves out what shapes it')
    .option('--seed <n>', 'of the load', wholeNumber(0), 1)
    .addOption(durationOption('--duration <time>', 'how long', '120 s'))
    .addOption(durationOption('--phase <time>', 'between two shifts', '10 s'))
    .option('--mean <fraction>', 'mean utilization over VMs and time', fraction, 0.4)
    .addOption(
      new Option(
        '--kind <kind>',
        'jobs of the agent in all VMs, Redis in those that have it, or both',
      )
        .choices(['jobs', 'redis', 'both'])
        .default('both'),
    )
    .option('--redis-full <n>', 'operations/s that fill a VM', positive, usualRedisFullPerS)
    .option('--unit-rate <n>', "units/s of a VM's CPU at full speed; default: measured", positive)
    .addOption(jobOption())
    .addOption(workloadOption())
    .option('--records <n>', 'records in each Redis', wholeNumber(1), ycsbShape.records)
    .option('--connections <n>', 'to each Redis', wholeNumber(1), 4)
    .option('--no-create', 'the records are there already')
    .addOption(durationOption('--timeout <time>', 'limit for one answer', '10 s'))
    .option('--json', 'print the summary as JSON')
    .option('--quiet', 'no progress')
    .action((options: LoadRunOptions) =>
      runTestbedCommand((signal) => runLoadCommand(options, signal)),
    );
}

function addYcsb(load: Command): void {
  load
    .command('ycsb')
    .description('a YCSB core workload against one Redis')
    .addOption(nameOption())
    .option('--vm <name>', 'of the testbed; default: its first with Redis')
    .option('--address <host:port>', 'a Redis that can be reached from here, without a testbed')
    .addOption(workloadOption())
    .option('--phases <list>', 'load (create the records), run, or both', phases, ['load', 'run'])
    .option('--rate <n>', 'operations/s', positive, 100)
    .addOption(durationOption('--duration <time>', 'of the run', '30 s'))
    .addOption(
      new Option('--spacing <how>', 'of requests: independent, or an even gap apart as in YCSB')
        .choices(['poisson', 'even'])
        .default('poisson'),
    )
    .option('--seed <n>', 'of operations and arrivals', wholeNumber(0), 1)
    .option('--records <n>', 'records', wholeNumber(1), ycsbShape.records)
    .option('--fields <n>', 'fields of a record', wholeNumber(1), ycsbShape.fields)
    .option('--field-bytes <n>', 'bytes of a field', wholeNumber(1), ycsbShape.fieldBytes)
    .option('--connections <n>', 'to Redis', wholeNumber(1), 4)
    .addOption(durationOption('--timeout <time>', 'limit for one answer', '10 s'))
    .addOption(
      new Option('--format <form>', 'of the result: a table, JSON, or the lines that YCSB prints')
        .choices(['table', 'json', 'ycsb'])
        .default('table'),
    )
    .option('--quiet', 'no progress')
    .action((options: YcsbCommandOptions) =>
      runTestbedCommand((signal) => runYcsbCommand(options, signal)),
    );
}

function addCompare(load: Command): void {
  load
    .command('compare')
    .description('two runs of the same load: energy, throughput and latency of the second')
    .argument('<baseline>', 'directory of a run; with metrics.jsonl of its hosts for energy')
    .argument('<other>', 'directory of another with --like BASELINE')
    .option('--json', 'print JSON')
    .action((baseline: string, other: string, options: CompareOptions) =>
      runTestbedCommand(() => compareLoads(baseline, other, options)),
    );
}

const nameOption = (): Option =>
  new Option('--name <name>', 'which testbed; several can run').default('default');

const workloadOption = (): Option =>
  new Option('--workload <letter>', 'of YCSB: what is read, updated, inserted')
    .choices(workloadNames)
    .default('a');

const jobOption = (): Option =>
  new Option('--job <time>', 'CPU time of a job at that speed')
    .argParser((text) => {
      const ms = parseQuantity('duration', text);
      if (ms === undefined || ms < 1 || ms > 60_000) {
        throw new InvalidArgumentError('expected a duration from 1 ms to 1 min, such as "50 ms".');
      }
      return ms;
    })
    .default(50, '50 ms');

function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value < 1)) {
    throw new InvalidArgumentError('expected a number between 0 and 1.');
  }
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 1e6)) {
    throw new InvalidArgumentError('expected a number above 0, up to a million.');
  }
  return value;
}

function phases(text: string): ('load' | 'run')[] {
  const found = text.split(',');
  if (found.every((one): one is 'load' | 'run' => one === 'load' || one === 'run')) return found;
  throw new InvalidArgumentError('expected load, run, or load,run.');
}
