/** Reads `metrics.jsonl`, also while it is being written or after its writer was killed. */
import { createReadStream } from 'node:fs';
import { inputError } from '../../sim/index.ts';
import { type MetricsLine, metricsLineSchema } from './line.ts';

export interface MetricsEntry {
  /** From 1. */
  readonly lineNumber: number;
  readonly line: MetricsLine;
}

export interface MetricsFile {
  readonly entries: readonly MetricsEntry[];
  /** Numbers of lines that are no whole object of the form: cut off, or something else. */
  readonly brokenLines: readonly number[];
}

/**
 * All whole lines of a file, one at a time in memory until they are parsed.
 *
 * @throws InputError when the file cannot be read or holds lines but none of the form.
 */
export async function readMetricsFile(path: string): Promise<MetricsFile> {
  const entries: MetricsEntry[] = [];
  const brokenLines: number[] = [];
  let firstProblem = '';
  let lineNumber = 0;
  for await (const text of linesOf(path)) {
    lineNumber++;
    if (text.trim() === '') continue;
    const parsed = parseMetricsLine(text);
    if (typeof parsed !== 'string') {
      entries.push({ lineNumber, line: parsed });
      continue;
    }
    brokenLines.push(lineNumber);
    if (firstProblem === '') firstProblem = `line ${lineNumber}: ${parsed}`;
  }
  // A single torn line is a file whose writer was killed at once.
  if (entries.length === 0 && brokenLines.length > 1) {
    throw inputError(path, 'lines with timestamp, percpu and rapl_energy', firstProblem);
  }
  return { entries, brokenLines };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    throw inputError(path, 'a file that can be read', (error as Error).message);
  }
  // A last line without its end counts if it is whole, which its closing brace shows.
  if (rest !== '') yield rest;
}

/** The line, or what is wrong with it. */
export function parseMetricsLine(text: string): MetricsLine | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  const parsed = metricsLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim();
}
