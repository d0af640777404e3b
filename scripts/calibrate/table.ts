/** The calibration of a cluster in a terminal, beside what others have published. */
import Table from 'cli-table3';
import { formula } from './charts.ts';
import type { ClusterResult, ErrorSummary } from './cluster-summary.ts';

/**
 * MAPE that others report on the SURF week of October 2022, models set by hand or calibrated on the
 * same week; no days were kept apart for testing.
 *
 * @see OpenDT, arXiv 2604.11445 (2026), which quotes FootPrinter's figure too.
 */
export const published = [
  { name: 'FootPrinter', mape: 7.86 },
  { name: 'OpenDT', mape: 5.13 },
  { name: 'OpenDT, self-calibrating', mape: 4.39 },
] as const;

const percent = (value: number): string => `${value.toFixed(2)} %`;
const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(2)} %`;
const days = ([from, to]: readonly [number, number]): string =>
  from === to ? `day ${from}` : `days ${from}–${to}`;

/** Tables and a few sentences. */
export function formatCalibration(result: ClusterResult): string {
  const { source, fit, test, rolling } = result;
  const half = (hours: number | null): string =>
    hours === null ? 'nothing is forgotten' : `weights halve every ${hours} h`;
  return [
    `${source.directory}: ${source.samples} samples of ${source.hosts} hosts over ${source.days.toFixed(2)} days` +
      ` (${source.zeros} zero readings and ${source.glitches} glitches left out, ${source.missing} missing), ${source.tasks} tasks`,
    `fitted on ${days(fit.days)}: one host draws ${formula(fit.coefficients)} W` +
      ` (basis ${fit.basis}, ${half(fit.halfLifeH)}); ${percent(fit.mapeCrossValidated)} by cross-validation there`,
    '',
    errors(result),
    '',
    horizonTable(result),
    '',
    splitTable(result),
    '',
    `${(100 * test.interval.level).toFixed(0)} % intervals hold ${percent(100 * test.interval.coverage30s)} of the test samples` +
      ` (5 min: ${percent(100 * test.interval.coverage5min)}). Rolling: refitted every ${rolling.refitEveryS / 60} min, ${half(rolling.halfLifeH)}.`,
    'Published figures are the whole week, without days kept apart for testing.',
    '',
  ].join('\n');
}

function plainTable(head: readonly string[]): Table.Table {
  return new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
}

function errors({ test, rolling, persistence }: ClusterResult): string {
  const table = plainTable(['MAPE', '30 s', '5 min', 'energy', 'p95', 'below 10 %']);
  const row = (name: string, summary: ErrorSummary): void => {
    table.push([
      name,
      percent(summary.mape30s),
      percent(summary.mape5min),
      signed(summary.bias),
      percent(summary.p95),
      percent(100 * summary.within10),
    ]);
  };
  row(`fitted once, ${days(test.days)}`, test);
  for (const day of test.perDay) row(`  day ${day.day}`, day);
  row('  with the 11 points of the parameter file', test.table);
  row(`refitted hourly, ${days(test.days)}`, rolling);
  for (const [horizon, { mape, bias }] of Object.entries(persistence)) {
    table.push([`persistence, ${horizon} old`, percent(mape), '–', signed(bias), '–', '–']);
  }
  for (const { name, mape } of published) {
    table.push([`${name} (published)`, percent(mape), '–', '–', '–', '–']);
  }
  return table.toString();
}

function horizonTable({ rolling }: ClusterResult): string {
  const table = plainTable([
    'MAPE ahead',
    'what is known',
    'calibrated',
    'persistence',
    'energy',
    'inside',
    'inside, adaptive',
  ]);
  for (const row of rolling.perHorizon) {
    table.push([
      `${row.horizonS} s`,
      row.information,
      percent(row.mape),
      percent(row.persistenceMape),
      signed(row.bias),
      percent(100 * row.coverage),
      percent(100 * row.adaptiveCoverage),
    ]);
  }
  return table.toString();
}

function splitTable({ splits }: ClusterResult): string {
  const table = plainTable(['the same, fitted on', 'tested on', '30 s', '5 min', 'energy']);
  for (const split of splits) {
    table.push([
      days(split.fit),
      days(split.test),
      percent(split.mape30s),
      percent(split.mape5min),
      signed(split.bias),
    ]);
  }
  return table.toString();
}
