/**
 * Power of one model of host from its telemetry: load and power of each sample, and the frequency if
 * it was recorded. Each frequency gets the triple that the twin's P-states have,
 *
 *   P(0) = idle,   P(u) = epsilon + u · (full − epsilon)   for u > 0,   full ≥ epsilon ≥ 0,
 *
 * by least absolute relative error. Where there is one frequency only (or none recorded), a curve of
 * eleven points may do better than the line: of all bases and the monotone table the one that predicts
 * held-out stretches best is taken.
 */
import { type Basis, bases, columnsOf, hostPowerW, powerTable } from './basis.ts';
import { isotonicTable } from './isotonic.ts';
import { type Fold, outOfFold } from './model-choice.ts';
import { type Design, robustFit } from './robust-fit.ts';
import { median, type PredictionError, predictionError } from './statistics.ts';

/** Samples of hosts of one model, in order of time. */
export interface HostSamples {
  /** In [0, 1], [samples]. */
  readonly utilization: Float64Array;
  /** Positive, W, [samples]. */
  readonly powerW: Float64Array;
  /** MHz, [samples]; only if it was recorded. */
  readonly frequencyMhz?: Float64Array;
}

export interface PstateFit {
  /** Only if it was recorded. */
  readonly frequencyMhz?: number;
  readonly samples: number;
  readonly idleW: number;
  readonly epsilonW: number;
  readonly fullW: number;
  /** W at 0, 10, …, 100 % load, where a curve is better than the line. */
  readonly curveW?: readonly number[];
}

export interface HostPowerFit {
  /** Fastest first. */
  readonly pstates: readonly PstateFit[];
  /** What was taken: a basis, `monotone table`, or `line per P-state`. */
  readonly shape: string;
  /** By cross-validation over stretches of samples. */
  readonly error: PredictionError;
  readonly utilizationMin: number;
  readonly utilizationMax: number;
}

/** A host at a load up to this does nothing. */
const idleLoad = 0.002;
/** Fewer samples at one frequency tell too little of it. */
export const samplesPerPstate = 30;
/** Frequencies this close (relative) are the same one, measured twice. */
const sameFrequency = 0.01;
const foldCount = 8;

/**
 * @returns `undefined` when no frequency has enough samples or the load hardly varies (a tenth at
 *   least is needed to tell a slope).
 */
export function fitHostPower(samples: HostSamples): HostPowerFit | undefined {
  const groups = byFrequency(samples).filter(({ rows }) => rows.length >= samplesPerPstate);
  const usable = groups.filter(({ rows }) => spread(samples.utilization, rows) >= 0.1);
  const [first] = usable;
  if (first === undefined) return undefined;
  return usable.length === 1
    ? fitCurve(samples, first.rows, first.frequencyMhz)
    : fitLines(samples, usable);
}

interface FrequencyGroup {
  readonly frequencyMhz: number | undefined;
  readonly rows: readonly number[];
}

/** Rows by frequency, fastest first; a gap of more than 1 % begins a new one. */
function byFrequency({ frequencyMhz, powerW }: HostSamples): FrequencyGroup[] {
  const rows = Array.from(powerW, (_, row) => row);
  if (frequencyMhz === undefined) return [{ frequencyMhz: undefined, rows }];
  const sorted = rows.slice().sort((a, b) => frequencyMhz[b]! - frequencyMhz[a]! || a - b);
  const groups: number[][] = [];
  let last = Number.NaN;
  for (const row of sorted) {
    const frequency = frequencyMhz[row]!;
    if (groups.length === 0 || last - frequency > sameFrequency * last) groups.push([]);
    groups.at(-1)!.push(row);
    last = frequency;
  }
  return groups.map((members) => ({
    frequencyMhz: median(members.map((row) => frequencyMhz[row]!)),
    rows: members.sort((a, b) => a - b),
  }));
}

function spread(utilization: Float64Array, rows: readonly number[]): number {
  const loads = rows.map((row) => utilization[row]!);
  return loads.reduce((a, b) => Math.max(a, b), 0) - loads.reduce((a, b) => Math.min(a, b), 1);
}

/** One triple per frequency. */
function fitLines(samples: HostSamples, groups: readonly FrequencyGroup[]): HostPowerFit {
  const measured: number[] = [];
  const predicted: number[] = [];
  const pstates = groups.map(({ frequencyMhz, rows }): PstateFit => {
    for (const fold of evenFolds(rows.length)) {
      const others = rows.filter((_, index) => index < fold.from || index >= fold.to);
      const fit = fitTriple(samples, others);
      for (let index = fold.from; index < fold.to; index++) {
        const row = rows[index]!;
        measured.push(samples.powerW[row]!);
        predicted.push(triplePowerW(fit, samples.utilization[row]!));
      }
    }
    return {
      ...(frequencyMhz === undefined ? {} : { frequencyMhz }),
      samples: rows.length,
      ...fitTriple(samples, rows),
    };
  });
  return {
    pstates,
    shape: 'line per P-state',
    error: predictionError(measured, predicted),
    ...loadRange(samples),
  };
}

