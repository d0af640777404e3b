/** What a calibration of a cluster found, as it is printed and stored. */
import type { Coefficient } from '../../sim/calibration/basis.ts';
import type { Trial } from '../../sim/calibration/cluster-power.ts';
import type { HorizonPrediction } from '../../sim/calibration/rolling-power.ts';

/** MAPE and bias in %, on samples and on means of five minutes. */
export interface ErrorSummary {
  readonly samples: number;
  readonly mape30s: number;
  readonly mape5min: number;
  /** Of the energy, %. */
  readonly bias: number;
  readonly p95: number;
  /** Fraction of samples with an error below 10 %. */
  readonly within10: number;
}

export interface IntervalSummary {
  readonly level: number;
  /** Relative half-width. */
  readonly halfWidth30s: number;
  readonly halfWidth5min: number;
  /** Fraction of the test samples inside. */
  readonly coverage30s: number;
  readonly coverage5min: number;
}

export interface HorizonSummary {
  readonly horizonS: number;
  readonly information: HorizonPrediction['information'];
  readonly mape: number;
  readonly bias: number;
  readonly samples: number;
  /** Of persistence on the same samples. */
  readonly persistenceMape: number;
  readonly persistenceBias: number;
  /** Interval as wide as the fit days ask for, and as the last 24 h ask for. */
  readonly halfWidth: number;
  readonly coverage: number;
  readonly adaptiveCoverage: number;
}

export interface ClusterResult {
  readonly format: 'wattwin-calibration';
  readonly version: 1;
  readonly source: {
    readonly directory: string;
    readonly hosts: number;
    readonly tasks: number;
    readonly tasksWithoutFragments: number;
    readonly tasksThatWaited: number;
    readonly hostsWithWorkMax: number;
    readonly samples: number;
    readonly zeros: number;
    readonly missing: number;
    /** Readings of the fit days that cannot be the cluster's power: not fitted to. */
    readonly glitches: number;
    readonly days: number;
  };
  readonly fit: {
    readonly days: readonly [number, number];
    readonly samples: number;
    readonly basis: string;
    readonly loss: string;
    readonly coefficients: readonly (Coefficient & { readonly unit: 'W per host' })[];
    readonly window: string;
    readonly halfLifeH: number | null;
    /** Error on the fit days themselves. */
    readonly mape: number;
    /** Error on the fit days by cross-validation. */
    readonly mapeCrossValidated: number;
    readonly chosenBy: {
      readonly window: readonly Trial[];
      readonly basis: readonly Trial[];
      readonly halfLife: readonly Trial[];
      readonly rollingHalfLife: readonly Trial[];
    };
  };
  readonly test: ErrorSummary & {
    readonly days: readonly [number, number];
    readonly interval: IntervalSummary;
    readonly perDay: readonly (ErrorSummary & { readonly day: number })[];
    /** With the eleven points of the parameter file in place of the formula. */
    readonly table: ErrorSummary;
  };
  readonly rolling: ErrorSummary & {
    readonly refitEveryS: number;
    readonly halfLifeH: number | null;
    readonly perDay: readonly (ErrorSummary & { readonly day: number })[];
    readonly perHorizon: readonly HorizonSummary[];
  };
  readonly persistence: Readonly<Record<string, { readonly mape: number; readonly bias: number }>>;
  /** The same basis and window fitted to other days. */
  readonly splits: readonly {
    readonly fit: readonly [number, number];
    readonly test: readonly [number, number];
    readonly mape30s: number;
    readonly mape5min: number;
    readonly bias: number;
  }[];
  /** W at 0, 10, …, 100 % load of one host. */
  readonly hostTableW: readonly number[];
}
