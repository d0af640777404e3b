/** Asks at the times that are due, whatever the answers do. */
import type { Clock } from '../../clock.ts';

export interface OpenLoopOptions {
  /** Due times, ms from the start, ascending. */
  readonly due: Iterator<number>;
  /** The start, on the clock's monotonic time, ms. */
  readonly startMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Sends one request; `dueMs` is on the clock's monotonic time. */
  readonly issue: (dueMs: number) => void;
}

/**
 * Ends when the last request was sent, or when the signal aborts. A client that was held up catches up
 * at once, and latencies count from the due time: what waited is not forgotten (no coordinated
 * omission). Timers have a step of 1 ms, so requests leave up to that late.
 */
export async function openLoop(options: OpenLoopOptions): Promise<void> {
  const { due, startMs, clock, signal, issue } = options;
  let next = due.next();
  while (next.done !== true && !signal.aborted) {
    const nowMs = clock.monotonicMs() - startMs;
    while (next.done !== true && next.value <= nowMs) {
      issue(startMs + next.value);
      next = due.next();
    }
    if (next.done !== true) await clock.sleep(next.value - nowMs, signal);
  }
}
