/**
 * A fit that never ends: each sample is added to it, what is old fades, and at any time it predicts,
 * says how wrong it usually is, and can be written down and taken up again.
 *
 * A sample costs O(k²): one rotation into the triangle of all before it, whose weight first halves per
 * half-life. Coefficients (from 0 up) are solved anew only when they are `refitMs` old. A sample far
 * from its prediction counts less (Huber's weights), so a meter that fails for minutes does not
 * bend the curve, while one that stays elsewhere is believed in the end.
 *
 * @see A. H. Sayed, *Adaptive Filters*, 2008, ch. 35 (recursive least squares by rotations).
 */
import { assert } from '../errors.ts';
import { exp } from '../numbers/exact-math.ts';
import { nonNegativeLeastSquares } from './non-negative.ts';
import { conformalQuantile } from './statistics.ts';
import { type TriangularState, TriangularSystem } from './triangular-system.ts';

export interface RollingOptions {
  /** Features of a sample. */
  readonly columns: number;
  /** Time after which a sample counts half, ms; infinite to forget nothing. */
  readonly halfLifeMs: number;
  /** Longest age of the coefficients, ms. */
  readonly refitMs: number;
  /** Half-life of the level of recent errors, ms. */
  readonly levelHalfLifeMs: number;
  /** Recent errors that intervals are taken from. */
  readonly intervalSamples: number;
}

export const defaultRolling = {
  halfLifeMs: 6 * 3_600_000,
  refitMs: 3_600_000,
  levelHalfLifeMs: 1_800_000,
  intervalSamples: 2880,
} as const;

export interface TimedSample {
  readonly timeMs: number;
  /** [columns]. */
  readonly features: ArrayLike<number>;
  /** Above 0. */
  readonly measured: number;
}

export interface PredictionInterval {
  readonly predicted: number;
  readonly low: number;
  readonly high: number;
}

/** Everything a calibrator remembers; plain numbers, so that it survives JSON. */
export interface RollingState {
  readonly options: RollingOptions;
  readonly system: TriangularState;
  readonly coefficients: readonly number[];
  readonly samples: number;
  readonly lastMs: number | null;
  readonly solvedMs: number | null;
  readonly solvedSamples: number;
  readonly scale: number;
  readonly level: number;
  /** Relative errors, oldest first. */
  readonly errors: readonly number[];
}

const huberK = 1.345;
/** Mean absolute error of a normal deviate times this is its standard deviation. */
const normalScale = 1.2533141373155003;
/** Relative error that is expected before any has been seen. */
const firstScale = 0.05;
/** The scale of errors follows them within about this time, ms. */
const scaleHalfLifeMs = 3_600_000;

export class RollingCalibrator {
  readonly options: RollingOptions;
  #system: TriangularSystem;
  #coefficients: Float64Array;
  #samples = 0;
  #lastMs: number | undefined;
  #solvedMs: number | undefined;
  #solvedSamples = 0;
  #scale = firstScale;
  #level = 0;
  /** A ring, the oldest error at `#samples % length` once it is full. */
  readonly #errors: number[] = [];
  #oldest = 0;

  constructor(options: Partial<RollingOptions> & Pick<RollingOptions, 'columns'>) {
    this.options = { ...defaultRolling, ...options };
    this.#system = new TriangularSystem(options.columns);
    this.#coefficients = new Float64Array(options.columns);
  }

  static restore(state: RollingState): RollingCalibrator {
    const halfLifeMs = state.options.halfLifeMs ?? Number.POSITIVE_INFINITY;
    const calibrator = new RollingCalibrator({ ...state.options, halfLifeMs });
    calibrator.#system = TriangularSystem.restore(state.system);
    calibrator.#coefficients = Float64Array.from(state.coefficients);
    calibrator.#samples = state.samples;
    calibrator.#lastMs = state.lastMs ?? undefined;
    calibrator.#solvedMs = state.solvedMs ?? undefined;
    calibrator.#solvedSamples = state.solvedSamples;
    calibrator.#scale = state.scale;
    calibrator.#level = state.level;
    calibrator.#errors.push(...state.errors);
    return calibrator;
  }

