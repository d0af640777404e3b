/**
 * Checkpoints of a task, as OpenDC makes them: after an interval of running the task stops working and
 * writes its state for a while, at the highest demand any of its fragments has. After a failure it
 * goes on from the last state written; the intervals start anew.
 */
import { inputError } from '../../errors.ts';
import type { Demand } from './workload.ts';

export interface OpenDcCheckpoints {
  /** Time from one checkpoint's end to the next one's start, ms. */
  readonly intervalMs: number;
  /** Time that a checkpoint takes, ms. */
  readonly durationMs: number;
  /** Factor of the interval after each checkpoint; default 1. */
  readonly intervalScaling?: number;
}

/** One attempt at a task, from where it was left to its end if nothing fails. */
export interface Attempt extends Demand {
  readonly lengthMs: number;
  /** Times of the checkpoints since the start of the attempt, rising, ms. */
  readonly savedAtMs: readonly number[];
  /** Work of the task done by then, ms of its fragments. */
  readonly savedMs: readonly number[];
}

/** @throws InputError when the intervals could run down to nothing. */
export function checkCheckpoints({
  intervalMs,
  durationMs,
  intervalScaling = 1,
}: OpenDcCheckpoints): void {
  if (!(intervalMs >= 1 && durationMs >= 0 && intervalScaling >= 1)) {
    const got = `${intervalMs} ms, ${durationMs} ms, ${intervalScaling}`;
    throw inputError('checkpoints', 'an interval from 1 ms, a duration, a scaling from 1', got);
  }
}

/**
 * Cuts the fragments `[from, to)` of a task into the pieces of one attempt.
 *
 * @param doneMs Work that an earlier attempt saved, ms.
 */
export function planAttempt(
  fragments: Demand,
  from: number,
  to: number,
  doneMs: number,
  checkpoints: OpenDcCheckpoints,
): Attempt {
  const { durationMs, intervalScaling = 1 } = checkpoints;
  let intervalMs = checkpoints.intervalMs;
  let peakMhz = 0;
  for (let at = from; at < to; at++) peakMhz = Math.max(peakMhz, fragments.pieceMhz[at]!);
  const ms: number[] = [];
  const mhz: number[] = [];
  const savedAtMs: number[] = [];
  const savedMs: number[] = [];
  let nowMs = 0;
  let workMs = 0;
  let nextMs = intervalMs;
  for (let at = from; at < to; at++) {
    let leftMs = fragments.pieceMs[at]!;
    const skippedMs = Math.min(leftMs, Math.max(0, doneMs - workMs));
    workMs += skippedMs;
    leftMs -= skippedMs;
    while (leftMs > 0) {
      const stretchMs = Math.min(leftMs, nextMs - nowMs);
      ms.push(stretchMs);
      mhz.push(fragments.pieceMhz[at]!);
      nowMs += stretchMs;
      workMs += stretchMs;
      leftMs -= stretchMs;
      // At the very end nothing is left to save.
      if (nowMs < nextMs || (leftMs === 0 && at === to - 1)) continue;
      savedAtMs.push(nowMs);
      savedMs.push(workMs);
      ms.push(durationMs);
      mhz.push(peakMhz);
      intervalMs = Math.floor(intervalMs * intervalScaling);
      nextMs = nowMs + intervalMs + durationMs;
      nowMs += durationMs;
    }
  }
  return {
    pieceMs: Float64Array.from(ms),
    pieceMhz: Float64Array.from(mhz),
    lengthMs: nowMs,
    savedAtMs,
    savedMs,
  };
}

/** Work saved by the checkpoints of an attempt that was stopped after `elapsedMs`. */
export function savedWork(attempt: Attempt, elapsedMs: number, before: number): number {
  let work = before;
  attempt.savedAtMs.forEach((at, index) => {
    if (at <= elapsedMs) work = attempt.savedMs[index]!;
  });
  return work;
}
