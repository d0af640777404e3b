/** Waiting for something that nobody announces. */
import type { Clock } from '../clock.ts';

export interface Polling {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** From one look to the next. Default 50 ms. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks until there is something.
 *
 * @returns What `look` found; `undefined` when the time is over.
 * @throws What `look` throws, and the signal's reason.
 */
export async function poll<Found>(
  look: () => Promise<Found | undefined> | Found | undefined,
  { clock, timeoutMs, everyMs = 50, signal }: Polling,
): Promise<Found | undefined> {
  const end = clock.monotonicMs() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (clock.monotonicMs() >= end) return undefined;
    await clock.sleep(everyMs, signal);
  }
}
