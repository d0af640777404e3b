/**
 * The text files of the processed Azure 2017 arrivals.
 *
 * Arrivals, one line per 300 s bin: `300 g,|,b,m,|` is the bin's time in seconds and the flavours
 * of the VMs that arrived since the line before; `|` ends a batch, VMs one tenant started in one
 * go. Lifetimes have the same shape: `300 U15,|,U1,C46,|`, where U is a finished VM, C one still
 * running when the trace ended, and the number the bin of its lifetime. The flavour map has lines
 * `vcpus,memory letter`, the interval map lines `seconds bin`: every lifetime in seconds, a
 * multiple of 300, with its bin.
 */
import type { IssueList } from './issues.ts';

/** One bin: a time and batches of tokens. */
export interface BinLine {
  readonly timeS: number;
  readonly batches: readonly (readonly string[])[];
}

/** Shape of a VM. */
export interface Flavour {
  readonly vcpus: number;
  /** GiB; the files' "GB". */
  readonly memoryGib: number;
}

/**
 * Parses arrivals or lifetimes.
 *
 * @param token What one VM's token looks like, and how to name it in an issue.
 */
export function parseBins(
  text: string,
  file: string,
  token: { readonly pattern: RegExp; readonly expected: string },
  issues: IssueList,
): readonly BinLine[] {
  const bins: BinLine[] = [];
  let previousS = Number.NEGATIVE_INFINITY;
  linesOf(text, file, issues).forEach((line, index) => {
    const place = `${file}:${index + 1}`;
    const [time, list, ...rest] = line.split(' ');
    const timeS = /^\d+$/.test(time ?? '') ? Number(time) : Number.NaN;
    if (!(timeS > previousS) || list === undefined || rest.length > 0) {
      issues.add(place, 'a later time in seconds, a space and a list', line.slice(0, 60));
      return;
    }
    previousS = timeS;
    const batches = list.split('|').map((batch) => batch.split(',').filter((vm) => vm !== ''));
    const wrong = batches.flat().find((vm) => !token.pattern.test(vm));
    if (wrong !== undefined) issues.add(place, token.expected, wrong);
    bins.push({ timeS, batches: batches.filter((batch) => batch.length > 0) });
  });
  return bins;
}

/** Letters with their shapes. */
export function parseFlavours(
  text: string,
  file: string,
  issues: IssueList,
): ReadonlyMap<string, Flavour> {
  const flavours = new Map<string, Flavour>();
  linesOf(text, file, issues).forEach((line, index) => {
    const match = /^(\d+),(\d+(?:\.\d+)?) (\S)$/.exec(line);
    const [, vcpus, memory, letter] = match ?? [];
    if (letter === undefined || Number(vcpus) === 0 || flavours.has(letter)) {
      issues.add(`${file}:${index + 1}`, '"vcpus,GB letter" with a new letter', line);
      return;
    }
    flavours.set(letter, { vcpus: Number(vcpus), memoryGib: Number(memory) });
  });
  return flavours;
}

/** Lifetimes of each bin, seconds, ascending: `bins[k]` lists those that fall in bin k. */
export function parseLifetimeBins(
  text: string,
  file: string,
  issues: IssueList,
): readonly (readonly number[])[] {
  const bins: number[][] = [];
  let previousS = -1;
  linesOf(text, file, issues).forEach((line, index) => {
    const match = /^(\d{1,9}) (\d{1,4})$/.exec(line);
    const [seconds, bin] = match === null ? [-1, -1] : [Number(match[1]), Number(match[2])];
    if (seconds <= previousS || bin > bins.length || bin < bins.length - 1) {
      issues.add(`${file}:${index + 1}`, '"seconds bin", both ascending from bin 0', line);
      return;
    }
    previousS = seconds;
    if (bin === bins.length) bins.push([]);
    bins[bin]!.push(seconds);
  });
  return bins;
}

/** Lines without their ends; a missing last end is fine. Reports an empty file. */
function linesOf(text: string, file: string, issues: IssueList): readonly string[] {
  const lines = text.split(/\r?\n/);
  if (lines[lines.length - 1] === '') lines.pop();
  if (lines.length === 0) issues.add(file, 'at least one line', 'an empty file');
  return lines;
}
