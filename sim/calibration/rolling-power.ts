/**
 * Calibration that goes on while the cluster runs: at each hour the curve is fitted anew to what has
 * been measured until then and predicts the next hour; and for each horizon a correction carries the
 * latest error forward.
 *
 *   known workload      P̂(t+h) = M(t+h) + a·(P(t) − M(t)) + c·(M(t) − M(t+h)) + b·slow(t)
 *   up to the origin    P̂(t+h) = M(t)   + a·(P(t) − M(t)) + d·(day(t) − M(t))  + b·slow(t)
 *
 * M is the curve with coefficients from before t, `slow` the mean of its recent errors, `day` its mean
 * over about a day. With a known workload the twin is asked "what will these tasks draw"; up to the
 * origin nothing after t is used, so its rival is persistence, P̂(t+h) = P(t). Both contain
 * persistence (a = 1, c = 1 or d = b = 0). The numbers a, b, c, d come from the fit days, by least
 * absolute relative error. Many meters repeat a value until they poll anew, so there is one set of
 * numbers per age of the latest value (0, 1, … samples without a change).
 */
import { exp } from '../numbers/exact-math.ts';
import { halfLifeName, rowsUntil, type Trial } from './cluster-power.ts';
import { type Design, predictRow, robustFit } from './robust-fit.ts';
import { RollingCalibrator } from './rolling-calibrator.ts';
import { conformalQuantile, predictionError } from './statistics.ts';

const hourMs = 3_600_000;

/** Hours before the first prediction: less would be a fit to one quiet night. */
export const warmupMs = 6 * hourMs;

/** Candidates for how fast a rolling fit forgets. */
const halfLives = [1.5, 3, 6, 12, 24, 48, Number.POSITIVE_INFINITY].map((hours) => hours * hourMs);

export interface RollingPower {
  readonly halfLifeMs: number;
  readonly refitMs: number;
  /** By predictions of the fit days after the warm-up. */
  readonly trials: readonly Trial[];
  /** Each sample by the coefficients of its hour, NaN during the warm-up, W, [samples]. */
  readonly predictedW: Float64Array;
  /** Coefficients that hold from `sinceMs` on, in order of time. */
  readonly refits: readonly { readonly sinceMs: number; readonly coefficients: Float64Array }[];
}

/** Chooses the half-life on the rows before `fitRows`, then rolls over all samples. */
export function rollPower(
  design: Design,
  timestampMs: Float64Array,
  fitRows: number,
  options: {
    readonly refitMs: number;
    readonly halfLifeMs?: number;
    readonly onProgress?: (done: number, of: number, note: string) => void;
  },
): RollingPower {
  const { refitMs } = options;
  const candidates = options.halfLifeMs === undefined ? halfLives : [options.halfLifeMs];
  const trials = candidates.map((halfLifeMs, index) => {
    const { predictedW } = roll(design, timestampMs, fitRows, halfLifeMs, refitMs);
    const { mape } = predictionError(design.measured.subarray(0, fitRows), predictedW);
    options.onProgress?.(index + 1, candidates.length + 1, `forgets by half in ${halfLifeMs} ms`);
    return { name: halfLifeName(halfLifeMs), mape, halfLifeMs };
  });
  const { halfLifeMs } = trials.reduce((a, b) => (b.mape < a.mape ? b : a));
  const rolled = roll(design, timestampMs, timestampMs.length, halfLifeMs, refitMs);
  options.onProgress?.(candidates.length + 1, candidates.length + 1, 'rolled');
  return {
    halfLifeMs,
    refitMs,
    trials: trials.map(({ name, mape }) => ({ name, mape })),
    ...rolled,
  };
}

