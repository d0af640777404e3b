/** Something to do on every full second of a run. */
import type { Clock } from '../../clock.ts';

/** Calls `then` on each full second after `startMs` (monotonic) until the signal aborts. */
export async function everySecond(
  clock: Clock,
  startMs: number,
  signal: AbortSignal,
  then: (second: number) => void | Promise<void>,
): Promise<void> {
  for (;;) {
    // A second that was slept through is no second of its own.
    const passed = Math.floor((clock.monotonicMs() - startMs) / 1000);
    const second = Math.max(1, passed + 1);
    await clock.sleep(startMs + second * 1000 - clock.monotonicMs(), signal);
    if (signal.aborted) return;
    await then(second);
  }
}
