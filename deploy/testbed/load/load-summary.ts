/**
 * A load run in numbers: by kind, by VM, by phase. Histograms are added, percentiles never; jobs and
 * operations of Redis are not added up, since nobody waits for the mean of both.
 */
import { type LatencyFigures, LatencyHistogram } from './latency-histogram.ts';
import type { LoadLine } from './load-line.ts';
import { type LoadKind, type LoadPlan, loadKinds } from './load-plan.ts';

export interface LoadFigures {
  /** Requests due by the plan while the load lasted, on average. */
  readonly asked: number;
  readonly issued: number;
  readonly done: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Neither answered nor failed at the end. */
  readonly unfinished: number;
  readonly askedPerS: number;
  readonly donePerS: number;
  readonly latency: LatencyFigures;
}

export type KindFigures = Readonly<Partial<Record<LoadKind, LoadFigures>>>;

export interface LoadSummary {
  readonly seed: number;
  /** How long the load lasted, s; less than planned after Ctrl-C. */
  readonly seconds: number;
  readonly overall: KindFigures;
  readonly vms: Readonly<Record<string, LoadFigures & { readonly kind: LoadKind }>>;
  readonly phases: readonly {
    readonly startS: number;
    readonly endS: number;
    readonly kinds: KindFigures;
  }[];
  /** Slices of which nothing is known. */
  readonly missingSlices: number;
}

/** @param lines Of one run, in any order. */
export function summarizeLoad(plan: LoadPlan, lines: readonly LoadLine[]): LoadSummary {
  // After the load nothing is asked any more; its last lines hold late answers.
  const lastS = lines.reduce((last, { asked, toS }) => Math.max(last, asked > 0 ? toS : 0), 0);
  const seconds = Math.min(plan.load.durationS, lastS);
  return {
    seed: plan.load.seed,
    seconds,
    overall: kindsOf(lines, seconds),
    vms: Object.fromEntries(
      plan.vms.map(({ vm, kind }) => [
        vm,
        {
          kind,
          ...figuresOf(
            lines.filter((line) => line.vm === vm),
            seconds,
          ),
        },
      ]),
    ),
    phases: plan.load.phases
      .map(({ startS, endS }, phase) => {
        const until = Math.min(endS, seconds);
        const own = lines.filter((line) => line.phase === phase);
        return { startS, endS: until, kinds: kindsOf(own, until - startS) };
      })
      // Those that Ctrl-C left out.
      .filter(({ startS, endS }) => endS > startS),
    missingSlices: lines.filter(({ missing }) => missing === true).length,
  };
}

function kindsOf(lines: readonly LoadLine[], seconds: number): KindFigures {
  const found = loadKinds.filter((kind) => lines.some((line) => line.kind === kind));
  return Object.fromEntries(
    found.map((kind) => [
      kind,
      figuresOf(
        lines.filter((line) => line.kind === kind),
        seconds,
      ),
    ]),
  );
}

function figuresOf(lines: readonly LoadLine[], seconds: number): LoadFigures {
  const histogram = new LatencyHistogram();
  const errors: Record<string, number> = {};
  let asked = 0;
  let issued = 0;
  let done = 0;
  for (const line of lines) {
    histogram.addRecord(line.histogram);
    asked += line.asked;
    issued += line.issued;
    done += line.done;
    for (const [reason, count] of Object.entries(line.errors)) {
      errors[reason] = (errors[reason] ?? 0) + count;
    }
  }
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const perS = (count: number): number =>
    seconds > 0 ? Number((count / seconds).toPrecision(6)) : 0;
  return {
    asked: Number(asked.toFixed(1)),
    issued,
    done,
    errors,
    unfinished: Math.max(0, issued - done - failed),
    askedPerS: perS(asked),
    donePerS: perS(done),
    latency: histogram.figures(),
  };
}
