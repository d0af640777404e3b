/** Charts with one row per policy: which rows, how they are labelled, which stand out. */
import type { ChartOptions, FontSpec } from 'chart.js';
import type { PolicyResult } from '../../evaluate/results.ts';
import type { Marks } from '../marks.ts';
import { color } from '../palette.ts';
import { tellingPolicies } from '../roles.ts';
import { axis, type ChartSource } from './definition.ts';

/** More rows than this would not be readable at the size of a PNG. */
const rowsMax = 16;

/** The best policies and the telling ones, best first. */
export function shownRows({ results }: ChartSource): PolicyResult[] {
  if (results.length <= rowsMax) return [...results];
  const shown = new Set(tellingPolicies(results));
  for (const result of results) if (shown.size < rowsMax) shown.add(result);
  return results.filter((result) => shown.has(result));
}

type RowScale = NonNullable<NonNullable<ChartOptions<'bar'>['scales']>[string]>;

/** The policies as a category scale, with a band behind the oracle and the learned policy. */
export function rowLabels(
  { cast }: ChartSource,
  rows: readonly PolicyResult[],
): { readonly marks: Marks; readonly scale: RowScale } {
  const standsOut = (result: PolicyResult): boolean =>
    result === cast.oracle || result === cast.learned;
  const bandRows = rows.flatMap((result, row) => (standsOut(result) ? [row] : []));
  const marks: Marks = {
    bands: { rows: bandRows, color: color('band') },
    color: color('ink'),
  };
  return {
    marks,
    scale: {
      ...axis(''),
      title: { display: false },
      grid: { display: false },
      ticks: {
        autoSkip: false,
        color: rows.map((result) => color(standsOut(result) ? 'ink' : 'muted')),
        // One font per label works just as one colour does; only the types do not say so.
        font: rows.map((result) => ({
          weight: standsOut(result) ? 'bold' : 'normal',
        })) as Partial<FontSpec>,
      },
    },
  };
}
