/**
 * The power curve of a cluster's hosts from its meter: which window of the load a sample of the meter
 * stands for, which basis, how fast the past is to be forgotten, and the coefficients. Everything is
 * chosen on the days that may be used ("fit days"), each choice by predictions of hours that its fit
 * had not seen; later days serve to test and nothing else.
 */
import { exp } from '../numbers/exact-math.ts';
import { type Basis, bases, basisNamed, columnsOf, shapes } from './basis.ts';
import {
  integrateLoad,
  type MeterWindow,
  type TaskLoad,
  windowEdges,
  windowLoads,
} from './load-replay.ts';
import { designOf, type Fold, outOfFold, timeFolds } from './model-choice.ts';
import { type Design, type FitOptions, type Loss, predictRow, robustFit } from './robust-fit.ts';
import { predictionError } from './statistics.ts';

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A cluster's meter beside what its hosts did. Times count from the first submission. */
export interface ClusterTelemetry {
  readonly hosts: number;
  readonly tasks: TaskLoad;
  /** When each task started, ms, [tasks]. */
  readonly startMs: Float64Array;
  /** End of the interval that a sample speaks of, ms, rising, [samples]. */
  readonly timestampMs: Float64Array;
  /** Positive, W, [samples]. */
  readonly powerW: Float64Array;
}

/** One thing tried in a choice, with its error on hours that the fit had not seen, %. */
export interface Trial {
  readonly name: string;
  readonly mape: number;
  /** Of the mean over the folds, %; where the choice looks at it. */
  readonly standardError?: number;
}

/** Choices left to the user, each otherwise made on the fit days. */
export interface ClusterFitOptions {
  readonly fitDays: number;
  readonly loss: Loss;
  readonly basis?: string;
  /** Length of the folds of cross-validation, ms. */
  readonly foldMs: number;
  readonly onProgress?: (done: number, of: number, note: string) => void;
}

export interface ClusterFit {
  readonly basis: Basis;
  readonly loss: Loss;
  /** W per host, [columns of the basis]. */
  readonly coefficients: Float64Array;
  readonly window: MeterWindow;
  /** Weight of a sample halves with each such time before the end of the fit days; infinite for none. */
  readonly halfLifeMs: number;
  /** Samples of the fit days; those after them are for testing. */
  readonly fitRows: number;
  /** Of all samples, in the chosen basis and window. */
  readonly design: Design;
  /** Predictions of the fit days, each by a fit without its fold, W, [fitRows]. */
  readonly outOfFoldW: Float64Array;
  readonly trials: {
    readonly window: readonly Trial[];
    readonly basis: readonly Trial[];
    readonly halfLife: readonly Trial[];
  };
}

/** Windows that end at the stamp or before: what a prediction can know. */
export const meterWindows = (sampleMs: number): MeterWindow[] =>
  [1, 2, 4, 8].flatMap((width) =>
    [0, 0.5, 1, 2, 4].map((delay) => ({ lagMs: -delay * sampleMs, widthMs: width * sampleMs })),
  );

/** Half-lives that still let a whole daily cycle count, and none. */
const halfLives = [12 * hourMs, dayMs, 2 * dayMs, Number.POSITIVE_INFINITY];

/** The weights that halve with each `halfLifeMs` before `endMs`, [samples]. */
export function recencyWeights(
  timestampMs: Float64Array,
  endMs: number,
  halfLifeMs: number,
): Float64Array {
  if (halfLifeMs === Number.POSITIVE_INFINITY) return new Float64Array(timestampMs.length).fill(1);
  return timestampMs.map((time) => exp((-Math.LN2 * Math.max(0, endMs - time)) / halfLifeMs));
}

