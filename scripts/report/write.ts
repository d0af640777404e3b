/** The report as files, and an evaluation read back from one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, inputError, issuesOf } from '../../sim/index.ts';
import type { Evaluation } from '../evaluate/results.ts';
import { writeAtomically } from '../files.ts';
import { chartsOf } from './charts.ts';
import { evaluationSchema } from './evaluation-schema.ts';
import { renderPage } from './html.ts';
import { renderPngs } from './png.ts';

/** Name of the file that holds the evaluation itself. */
export const evaluationFile = 'evaluation.json';

/** Where the parts of a report lie. */
export interface ReportPaths {
  readonly evaluation: string;
  readonly html: string;
  readonly pngs: readonly string[];
}

/**
 * Writes `evaluation.json`, `report.html` and, if asked, one PNG per chart into `directory`, which
 * is made if need be. Everything is rendered before the first file is touched, and each file
 * replaces its predecessor at once.
 */
export async function writeReport(
  evaluation: Evaluation,
  directory: string,
  options: { readonly png: boolean },
): Promise<ReportPaths> {
  const charts = chartsOf(evaluation);
  const html = renderPage(evaluation, charts);
  const pngs = options.png ? await renderPngs(charts) : [];
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name);
    writeAtomically(path, content);
    return path;
  };
  const written: string[] = [];
  for (const { id, png } of pngs) written.push(write(`${id}.png`, png));
  return {
    evaluation: write(evaluationFile, `${JSON.stringify(evaluation)}\n`),
    html: write('report.html', html),
    pngs: written,
  };
}

/**
 * Reads an evaluation.
 *
 * @throws InputError when the file cannot be read, is no JSON, or is no evaluation of this version;
 *   with every issue found and its place.
 */
export async function readEvaluation(path: string): Promise<Evaluation> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw inputError(path, 'a readable file', error.code ?? error.message);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw inputError(path, 'an evaluation in JSON, whole', `${reason} (${text.length} characters)`);
  }
  const parsed = evaluationSchema.safeParse(value);
  if (!parsed.success) throw new InputError(issuesOf(parsed.error, value, path));
  return parsed.data;
}