  /** As it is now; an infinite half-life becomes `null` in JSON and comes back as infinite. */
  get state(): RollingState {
    const { length } = this.#errors;
    return {
      options: this.options,
      system: this.#system.state,
      coefficients: Array.from(this.#coefficients),
      samples: this.#samples,
      lastMs: this.#lastMs ?? null,
      solvedMs: this.#solvedMs ?? null,
      solvedSamples: this.#solvedSamples,
      scale: this.#scale,
      level: this.#level,
      errors: Array.from({ length }, (_, index) => this.#errors[(this.#oldest + index) % length]!),
    };
  }

  /** Samples added so far. */
  get samples(): number {
    return this.#samples;
  }

  /** From 0 up, [columns]; all 0 before there are two samples per column. */
  get coefficients(): Float64Array {
    return this.#coefficients.slice();
  }

  /** Recent mean of (measured − predicted) / predicted; what `nowcast` adds. */
  get level(): number {
    return this.#level;
  }

  /** Whether there are coefficients to predict with. */
  get ready(): boolean {
    return this.#solvedMs !== undefined;
  }

  /**
   * Learns from one sample. Samples that cannot be (not finite, not above 0, not later than the last)
   * are left out.
   *
   * @returns Whether the sample was used.
   */
  add({ timeMs, features, measured }: TimedSample): boolean {
    const { columns, halfLifeMs } = this.options;
    assert(features.length === columns, () => `${features.length} features for ${columns}`);
    if (!this.#canUse(timeMs, features, measured)) return false;
    const elapsedMs = this.#lastMs === undefined ? 0 : timeMs - this.#lastMs;
    if (halfLifeMs !== Number.POSITIVE_INFINITY && elapsedMs > 0) {
      this.#system.forget(exp((-Math.LN2 * elapsedMs) / halfLifeMs));
    }
    const weight = this.ready ? this.#learnError(features, measured, elapsedMs) : 1;
    // A meter that reads next to nothing must not outweigh all others.
    const reference = Math.max(measured, this.predict(features) / 2);
    this.#system.add(features, measured, weight / (reference * reference));
    this.#samples++;
    this.#lastMs = timeMs;
    if (this.#isStale(timeMs)) this.refit();
    return true;
  }

  /** Solves for the coefficients now. */
  refit(): void {
    if (this.#lastMs === undefined) return;
    this.#coefficients = nonNegativeLeastSquares(this.#system);
    this.#solvedMs = this.#lastMs;
    this.#solvedSamples = this.#samples;
  }

  /** What the curve says, without the level of recent errors. */
  predict(features: ArrayLike<number>): number {
    let sum = 0;
    for (let column = 0; column < this.options.columns; column++) {
      sum += this.#coefficients[column]! * features[column]!;
    }
    return sum;
  }

  /** What the curve says, raised by the level of recent errors; for the near future. */
  nowcast(features: ArrayLike<number>): number {
    return this.predict(features) * (1 + this.#level);
  }

  /**
   * Prediction with bounds that the measured value stays in with probability `level`, as far as the
   * errors to come are like the recent ones. Infinite while too few have been seen.
   */
  interval(features: ArrayLike<number>, level = 0.9): PredictionInterval {
    const predicted = this.predict(features);
    const width = conformalQuantile(this.#errors, level);
    return { predicted, low: predicted / (1 + width), high: upper(predicted, width) };
  }

  #canUse(timeMs: number, features: ArrayLike<number>, measured: number): boolean {
    if (!(measured > 0) || !Number.isFinite(measured) || !Number.isFinite(timeMs)) return false;
    if (this.#lastMs !== undefined && timeMs <= this.#lastMs) return false;
    for (let column = 0; column < features.length; column++) {
      if (!Number.isFinite(features[column]!)) return false;
    }
    return true;
  }

  #isStale(timeMs: number): boolean {
    if (this.#samples < 2 * this.options.columns) return false;
    if (this.#solvedMs === undefined) return true;
    // While there are few samples, each doubling is worth a new solution.
    return (
      timeMs - this.#solvedMs >= this.options.refitMs || this.#samples >= 2 * this.#solvedSamples
    );
  }

  /** Keeps the error of the present prediction; returns the weight that the sample deserves. */
  #learnError(features: ArrayLike<number>, measured: number, elapsedMs: number): number {
    const predicted = this.predict(features);
    const error = Math.abs(predicted - measured) / measured;
    if (this.#errors.length < this.options.intervalSamples) this.#errors.push(error);
    else {
      this.#errors[this.#oldest] = error;
      this.#oldest = (this.#oldest + 1) % this.#errors.length;
    }
    const bend = huberK * normalScale * this.#scale;
    const pace = 1 - exp((-Math.LN2 * elapsedMs) / scaleHalfLifeMs);
    this.#scale += pace * (Math.min(error, 4 * this.#scale) - this.#scale);
    this.#scale = Math.max(this.#scale, 1e-6);
    if (predicted > 0) {
      const levelPace = 1 - exp((-Math.LN2 * elapsedMs) / this.options.levelHalfLifeMs);
      const residual = (measured - predicted) / predicted;
      const clipped = Math.min(4 * bend, Math.max(-4 * bend, residual));
      this.#level += levelPace * (clipped - this.#level);
    }
    return error <= bend ? 1 : bend / error;
  }
}

/** Largest measured value that is within `width` of itself from the prediction. */
const upper = (predicted: number, width: number): number =>
  width >= 1 ? Number.POSITIVE_INFINITY : predicted / (1 - width);
