/** The files of one split of the processed Azure arrivals, read and held against each other. */
import { join } from 'node:path';
import { inputError } from '../sim/index.ts';
import {
  type BinLine,
  type Flavour,
  parseBins,
  parseFlavours,
  parseLifetimeBins,
} from './azure-file.ts';
import { listTraceFiles, readText } from './files.ts';
import { IssueList } from './issues.ts';

/** One split: batches of flavours and of lifetimes, of the same shape line by line. */
export interface AzureTables {
  readonly split: string;
  readonly flavours: ReadonlyMap<string, Flavour>;
  /** Lifetimes of each bin, seconds, ascending. */
  readonly lifetimes: readonly (readonly number[])[];
  readonly arrivals: readonly BinLine[];
  readonly durations: readonly BinLine[];
  /** When observation ended, seconds on the arrivals' clock. */
  readonly censoredS: number;
  /** Width of an arrival bin, ms. */
  readonly intervalMs: number;
}

/**
 * @param split Which pair of files, e.g. `v1.dev`; the only one when absent.
 * @throws InputError naming missing files, lines that cannot be used, and pairs that do not match.
 */
export function readAzureTables(directory: string, split: string | undefined): AzureTables {
  const files = findFiles(directory, split);
  const issues = new IssueList(directory);
  const path = (name: string): string => join(directory, name);
  const read = (name: string): string => readText(directory, name);
  const flavours = parseFlavours(read(files.flavours), path(files.flavours), issues);
  const lifetimes = parseLifetimeBins(read(files.intervals), path(files.intervals), issues);
  const flavourToken = { pattern: /^\S$/, expected: 'a flavour letter' };
  const arrivals = parseBins(read(files.arrivals), path(files.arrivals), flavourToken, issues);
  const durationToken = { pattern: /^[UC]\d{1,4}$/, expected: 'U or C and a lifetime bin' };
  const durations = parseBins(read(files.durations), path(files.durations), durationToken, issues);
  checkFlavours(arrivals, flavours, path(files.arrivals), issues);
  checkPairs(arrivals, durations, path(files.durations), lifetimes.length, issues);
  issues.throwIfAny();
  const intervalMs = binWidthMs(arrivals, path(files.arrivals));
  const { censoredS } = files;
  return { split: files.split, flavours, lifetimes, arrivals, durations, censoredS, intervalMs };
}

/** Finds the files of one split. @throws InputError when one is missing or the choice is unclear. */
function findFiles(
  directory: string,
  wanted: string | undefined,
): {
  readonly split: string;
  readonly flavours: string;
  readonly intervals: string;
  readonly arrivals: string;
  readonly durations: string;
  readonly censoredS: number;
} {
  const names = listTraceFiles(directory);
  const intervals = names.filter((name) => name.endsWith('.interval_map.txt'));
  const found = names.flatMap((durations) => {
    const [, split, censored] = /^(.+)\.c(\d+)\.txt$/.exec(durations) ?? [];
    if (split === undefined || !names.includes(`${split}.txt`)) return [];
    return [{ split, arrivals: `${split}.txt`, durations, censoredS: Number(censored) }];
  });
  const pairs = wanted === undefined ? found : found.filter(({ split }) => split === wanted);
  const issues = new IssueList(directory);
  if (!names.includes('flav_map.txt')) issues.add(directory, 'flav_map.txt', 'none');
  if (intervals.length !== 1) {
    issues.add(directory, 'one file *.interval_map.txt', String(intervals.length));
  }
  if (pairs.length !== 1) {
    const splits = found.map(({ split }) => split).join(', ');
    const expected = `one pair ${wanted ?? '<split>'}.txt and ${wanted ?? '<split>'}.c<seconds>.txt`;
    issues.add(directory, expected, splits === '' ? 'none' : splits);
  }
  issues.throwIfAny();
  return { ...pairs[0]!, flavours: 'flav_map.txt', intervals: intervals[0]! };
}

function checkFlavours(
  bins: readonly BinLine[],
  flavours: ReadonlyMap<string, Flavour>,
  file: string,
  issues: IssueList,
): void {
  bins.forEach((bin, index) => {
    const unknown = bin.batches.flat().find((letter) => !flavours.has(letter));
    if (unknown !== undefined) issues.add(`${file}:${index + 1}`, 'a known flavour', unknown);
  });
}

/** Lifetimes must have the arrivals' times and batch sizes, and known bins. */
function checkPairs(
  arrivals: readonly BinLine[],
  durations: readonly BinLine[],
  file: string,
  lifetimeBins: number,
  issues: IssueList,
): void {
  const shape = (bin: BinLine | undefined): string =>
    bin === undefined ? 'no line' : `${bin.timeS} s: ${bin.batches.map((batch) => batch.length)}`;
  for (let index = 0; index < Math.max(arrivals.length, durations.length); index++) {
    const expected = shape(arrivals[index]);
    const got = shape(durations[index]);
    if (expected !== got)
      issues.add(`${file}:${index + 1}`, `batches as arrived, ${expected}`, got);
    const unknown = durations[index]?.batches
      .flat()
      .find((token) => Number(token.slice(1)) >= lifetimeBins);
    if (unknown === undefined) continue;
    issues.add(`${file}:${index + 1}`, `a lifetime bin below ${lifetimeBins}`, unknown);
  }
}

/** Smallest distance of two bins, ms; the bins' times must be multiples of it from the first. */
function binWidthMs(bins: readonly BinLine[], file: string): number {
  const widths = bins.slice(1).map((bin, index) => bin.timeS - bins[index]!.timeS);
  const widthS = widths.reduce((least, width) => Math.min(least, width), 300);
  const wrong = widths.findIndex((width) => width % widthS !== 0);
  if (wrong >= 0) {
    const got = `${widths[wrong]} s later`;
    throw inputError(
      `${file}:${wrong + 2}`,
      `a multiple of ${widthS} s after the line before`,
      got,
    );
  }
  return widthS * 1000;
}
