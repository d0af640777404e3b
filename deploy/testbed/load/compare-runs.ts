/**
 * Two runs of the same load, one against the other: what the second saves and what it costs its users.
 *
 * Intervals are those of a paired bootstrap (Efron 1979) over the phases of the plan: both runs met the
 * same phases, so they are drawn together. It shows how much the result hangs on which phases the plan
 * happened to have; what differs between two runs of the same setting only more runs can show.
 */
import { inputError, percentile, RandomStream } from '../../../sim/index.ts';
import { type HistogramRecord, LatencyHistogram, mergedHistogram } from './latency-histogram.ts';
import { type LoadKind, loadKinds } from './load-plan.ts';

/** Requests of one kind in a phase. */
export interface KindRecord {
  readonly asked: number;
  readonly done: number;
  readonly errors: number;
  readonly histograms: readonly HistogramRecord[];
}

/** One phase of a run. */
export interface PhaseRecord {
  readonly seconds: number;
  /** Of all hosts at their plugs, J; absent where it was not measured. */
  readonly plugJ?: number | undefined;
  /** Of packages and DRAM of all hosts, by their own counters, J. */
  readonly raplJ?: number | undefined;
  readonly kinds: Readonly<Partial<Record<LoadKind, KindRecord>>>;
}

export interface RunRecord {
  readonly name: string;
  /** What tells whether two runs had the same load. */
  readonly planKey: string;
  readonly phases: readonly PhaseRecord[];
}

/** A figure of two runs. */
export interface ComparedFigure {
  readonly name: string;
  readonly unit: string;
  readonly baseline: number;
  readonly other: number;
  /** other / baseline; NaN when the baseline is 0. */
  readonly ratio: number;
  /** Of the ratio, 95 %; absent with fewer than `phasesForInterval` phases. */
  readonly interval?: readonly [low: number, high: number];
}

/** With fewer phases an interval would say more than is known. */
export const phasesForInterval = 5;
const resamples = 2000;

/** Sums of one kind over some phases. */
interface KindSums {
  done: number;
  errors: number;
  readonly latency: LatencyHistogram;
}

/** Sums over some phases. */
interface Sums {
  seconds: number;
  plugJ: number;
  raplJ: number;
  readonly kinds: ReadonlyMap<LoadKind, KindSums>;
}

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly of: (sums: Sums) => number;
}

type EnergyOf = 'plugJ' | 'raplJ';

const energyFigures = (energy: EnergyOf): Figure[] => {
  const name = energy === 'plugJ' ? 'plug' : 'RAPL';
  return [
    { name: `${name} energy`, unit: 'J', of: (sums) => sums[energy] },
    { name: `${name} power`, unit: 'W', of: (sums) => sums[energy] / sums.seconds },
  ];
};

/** @param energy What is used for requests of this kind alone, if it is known. */
function kindFigures(kind: LoadKind, energy: EnergyOf | undefined): Figure[] {
  const figure = (
    name: string,
    unit: string,
    of: (own: KindSums, all: Sums) => number,
  ): Figure => ({
    name: `${kind} ${name}`,
    unit,
    of: (sums) => of(sums.kinds.get(kind)!, sums),
  });
  const ms = (fraction: number) => (own: KindSums) => own.latency.percentileUs(fraction) / 1000;
  return [
    ...(energy === undefined
      ? []
      : [figure('energy each', 'J', ({ done }, sums) => sums[energy] / done)]),
    figure('done', '1/s', ({ done }, { seconds }) => done / seconds),
    figure('p50', 'ms', ms(0.5)),
    figure('p95', 'ms', ms(0.95)),
    figure('p99', 'ms', ms(0.99)),
    figure('errors', '', ({ errors }) => errors),
  ];
}

/**
 * Figures of both runs and their ratios; those of energy only when both runs measured it in every phase.
 *
 * @throws InputError when the runs had different loads, or lasted for different phases.
 */
