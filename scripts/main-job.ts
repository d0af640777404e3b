/** `npm start`: the main job on the bundled scenario, or on traces of the user's own. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { backendNames } from '../learner/index.ts';
import { defaultWorkers, printJson, runCommand, wholeNumber } from './cli.ts';
import { type EpisodeSpec, readEpisode } from './episode.ts';
import { defaultHeuristics } from './evaluate/contestant.ts';
import { type Job, runJob } from './job.ts';
import { formatComparison } from './report/table.ts';
import { traceEpisodes } from './trace-episodes.ts';

interface Options {
  readonly traces?: string;
  readonly scenario?: string;
  readonly out?: string;
  readonly episodes: number;
  readonly tests: number;
  readonly epochs: number;
  readonly workers: number;
  readonly seed: number;
  readonly backend: (typeof backendNames)[number];
  readonly png: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const program = new Command('npm start --')
  .description(
    'Label decisions with the oracle, train a policy on them, compare it with heuristics on unseen\n' +
      'runs, and write a report. Without options it uses the bundled scenario and no download.',
  )
  .option('--traces <dir>', 'use real traces: a trace, or a folder with one trace per day')
  .option('--scenario <file>', 'use another scenario; its seed is replaced by those of the runs')
  .option('--out <dir>', 'where everything goes (default: runs/<name>)')
  .option(
    '--episodes <n>',
    'runs to learn from; of traces: passes over the training part',
    wholeNumber(1),
    0,
  )
  .option('--tests <n>', 'unseen seeds to evaluate on (scenarios only)', wholeNumber(1), 6)
  .option('--epochs <n>', 'training epochs', wholeNumber(1), 16)
  .option('--workers <n>', 'worker threads', wholeNumber(1), defaultWorkers)
  .option('--seed <n>', 'seed that all others derive from', wholeNumber(0), 1)
  .option('--backend <name>', `ML runtime: ${backendNames.join(' or ')}`, 'onnx')
  .option('--no-png', 'skip the PNG charts')
  .option('--json', 'print the comparison as JSON')
  .option('--quiet', 'no progress')
  .addHelpText(
    'after',
    '\nExamples:\n  npm start\n  npm start -- --traces ~/planetlab        # folders 20110303, 20110306, …\n' +
      '  npm start -- --scenario examples/office-day.yaml --episodes 20 --out runs/long\n' +
      '\nStopped with Ctrl-C, the same command goes on where it was.',
  );

// Commander ends with 1 on a bad option; bad input is 2 here.
program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2)).parse();
const options = program.opts<Options>();

await runCommand(async (signal) => {
  const job = { ...jobOf(options), signal };
  if (!options.quiet) {
    process.stderr.write(
      `${job.title}: ${job.train.length + job.retrain.length} episodes to learn from, ${job.test.length} to test on; ` +
        `results go to ${job.directory}\n`,
    );
  }
  const { evaluation, report } = await runJob(job);
  if (options.json) printJson(evaluation);
  else process.stdout.write(`${formatComparison(evaluation)}\n\nreport: ${resolve(report)}\n`);
});

function jobOf(given: Options): Omit<Job, 'signal'> {
  const common = {
    heuristics: defaultHeuristics,
    backend: given.backend,
    workers: given.workers,
    seed: given.seed,
    epochs: given.epochs,
    exploration: 0.3,
    png: given.png,
    quiet: given.quiet ?? false,
  };
  if (given.traces !== undefined) {
    const parts = traceEpisodes(given.traces, given.episodes || 2, given.seed);
    const name = resolve(given.traces).split('/').at(-1) ?? 'traces';
    return {
      ...common,
      title: `Traces of ${name}`,
      train: parts.train,
      retrain: parts.retrain,
      test: parts.test,
      testedOn: parts.description,
      heldOut: 0,
      directory: given.out ?? join('runs', name),
    };
  }
  const file = given.scenario ?? bundledScenario();
  const at = (seed: number): EpisodeSpec => readEpisode(file, seed);
  const count = Math.max(2, given.episodes || 16);
  // A third of the runs is labelled under the policy that the others trained.
  const own = Math.max(1, Math.floor(count / 3));
  const first = given.seed + 1000;
  return {
    ...common,
    title: file
      .split('/')
      .at(-1)!
      .replace(/\.ya?ml$/, ''),
    train: Array.from({ length: count - own }, (_, index) => at(given.seed + index)),
    retrain: Array.from({ length: own }, (_, index) => at(given.seed + count - own + index)),
    test: Array.from({ length: given.tests }, (_, index) => at(first + index)),
    testedOn: `unseen seeds ${first} to ${first + given.tests - 1}`,
    heldOut: count - own > 3 ? 1 : 0,
    directory:
      given.out ??
      join(
        'runs',
        file
          .split('/')
          .at(-1)!
          .replace(/\.ya?ml$/, ''),
      ),
  };
}

/** The scenario that comes with the project, wherever the code runs from. */
function bundledScenario(): string {
  const here = fileURLToPath(import.meta.url);
  const root = here.includes('/dist/') ? join(here, '../../..') : join(here, '../..');
  return join(root, 'examples', 'office-day.yaml');
}