function roll(
  design: Design,
  timestampMs: Float64Array,
  rows: number,
  halfLifeMs: number,
  refitMs: number,
): Pick<RollingPower, 'predictedW' | 'refits'> {
  const { columns, features, measured } = design;
  const calibrator = new RollingCalibrator({ columns, halfLifeMs, refitMs });
  const predictedW = new Float64Array(rows).fill(Number.NaN);
  const refits: { sinceMs: number; coefficients: Float64Array }[] = [];
  const beginMs = timestampMs[0]!;
  let nextMs = refitMs * Math.floor(beginMs / refitMs);
  for (let row = 0; row < rows; row++) {
    const timeMs = timestampMs[row]!;
    if (timeMs > nextMs) {
      calibrator.refit();
      refits.push({ sinceMs: nextMs, coefficients: calibrator.coefficients });
      nextMs += refitMs * Math.ceil((timeMs - nextMs) / refitMs);
    }
    if (timeMs > beginMs + warmupMs) {
      predictedW[row] = predictRow(design, row, refits.at(-1)!.coefficients);
    }
    calibrator.add({
      timeMs,
      features: features.subarray(row * columns, (row + 1) * columns),
      measured: measured[row]!,
    });
  }
  return { predictedW, refits };
}

export type Information = 'workload known' | 'up to the origin';

/** Predictions a fixed time ahead. */
export interface HorizonPrediction {
  readonly information: Information;
  readonly horizonMs: number;
  /** By the row predicted, NaN where none was made, W, [samples]. */
  readonly predictedW: Float64Array;
  /** What persistence says of the same rows, W, [samples]. */
  readonly persistenceW: Float64Array;
  /** Relative half-width of the interval, from the fit days, for all rows. */
  readonly fixedWidth: number;
  /** The same from the errors known at the start of the hour, of a day at most, [samples]. */
  readonly adaptiveWidth: Float64Array;
}

const ageMax = 8;
/** A set of numbers of its own needs this many rows to be fitted to. */
const rowsPerSet = 200;

/** Fits the correction of one horizon on rows before `fitRows` and predicts all rows. */
export function predictAhead(
  design: Design,
  timestampMs: Float64Array,
  fitRows: number,
  rolling: RollingPower,
  how: {
    readonly information: Information;
    readonly horizonMs: number;
    readonly level: number;
  },
): HorizonPrediction {
  const pairs = pairRows(design, timestampMs, rolling, how);
  const correction = fitByAge(pairs, fitRows);
  const rows = timestampMs.length;
  const predictedW = new Float64Array(rows).fill(Number.NaN);
  const persistenceW = new Float64Array(rows).fill(Number.NaN);
  pairs.targets.forEach((target, index) => {
    predictedW[target] = predictRow(pairs.design, index, correction(pairs.ages[index]!));
    persistenceW[target] = design.measured[pairs.origins[index]!]!;
  });
  const fitErrors = errorsOf(design.measured, predictedW, 0, fitRows);
  return {
    information: how.information,
    horizonMs: how.horizonMs,
    predictedW,
    persistenceW,
    fixedWidth: conformalQuantile(fitErrors, how.level),
    adaptiveWidth: adaptiveWidths(design.measured, predictedW, timestampMs, how),
  };
}

interface Pairs {
  /** Rows in terms of (a, c or d, b…), with the uncorrected prediction as offset. */
  readonly design: Design;
  readonly origins: readonly number[];
  readonly targets: readonly number[];
  /** Samples without a change before the origin, at most `ageMax`. */
  readonly ages: readonly number[];
}

function pairRows(
  design: Design,
  timestampMs: Float64Array,
  rolling: RollingPower,
  { information, horizonMs }: { readonly information: Information; readonly horizonMs: number },
): Pairs {
  const { measured } = design;
  const traits = originTraits(design, timestampMs, rolling);
  const [origins, targets, ages] = [[] as number[], [] as number[], [] as number[]];
  const [rows, offsets, goals] = [[] as number[], [] as number[], [] as number[]];
  let target = 0;
  for (let origin = 0; origin < measured.length; origin++) {
    const model = traits.model[origin]!;
    if (Number.isNaN(model)) continue;
    const atMs = timestampMs[origin]! + horizonMs;
    while (target < measured.length && timestampMs[target]! < atMs) target++;
    if (timestampMs[target] !== atMs) continue;
    const { coefficients } = rolling.refits[traits.refit[origin]!]!;
    const ahead =
      information === 'workload known' ? predictRow(design, target, coefficients) : model;
    const second = information === 'workload known' ? model - ahead : traits.day[origin]! - model;
    rows.push(measured[origin]! - model, second, traits.slow[origin]! * ahead);
    offsets.push(ahead);
    goals.push(measured[target]!);
    origins.push(origin);
    targets.push(target);
    ages.push(traits.age[origin]!);
  }
  return {
    design: {
      columns: 3,
      features: Float64Array.from(rows),
      offset: Float64Array.from(offsets),
      measured: Float64Array.from(goals),
    },
    origins,
    targets,
    ages,
  };
}

