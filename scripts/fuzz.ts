/**
 * Random scenarios until the time is over: `npm run fuzz -- --minutes 10`. A failing seed prints what
 * failed, the smallest story that still does, and one line that repeats it.
 */
import { Command, InvalidArgumentError } from 'commander';
import { type CaseOptions, runCase } from './fuzz/case.ts';
import { type Feature, features } from './fuzz/features.ts';
import { shrink } from './fuzz/shrink.ts';
import { runAsScript } from './run-as-script.ts';

interface Options {
  readonly minutes?: number;
  readonly seed?: number;
  readonly cases?: number;
  readonly without: readonly Feature[];
  readonly deeds?: readonly number[];
  readonly verbose: boolean;
  readonly shrink: boolean;
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('a whole number');
  return value;
};

const minutesOf = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('minutes above 0');
  return value;
};

const featuresOf = (text: string): Feature[] =>
  text.split(',').map((name) => {
    const known = features.find((feature) => feature === name);
    if (known === undefined) throw new InvalidArgumentError(`one of ${features.join(', ')}`);
    return known;
  });

function readOptions(args: readonly string[]): Options {
  const command = new Command('fuzz')
    .description('Runs random scenarios and checks everything that must hold.')
    .option('--minutes <n>', 'time to go on for; without it one case', minutesOf)
    .option('--cases <n>', 'most cases', wholeNumber)
    .option('--seed <n>', 'first case; default: 1', wholeNumber)
    .option('--without <features>', 'features to leave out, with commas between', featuresOf, [])
    .option('--deeds <indices>', 'deeds of the story to keep', (text) =>
      text.split(',').filter(Boolean).map(wholeNumber),
    )
    .option('--no-shrink', 'leave failing stories as they are')
    .option('--verbose', 'print every deed of a single case', false)
    .exitOverride();
  command.parse([...args], { from: 'user' });
  return command.opts<Options>();
}

/** Cases so far. */
interface Totals {
  cases: number;
  events: number;
  failed: number;
}

function fuzz(args: readonly string[]): string {
  const options = readOptions(args);
  const startedMs = Date.now();
  const untilMs = options.minutes === undefined ? -1 : startedMs + options.minutes * 60_000;
  const totals: Totals = { cases: 0, events: 0, failed: 0 };
  const first = options.seed ?? 1;
  const most = options.cases ?? (options.minutes === undefined ? 1 : Infinity);
  let printedMs = startedMs;
  for (let seed = first; totals.cases < most; seed++) {
    runOne(seed, options, totals, most === 1);
    const nowMs = Date.now();
    if (untilMs >= 0 && nowMs >= untilMs) break;
    if (nowMs - printedMs < 10_000) continue;
    printedMs = nowMs;
    process.stderr.write(`${line(totals, nowMs - startedMs)}, seed ${seed}\n`);
  }
  if (totals.failed > 0) process.exitCode = 1;
  return `fuzz: ${line(totals, Date.now() - startedMs)}`;
}

function line({ cases, events, failed }: Totals, elapsedMs: number): string {
  const seconds = (elapsedMs / 1000).toFixed(0);
  return `${cases} cases, ${events} events, ${failed} failures in ${seconds} s`;
}

function runOne(seed: number, options: Options, totals: Totals, single: boolean): void {
  const given: CaseOptions = {
    without: new Set(options.without),
    ...(options.deeds === undefined ? {} : { deeds: new Set(options.deeds) }),
    ...(options.verbose && single
      ? {
          onDeed: (deed, index, twin) => {
            process.stderr.write(`${index} at ${twin.nowMs} ms: ${JSON.stringify(deed)}\n`);
          },
        }
      : {}),
  };
  const result = runCase(seed, given);
  totals.cases++;
  totals.events += result.events;
  if (result.failure === undefined) return;
  totals.failed++;
  const small = options.shrink && !single ? shrink(seed, result, given) : undefined;
  const shown = small?.result.failure ?? result.failure;
  const repeat = [
    `npm run fuzz -- --seed ${seed}`,
    ...((small?.without.length ?? 0) > 0 ? [`--without ${small!.without.join(',')}`] : []),
    ...(small?.deeds === undefined ? [] : [`--deeds ${small.deeds.join(',')}`]),
  ];
  process.stderr.write(
    `seed ${seed}: ${options.verbose ? shown.stack : shown.message}\n  ${repeat.join(' ')}\n`,
  );
}

runAsScript(import.meta.url, fuzz);
