/**
 * One interface for every curve from load to host power, as plain data (`PowerSpec`), as a function
 * (`powerModel`) and as a row of numbers for columns (`powerRow`, `rowPowerW`).
 *
 * Load u is the fraction of all cores in use at the speed of the P-state, in [0, 1]; powers in W. A
 * host has one such model per P-state.
 *
 * A table such as SPECpower's was measured while the machine scaled its own frequency. To take it
 * for one of several P-states would count that scaling twice, so a host with such a table has
 * exactly one P-state, unless every P-state has a table of its own measured at that fixed frequency
 * (`checkScalingCountedOnce`).
 */

import { InputError, type Issue, inputError } from '../errors.ts';
import {
  type AnalyticForm,
  analyticCode,
  analyticForms,
  analyticPowerW,
  needsParameter,
} from './analytic.ts';

/** Idle, epsilon and full power with a straight line between the last two (SimGrid). */
export interface TripleSpec {
  readonly kind: 'triple';
  /** At no load. */
  readonly idleW: number;
  /** As load tends to 0. Default: `idleW`. */
  readonly epsilonW?: number;
  readonly fullW: number;
}

/** A closed form; `parameter` is r of `mse` and α of the asymptotic forms. */
export interface AnalyticSpec {
  readonly kind: AnalyticForm;
  readonly idleW: number;
  readonly fullW: number;
  readonly parameter?: number;
}

/** Measured points, straight lines between them. */
export interface TableSpec {
  readonly kind: 'table';
  /** W at 0, 1/(n−1), …, 1 of full load, at least 2; SPECpower has 11. */
  readonly pointsW: readonly number[];
  /** Loads of the points if they are not evenly spaced: from 0 up to 1. */
  readonly loads?: readonly number[];
  /** Measured at one frequency, so that hosts with several P-states may use it. Default false. */
  readonly atFixedFrequency?: boolean;
}

/** Any model, but 0 W while there is no load. */
export interface ZeroIdleSpec {
  readonly kind: 'zero-idle';
  readonly of: TripleSpec | AnalyticSpec | TableSpec;
}

export type PowerSpec = TripleSpec | AnalyticSpec | TableSpec | ZeroIdleSpec;

/** Host power as a function of load. */
export interface PowerModel {
  readonly kind: PowerSpec['kind'];
  /** Power without load, W. */
  readonly idleW: number;
  /** Power at full load, W. */
  readonly fullW: number;
  /** Power at load u in [0, 1], W. */
  powerW(u: number): number;
}

/** Code of a table in `PowerRow`, next after those of `analyticForms`. */
export const tableCode = analyticForms.length;

/** A power model as numbers; the columns of a P-state. */
export interface PowerRow {
  /** Power at u = 0, W. */
  readonly idleW: number;
  /** Power as u tends to 0, W. */
  readonly epsilonW: number;
  readonly fullW: number;
  /** Index into `analyticForms`, or `tableCode`. */
  readonly code: number;
  /** r or α; of a table the index of its first load in `tables`. */
  readonly parameter: number;
}

/** Number of points, then loads and powers in turn: the form of a table in a column. */
function appendTable(tables: number[], spec: TableSpec): number {
  const start = tables.length;
  const last = spec.pointsW.length - 1;
  tables.push(spec.pointsW.length);
  spec.pointsW.forEach((watts, index) => {
    tables.push(spec.loads?.[index] ?? index / last, watts);
  });
  return start;
}

/**
 * Power at load `u` of a table that starts at `tables[start]`, W: exact at its points.
 *
 * @param tables Per table: the number of points n, then n pairs (load, W), loads rising from 0 to 1.
 */
export function tablePowerW(tables: ArrayLike<number>, start: number, u: number): number {
  const last = start + 2 * tables[start]! - 1;
  let point = start + 3;
  while (point < last && tables[point]! < u) point += 2;
  const [load, watts] = [tables[point]!, tables[point + 1]!];
  if (u >= load) return watts;
  const [loadBefore, wattsBefore] = [tables[point - 2]!, tables[point - 1]!];
  return wattsBefore + ((u - loadBefore) / (load - loadBefore)) * (watts - wattsBefore);
}

/**
 * A checked model as a row; the points of tables go to the end of `tables`.
 *
 * @throws InputError as `checkPower`.
 */
export function powerRow(spec: PowerSpec, tables: number[]): PowerRow {
  checkPower('power', spec);
  if (spec.kind === 'zero-idle') return { ...powerRow(spec.of, tables), idleW: 0 };
  if (spec.kind === 'table') {
    const [idleW, fullW] = [spec.pointsW[0]!, spec.pointsW.at(-1)!];
    const parameter = appendTable(tables, spec);
    return { idleW, epsilonW: idleW, fullW, code: tableCode, parameter };
  }
  if (spec.kind === 'triple') {
    const { idleW, fullW, epsilonW = idleW } = spec;
    return { idleW, epsilonW, fullW, code: analyticCode('linear'), parameter: 0 };
  }
  const { idleW, fullW, parameter = 0 } = spec;
  const code = analyticCode(spec.kind);
  // A constant is one from no load on.
  const restW = spec.kind === 'constant' ? fullW : idleW;
  return { idleW: restW, epsilonW: idleW, fullW, code, parameter };
}

