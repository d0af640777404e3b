/** Calibrates a cluster and says how good it is, on days that the fit has not seen. */
import { nameCoefficients, powerTable } from '../../sim/calibration/basis.ts';
import {
  type ClusterFit,
  type ClusterFitOptions,
  dayMs,
  fitClusterPower,
  fitUntil,
  rowsUntil,
  tablePower,
  windowName,
  withoutGlitches,
} from '../../sim/calibration/cluster-power.ts';
import { predictRows } from '../../sim/calibration/robust-fit.ts';
import { predictAhead, type RollingPower, rollPower } from '../../sim/calibration/rolling-power.ts';
import {
  conformalQuantile,
  coverage,
  predictionError,
  relativeErrors,
  windowMeans,
} from '../../sim/calibration/statistics.ts';
import type { ClusterSource } from './cluster-source.ts';
import type {
  ClusterResult,
  ErrorSummary,
  HorizonSummary,
  IntervalSummary,
} from './cluster-summary.ts';

/** Probability that an interval is to hold the measured power. */
export const intervalLevel = 0.9;
const fiveMinutesMs = 300_000;
const hourMs = 3_600_000;

/** Series to draw. */
export interface ClusterSeries {
  readonly timestampMs: Float64Array;
  readonly measuredW: Float64Array;
  readonly staticW: Float64Array;
  readonly rollingW: Float64Array;
  readonly halfWidth: number;
  readonly fitRows: number;
  /** What the chosen basis needs to predict: mean load of a host with work is not kept. */
  readonly fit: ClusterFit;
}

export interface CalibrateOptions extends Pick<ClusterFitOptions, 'fitDays' | 'basis'> {
  readonly directory: string;
  /** Half-life of the rolling fit, ms; chosen on the fit days by default. */
  readonly halfLifeMs?: number;
  readonly onProgress?: (done: number, of: number, note: string) => void;
}

