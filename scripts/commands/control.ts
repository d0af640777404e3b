/** `wattwin control`: a policy on real hosts. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import {
  ActionMemory,
  Approvals,
  ClusterObserver,
  type ConsiderOptions,
  type ControllerNews,
  clusterObjective,
  clusterTranslation,
  consider,
  control,
  describeOperation,
  expectedDemand,
  killSwitch,
  type Mode,
  type PlanItem,
  printable,
  reconcile,
  summarizeControl,
  systemClock,
} from '../../deploy/index.ts';
import { jsonText, printJson, runCommand, wholeNumber } from '../cli.ts';
import { clusterDefault, clusterPath } from '../live/cluster-path.ts';
import { readLearned, writeKnown } from '../live/live-files.ts';
import { livePolicy } from '../live/live-policy.ts';
import { type ClusterSession, openSession } from '../live/session.ts';
import { linesOf, summaryLines } from '../live/story.ts';

interface Options {
  readonly cluster?: string;
  readonly journal?: string;
  readonly mode: Mode;
  readonly execute?: boolean;
  readonly policy?: string;
  readonly checkpoint?: string;
  readonly decisions?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function controlCommand(): Command {
  return new Command('control')
    .description('observe real hosts, decide, foretell, and act on them where you allow it')
    .option('--cluster <file>', `hosts, rules, limits; ${clusterDefault}`)
    .addOption(
      new Option('--mode <mode>', 'look only; wait for a word on each decision; act by itself')
        .choices(['shadow', 'recommend', 'act'])
        .default('shadow'),
    )
    .option('--execute', 'really change hosts; without it the commands are only printed')
    .option(
      '--policy <name>',
      "instead of the cluster file's: a name, oracle, or JSON with options",
    )
    .option('--checkpoint <file>', 'run the policy that `wattwin train` wrote')
    .option('--decisions <n>', 'end after so many decisions', wholeNumber(1))
    .option('--journal <dir>', 'default: `journal` beside the cluster file')
    .option('--json', 'print each piece of news as a line of JSON, and the summary at the end')
    .option('--quiet', 'print the summary only')
    .addHelpText(
      'after',
      `
  wattwin control --cluster cluster.yaml                     # look and foretell; changes nothing
  wattwin control --cluster cluster.yaml --mode recommend --execute
  wattwin control --cluster cluster.yaml --mode act --execute --policy oracle
  touch STOP                                # beside cluster.yaml: nothing more is done
  wattwin restore --cluster cluster.yaml --execute           # everything as it was before

Start with shadow, and go on with it until you have seen whether what is foretold comes true. Every
change is written down with what undoes it before it is made; \`wattwin journal\` shows it. Ctrl-C ends
after the operation in hand; a migration under way is called off. One controller at a time.
docs/control.md tells all.

Exit codes: 0 ended as asked, or by Ctrl-C; 1 failed; 2 bad input.`,
    )
    .action((options: Options) => runCommand((signal) => run(options, signal)));
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const session = openSession(options);
  try {
    await runIn(session, options, signal);
  } finally {
    await session.close();
  }
}

async function runIn(
  session: ClusterSession,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, executor, journal, transport } = session;
  const { directory } = journal;
  const policy = livePolicy(
    options.policy ?? cluster.policy,
    options.checkpoint,
    {
      decisionEveryMs: cluster.interval,
      budget: { migrations: cluster.guard.migrations },
      objective: clusterObjective(cluster.objective),
    },
    options.policy === undefined ? `${clusterPath(options.cluster)}: policy` : '--policy',
  );
  const endings = await reconcile(journal.openIntents(), executor, journal, signal);
  for (const note of [...session.notes, ...endings]) process.stderr.write(`${printable(note)}\n`);
  const memory = ActionMemory.of(journal.records());
  const observer = new ClusterObserver({
    cluster,
    transport,
    clock: systemClock,
    sleeping: memory.sleeping,
    learned: readLearned(directory),
  });
  const firstSeq = journal.seq;
  await control({
    mode: options.execute === true ? options.mode : 'shadow',
    policy: policy.name,
    intervalMs: cluster.interval,
    observe: async (stop) => {
      const sight = await observer.observe(stop);
      writeKnown(directory, observer.learned, sight.snapshot);
      return sight;
    },
    consider: (snapshot, nowMs) => {
      const given: ConsiderOptions = {
        policy,
        objective: clusterObjective(cluster.objective),
        horizon: cluster.horizon,
        guard: { limits: cluster.guard, past: memory, nowMs },
        benefit: cluster.guard.benefit,
        translation: clusterTranslation(cluster),
        live: { forecast: expectedDemand },
      };
      return consider(snapshot, given);
    },
    executor,
    journal,
    onEnd: (item: PlanItem) => {
      memory.note(item.operation, item.state === 'done', systemClock.wallMs());
      observer.note(item);
    },
    approvals: new Approvals(join(directory, 'approvals')),
    stop: () => killSwitch(cluster.guard.killSwitch),
    clock: systemClock,
    signal,
    decisionsMax: options.decisions,
    tell: teller(session, options),
  });
  const summary = summarizeControl([...journal.records()].filter(({ seq }) => seq > firstSeq));
  if (options.json) printJson(summary);
  else process.stdout.write(`\n${summaryLines(summary).join('\n')}\n`);
}

/** Prints the news, and in a dry run the commands that a decision would run. */
function teller({ executor }: ClusterSession, options: Options): (news: ControllerNews) => void {
  const isDry = options.mode !== 'shadow' && options.execute !== true;
  return (news) => {
    if (options.quiet) return;
    if (options.json) {
      process.stdout.write(`${jsonText(news)}\n`);
      return;
    }
    const lines = linesOf(news, systemClock.wallMs());
    if (isDry && news.kind === 'decision') {
      for (const { operation, state } of news.decision.items) {
        if (state !== 'planned') continue;
        lines.push(
          `          # ${printable(describeOperation(operation))}; not done without --execute`,
        );
        lines.push(...executor.commands(operation).map((line) => `          ${printable(line)}`));
      }
    }
    for (const line of lines) process.stdout.write(`${line}\n`);
  };
}
