/** `wattwin testbed load compare`: two runs of the same load. */
import { compareRuns, readRun } from '../../deploy/testbed/load/index.ts';
import { printJson } from '../cli.ts';
import { comparisonTable } from './load-tables.ts';

export interface CompareOptions {
  readonly json?: boolean;
}

export async function compareLoads(
  baseline: string,
  other: string,
  { json }: CompareOptions,
): Promise<void> {
  const runs = [await readRun(baseline), await readRun(other)] as const;
  const figures = compareRuns(...runs);
  if (json) printJson(figures);
  else process.stdout.write(comparisonTable(figures, runs[0].phases.length));
}