/** Fits, rolls and tests. */
export function calibrateCluster(
  source: ClusterSource,
  options: CalibrateOptions,
): { result: ClusterResult; series: ClusterSeries } {
  const telemetry = withoutGlitches(source.telemetry, options.fitDays);
  const { timestampMs, powerW } = telemetry;
  const { fitDays, onProgress } = options;
  const fit = fitClusterPower(telemetry, {
    fitDays,
    loss: 'relative-absolute',
    foldMs: Math.min(6, 3 * fitDays) * hourMs,
    ...(options.basis === undefined ? {} : { basis: options.basis }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const { fitRows, design } = fit;
  const rolling = rollPower(design, timestampMs, fitRows, {
    refitMs: hourMs,
    ...(options.halfLifeMs === undefined ? {} : { halfLifeMs: options.halfLifeMs }),
  });
  const staticW = predictRows(design, fit.coefficients);
  const judge = new Judge(timestampMs, powerW);
  const days = timestampMs.at(-1)! / dayMs;
  const testDays = [fitDays + 1, Math.ceil(days)] as const;
  const interval = intervalOf(judge, fit, staticW);
  const result: ClusterResult = {
    format: 'wattwin-calibration',
    version: 1,
    source: {
      directory: options.directory,
      hosts: telemetry.hosts,
      tasks: telemetry.startMs.length,
      tasksWithoutFragments: source.replay.withoutFragments,
      tasksThatWaited: source.replay.waited,
      hostsWithWorkMax: source.replay.hostsMax,
      samples: source.meter.samples,
      zeros: source.meter.zeros,
      missing: source.meter.missing,
      glitches: source.telemetry.powerW.length - telemetry.powerW.length,
      days,
    },
    fit: {
      days: [1, fitDays],
      samples: fitRows,
      basis: fit.basis.name,
      loss: fit.loss,
      coefficients: nameCoefficients(fit.basis, fit.coefficients).map((coefficient) => ({
        ...coefficient,
        unit: 'W per host' as const,
      })),
      window: windowName(fit.window),
      halfLifeH: hoursOrNull(fit.halfLifeMs),
      mape: judge.of(staticW, 0, fitRows).mape30s,
      mapeCrossValidated: predictionError(powerW.subarray(0, fitRows), fit.outOfFoldW).mape,
      chosenBy: { ...fit.trials, rollingHalfLife: rolling.trials },
    },
    test: {
      ...judge.of(staticW, fitRows),
      days: testDays,
      interval,
      perDay: judge.perDay(staticW, testDays),
      table: judge.of(
        tablePower(
          telemetry,
          fit.window,
          fit.coefficients[0]!,
          powerTable(fit.basis, fit.coefficients),
        ),
        fitRows,
      ),
    },
    rolling: {
      ...judge.of(rolling.predictedW, fitRows),
      refitEveryS: rolling.refitMs / 1000,
      halfLifeH: hoursOrNull(rolling.halfLifeMs),
      perDay: judge.perDay(rolling.predictedW, testDays),
      perHorizon: horizons(judge, fit, rolling, source.meter.stepMs),
    },
    persistence: persistence(judge, fitRows, source.meter.stepMs),
    splits: splits(judge, fit, testDays[1]),
    hostTableW: Array.from(powerTable(fit.basis, fit.coefficients)),
  };
  const series = {
    timestampMs,
    measuredW: powerW,
    staticW,
    rollingW: rolling.predictedW,
    halfWidth: interval.halfWidth30s,
    fitRows,
    fit,
  };
  return { result, series };
}

const hoursOrNull = (halfLifeMs: number): number | null =>
  halfLifeMs === Number.POSITIVE_INFINITY ? null : halfLifeMs / hourMs;

/** Errors of predictions of all samples, on stretches of them. */
class Judge {
  readonly timestampMs: Float64Array;
  readonly measuredW: Float64Array;
  readonly #perWindow: number;

  constructor(timestampMs: Float64Array, measuredW: Float64Array) {
    this.timestampMs = timestampMs;
    this.measuredW = measuredW;
    const stepMs = (timestampMs.at(-1)! - timestampMs[0]!) / Math.max(1, timestampMs.length - 1);
    this.#perWindow = fiveMinutesMs / stepMs;
  }

  /** Rows [from, to). */
  of(predictedW: Float64Array, from: number, to = this.measuredW.length): ErrorSummary {
    const error = predictionError(this.measuredW.subarray(from, to), predictedW.subarray(from, to));
    const [measured, predicted] = this.windows(predictedW, from, to);
    return {
      samples: error.samples,
      mape30s: error.mape,
      mape5min: predictionError(measured, predicted).mape,
      bias: error.bias,
      p95: error.p95,
      within10: error.within10,
    };
  }

  /** Means of five minutes: measured, predicted. */
  windows(predictedW: Float64Array, from: number, to: number): [Float64Array, Float64Array] {
    const part = (column: Float64Array): Float64Array => column.subarray(from, to);
    const { columns } = windowMeans(
      part(this.timestampMs),
      [part(this.measuredW), part(predictedW)],
      fiveMinutesMs,
      this.#perWindow,
    );
    return [columns[0]!, columns[1]!];
  }

  /** One row per day, 1-based, `from` and `to` included. */
  perDay(
    predictedW: Float64Array,
    [from, to]: readonly [number, number],
  ): (ErrorSummary & { day: number })[] {
    const days: (ErrorSummary & { day: number })[] = [];
    for (let day = from; day <= to; day++) {
      const [first, end] = this.rowsOf(day, day);
      if (end > first) days.push({ day, ...this.of(predictedW, first, end) });
    }
    return days;
  }

  /** Rows of the days `from` to `to`, 1-based, both included. */
  rowsOf(from: number, to: number): [number, number] {
    return [
      rowsUntil(this.timestampMs, (from - 1) * dayMs),
      rowsUntil(this.timestampMs, to * dayMs),
    ];
  }
}

function intervalOf(judge: Judge, fit: ClusterFit, staticW: Float64Array): IntervalSummary {
  const { fitRows, outOfFoldW } = fit;
  const fitErrors = relativeErrors(judge.measuredW.subarray(0, fitRows), outOfFoldW);
  const halfWidth30s = conformalQuantile(fitErrors, intervalLevel);
  const halfWidth5min = conformalQuantile(
    relativeErrors(...judge.windows(outOfFoldW, 0, fitRows)),
    intervalLevel,
  );
  return {
    level: intervalLevel,
    halfWidth30s,
    halfWidth5min,
    coverage30s: coverage(
      judge.measuredW.subarray(fitRows),
      staticW.subarray(fitRows),
      halfWidth30s,
    ),
    coverage5min: coverage(
      ...judge.windows(staticW, fitRows, judge.measuredW.length),
      halfWidth5min,
    ),
  };
}

function horizons(
  judge: Judge,
  fit: ClusterFit,
  rolling: RollingPower,
  stepMs: number,
): HorizonSummary[] {
  const { fitRows } = fit;
  const measured = judge.measuredW.subarray(fitRows);
  return [stepMs, fiveMinutesMs, hourMs].flatMap((horizonMs) =>
    (['workload known', 'up to the origin'] as const).map((information) => {
      const ahead = predictAhead(fit.design, judge.timestampMs, fitRows, rolling, {
        information,
        horizonMs,
        level: intervalLevel,
      });
      const predicted = ahead.predictedW.subarray(fitRows);
      const error = predictionError(measured, predicted);
      const rival = predictionError(measured, ahead.persistenceW.subarray(fitRows));
      return {
        horizonS: horizonMs / 1000,
        information,
        mape: error.mape,
        bias: error.bias,
        samples: error.samples,
        persistenceMape: rival.mape,
        persistenceBias: rival.bias,
        halfWidth: ahead.fixedWidth,
        coverage: coverage(measured, predicted, ahead.fixedWidth),
        adaptiveCoverage: coverage(measured, predicted, ahead.adaptiveWidth.subarray(fitRows)),
      };
    }),
  );
}

/** P̂(t) = P(t − h) on the test days. */
function persistence(
  judge: Judge,
  fitRows: number,
  stepMs: number,
): Record<string, { mape: number; bias: number }> {
  const { timestampMs, measuredW } = judge;
  const rowAt = new Map(Array.from(timestampMs, (time, row) => [time, row]));
  const summaries: Record<string, { mape: number; bias: number }> = {};
  for (const horizonMs of [stepMs, fiveMinutesMs, hourMs, dayMs]) {
    const predicted = timestampMs.map((time) => {
      const row = rowAt.get(time - horizonMs);
      return row === undefined ? Number.NaN : measuredW[row]!;
    });
    const { mape, bias } = predictionError(
      measuredW.subarray(fitRows),
      predicted.subarray(fitRows),
    );
    summaries[`${horizonMs / 1000} s`] = { mape, bias };
  }
  return summaries;
}

/** The chosen kind of fit on each day alone, and on all days up to each. */
function splits(judge: Judge, fit: ClusterFit, days: number): ClusterResult['splits'] {
  const rows: ClusterResult['splits'][number][] = [];
  const add = (fitFrom: number, fitTo: number, testFrom: number, testTo: number): void => {
    const [from, to] = judge.rowsOf(fitFrom, fitTo);
    const [testRow, testEnd] = judge.rowsOf(testFrom, testTo);
    if (to - from < 100 || testEnd - testRow < 100) return;
    const { loss, halfLifeMs } = fit;
    const x = fitUntil(fit.design, judge.timestampMs, to, { loss, halfLifeMs, from });
    const { mape30s, mape5min, bias } = judge.of(predictRows(fit.design, x), testRow, testEnd);
    rows.push({ fit: [fitFrom, fitTo], test: [testFrom, testTo], mape30s, mape5min, bias });
  };
  for (let day = 1; day < days; day++) {
    for (let test = day + 1; test <= days; test++) add(day, day, test, test);
  }
  for (let day = 2; day < days; day++) add(1, day, day + 1, days);
  return rows;
}
