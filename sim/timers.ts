/**
 * Pending events as timers: every owner (a host's next completion, a VM's next arrival or
 * departure, …) has at most one, so the heap has a fixed size, an event is moved or cancelled in
 * place, and nothing stale ever lingers.
 *
 * Events at one instant run in the order of `phases`, and within a phase in the order they were
 * scheduled. Implementation: a 4-ary implicit heap of timer numbers with back pointers.
 */
import { facilityTimers } from './facility/facility-model.ts';
import { faultTimers } from './faults/fault-model.ts';
import type { ClusterModel } from './model.ts';
import type { ClusterState } from './state.ts';

/**
 * Order of events that fall on the same instant. `demand` is the batched trace tick, which is
 * never in the heap; `decision` is where policies run, between two calls of the engine.
 */
export const phases = {
  departure: 0,
  completion: 1,
  transition: 2,
  arrival: 3,
  demand: 4,
  governor: 5,
  decision: 6,
} as const;

/** First timer number of each kind of owner. */
export interface TimerRanges {
  /** Host's next task completion; then its next power transition; then its next governor sample. */
  readonly completion: number;
  readonly transition: number;
  readonly governor: number;
  /** Host's next step of a P-state change; then its next thermal event. */
  readonly frequency: number;
  readonly thermal: number;
  /** VM's arrival, then its departure. */
  readonly vm: number;
  /** Task's start or wake-up. */
  readonly task: number;
  /** End of a flow: of a migration's current transfer, of a stream (or its start). */
  readonly flow: number;
  /** Replica's next answer or wake-up; application's next arrival; service's switch; call's delay. */
  readonly queue: number;
  readonly source: number;
  readonly service: number;
  readonly call: number;
  /** End of a telemetry interval, with applications only. */
  readonly telemetry: number;
  /** Timeout of a migration; none where no VM has one. */
  readonly deadline: number;
  /** Host's next look at what its power limits are held against; none without limits. */
  readonly limit: number;
  /** Next change of price, carbon intensity or outside temperature; none where they never change. */
  readonly facility: number;
  /** Next failure or recovery of a source of faults; VM's next crash or the end of its restart. */
  readonly faultSource: number;
  readonly faultVm: number;
  readonly end: number;
}

export function timerRanges(model: ClusterModel): TimerRanges {
  const rows = model.hosts + 1;
  const vm = 5 * rows;
  const task = vm + model.vms;
  const flow = task + model.tasks.count;
  const queue = flow + model.flows;
  const source = queue + model.requests.queues;
  const service = source + model.requests.applications;
  const call = service + model.requests.services;
  const telemetry = call + model.requests.calls;
  const deadline = telemetry + (model.requests.queues > 0 ? 1 : 0);
  const limit = deadline + (model.migrationTimeouts ? model.migrationsMax : 0);
  const facility = limit + (model.accounting?.limits === undefined ? 0 : model.hosts);
  const faultSource = facility + facilityTimers(model.facility);
  return {
    completion: 0,
    transition: rows,
    governor: 2 * rows,
    frequency: 3 * rows,
    thermal: 4 * rows,
    vm,
    task,
    flow,
    queue,
    source,
    service,
    call,
    telemetry,
    deadline,
    limit,
    facility,
    faultSource,
    faultVm: faultSource + (model.faults?.sources.length ?? 0),
    end: faultSource + faultTimers(model.faults, model.vms),
  };
}

/** Sequence numbers below this keep `phase × phaseStride + sequence` an exact integer. */
const phaseStride = 2 ** 49;

/**
 * Sets timer `timer` to go off at `timeMs` in `phase`, moving it if it was pending.
 *
 * @param rank Place among the events of that instant and phase, a whole number from 0 up, where it
 *   is not to depend on when they were scheduled. All events of a phase give one, or none does.
 */
export function schedule(
  state: ClusterState,
  timer: number,
  timeMs: number,
  phase: number,
  rank = -1,
): void {
  const position = state.heapPosition[timer]!;
  state.timerMs[timer] = timeMs;
  state.timerOrder[timer] = phase * phaseStride + (rank < 0 ? state.sequence[0]! : rank);
  state.sequence[0]!++;
  if (position < 0) {
    const last = state.heapSize[0]!;
    state.heapSize[0] = last + 1;
    state.heap[last] = timer;
    state.heapPosition[timer] = last;
    siftUp(state, last);
  } else {
    siftUp(state, position);
    siftDown(state, state.heapPosition[timer]!);
  }
}

/** Removes timer `timer` if it is pending. */
export function cancel(state: ClusterState, timer: number): void {
  const position = state.heapPosition[timer]!;
  if (position < 0) return;
  const last = state.heapSize[0]! - 1;
  state.heapSize[0] = last;
  state.heapPosition[timer] = -1;
  if (position === last) return;
  const moved = state.heap[last]!;
  state.heap[position] = moved;
  state.heapPosition[moved] = position;
  siftUp(state, position);
  siftDown(state, state.heapPosition[moved]!);
}

/** Phase of a pending timer. */
export function phaseOf(state: ClusterState, timer: number): number {
  return Math.floor(state.timerOrder[timer]! / phaseStride);
}

function siftUp(state: ClusterState, from: number): void {
  const { heap, heapPosition, timerMs, timerOrder } = state;
  const timer = heap[from]!;
  const timeMs = timerMs[timer]!;
  const order = timerOrder[timer]!;
  let position = from;
  while (position > 0) {
    const parent = (position - 1) >> 2;
    const other = heap[parent]!;
    const otherMs = timerMs[other]!;
    if (otherMs < timeMs || (otherMs === timeMs && timerOrder[other]! < order)) break;
    heap[position] = other;
    heapPosition[other] = position;
    position = parent;
  }
  heap[position] = timer;
  heapPosition[timer] = position;
}

function siftDown(state: ClusterState, from: number): void {
  const { heap, heapPosition, timerMs, timerOrder } = state;
  const size = state.heapSize[0]!;
  const timer = heap[from]!;
  const timeMs = timerMs[timer]!;
  const order = timerOrder[timer]!;
  let position = from;
  for (;;) {
    const firstChild = (position << 2) + 1;
    if (firstChild >= size) break;
    const end = Math.min(firstChild + 4, size);
    let best = -1;
    let bestMs = timeMs;
    let bestOrder = order;
    for (let child = firstChild; child < end; child++) {
      const other = heap[child]!;
      const otherMs = timerMs[other]!;
      if (otherMs < bestMs || (otherMs === bestMs && timerOrder[other]! < bestOrder)) {
        best = child;
        bestMs = otherMs;
        bestOrder = timerOrder[other]!;
      }
    }
    if (best < 0) break;
    const moved = heap[best]!;
    heap[position] = moved;
    heapPosition[moved] = position;
    position = best;
  }
  heap[position] = timer;
  heapPosition[timer] = position;
}
