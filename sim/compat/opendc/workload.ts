/** What OpenDC calls a workload: tasks, and the fragments of constant demand each consists of. */

/** Tasks in order of submission. What the trace reader of OpenDC's files hands out fits. */
export interface OpenDcWorkload {
  /** Names, for errors, [tasks]. */
  readonly ids: readonly string[];
  /** Wall-clock times of submission, ms, rising, [tasks]. */
  readonly submissionMs: Float64Array;
  readonly cpuCount: Int32Array;
  readonly memoryMb: Float64Array;
  /** Fragments of task t are `fragmentStart[t]` to `fragmentStart[t + 1]`, [tasks + 1]. */
  readonly fragmentStart: Int32Array;
  /** Length of a fragment, whole ms, [fragments]. */
  readonly fragmentMs: Float64Array;
  /** CPU demand during a fragment, MHz of all cores together, [fragments]. */
  readonly fragmentMhz: Float64Array;
  /** Tasks that must end before, by index, [tasks]. */
  readonly parents?: readonly (readonly number[])[];
}

/** Stretches of constant demand, e.g. all fragments of a workload or one run with its checkpoints. */
export interface Demand {
  /** Whole ms, [pieces]. */
  readonly pieceMs: Float64Array;
  /** MHz, [pieces]. */
  readonly pieceMhz: Float64Array;
}