/** Power of a row at load `u` in [0, 1], W; numbers only, nothing allocated. */
export function rowPowerW(
  code: number,
  idleW: number,
  epsilonW: number,
  fullW: number,
  parameter: number,
  tables: ArrayLike<number>,
  u: number,
): number {
  if (u <= 0) return idleW;
  if (code === tableCode) return tablePowerW(tables, parameter, u);
  return analyticPowerW(code, epsilonW, fullW, parameter, u);
}

/**
 * A model as a function.
 *
 * @throws InputError as `checkPower`.
 */
export function powerModel(spec: PowerSpec): PowerModel {
  const tables: number[] = [];
  const { code, idleW, epsilonW, fullW, parameter } = powerRow(spec, tables);
  const powerW = (u: number): number =>
    rowPowerW(code, idleW, epsilonW, fullW, parameter, tables, u);
  return { kind: spec.kind, idleW, fullW: powerW(1), powerW };
}

/**
 * The frequency-aware model of Xu et al. (DUAL, CCGrid 2013), one P-state of it:
 * P = static + u·(perLoad + f·perFrequency), f the frequency between slowest (0) and fastest (1).
 */
export function frequencyAwareTriple(
  staticW: number,
  perLoadW: number,
  perFrequencyW: number,
  relativeFrequency: number,
): TripleSpec {
  const fullW = staticW + perLoadW + perFrequencyW * relativeFrequency;
  return { kind: 'triple', idleW: staticW, fullW };
}

/**
 * Checks one model.
 *
 * @throws InputError when a power is negative or no number, a parameter is missing or not above 0,
 *   or the loads of a table do not rise from 0 to 1.
 */
export function checkPower(path: string, spec: PowerSpec): void {
  if (spec.kind === 'zero-idle') checkPower(`${path}.of`, spec.of);
  else if (spec.kind === 'table') checkTable(path, spec);
  else {
    requirePower(`${path}.idleW`, spec.idleW);
    requirePower(`${path}.fullW`, spec.fullW);
    if (spec.kind !== 'triple') checkForm(path, spec);
    else if (spec.epsilonW !== undefined) requirePower(`${path}.epsilonW`, spec.epsilonW);
  }
}

function checkForm(path: string, { kind, parameter }: AnalyticSpec): void {
  if (!(analyticForms as readonly string[]).includes(kind)) {
    throw inputError(`${path}.kind`, `one of ${analyticForms.join(', ')}`, String(kind));
  }
  if (needsParameter(kind) && !(parameter !== undefined && parameter > 0 && parameter < 1e6)) {
    throw inputError(`${path}.parameter`, 'a number above 0', String(parameter));
  }
}

function requirePower(path: string, watts: number): void {
  if (!(watts >= 0 && watts < 1e9)) throw inputError(path, 'a power of at least 0 W', `${watts}`);
}

function checkTable(path: string, spec: TableSpec): void {
  const { pointsW, loads } = spec;
  if (pointsW.length < 2) throw inputError(`${path}.pointsW`, 'at least 2 points', `${pointsW}`);
  pointsW.forEach((watts, index) => {
    requirePower(`${path}.pointsW[${index}]`, watts);
  });
  if (loads === undefined) return;
  const rising = loads.every((load, index) => index === 0 || load > loads[index - 1]!);
  const complete = loads.length === pointsW.length && loads[0] === 0 && loads.at(-1) === 1;
  if (!rising || !complete) {
    throw inputError(`${path}.loads`, `${pointsW.length} loads rising from 0 to 1`, `${loads}`);
  }
}

const isTable = (spec: PowerSpec): boolean =>
  spec.kind === 'table' || (spec.kind === 'zero-idle' && spec.of.kind === 'table');
const isAtFixedFrequency = (spec: PowerSpec): boolean =>
  spec.kind === 'zero-idle'
    ? isAtFixedFrequency(spec.of)
    : spec.kind === 'table' && spec.atFixedFrequency === true;

/**
 * Checks that no measured table is scaled by a frequency a second time.
 *
 * @param path Where the P-states stand, e.g. `hosts[2].pstates`.
 * @param pstates Power of each P-state of one host.
 * @throws InputError when one of several P-states has a table and not all have one measured at
 *   their fixed frequency.
 */
export function checkScalingCountedOnce(path: string, pstates: readonly PowerSpec[]): void {
  if (pstates.length <= 1 || !pstates.some(isTable)) return;
  const issues: Issue[] = [];
  pstates.forEach((spec, index) => {
    if (isAtFixedFrequency(spec)) return;
    const got = isTable(spec) ? 'a table measured with frequency scaling on' : `"${spec.kind}"`;
    issues.push({
      path: `${path}[${index}]`,
      expected:
        'a table measured at this fixed frequency (atFixedFrequency), as other P-states of the ' +
        'host have tables; or a single P-state: a SPECpower table contains frequency scaling',
      got,
    });
  });
  if (issues.length > 0) throw new InputError(issues);
}
