/** `wattwin label`: the oracle writes down the best plans of some runs. */
import { Command, InvalidArgumentError } from 'commander';
import { defaultOracle } from '../../oracle/index.ts';
import { defaultWorkers, printJson, runCommand, seedList, wholeNumber } from '../cli.ts';
import { readEpisode } from '../episode.ts';
import { labelEpisodes, learnerShare } from '../label-episodes.ts';
import { startProgress } from '../progress.ts';

interface Options {
  readonly out: string;
  readonly seeds: number[];
  readonly workers: number;
  readonly horizon: number;
  readonly exploration: number;
  readonly learner?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function labelCommand(): Command {
  return new Command('label')
    .description(
      'search every decision of some runs on forks of the twin and write all plans tried,\n' +
        'with their costs, to append-only shards; goes on where it was stopped',
    )
    .argument('<scenario>', 'scenario file, YAML')
    .requiredOption('--out <dir>', 'directory of the shards, one per run')
    .option('--seeds <list>', 'seeds of the runs: 7, 1,2,5 or 1..8', seedList, [1, 2, 3, 4])
    .option(
      '--workers <n>',
      'worker threads; the labels do not depend on it',
      wholeNumber(1),
      defaultWorkers,
    )
    .option(
      '--horizon <n>',
      'decisions that a rollout looks ahead',
      wholeNumber(1),
      defaultOracle.horizonDecisions,
    )
    .option(
      '--exploration <share>',
      'decisions that carry out another plan than the best',
      share,
      0.3,
    )
    .option(
      '--learner <file>',
      'let the policy of a checkpoint decide in 70 % of the cases (DAgger)',
    )
    .option('--json', 'print the shards as JSON')
    .option('--quiet', 'no progress')
    .action((scenario: string, options: Options) =>
      runCommand((signal) => label(scenario, options, signal)),
    );
}

async function label(path: string, options: Options, signal: AbortSignal): Promise<void> {
  const progress = startProgress('label', 1, options.quiet ?? false);
  try {
    const shards = await labelEpisodes({
      episodes: options.seeds.map((seed) => readEpisode(path, seed)),
      directory: options.out,
      oracle: { ...defaultOracle, horizonDecisions: options.horizon },
      exploration: options.exploration,
      ...(options.learner === undefined
        ? {}
        : { learner: { checkpoint: options.learner, share: learnerShare } }),
      workers: options.workers,
      signal,
      onProgress: (done, total, note) => progress.update(done, note, total),
    });
    progress.stop();
    if (options.json) printJson({ shards });
    else process.stdout.write(`${shards.length} runs labelled in ${options.out}\n`);
  } finally {
    progress.stop();
  }
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('expected a share from 0 to 1.');
  return value;
}