/** What is known at each sample, from it and those before. */
function originTraits(
  design: Design,
  timestampMs: Float64Array,
  { refits, predictedW }: RollingPower,
): {
  model: Float64Array;
  day: Float64Array;
  slow: Float64Array;
  age: Int32Array;
  refit: Int32Array;
} {
  const rows = timestampMs.length;
  const day = new Float64Array(rows);
  const slow = new Float64Array(rows);
  const age = new Int32Array(rows);
  const refit = new Int32Array(rows);
  let latest = -1;
  for (let row = 0; row < rows; row++) {
    const before = Math.max(0, row - 1);
    const elapsedMs = timestampMs[row]! - timestampMs[before]!;
    const model = predictedW[row]!;
    while (latest + 1 < refits.length && refits[latest + 1]!.sinceMs < timestampMs[row]!) latest++;
    refit[row] = latest;
    const same = row > 0 && design.measured[row] === design.measured[row - 1];
    age[row] = same ? Math.min(ageMax, age[before]! + 1) : 0;
    day[row] = day[before]!;
    slow[row] = slow[before]!;
    if (Number.isNaN(model)) continue;
    const error = (design.measured[row]! - model) / model;
    if (day[row] === 0) day[row] = model;
    day[row]! += (1 - exp((-Math.LN2 * elapsedMs) / (24 * hourMs))) * (model - day[row]!);
    slow[row]! += (1 - exp((-Math.LN2 * elapsedMs) / hourMs)) * (error - slow[row]!);
  }
  return { model: predictedW, day, slow, age, refit };
}

/** Coefficients by age: those of its own where there are rows enough, else those of all rows. */
function fitByAge(
  { design, targets, ages }: Pairs,
  fitRows: number,
): (age: number) => Float64Array {
  const free = [0, 1, 2];
  const usable = targets.map((target) => target < fitRows);
  const weightsOf = (wanted: (age: number) => boolean): Float64Array =>
    Float64Array.from(ages, (age, index) => (usable[index] && wanted(age) ? 1 : 0));
  const fitWith = (weights: Float64Array, start?: Float64Array): Float64Array =>
    robustFit(design, {
      loss: 'relative-absolute',
      weights,
      free,
      ...(start === undefined ? {} : { start }),
    });
  const pooled = fitWith(weightsOf(() => true));
  const sets = Array.from({ length: ageMax + 1 }, (_, age) => {
    const weights = weightsOf((own) => own === age);
    const rows = weights.reduce((sum, weight) => sum + weight, 0);
    return rows < rowsPerSet ? pooled : fitWith(weights, pooled);
  });
  return (age) => sets[age]!;
}

function errorsOf(
  measured: Float64Array,
  predicted: Float64Array,
  from: number,
  to: number,
): number[] {
  const errors: number[] = [];
  for (let row = from; row < to; row++) {
    if (Number.isNaN(predicted[row]!)) continue;
    errors.push(Math.abs(predicted[row]! - measured[row]!) / measured[row]!);
  }
  return errors;
}

/** Half-widths from what was known when the prediction was made, renewed each hour. */
function adaptiveWidths(
  measured: Float64Array,
  predictedW: Float64Array,
  timestampMs: Float64Array,
  { horizonMs, level }: { readonly horizonMs: number; readonly level: number },
): Float64Array {
  const widths = new Float64Array(timestampMs.length).fill(Number.NaN);
  let width = Number.NaN;
  let nextMs = timestampMs[0]!;
  for (let row = 0; row < timestampMs.length; row++) {
    const originMs = timestampMs[row]! - horizonMs;
    if (originMs >= nextMs) {
      const to = rowsUntil(timestampMs, originMs);
      const from = rowsUntil(timestampMs, originMs - 24 * hourMs);
      const errors = errorsOf(measured, predictedW, from, to);
      width = errors.length < 100 ? Number.NaN : conformalQuantile(errors, level);
      nextMs = originMs + hourMs;
    }
    widths[row] = width;
  }
  return widths;
}