export function compareRuns(baseline: RunRecord, other: RunRecord, seed = 1): ComparedFigure[] {
  if (baseline.planKey !== other.planKey || baseline.phases.length !== other.phases.length) {
    throw inputError(
      other.name,
      `the load of ${baseline.name} (--like), all ${baseline.phases.length} phases of it`,
      'another load',
    );
  }
  if (baseline.phases.length === 0) throw inputError(baseline.name, 'phases', 'none');
  const kinds = loadKinds.filter((kind) =>
    [baseline, other].some((run) => run.phases.some((phase) => phase.kinds[kind] !== undefined)),
  );
  const runs = [prepared(baseline, kinds), prepared(other, kinds)] as const;
  const all = baseline.phases.map((_, phase) => phase);
  const energies = (['plugJ', 'raplJ'] as const).filter((energy) =>
    runs.every((run) => run.every((sums) => !Number.isNaN(sums[energy]))),
  );
  const energyOfAll = kinds.length === 1 ? energies[0] : undefined;
  const wanted = [
    ...energies.flatMap(energyFigures),
    ...kinds.flatMap((kind) => kindFigures(kind, energyOfAll)),
  ];
  const [before, after] = [sumOf(runs[0], all), sumOf(runs[1], all)];
  const draws = all.length < phasesForInterval ? [] : ratioDraws(runs, wanted, seed);
  return wanted.map(({ name, unit, of }, index) => {
    const ratios = draws.map((ratio) => ratio[index]!).filter(Number.isFinite);
    const ascending = ratios.sort((a, b) => a - b);
    const ends = [percentile(ascending, 0.025), percentile(ascending, 0.975)] as const;
    return {
      ...{ name, unit, baseline: of(before), other: of(after) },
      ratio: ratioOf(of(before), of(after)),
      // Where most draws have no ratio (no errors at all), neither has the interval.
      ...(ascending.length > resamples / 2 ? { interval: ends } : {}),
    };
  });
}

/** Ratios of each figure for phases drawn with replacement; `[draws][figures]`. */
function ratioDraws(
  [before, after]: readonly [readonly Sums[], readonly Sums[]],
  wanted: readonly Figure[],
  seed: number,
): number[][] {
  const stream = new RandomStream(seed, 'compare-runs');
  return Array.from({ length: resamples }, () => {
    const drawn = before.map(() => stream.integer(before.length));
    const [one, two] = [sumOf(before, drawn), sumOf(after, drawn)];
    return wanted.map(({ of }) => ratioOf(of(one), of(two)));
  });
}

const ratioOf = (baseline: number, other: number): number =>
  baseline > 0 ? other / baseline : Number.NaN;

function prepared({ phases }: RunRecord, kinds: readonly LoadKind[]): Sums[] {
  return phases.map((phase) => ({
    seconds: phase.seconds,
    plugJ: phase.plugJ ?? Number.NaN,
    raplJ: phase.raplJ ?? Number.NaN,
    kinds: new Map(
      kinds.map((kind) => {
        const { done = 0, errors = 0, histograms = [] } = phase.kinds[kind] ?? {};
        return [kind, { done, errors, latency: mergedHistogram(histograms) }];
      }),
    ),
  }));
}

function sumOf(phases: readonly Sums[], drawn: readonly number[]): Sums {
  const names = [...phases[0]!.kinds.keys()];
  const kinds = new Map(
    names.map((kind) => [kind, { done: 0, errors: 0, latency: new LatencyHistogram() }]),
  );
  const sum = { seconds: 0, plugJ: 0, raplJ: 0, kinds };
  for (const index of drawn) {
    const phase = phases[index]!;
    sum.seconds += phase.seconds;
    sum.plugJ += phase.plugJ;
    sum.raplJ += phase.raplJ;
    for (const [kind, own] of kinds) {
      const { done, errors, latency } = phase.kinds.get(kind)!;
      own.done += done;
      own.errors += errors;
      own.latency.merge(latency);
    }
  }
  return sum;
}
