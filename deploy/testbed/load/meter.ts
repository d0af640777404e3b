/** Counts of requests and their latencies: by kind over a whole run, and in slices of time. */
import { type HistogramRecord, LatencyHistogram } from './latency-histogram.ts';

/** What became of requests. */
export interface RequestCounts {
  /** Fell due, whether they could be sent or not. */
  readonly issued: number;
  /** Answered as they should be. */
  readonly done: number;
  /** Failed, by reason: the server's own code (`ERR`, `OOM`, …) or the client's word for it. */
  readonly errors: Readonly<Record<string, number>>;
}

/** One kind of requests over a run. */
export interface KindTotals extends RequestCounts {
  readonly latency: LatencyHistogram;
}

/** What happened since the slice before. */
export interface Slice extends RequestCounts {
  /** Due and not yet answered at the end of the slice. */
  readonly inFlight: number;
  /** Of what was done in the slice. */
  readonly histogram: HistogramRecord;
  /** Nothing is known of the slice: who counts did not answer. It comes with a later one, or never. */
  readonly missing?: boolean;
}

interface Tally {
  issued: number;
  done: number;
  errors: Record<string, number>;
  latency: LatencyHistogram;
}

const emptyTally = (): Tally => ({
  issued: 0,
  done: 0,
  errors: {},
  latency: new LatencyHistogram(),
});

/** All that is counted of one client. */
export class LoadMeter<Kind extends string> {
  readonly #kinds = new Map<Kind, Tally>();
  readonly #all = emptyTally();
  #slice = emptyTally();
  #inFlight = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  issued(kind: Kind): void {
    for (const tally of this.#tallies(kind)) tally.issued += 1;
    this.#inFlight += 1;
  }

  done(kind: Kind, latencyMs: number): void {
    for (const tally of this.#tallies(kind)) {
      tally.done += 1;
      tally.latency.add(latencyMs);
    }
    this.#inFlight -= 1;
  }

  failed(kind: Kind, reason: string): void {
    for (const { errors } of this.#tallies(kind)) {
      errors[reason] = (errors[reason] ?? 0) + 1;
    }
    this.#inFlight -= 1;
  }

  /**
   * A latency within an operation (the read of a read-modify-write): it is counted by its kind, not
   * among all.
   */
  part(kind: Kind, latencyMs: number): void {
    const tally = this.#of(kind);
    tally.issued += 1;
    tally.done += 1;
    tally.latency.add(latencyMs);
  }

  /** Ends the slice. */
  cut(): Slice {
    const { issued, done, errors, latency } = this.#slice;
    this.#slice = emptyTally();
    return { issued, done, errors, inFlight: this.#inFlight, histogram: latency.toRecord() };
  }

  /** Over the whole run. */
  total(): KindTotals {
    return this.#all;
  }

  /** Over the whole run by kind, in order of first use. */
  kinds(): ReadonlyMap<Kind, KindTotals> {
    return this.#kinds;
  }

  #tallies(kind: Kind): readonly Tally[] {
    return [this.#all, this.#slice, this.#of(kind)];
  }

  #of(kind: Kind): Tally {
    const found = this.#kinds.get(kind);
    if (found !== undefined) return found;
    const tally = emptyTally();
    this.#kinds.set(kind, tally);
    return tally;
  }
}

/** Failures in all. */
export const errorCount = (errors: Readonly<Record<string, number>>): number =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);
