/**
 * How loaded the hosts of a cluster were, from its tasks: tasks start in order of submission, each on
 * a host of its own, and wait while no host is free (FIFO). The demand of a task is piecewise
 * constant, so the mean of any function of a host's load over any interval is an exact sum.
 *
 * The sums run over hosts of the function, not the function of a sum: √ of two hosts at half load is
 * not √ of one at full load, so a fit to the cluster's meter still tells the curve of one host.
 */
import { assert } from '../errors.ts';
import type { Shape } from './basis.ts';

/** Tasks with their demand; what of OpenDC's format is needed here. */
export interface TaskLoad {
  /** ms, rising, [tasks]. */
  readonly submissionMs: ArrayLike<number>;
  /** MHz of all cores of the task's host together, [tasks]. */
  readonly capacityMhz: ArrayLike<number>;
  /** Fragments of task t are `fragmentStart[t]` to `fragmentStart[t + 1]`, [tasks + 1]. */
  readonly fragmentStart: ArrayLike<number>;
  /** ms, [fragments]. */
  readonly fragmentMs: ArrayLike<number>;
  /** MHz of all cores together, [fragments]. */
  readonly fragmentMhz: ArrayLike<number>;
}

/** When each task starts, and how the replay went. */
export interface Replay {
  /** ms on the clock of the submissions, [tasks]; NaN for tasks without fragments, which do nothing. */
  readonly startMs: Float64Array;
  /** Tasks that had to wait for a host. */
  readonly waited: number;
  /** Most hosts with work at one time. */
  readonly hostsMax: number;
  readonly withoutFragments: number;
}

/** @param hosts Hosts there are; one task each. */
export function replayTasks(tasks: TaskLoad, hosts: number): Replay {
  assert(Number.isInteger(hosts) && hosts > 0, () => `${hosts} hosts`);
  const count = tasks.submissionMs.length;
  const startMs = new Float64Array(count).fill(Number.NaN);
  const ends = new EarliestFirst();
  let waited = 0;
  let hostsMax = 0;
  let withoutFragments = 0;
  let lastStart = Number.NEGATIVE_INFINITY;
  for (let task = 0; task < count; task++) {
    const from = tasks.fragmentStart[task]!;
    const to = tasks.fragmentStart[task + 1]!;
    if (from === to) {
      withoutFragments++;
      continue;
    }
    const submitted = tasks.submissionMs[task]!;
    // First in, first out: nobody overtakes a task that waits.
    let start = Math.max(submitted, lastStart);
    while (ends.size > 0 && ends.earliest <= start) ends.take();
    if (ends.size >= hosts) start = ends.take();
    if (start > submitted) waited++;
    let end = start;
    for (let fragment = from; fragment < to; fragment++) end += tasks.fragmentMs[fragment]!;
    startMs[task] = start;
    lastStart = start;
    ends.put(end);
    hostsMax = Math.max(hostsMax, ends.size);
  }
  return { startMs, waited, hostsMax, withoutFragments };
}

/** A binary heap of times. */
class EarliestFirst {
  readonly #times: number[] = [];

  get size(): number {
    return this.#times.length;
  }

  get earliest(): number {
    return this.#times[0]!;
  }

  put(time: number): void {
    const times = this.#times;
    let at = times.length;
    times.push(time);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      at = parent;
    }
    times[at] = time;
  }

  take(): number {
    const times = this.#times;
    const [first] = times;
    const last = times.pop()!;
    if (times.length === 0) return first!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= times.length) break;
      if (child + 1 < times.length && times[child + 1]! < times[child]!) child++;
      if (times[child]! >= last) break;
      times[at] = times[child]!;
      at = child;
    }
    times[at] = last;
    return first!;
  }
}

/** Integrals of sums over hosts, at chosen times. */
export interface LoadIntegrals {
  /** ms, rising, [edges]. */
  readonly edgesMs: Float64Array;
  /** 1 + shapes: hosts with work first, then Σ shape(u). */
  readonly columns: number;
  /** Host·ms since the first edge, row-major, [edges × columns]. */
  readonly integrals: Float64Array;
}

