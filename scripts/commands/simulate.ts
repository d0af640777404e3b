/** `wattwin simulate`: one run of one policy. */
import { join } from 'node:path';
import { Command } from 'commander';
import {
  accountingKey,
  type Bill,
  billOfTwin,
  billSpecOf,
  budgetOf,
  createPolicy,
  formatBill,
  objectiveOf,
  policyNames,
  type RunResult,
  runPolicy,
  type Twin,
} from '../../sim/index.ts';
import { printJson, runCommand, wholeNumber } from '../cli.ts';
import { type LoadedEpisode, loadEpisode, readEpisode, startTwin } from '../episode.ts';
import { policyOf } from '../evaluate/contestant.ts';
import { writeAtomically } from '../files.ts';
import { writeVirtualEnergy } from '../virtual-energy.ts';
import { describeRun } from './describe-run.ts';

interface Options {
  readonly policy?: string;
  readonly checkpoint?: string;
  readonly seed?: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly bill?: boolean;
  readonly virtualEnergy?: string;
  readonly printScenario?: boolean;
}

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('run a scenario once under one policy and print what it amounted to')
    .argument('<scenario>', 'scenario file, YAML')
    .option('--policy <name>', `instead of the scenario's: ${policyNames.join(', ')}, oracle`)
    .option('--checkpoint <file>', 'run the policy that `wattwin train` wrote')
    .option('--seed <n>', "instead of the scenario's", wholeNumber(0))
    .option('--out <dir>', 'also write summary.json and series.csv there')
    .option('--json', 'print JSON')
    .option('--bill', 'charge the energy to VMs and tenants')
    .option(
      '--virtual-energy <dir>',
      "write each VM's virtual RAPL counters at the end of the run there, as powercap files",
    )
    .option('--print-scenario', 'print the scenario with all defaults filled in, and stop')
    .action((scenario: string, options: Options) => runCommand(() => simulate(scenario, options)));
}

function simulate(path: string, options: Options): void {
  const episode = readEpisode(path, options.seed);
  const loaded = withAccounting(loadEpisode(episode), options);
  const { scenario, untilMs } = loaded;
  if (options.printScenario) {
    printJson(scenario);
    return;
  }
  const objective = objectiveOf(scenario);
  const decides = {
    decisionEveryMs: scenario.decisionEvery,
    budget: budgetOf(scenario),
    objective,
  };
  const policy =
    options.checkpoint !== undefined
      ? policyOf({ type: 'learned', name: 'learned', checkpoint: options.checkpoint }, decides)
      : options.policy === 'oracle'
        ? policyOf({ type: 'oracle', name: 'oracle' }, decides)
        : createPolicy(options.policy ?? scenario.policy, `${path}: policy`);
  const twin = startTwin(episode, loaded);
  const result = runPolicy(twin, policy, { ...decides, untilMs });
  const bill = billOfRun(loaded, twin);
  if (options.out !== undefined) writeRun(options.out, result, episode.seed, bill);
  if (options.virtualEnergy !== undefined) writeVirtualEnergy(options.virtualEnergy, twin);
  if (options.json) printJson(outcome(result, episode.seed, bill));
  else {
    process.stdout.write(describeRun(scenario.name, episode.seed, result));
    if (bill !== undefined) process.stdout.write(`\n${formatBill(bill)}`);
  }
}

/** Turns accounting on where it is wanted and the scenario does not have it. */
function withAccounting(loaded: LoadedEpisode, { bill, virtualEnergy }: Options): LoadedEpisode {
  const wanted = bill === true || virtualEnergy !== undefined;
  if (!wanted || loaded.scenario.accounting !== undefined) return loaded;
  const accounting = accountingKey.parse({});
  const scenario = bill === true ? { ...loaded.scenario, accounting } : loaded.scenario;
  return {
    ...loaded,
    scenario,
    model: { ...loaded.model, accounting: { idle: accounting.idle } },
  };
}

function billOfRun({ scenario, model }: LoadedEpisode, twin: Twin): Bill | undefined {
  const { accounting } = scenario;
  if (accounting === undefined) return undefined;
  return billOfTwin(twin, billSpecOf(accounting, model.workload.vmNames, 'accounting.tenants'));
}

/** Everything but the series; the same bytes for the same scenario, seed and code. */
function outcome(result: RunResult, seed: number, bill: Bill | undefined): object {
  const { policy, objective, cost, summary, refusedActions } = result;
  const billed = bill === undefined ? {} : { bill };
  return { policy, seed, objectiveKwh: objective, cost, summary, refusedActions, ...billed };
}

function writeRun(
  directory: string,
  result: RunResult,
  seed: number,
  bill: Bill | undefined,
): void {
  writeAtomically(
    join(directory, 'summary.json'),
    `${JSON.stringify(outcome(result, seed, bill), null, 2)}\n`,
  );
  const rows = result.series.map((row) =>
    [row.timeMs, row.powerW, row.hostsOn, row.migrations].join(','),
  );
  writeAtomically(
    join(directory, 'series.csv'),
    `time_ms,power_w,hosts_on,migrations\n${rows.join('\n')}\n`,
  );
}
