/**
 * Carbon intensity and prices of electricity from files: CSV with a header (plain or gzip), or
 * OpenDC's Parquet. A value holds from its time to the next one's.
 *
 * Known headers of CSV: Electricity Maps' exports (`Datetime (UTC)`, `Zone id`, `Carbon intensity
 * gCO₂eq/kWh (direct)` and `(Life cycle)` or `(LCA)`), Ember's prices (`Price (EUR/MWhe)`), and
 * plain ones (`timestamp`, `carbon_intensity`, `price`, …). Any other column can be named.
 *
 * @see https://www.electricitymaps.com/data-portal for the first; https://ember-energy.org for the
 *   second.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { CarbonTrace, inputError, type OutsideRule, PriceTrace } from '../sim/index.ts';
import { systemCode } from './files.ts';
import { isoMs } from './iso-time.ts';
import { IssueList } from './issues.ts';
import { readCarbonSync } from './opendc.ts';
import { numberOf, readRows, type TableRow } from './table-rows.ts';

export interface RatedOptions {
  /** Column of the values; default the first known one. */
  readonly column?: string;
  /** Column of the times; default the first known one. */
  readonly timeColumn?: string;
  /** Unit of times that are numbers; default seconds below 10¹¹, else ms. */
  readonly timeUnit?: 's' | 'ms';
  /** Zone to read from a file of several: what its first column of zones says, ids before names. */
  readonly zone?: string;
  /** What holds outside the trace; default `clamp`. */
  readonly outside?: OutsideRule;
}

export interface CarbonOptions extends RatedOptions {
  /** Emissions of the power plants alone, or of their whole life; default `life-cycle`. */
  readonly basis?: 'direct' | 'life-cycle';
}

/** What was read and what had to be repaired. */
export interface RatedReport {
  /** Name of the column read. */
  readonly column: string;
  /** Values, before any repair. */
  readonly rows: number;
  /** Rows without a value, the last one held. */
  readonly held: number;
}

const timeNames = [/^datetime \(utc\)$/i, /^(?:timestamp|datetime|time|date)$/i, /^datetime_utc$/i];
const zoneNames = [/^zone[ _]id$/i, /^zone[ _]name$/i, /^zone$/i, /^region$/i, /^country$/i];
const carbonNames = {
  direct: [/^carbon intensity .*\(direct\)$/i, /direct/i],
  'life-cycle': [/^carbon intensity .*\((?:life cycle|lca|life cycle assessment)\)$/i, /\blca\b/i],
} as const;
const anyCarbonNames = [/^carbon[ _]?intensity/i, /^intensity/i, /g ?co2.*kwh/i, /^avg_ci$/i];
const priceNames = [/^price\b/i, /^day[ -_]?ahead/i, /\/ ?[km]wh/i];
/** Numbers below are seconds: as ms it is March 1973, as seconds the year 5138. */
const millisecondsMin = 1e11;
const issuesMax = 20;

/**
 * Reads carbon intensity, gCO₂eq/kWh.
 *
 * @throws InputError with file and line when times do not rise or values are negative, no numbers,
 *   or missing from the start.
 */
export function readCarbonTrace(
  path: string,
  options: CarbonOptions = {},
): { readonly trace: CarbonTrace; readonly report: RatedReport } {
  const { outside = 'clamp', basis = 'life-cycle' } = options;
  if (isParquet(path)) {
    const { timestampMs, gramsPerKwh } = readCarbonSync(path);
    if (timestampMs.length === 0) throw inputError(path, 'at least one row', 'none');
    return {
      trace: new CarbonTrace(timestampMs, gramsPerKwh, { outside }),
      report: { column: 'carbon_intensity', rows: timestampMs.length, held: 0 },
    };
  }
  const names = [...carbonNames[basis], ...anyCarbonNames];
  const { timestampMs, values, report } = readRated(path, options, names, 0);
  return { trace: new CarbonTrace(timestampMs, values, { outside }), report };
}

/**
 * Reads prices, per kWh; a column named after MWh is divided by 1000. Prices may be negative.
 *
 * @throws InputError with file and line when times do not rise or values are no numbers or missing
 *   from the start.
 */
export function readPriceTrace(
  path: string,
  options: RatedOptions = {},
): { readonly trace: PriceTrace; readonly report: RatedReport } {
  const { outside = 'clamp' } = options;
  const { timestampMs, values, report } = readRated(path, options, priceNames, -Infinity);
  const perKwh = /mwh/i.test(report.column) ? 1e-3 : 1;
  const [currency = ''] = /EUR|USD|GBP|€|\$|£/i.exec(report.column) ?? [];
  const prices = values.map((value) => value * perKwh);
  return { trace: new PriceTrace(timestampMs, prices, { outside, currency }), report };
}