/** Fits the curve; see the top of this file. At least two folds of fit days are needed. */
export function fitClusterPower(
  telemetry: ClusterTelemetry,
  options: ClusterFitOptions,
): ClusterFit {
  const { timestampMs, powerW } = telemetry;
  const fitRows = rowsUntil(timestampMs, options.fitDays * dayMs);
  const folds = timeFolds(timestampMs, fitRows, options.foldMs);
  const loads = new LoadTable(telemetry);
  const candidates =
    options.basis === undefined ? bases : bases.filter(({ name }) => name === options.basis);
  const windows = meterWindows(medianStep(timestampMs));
  const total = windows.length + candidates.length + halfLives.length;
  let done = 0;
  const predictOthers = (basis: Basis, window: MeterWindow): Float64Array =>
    outOfFold(loads.design(basis, window), fitRows, folds, options.loss);
  const mapeOf = (predicted: Float64Array, { from, to }: Fold): number =>
    predictionError(powerW.subarray(from, to), predicted.subarray(from, to)).mape;
  const whole = { from: 0, to: fitRows };
  const trial = (name: string, mape: number, foldErrors?: readonly number[]): Trial => {
    options.onProgress?.(++done, total, name);
    const standardError = foldErrors === undefined ? undefined : standardErrorOf(foldErrors);
    return { name, mape, ...(standardError === undefined ? {} : { standardError }) };
  };
  const reference = basisNamed('linear+sqrt')!;
  loads.prepare(
    windows,
    reference.shapes.map(({ name }) => name),
  );
  const windowTrials = windows.map((window) =>
    trial(windowName(window), mapeOf(predictOthers(reference, window), whole)),
  );
  const window = windows[best(windowTrials)]!;
  loads.prepare(
    [window],
    shapes.map(({ name }) => name),
  );
  const basisTrials = candidates.map((candidate) => {
    const predicted = predictOthers(candidate, window);
    const foldErrors = folds.map((fold) => mapeOf(predicted, fold));
    return trial(candidate.name, mapeOf(predicted, whole), foldErrors);
  });
  const basis = candidates[simplest(candidates, basisTrials)]!;
  const design = loads.design(basis, window);
  const halfLifeTrials = halfLives.map((halfLifeMs) =>
    trial(
      halfLifeName(halfLifeMs),
      forwardError(design, timestampMs, folds, fitRows, { loss: options.loss, halfLifeMs }),
    ),
  );
  const halfLifeMs = halfLives[best(halfLifeTrials)]!;
  return {
    basis,
    loss: options.loss,
    coefficients: fitUntil(design, timestampMs, fitRows, { loss: options.loss, halfLifeMs }),
    window,
    halfLifeMs,
    fitRows,
    design,
    outOfFoldW: outOfFold(design, fitRows, folds, options.loss),
    trials: { window: windowTrials, basis: basisTrials, halfLife: halfLifeTrials },
  };
}

/** Measured power this many times what a robust fit says, or its inverse, is no power of the cluster. */
const glitchRatio = 2;

/**
 * The telemetry without readings of the fit days that cannot be: less than half or more than twice what
 * a robust fit to all of them says. Errors relative to a reading of next to nothing would decide every
 * choice. Later days keep all their readings: they are what tests are made of.
 */
export function withoutGlitches(telemetry: ClusterTelemetry, fitDays: number): ClusterTelemetry {
  const { timestampMs, powerW } = telemetry;
  const fitRows = rowsUntil(timestampMs, fitDays * dayMs);
  const window = { lagMs: 0, widthMs: medianStep(timestampMs) };
  const basis = basisNamed('linear+sqrt')!;
  const loads = new LoadTable(telemetry);
  loads.prepare(
    [window],
    basis.shapes.map(({ name }) => name),
  );
  const design = loads.design(basis, window);
  const x = robustFit(design, { loss: 'relative-absolute', to: fitRows });
  const kept = Array.from(powerW, (_, row) => row).filter((row) => {
    const ratio = powerW[row]! / predictRow(design, row, x);
    return row >= fitRows || (ratio > 1 / glitchRatio && ratio < glitchRatio);
  });
  if (kept.length === powerW.length) return telemetry;
  return {
    ...telemetry,
    timestampMs: Float64Array.from(kept, (row) => timestampMs[row]!),
    powerW: Float64Array.from(kept, (row) => powerW[row]!),
  };
}

/** Fit to the rows [from, to) that weighs them by their age at the last of them. */
export function fitUntil(
  design: Design,
  timestampMs: Float64Array,
  to: number,
  how: { readonly loss: Loss; readonly halfLifeMs: number; readonly from?: number },
  start?: Float64Array,
): Float64Array {
  const weights = recencyWeights(timestampMs, timestampMs[to - 1]!, how.halfLifeMs);
  const options: FitOptions = { loss: how.loss, from: how.from ?? 0, to, weights };
  return robustFit(design, start === undefined ? options : { ...options, start });
}

/**
 * Error of predicting each fold of the later half of the fit days from all that was before it: what
 * the fit is for, so the judge of how fast to forget.
 */
function forwardError(
  design: Design,
  timestampMs: Float64Array,
  folds: readonly Fold[],
  fitRows: number,
  how: { readonly loss: Loss; readonly halfLifeMs: number },
): number {
  const predicted = new Float64Array(fitRows).fill(Number.NaN);
  for (const fold of folds.slice(Math.ceil(folds.length / 2))) {
    const x = fitUntil(design, timestampMs, fold.from, how);
    for (let row = fold.from; row < fitRows; row++) {
      if (row < fold.to) predicted[row] = predictRow(design, row, x);
    }
  }
  return predictionError(design.measured.subarray(0, fitRows), predicted).mape;
}