/**
 * Integrates `1` and each shape over the hosts that have work.
 *
 * @param edgesMs Times on the clock of the submissions, strictly rising.
 */
export function integrateLoad(
  tasks: TaskLoad,
  startMs: ArrayLike<number>,
  shapes: readonly Shape[],
  edgesMs: Float64Array,
): LoadIntegrals {
  const columns = 1 + shapes.length;
  const edges = edgesMs.length;
  const integrals = new Float64Array(edges * columns);
  const values = new Float64Array(columns);
  const addPiece = (from: number, to: number, firstBin: number): number => {
    let bin = firstBin;
    while (bin + 1 < edges && edgesMs[bin + 1]! <= from) bin++;
    const stays = bin;
    for (; bin + 1 < edges && edgesMs[bin]! < to; bin++) {
      const overlap = Math.min(to, edgesMs[bin + 1]!) - Math.max(from, edgesMs[bin]!);
      if (overlap <= 0) continue;
      const row = (bin + 1) * columns;
      for (let column = 0; column < columns; column++) {
        integrals[row + column]! += overlap * values[column]!;
      }
    }
    return stays;
  };
  values[0] = 1;
  for (let task = 0; task < startMs.length; task++) {
    let from = startMs[task]!;
    if (Number.isNaN(from)) continue;
    const capacity = tasks.capacityMhz[task]!;
    let bin = edgeBefore(edgesMs, from);
    for (let f = tasks.fragmentStart[task]!; f < tasks.fragmentStart[task + 1]!; f++) {
      const to = from + tasks.fragmentMs[f]!;
      const u = Math.min(1, tasks.fragmentMhz[f]! / capacity);
      shapes.forEach((shape, index) => {
        values[index + 1] = shape.of(u);
      });
      bin = addPiece(from, to, bin);
      from = to;
    }
  }
  for (let index = columns; index < integrals.length; index++) {
    integrals[index]! += integrals[index - columns]!;
  }
  return { edgesMs, columns, integrals };
}

/** The last edge at or before `time`, or 0. */
function edgeBefore(edgesMs: Float64Array, time: number): number {
  let low = 0;
  let high = edgesMs.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edgesMs[middle]! <= time) low = middle;
    else high = middle;
  }
  return low;
}

/** Row of `integrals` whose edge is exactly `time`. */
export function edgeAt({ edgesMs }: LoadIntegrals, time: number): number {
  const edge = edgeBefore(edgesMs, time);
  assert(edgesMs[edge] === time, () => `no edge at ${time} ms`);
  return edge;
}

/** Where a sample of a meter lies in time, relative to its time stamp. */
export interface MeterWindow {
  /** The interval ends this long after the stamp; negative before it, ms. */
  readonly lagMs: number;
  /** Length of the interval, ms. */
  readonly widthMs: number;
}

/** Rising times at which windows of samples begin or end, without repetitions. */
export function windowEdges(
  timestampMs: ArrayLike<number>,
  windows: readonly MeterWindow[],
): Float64Array {
  const times: number[] = [];
  for (let sample = 0; sample < timestampMs.length; sample++) {
    for (const { lagMs, widthMs } of windows) {
      const end = timestampMs[sample]! + lagMs;
      times.push(end - widthMs, end);
    }
  }
  const sorted = Float64Array.from(times).sort();
  return sorted.filter((time, index) => index === 0 || time !== sorted[index - 1]);
}

/**
 * Mean number of hosts with work and mean Σ shape(u) in the window of each sample.
 *
 * @returns Row-major, [samples × columns].
 */
export function windowLoads(
  loads: LoadIntegrals,
  timestampMs: ArrayLike<number>,
  { lagMs, widthMs }: MeterWindow,
): Float64Array {
  const { columns, integrals } = loads;
  const means = new Float64Array(timestampMs.length * columns);
  for (let sample = 0; sample < timestampMs.length; sample++) {
    const end = timestampMs[sample]! + lagMs;
    const [low, high] = [edgeAt(loads, end - widthMs) * columns, edgeAt(loads, end) * columns];
    for (let column = 0; column < columns; column++) {
      means[sample * columns + column] =
        (integrals[high + column]! - integrals[low + column]!) / widthMs;
    }
  }
  return means;
}