function triplePowerW(fit: Pick<PstateFit, 'idleW' | 'epsilonW' | 'fullW'>, u: number): number {
  return u <= idleLoad ? fit.idleW : fit.epsilonW + u * (fit.fullW - fit.epsilonW);
}

function fitTriple(
  { utilization, powerW }: HostSamples,
  rows: readonly number[],
): { idleW: number; epsilonW: number; fullW: number } {
  const busy = rows.filter((row) => utilization[row]! > idleLoad);
  const idle = rows.filter((row) => utilization[row]! <= idleLoad);
  const design: Design = {
    columns: 2,
    features: Float64Array.from(busy.flatMap((row) => [1, utilization[row]!])),
    measured: Float64Array.from(busy, (row) => powerW[row]!),
  };
  const line = robustFit(design, { loss: 'relative-absolute' });
  const epsilonW = line[0]!;
  const idleW = idle.length === 0 ? epsilonW : median(idle.map((row) => powerW[row]!));
  return { idleW, epsilonW, fullW: epsilonW + line[1]! };
}

/** One curve, by the basis or table that predicts held-out stretches best. */
function fitCurve(
  samples: HostSamples,
  rows: readonly number[],
  frequencyMhz: number | undefined,
): HostPowerFit {
  const utilization = Float64Array.from(rows, (row) => samples.utilization[row]!);
  const powerW = Float64Array.from(rows, (row) => samples.powerW[row]!);
  const folds = evenFolds(rows.length);
  const options = bases.map((basis) => {
    const design = hostDesign(basis, utilization, powerW);
    const error = predictionError(
      powerW,
      outOfFold(design, rows.length, folds, 'relative-absolute'),
    );
    return { name: basis.name, error, curve: (): Curve => basisCurve(basis, design) };
  });
  const isotonic = isotonicOutOfFold(utilization, powerW, folds);
  if (isotonic !== undefined) {
    const curve = (): Curve => {
      const table = isotonicTable(utilization, powerW)!;
      return { idleW: table[0]!, table };
    };
    options.push({ name: 'monotone table', error: predictionError(powerW, isotonic), curve });
  }
  const best = options.reduce((a, b) => (b.error.mape < a.error.mape ? b : a));
  const { idleW, table } = best.curve();
  const isLine = best.name === 'linear' || best.name === 'linear+busy';
  return {
    pstates: [
      {
        ...(frequencyMhz === undefined ? {} : { frequencyMhz }),
        samples: rows.length,
        idleW,
        epsilonW: table[0]!,
        fullW: table[10]!,
        ...(isLine ? {} : { curveW: Array.from(table) }),
      },
    ],
    shape: best.name,
    error: best.error,
    ...loadRange(samples),
  };
}

interface Curve {
  readonly idleW: number;
  /** W at 0, 10, …, 100 % load of a host with work. */
  readonly table: Float64Array;
}

function basisCurve(basis: Basis, design: Design): Curve {
  const watts = robustFit(design, { loss: 'relative-absolute' });
  return { idleW: watts[0]!, table: powerTable(basis, watts) };
}

/** Rows `1, [busy,] shapes` of single hosts. */
function hostDesign(basis: Basis, utilization: Float64Array, powerW: Float64Array): Design {
  const columns = columnsOf(basis);
  const features = new Float64Array(columns * powerW.length);
  const unit = new Float64Array(columns);
  utilization.forEach((u, row) => {
    for (let column = 0; column < columns; column++) {
      unit.fill(0);
      unit[column] = 1;
      features[row * columns + column] = hostPowerW(basis, unit, u);
    }
    // A host without load has no work either.
    if (basis.busy && u <= idleLoad) features[row * columns + 1] = 0;
  });
  return { columns, features, measured: powerW };
}

function isotonicOutOfFold(
  utilization: Float64Array,
  powerW: Float64Array,
  folds: readonly Fold[],
): Float64Array | undefined {
  const predicted = new Float64Array(powerW.length);
  for (const fold of folds) {
    const keep = (_: number, row: number): boolean => row < fold.from || row >= fold.to;
    const table = isotonicTable(utilization.filter(keep), powerW.filter(keep));
    if (table === undefined) return undefined;
    for (let row = fold.from; row < fold.to; row++) {
      const scaled = 10 * utilization[row]!;
      const below = Math.min(9, Math.floor(scaled));
      predicted[row] = table[below]! + (scaled - below) * (table[below + 1]! - table[below]!);
    }
  }
  return predicted;
}

function evenFolds(rows: number): Fold[] {
  return Array.from({ length: foldCount }, (_, fold) => ({
    from: Math.floor((fold * rows) / foldCount),
    to: Math.floor(((fold + 1) * rows) / foldCount),
  }));
}

function loadRange({ utilization }: HostSamples): {
  utilizationMin: number;
  utilizationMax: number;
} {
  return {
    utilizationMin: utilization.reduce((a, b) => Math.min(a, b), 1),
    utilizationMax: utilization.reduce((a, b) => Math.max(a, b), 0),
  };
}