/**
 * Power of the cluster if each host with work draws what straight lines between eleven points say.
 *
 * @param idleW Of a host without work.
 * @param tableW W at 0, 10, …, 100 % load, length 11.
 * @returns W, [samples].
 */
export function tablePower(
  telemetry: ClusterTelemetry,
  window: MeterWindow,
  idleW: number,
  tableW: ArrayLike<number>,
): Float64Array {
  const { hosts, tasks, startMs, timestampMs } = telemetry;
  const { shapes: segments } = basisNamed('table')!;
  const edges = windowEdges(timestampMs, [window]);
  const loads = windowLoads(integrateLoad(tasks, startMs, segments, edges), timestampMs, window);
  return timestampMs.map((_, row) => {
    const first = row * 11;
    let power = hosts * idleW + (tableW[0]! - idleW) * loads[first]!;
    for (let point = 1; point <= 10; point++) {
      power += (tableW[point]! - tableW[point - 1]!) * loads[first + point]!;
    }
    return power;
  });
}

/** Loads over windows, computed once per window, as designs of any basis. */
class LoadTable {
  readonly #telemetry: ClusterTelemetry;
  readonly #loads = new Map<string, Float64Array>();
  #shapes: readonly string[] = [];

  constructor(telemetry: ClusterTelemetry) {
    this.#telemetry = telemetry;
  }

  /** Computes the loads of `names` in all `windows`, and forgets those of others. */
  prepare(windows: readonly MeterWindow[], names: readonly string[]): void {
    const { tasks, startMs, timestampMs } = this.#telemetry;
    const used = shapes.filter(({ name }) => names.includes(name));
    const integrals = integrateLoad(tasks, startMs, used, windowEdges(timestampMs, windows));
    this.#shapes = used.map(({ name }) => name);
    this.#loads.clear();
    for (const window of windows) {
      this.#loads.set(windowName(window), windowLoads(integrals, timestampMs, window));
    }
  }

  design(basis: Basis, window: MeterWindow): Design {
    const { hosts, powerW } = this.#telemetry;
    const loads = this.#loads.get(windowName(window))!;
    return designOf(basis, { hosts, shapes: this.#shapes, loads, measured: powerW });
  }
}

/** Samples with a time stamp of at most `untilMs`. */
export function rowsUntil(timestampMs: Float64Array, untilMs: number): number {
  let rows = 0;
  while (rows < timestampMs.length && timestampMs[rows]! <= untilMs) rows++;
  return rows;
}

/** The usual time between two samples, ms. */
export function medianStep(timestampMs: Float64Array): number {
  const steps = timestampMs
    .slice(1)
    .map((time, index) => time - timestampMs[index]!)
    .sort();
  return steps[steps.length >> 1] ?? 1;
}

/** Position of the least error; of equal ones the first. */
function best(trials: readonly Trial[]): number {
  let at = 0;
  for (let index = 1; index < trials.length; index++) {
    if (trials[index]!.mape < trials[at]!.mape) at = index;
  }
  return at;
}

function standardErrorOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1) / values.length);
}

/**
 * Position of the basis with the fewest coefficients whose error is within one standard error of the
 * least; of several the one with the least error. A few folds cannot tell such bases apart, and the
 * smaller one is surer on days to come.
 *
 * @see L. Breiman et al., *Classification and Regression Trees*, 1984, §3.4.3 (the 1 SE rule).
 */
function simplest(candidates: readonly Basis[], trials: readonly Trial[]): number {
  const least = trials[best(trials)]!;
  const bound = least.mape + (least.standardError ?? 0);
  const eligible = trials.map((_, index) => index).filter((index) => trials[index]!.mape <= bound);
  return eligible.reduce((a, b) => {
    const [columnsA, columnsB] = [columnsOf(candidates[a]!), columnsOf(candidates[b]!)];
    if (columnsA !== columnsB) return columnsA < columnsB ? a : b;
    return trials[b]!.mape < trials[a]!.mape ? b : a;
  });
}

/** `30 s ending at the stamp`, `60 s ending 15 s before`. */
export function windowName({ lagMs, widthMs }: MeterWindow): string {
  const end = lagMs === 0 ? 'at the stamp' : `${-lagMs / 1000} s before`;
  return `${widthMs / 1000} s ending ${end}`;
}

export function halfLifeName(halfLifeMs: number): string {
  return halfLifeMs === Number.POSITIVE_INFINITY ? 'none' : `${halfLifeMs / hourMs} h`;
}
