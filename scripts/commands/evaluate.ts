/** `wattwin evaluate`: policies × seeds × scenarios, in parallel, into a report. */
import { Command } from 'commander';
import { budgetOf, objectiveOf } from '../../sim/index.ts';
import { defaultWorkers, printJson, runCommand, seedList, wholeNumber } from '../cli.ts';
import { type EpisodeSpec, loadEpisode, readEpisode } from '../episode.ts';
import {
  type Contestant,
  contestantNamed,
  defaultHeuristics,
  policyOf,
} from '../evaluate/contestant.ts';
import { runGrid } from '../evaluate/grid.ts';
import type { Evaluation } from '../evaluate/results.ts';
import { startProgress } from '../progress.ts';
import { formatComparison } from '../report/table.ts';
import { writeReport } from '../report/write.ts';

interface Options {
  readonly policies?: string;
  readonly seeds: number[];
  readonly checkpoint?: string;
  readonly out?: string;
  readonly workers: number;
  readonly png: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description(
      'run policies on the same seeds and scenarios and compare them, with 95 % intervals',
    )
    .argument('<scenario...>', 'scenario files, YAML')
    .option('--policies <names>', 'comma-separated; default: the usual heuristics, and oracle')
    .option('--seeds <list>', 'seeds of the runs: 7, 1,2,5 or 101..108', seedList, [101, 102, 103])
    .option('--checkpoint <file>', 'adds the policy `learned`')
    .option('--out <dir>', 'write evaluation.json, report.html and charts there')
    .option('--workers <n>', 'worker threads', wholeNumber(1), defaultWorkers)
    .option('--no-png', 'no PNG charts')
    .option('--json', 'print the whole evaluation as JSON')
    .option('--quiet', 'no progress')
    .action((scenarios: string[], options: Options) =>
      runCommand((signal) => evaluate(scenarios, options, signal)),
    );
}

async function evaluate(
  scenarios: readonly string[],
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const contestants = chosen(options);
  const episodes = scenarios.flatMap((path) =>
    options.seeds.map((seed) => readEpisode(path, seed)),
  );
  checkInputs(contestants, episodes);
  const total = contestants.length * episodes.length;
  const progress = startProgress('evaluate', total, options.quiet ?? false);
  const evaluation = await runGrid({
    episodes,
    contestants,
    workers: options.workers,
    signal,
    onProgress: (done, _, note) => progress.update(done, note),
  })
    .then((records) => describeRun(scenarios, episodes, options, records))
    .finally(() => progress.stop());
  const paths =
    options.out === undefined
      ? undefined
      : await writeReport(evaluation, options.out, { png: options.png });
  if (options.json) {
    printJson(evaluation);
    return;
  }
  process.stdout.write(`${formatComparison(evaluation)}\n`);
  if (paths !== undefined) process.stdout.write(`\nreport: ${paths.html}\n`);
}

function chosen(options: Options): Contestant[] {
  const { policies, checkpoint } = options;
  if (policies !== undefined) {
    return policies.split(',').map((name) => contestantNamed(name.trim(), checkpoint));
  }
  return [
    { type: 'oracle', name: 'oracle' },
    ...(checkpoint === undefined ? [] : [contestantNamed('learned', checkpoint)]),
    ...defaultHeuristics,
  ];
}

/** Finds bad input here, where it can still be told what it is, rather than in a worker. */
function checkInputs(contestants: readonly Contestant[], episodes: readonly EpisodeSpec[]): void {
  const seen = new Set<string>();
  for (const episode of episodes) {
    if (seen.has(episode.file)) continue;
    seen.add(episode.file);
    const { scenario } = loadEpisode(episode);
    const decides = {
      decisionEveryMs: scenario.decisionEvery,
      budget: budgetOf(scenario),
      objective: objectiveOf(scenario),
    };
    if (seen.size === 1) for (const contestant of contestants) policyOf(contestant, decides);
  }
}

function describeRun(
  scenarios: readonly string[],
  episodes: readonly EpisodeSpec[],
  options: Options,
  records: Evaluation['records'],
): Evaluation {
  const { scenario, model } = loadEpisode(episodes[0]!);
  return {
    format: 'wattwin-evaluation',
    version: 1,
    title: scenarios.join(', '),
    objective: objectiveOf(scenario),
    workload: model.workload.name,
    trainedOn: options.checkpoint ?? 'nothing',
    testedOn: `seeds ${options.seeds.join(', ')}`,
    hosts: model.hosts,
    vms: model.vms,
    decisionEveryMs: scenario.decisionEvery,
    records,
  };
}
