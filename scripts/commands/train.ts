/** `wattwin train`: labels → checkpoint. */
import { Command, Option } from 'commander';
import {
  type BackendName,
  backendNames,
  defaultTraining,
  parameterCount,
} from '../../learner/index.ts';
import { printJson, runCommand, wholeNumber } from '../cli.ts';
import { startProgress } from '../progress.ts';
import { listShards, type TrainOutcome, trainPolicy } from '../train-policy.ts';

interface Options {
  readonly out: string;
  readonly heldOut: number;
  readonly epochs: number;
  readonly seed: number;
  readonly backend: BackendName;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function trainCommand(): Command {
  return new Command('train')
    .description(
      'train a policy offline on labels and write its checkpoint (weights of the last third of\n' +
        'the epochs, averaged)',
    )
    .argument('<labels>', 'directory of shards from `wattwin label`')
    .requiredOption('--out <file>', 'checkpoint to write')
    .option(
      '--held-out <n>',
      'last runs that only judge; 0: the last fifth of each',
      wholeNumber(0),
      1,
    )
    .option('--epochs <n>', 'passes over the labels', wholeNumber(1), defaultTraining.epochs)
    .option('--seed <n>', 'seed of initial weights and order', wholeNumber(0), 1)
    .addOption(new Option('--backend <name>', 'ML runtime').choices(backendNames).default('onnx'))
    .option('--json', 'print the learning curve as JSON')
    .option('--quiet', 'no progress')
    .action((labels: string, options: Options) =>
      runCommand((signal) => train(labels, options, signal)),
    );
}

async function train(labels: string, options: Options, signal: AbortSignal): Promise<void> {
  const shards = listShards(labels);
  const progress = startProgress('train', options.epochs, options.quiet ?? false);
  let outcome: TrainOutcome;
  try {
    outcome = await trainPolicy({
      shards,
      heldOut: options.heldOut,
      backend: options.backend,
      seed: options.seed,
      checkpoint: options.out,
      training: { epochs: options.epochs },
      signal,
      onReplay: (done, total) => progress.update(0, `replaying run ${done} of ${total}`),
      onEpoch: ({ epoch, heldOutRegret }) =>
        progress.update(epoch + 1, `held-out regret ${heldOutRegret.toFixed(4)} kWh`),
    });
  } finally {
    progress.stop();
  }
  signal.throwIfAborted();
  const { trained, runtime, trainDecisions, heldOutDecisions } = outcome;
  const { curve, bestFixed } = trained;
  if (options.json) {
    printJson({
      checkpoint: options.out,
      runtime,
      trainDecisions,
      heldOutDecisions,
      curve,
      bestFixed,
    });
    return;
  }
  const last = curve.at(-1);
  process.stdout.write(
    `${options.out}: ${parameterCount(trained.parameters)} parameters, ${runtime}, ` +
      `${trainDecisions} decisions learned from\n` +
      `held-out regret ${last?.heldOutRegret.toFixed(4)} kWh per decision; ` +
      `always following "${bestFixed.source}" ${bestFixed.heldOutRegret.toFixed(4)}\n`,
  );
}
