/** The comparison in a terminal. */
import Table from 'cli-table3';
import {
  compare,
  currencyOf,
  type Estimate,
  type Evaluation,
  type PolicyResult,
  pairedDifference,
} from '../evaluate/results.ts';
import { type Column, columns, isShown, unitOf } from './columns.ts';
import { decimalsFor, fixed, shortened } from './format.ts';
import { plural, undecided } from './headline.ts';
import { castOf } from './roles.ts';

/** Left out first when the terminal is narrow: the last ones. */
const byImportance = [
  'objective',
  'regret',
  'energy',
  'money',
  'carbon',
  'lost',
  'p99',
  'migrations',
  'hostsOn',
  'slav',
  'wall',
  'p50',
] as const satisfies readonly (keyof typeof columns)[];

const marks = { oracle: '◆', learned: '★', bestHeuristic: '●' } as const;
const narrowestName = 18;

/** Of the terminal, but no wider than is readable; 120 when written to a file. */
const terminalWidth = (): number => Math.min(120, process.stdout.columns ?? 120);

/**
 * The comparison, best policy first, in at most `width` characters per line, with a closing
 * sentence on `learned` against the best heuristic.
 */
export function formatComparison(evaluation: Evaluation, width = terminalWidth()): string {
  const results = compare(evaluation.records);
  const cast = castOf(results);
  const mark = ({ policy }: PolicyResult): string => {
    if (policy === cast.oracle?.policy) return marks.oracle;
    if (policy === cast.learned?.policy) return marks.learned;
    return policy === cast.bestHeuristic?.policy ? marks.bestHeuristic : ' ';
  };
  const names = results.map((result) => `${mark(result)} ${result.policy}`);
  const currency = currencyOf(evaluation.records);
  const { chosen, nameWidth } = fitting(results, names, width, currency);
  const table = new Table({
    head: ['  policy', ...chosen.map((column) => heading(column, currency))],
    colAligns: ['left', ...chosen.map(() => 'right' as const)],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: bareLines,
  });
  const texts = chosen.map((column) => column.texts(results, true));
  names.forEach((name, row) => {
    table.push([shortened(name, nameWidth), ...texts.map((column) => column[row]!)]);
  });
  const legend = [
    cast.oracle && `${marks.oracle} oracle`,
    cast.learned && `${marks.learned} learned`,
    cast.bestHeuristic && `${marks.bestHeuristic} best heuristic`,
    results.some(({ objective }) => objective.count > 1) && '± 95 % confidence interval',
  ].filter((part) => typeof part === 'string');
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  return [...lines, legend.join('   '), closing(evaluation, cast)].join('\n');
}

const bareLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

/** Title above unit, so that columns stay as narrow as their numbers. */
const heading = (column: Column, currency: string): string => {
  const { title } = column;
  return `${title.startsWith('p') ? title : title.toLowerCase()}\n${unitOf(column, currency)}`;
};

/** As many columns as fit, important ones first, the name giving way before a column does. */
function fitting(
  results: readonly PolicyResult[],
  names: readonly string[],
  width: number,
  currency: string,
): { readonly chosen: readonly Column[]; readonly nameWidth: number } {
  const longest = Math.max(narrowestName, ...names.map((name) => [...name].length));
  const nameRoom = Math.min(longest, width >= 100 ? 30 : narrowestName);
  let left = width - nameRoom - 2;
  const chosen: Column[] = [];
  for (const key of byImportance) {
    const column: Column = columns[key];
    if (!isShown(column, results)) continue;
    const cells = [...heading(column, currency).split('\n'), ...column.texts(results, true)];
    const needed = Math.max(...cells.map((cell) => cell.length)) + 2;
    if (needed > left) break;
    left -= needed;
    chosen.push(column);
  }
  return { chosen, nameWidth: Math.min(longest, nameRoom + left) };
}

function closing(evaluation: Evaluation, cast: ReturnType<typeof castOf>): string {
  const { learned, bestHeuristic } = cast;
  if (learned === undefined || bestHeuristic === undefined) {
    return 'No learned policy to hold against a heuristic.';
  }
  const name = bestHeuristic.policy;
  const difference = pairedDifference(evaluation.records, learned.policy, name);
  const { mean, halfWidth, count } = difference;
  if (count === 0) return `learned and ${name} share no run, so they cannot be compared.`;
  const interval = Number.isFinite(halfWidth);
  const decimals = Math.min(5, decimalsFor([interval ? halfWidth : mean], 2));
  const size = `${fixed(Math.abs(mean), decimals)}${interval ? ` ± ${fixed(halfWidth, decimals)}` : ''} kWh-eq`;
  const percent = `${fixed((100 * Math.abs(mean)) / bestHeuristic.objective.mean, 1)} %`;
  return (
    `learned costs ${size} (${percent}) ${mean <= 0 ? 'less' : 'more'} than ${name}, ` +
    `the best heuristic, over ${plural(count, 'paired run')}${verdict(difference)}.`
  );
}

/** What the interval allows to say. */
function verdict(difference: Estimate): string {
  if (!Number.isFinite(difference.halfWidth)) return ', too few for an interval or a verdict';
  const said = undecided(difference)
    ? 'no difference that chance could not explain'
    : `learned is ${difference.mean <= 0 ? 'better' : 'worse'}`;
  return ` (95 % confidence): ${said}`;
}
