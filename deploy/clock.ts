/**
 * The one place of `deploy/` that knows what time it is. Everything else is given a `Clock`, so that
 * tests can hold time still.
 */

/** Time on the machine that observes. */
export interface Clock {
  /** Wall-clock time, ms since 1970 UTC; may jump. */
  wallMs(): number;
  /** Time that never goes back and does not jump, ms since an arbitrary start. */
  monotonicMs(): number;
  /** Waits; resolves early, without an error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls once after `ms`. @returns What calls it off. */
  after(ms: number, then: () => void): () => void;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.max(0, ms));
      signal?.addEventListener('abort', finish);
    }),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
