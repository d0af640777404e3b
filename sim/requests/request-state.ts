/** What changes while requests run, as columns of the cluster's state. All empty without applications. */
import { wordsPerStream } from '../numbers/rng.ts';
import { bucketCount } from './histogram.ts';
import type { RequestModel } from './request-model.ts';

/** Values of `callStage`; 0 marks a free slot. */
export const callStage = {
  free: 0,
  /** A client that thinks. */
  thinking: 1,
  /** On the network, to the replica. */
  sent: 2,
  /** In a replica's queue. */
  queued: 3,
  /** After its work, waiting for something that takes no CPU. */
  waiting: 4,
  /** Waiting for the calls it made. */
  calling: 5,
  /** On the network, back to the caller. */
  answered: 6,
} as const;

/** Values of `callOutcome`. */
export const callOutcome = { good: 0, rejected: 1, failed: 2 } as const;

/** Numbers kept of each operation and each queue, in `operationTotals` and `queueTotals`. */
export const totals = {
  /** Requests begun (operations); calls taken in (queues). */
  begun: 0,
  completed: 1,
  /** Turned away: no replica, a full queue, or too many in flight. */
  rejected: 2,
  /** Lost with their VM. */
  failed: 3,
  /** Completed, but after the timeout. */
  late: 4,
  latencySumMs: 5,
  latencyMaxMs: 6,
  /** Σ latency², ms². */
  latencySquaredMs: 7,
} as const;
export const totalCount = 8;

/** Takes columns from the state's buffer, one after the other. */
interface Columns {
  f64(length: number): Float64Array;
  i32(length: number): Int32Array;
  u32(length: number): Uint32Array;
}

export interface RequestState {
  /** [queues] Work that each call in the queue has received since it was last empty, MIPS·s. */
  readonly queueServedMi: Float64Array;
  /** Rate of all calls together, MIPS; since when `queueServedMi` holds, ms. */
  readonly queueMips: Float64Array;
  readonly queueSinceMs: Float64Array;
  /** Until when the replica wakes up, ms; 0 when it is awake. */
  readonly queueWakeMs: Float64Array;
  /** CPU that the VM asked for over the last complete telemetry interval, MIPS; -1 before the first. */
  readonly queueAskedMips: Float64Array;
  /** What it had asked for in all when that interval ended, MIPS·s. */
  readonly queueAskedMi: Float64Array;
  /** Calls in the queue. */
  readonly queueCalls: Int32Array;
  /** 1 while the replica gets calls, 0 while it is parked. */
  readonly queueActive: Int32Array;
  /** 1 when the VM is gone and what is in the queue is about to fail. */
  readonly queueClosed: Int32Array;
  /** [places] Heap of each queue: `queueServedMi` at which a call is done, and the call. */
  readonly placeDoneMi: Float64Array;
  readonly placeCall: Int32Array;

  /** [calls] When it was made; when it entered its queue, ms. */
  readonly callSentMs: Float64Array;
  readonly callQueuedMs: Float64Array;
  readonly callSeed: Uint32Array;
  readonly callStage: Int32Array;
  readonly callOutcome: Int32Array;
  readonly callService: Int32Array;
  readonly callQueue: Int32Array;
  /** Variant that serves it. */
  readonly callVariant: Int32Array;
  /** Operation of the request. */
  readonly callOperation: Int32Array;
  /** The call that made it, -1 for a request; the edge it was made along, -1. */
  readonly callParent: Int32Array;
  readonly callEdge: Int32Array;
  /** Step it is in, calls of the step yet to make, calls made that have not answered. */
  readonly callStep: Int32Array;
  readonly callLeft: Int32Array;
  readonly callPending: Int32Array;
  /** Calls it has made so far. */
  readonly callMade: Int32Array;
  /** Free call slots of each application: [callStart[a], callStart[a] + freeCalls[a]). */
  readonly callFree: Int32Array;
  /** [applications] */
  readonly freeCalls: Int32Array;
  /** Entry of the rates that holds, and when it ends, ms. */
  readonly sourceRate: Int32Array;
  readonly sourceEndMs: Float64Array;
  /** [applications × wordsPerStream] */
  readonly sourceRng: Uint32Array;

  /** [services] Variant in use; the one it is being switched to, -1 for none; round-robin position. */
  readonly serviceVariant: Int32Array;
  readonly serviceNext: Int32Array;
  readonly serviceTurn: Int32Array;
  /** Σ accuracy over completed calls, and their number. */
  readonly accuracySum: Float64Array;
  readonly accuracyCalls: Float64Array;

  /** [operations × totalCount], [queues × totalCount] */
  readonly operationTotals: Float64Array;
  readonly queueTotals: Float64Array;
  /** [operations × bucketCount], [queues × bucketCount] Latency histograms. */
  readonly operationCounts: Uint32Array;
  readonly queueCounts: Uint32Array;

  /** [hosts + 1, or 0] Request-serving VMs on the host. */
  readonly hostQueues: Int32Array;
}

export function requestColumns(model: RequestModel, hostRows: number, take: Columns): RequestState {
  const { applications, operations, services, queues, calls } = model;
  const places = model.placeStart[queues]!;
  return {
    queueServedMi: take.f64(queues),
    queueMips: take.f64(queues),
    queueSinceMs: take.f64(queues),
    queueWakeMs: take.f64(queues),
    queueAskedMips: take.f64(queues),
    queueAskedMi: take.f64(queues),
    placeDoneMi: take.f64(places),
    callSentMs: take.f64(calls),
    callQueuedMs: take.f64(calls),
    sourceEndMs: take.f64(applications),
    accuracySum: take.f64(services),
    accuracyCalls: take.f64(services),
    operationTotals: take.f64(operations * totalCount),
    queueTotals: take.f64(queues * totalCount),
    queueCalls: take.i32(queues),
    queueActive: take.i32(queues),
    queueClosed: take.i32(queues),
    placeCall: take.i32(places),
    callStage: take.i32(calls),
    callOutcome: take.i32(calls),
    callService: take.i32(calls),
    callQueue: take.i32(calls),
    callVariant: take.i32(calls),
    callOperation: take.i32(calls),
    callParent: take.i32(calls),
    callEdge: take.i32(calls),
    callStep: take.i32(calls),
    callLeft: take.i32(calls),
    callPending: take.i32(calls),
    callMade: take.i32(calls),
    callFree: take.i32(calls),
    freeCalls: take.i32(applications),
    sourceRate: take.i32(applications),
    serviceVariant: take.i32(services),
    serviceNext: take.i32(services),
    serviceTurn: take.i32(services),
    hostQueues: take.i32(queues > 0 ? hostRows : 0),
    callSeed: take.u32(calls),
    sourceRng: take.u32(applications * wordsPerStream),
    operationCounts: take.u32(operations * bucketCount),
    queueCounts: take.u32(queues * bucketCount),
  };
}
