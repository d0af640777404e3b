/** When a migration is to be called off, or helped along. */
import type { JobInfo } from './job-info.ts';

/** Less than this share of all that is to be sent is no progress. */
const progressShare = 0.01;

/** Watches how much is left. */
export class Patience {
  readonly #timeoutMs: number;
  readonly #stallMs: number;
  readonly #startMs: number;
  /** Least that was ever left, and since when. */
  #leastBytes = Infinity;
  #sinceMs: number;

  constructor(startMs: number, limits: { readonly timeoutMs: number; readonly stallMs: number }) {
    this.#startMs = startMs;
    this.#sinceMs = startMs;
    this.#timeoutMs = limits.timeoutMs;
    this.#stallMs = limits.stallMs;
  }

  /** Why it should not go on like that; `undefined` while it may. */
  lost(
    nowMs: number,
    { remainingBytes, totalBytes = 0, iteration = 0 }: JobInfo,
  ): string | undefined {
    if (nowMs - this.#startMs >= this.#timeoutMs) {
      return `it was not done within ${this.#timeoutMs / 1000} s`;
    }
    if (remainingBytes === undefined) return undefined;
    if (remainingBytes < this.#leastBytes - progressShare * totalBytes) {
      this.#leastBytes = remainingBytes;
      this.#sinceMs = nowMs;
      return undefined;
    }
    const stalledMs = nowMs - this.#sinceMs;
    // The first pass cannot lose against the guest: a link that is slow is not a guest that is fast.
    if (iteration < 2 || stalledMs < this.#stallMs) return undefined;
    return `it got no closer for ${Math.round(stalledMs / 1000)} s: the guest changes its memory faster than it is sent`;
  }
}