function isParquet(path: string): boolean {
  const magic = new Uint8Array(4);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, magic);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
  return new TextDecoder('latin1').decode(magic) === 'PAR1';
}

/** Where things stand in a file. */
interface Columns {
  readonly time: number;
  readonly value: number;
  /** −1 when there is none. */
  readonly zone: number;
  readonly name: string;
}

/** What is collected of a file. */
interface Collected {
  readonly times: number[];
  readonly values: number[];
  readonly issues: IssueList;
  readonly options: RatedOptions;
  /** Smallest value allowed. */
  readonly minimum: number;
  /** Zone of the rows before. */
  zone: string | undefined;
  held: number;
}

function readRated(
  path: string,
  options: RatedOptions,
  names: readonly RegExp[],
  minimum: number,
): {
  readonly timestampMs: Float64Array;
  readonly values: Float64Array;
  readonly report: RatedReport;
} {
  const issues = new IssueList(path);
  const { zone } = options;
  const all: Collected = { times: [], values: [], issues, options, minimum, zone, held: 0 };
  let columns: Columns | undefined;
  let width = 0;
  readRows(path, ',', (row) => {
    if (issues.count >= issuesMax) issues.throwIfAny();
    if (columns === undefined) {
      columns = findColumns(row, options, names);
      width = row.count;
    } else if (row.count !== width) issues.add(row.place, `${width} columns`, row.summary);
    else if (isOfZone(row, columns, all)) addValue(row, columns, all);
  });
  issues.throwIfAny();
  const { times, values, held } = all;
  if (columns === undefined || times.length === 0) {
    throw inputError(path, 'at least one value', zone === undefined ? 'none' : `none of ${zone}`);
  }
  const report = { column: columns.name, rows: times.length, held };
  return { timestampMs: Float64Array.from(times), values: Float64Array.from(values), report };
}

/** Whether a row is of the zone wanted; several zones and none wanted is an issue. */
function isOfZone(row: TableRow, columns: Columns, all: Collected): boolean {
  if (columns.zone < 0) return true;
  const zone = row.text(columns.zone);
  all.zone ??= zone;
  if (zone === all.zone) return true;
  if (all.options.zone === undefined) {
    all.issues.add(row.place, `zone ${all.zone} only, or \`zone\` given`, zone);
  }
  return false;
}

function addValue(row: TableRow, columns: Columns, all: Collected): void {
  const { times, values, issues, minimum } = all;
  const timeMs = timeOf(row, columns.time, all.options.timeUnit);
  const before = times.at(-1);
  if (!(timeMs > (before ?? Number.NEGATIVE_INFINITY))) {
    const expected = before === undefined ? 'a time' : `a time after ${before} ms`;
    issues.add(row.place, expected, row.text(columns.time));
    return;
  }
  const last = values.at(-1);
  let value = row.number(columns.value);
  if (row.isEmpty(columns.value) && last !== undefined) {
    all.held++;
    value = last;
  } else if (!(value >= minimum)) {
    const expected = minimum === 0 ? 'a number from 0 up' : 'a number';
    issues.add(row.place, `${columns.name}: ${expected}`, row.text(columns.value));
  }
  times.push(timeMs);
  values.push(value);
}

function findColumns(header: TableRow, options: RatedOptions, names: readonly RegExp[]): Columns {
  const texts = Array.from({ length: header.count }, (_, column) => header.text(column));
  const find = (wanted: string | undefined, known: readonly RegExp[]): number => {
    if (wanted !== undefined) return texts.indexOf(wanted);
    for (const pattern of known) {
      const found = texts.findIndex((text) => pattern.test(text));
      if (found >= 0) return found;
    }
    return -1;
  };
  const time = find(options.timeColumn, timeNames);
  let value = find(options.column, names);
  // Two columns leave no doubt.
  if (value < 0 && options.column === undefined && texts.length === 2 && time === 0) value = 1;
  const issues = new IssueList(header.path);
  if (time < 0) {
    issues.add(header.place, `a column ${options.timeColumn ?? 'of times'}`, header.summary);
  }
  if (value < 0) {
    issues.add(header.place, `a column ${options.column ?? 'of values'}`, header.summary);
  }
  issues.throwIfAny();
  return { time, value, zone: find(undefined, zoneNames), name: texts[value]! };
}

function timeOf(row: TableRow, column: number, unit: 's' | 'ms' | undefined): number {
  const text = row.text(column);
  const value = numberOf(text);
  if (Number.isNaN(value)) return isoMs(text);
  const isSeconds = unit === undefined ? Math.abs(value) < millisecondsMin : unit === 's';
  return isSeconds ? value * 1000 : value;
}
